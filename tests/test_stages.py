"""Stages: the tree of a network and the one way through it, against the modules' own forward pass."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from dlcore import Experiment, Trainer
from dlcore.layers import Dense, Dropout
from dlcore.network import build_model
from dlcore.stages import Network, all_stages, stages_of
from tests.holding import branched, recipe

X = torch.randn(20, 2, generator=torch.Generator().manual_seed(1))
ADDRESSES = ["0", "1", "1.0.0", "1.0.1", "1.0.2", "1.0.2.0.0", "1.0.2.1.0", "1.0.2.1.1", "2", "3"]


def test_every_layer_has_an_address_shapes_and_units_those_inside_of_others_too() -> None:
    found = {stage.address: stage.plan for stage in all_stages(stages_of(branched()))}
    assert list(found) == ADDRESSES
    shapes = {at: (plan.input_shape, plan.output_shape, plan.units) for at, plan in found.items()}
    assert shapes["1"] == ((3,), (3,), 0)
    assert shapes["1.0.0"] == ((3,), (2,), 2)
    assert shapes["1.0.2"] == ((2,), (3,), 0)
    assert shapes["1.0.2.1.1"] == ((4,), (2,), 2)
    assert shapes["3"] == ((2,), (1,), 1)


def test_every_tensor_of_the_network_belongs_to_one_stage() -> None:
    model, stages = build_model(branched()), list(all_stages(stages_of(branched())))
    named = [name for stage in stages for name in stage.tensors]
    assert sorted(named) == sorted(model.state_dict())
    shapes = {name: facts.shape for stage in stages for name, facts in stage.tensors.items()}
    assert shapes == {name: tuple(value.shape) for name, value in model.state_dict().items()}
    inner = next(stage for stage in stages if stage.address == "1.0.2.1.1")
    assert inner.connections == ("2.inner.3.right.2.weight", "2.inner.3.right.2.bias")
    counts = {stage.address: sum(facts.shape[0] for facts in stage.tensors.values()) for stage in stages}
    assert (counts["1"], counts["1.0.2"]) == (0, 0)


def test_plans_count_the_parameters_of_the_network() -> None:
    assert branched().num_parameters == sum(value.numel() for value in build_model(branched()).parameters())


@pytest.mark.parametrize("experiment", [Experiment(), branched(), recipe(), recipe(Dropout(p=0.3), Dense(units=500))])
def test_the_way_through_is_the_modules_own(experiment: Experiment) -> None:
    model = build_model(experiment).eval()
    *_, (last, outputs) = Network(experiment, model).forward(X)
    assert last.plan.kind == "output"
    assert torch.equal(outputs, model(X))


@pytest.mark.parametrize("experiment", [Experiment(), branched(), recipe(Dense(units=40), Dense(units=500))])
def test_its_own_modules_give_the_same_with_a_snapshots_numbers(experiment: Experiment) -> None:
    network = Network(experiment)
    for draw in ("weights", "others"):
        model = build_model(experiment, draw=draw).eval()
        *_, (_, outputs) = network.with_tensors(model.state_dict()).forward(X)
        torch.testing.assert_close(outputs, model(X))


def test_it_follows_a_network_that_goes_on_learning() -> None:
    trainer = Trainer(Experiment(), "cpu")
    network = Network(trainer.experiment, trainer.model)
    trainer.advance(5)
    *_, (_, outputs) = network.forward(X)
    assert torch.equal(outputs, trainer.model(X))


def test_values_inside_of_a_layer_are_those_that_its_modules_see() -> None:
    experiment = branched()
    model = build_model(experiment).eval()
    seen: dict[str, torch.Tensor] = {}
    for stage in all_stages(stages_of(experiment)):
        module = model.get_submodule(stage.modules[-1])
        module.register_forward_hook(lambda module, inputs, values, at=stage.address: seen.update({at: values}))
    model(X)
    found = {stage.address: values for stage, values in Network(experiment, model).forward(X)}
    assert set(found) == set(ADDRESSES)
    assert all(torch.equal(values, seen[at]) for at, values in found.items())
    assert list(found).index("1.0.2.1.1") < list(found).index("1.0.2") < list(found).index("1")


def test_dropout_drops_while_the_modules_learn_and_is_still_while_they_judge() -> None:
    experiment = recipe(Dense(units=30), Dropout(p=0.5))
    model = build_model(experiment)
    dropped, still = (
        next(values for stage, values in Network(experiment, mode).forward(X) if stage.address == "1")
        for mode in (model, build_model(experiment).eval())
    )
    assert 0.3 < (dropped == 0).float().mean() < 0.7
    assert (still != 0).all()
    model.eval()
    assert torch.equal(next(v for stage, v in Network(experiment, model).forward(X) if stage.address == "1"), still)


@pytest.mark.parametrize("address", ["0", "1.0.0", "1.0.2.1.0"])
def test_a_silenced_unit_counts_as_0_as_in_plain_torch_and_as_while_learning(address: str) -> None:
    experiment = branched()
    trainer = Trainer(experiment, "cpu")
    units = torch.arange(dict(experiment.hidden_units)[address]) == 1
    plain = build_model(experiment).eval()
    stage = next(one for one in all_stages(stages_of(experiment)) if one.address == address)

    def without(module: nn.Module, inputs: object, values: torch.Tensor) -> torch.Tensor:
        return torch.where(units, 0.0, values)

    plain.get_submodule(stage.modules[-1]).register_forward_hook(without)
    *_, (_, outputs) = Network(experiment).with_tensors(trainer.snapshot().weights).forward(X, {address: units})
    torch.testing.assert_close(outputs, plain(X))
    trainer.silenced = {address: units}
    trainer.model.eval()
    torch.testing.assert_close(trainer.model(X), plain(X))


def test_a_unit_of_many_values_is_silenced_whole_and_shown_by_its_mean() -> None:
    stage = stages_of(Experiment())[0]
    image = torch.arange(24.0).reshape(2, 3, 2, 2)
    quiet = stage.without(torch.tensor([False, True, False]), image)
    assert not quiet[:, 1].any()
    assert torch.equal(quiet[:, [0, 2]], image[:, [0, 2]])
    assert stage.by_unit(image).tolist() == [[1.5, 5.5, 9.5], [13.5, 17.5, 21.5]]
