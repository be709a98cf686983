"""A layer inside another one is seen and touched by its address, as any other: what is drawn of it, and what a hand does to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from dlcore import Experiment, Trainer
from dlcore.learning.interventions import intervene
from dlcore.network import build_model
from dlcore.pictures.picture import MOST_INPUTS, MOST_SHOWN, Picture
from dlcore.pictures.questions import Looks, Motion
from dlcore.stages import all_stages, stages_of
from tests.holding import Dense, Parallel, Residual, branched, recipe

#: Of the stages that have units, in the order in which a batch passes them.
WITH_UNITS = ["0", "1.0.0", "1.0.2.0.0", "1.0.2.1.0", "1.0.2.1.1", "2", "3"]
INNER = "1.0.2.1.1"  # two units that weigh four inputs


def answers(trainer: Trainer, X: torch.Tensor) -> dict[str, np.ndarray]:
    """{address: what the units of a stage answer} as hooks on the modules of plain torch hear it."""
    model, heard = build_model(trainer.experiment).eval(), {}
    model.load_state_dict(trainer.snapshot().weights)
    for stage in all_stages(stages_of(trainer.experiment)):
        module = model.get_submodule(stage.modules[-1])
        module.register_forward_hook(lambda module, inputs, values, at=stage.address: heard.update({at: values}))
    with torch.no_grad():
        model(X)
    return {address: heard[address].numpy() for address in WITH_UNITS}


def named(arrays: dict[str, np.ndarray], kind: str) -> list[str]:
    """The addresses of the arrays of this kind."""
    return [name.removeprefix(f"{kind}/") for name in arrays if name.startswith(f"{kind}/")]


def branches(layers: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """What a layout says of these layers, and of all that stand inside them."""
    for layer in layers:
        yield layer
        for branch in layer.get("branches", []):
            yield from branches(branch)


@pytest.fixture
def trainer() -> Trainer:
    trainer = Trainer(branched(), "cpu")
    trainer.advance(7)
    return trainer


def test_every_layer_is_described_in_the_tree_where_it_stands(trainer: Trainer) -> None:
    layers = Picture(trainer).layout["layers"]
    assert [layer["address"] for layer in layers] == ["0", "1", "2", "3"]
    described = {layer["address"]: layer for layer in branches(layers)}
    assert list(described) == [stage.address for stage in all_stages(stages_of(trainer.experiment))]
    assert {address for address, layer in described.items() if layer["drawn"] == "units"} == set(WITH_UNITS)
    assert (described["1.0.1"]["kind"], described["1.0.1"]["size"]) == ("dropout", 0.5)
    assert (described[INNER]["units"], described[INNER]["shown"]) == (2, 2)


def test_the_units_of_every_layer_have_their_maps_and_weights_under_its_address(trainer: Trainer) -> None:
    picture = Picture(trainer)
    arrays = picture.arrays(trainer.snapshot())
    assert [sorted(named(arrays, kind)) for kind in ("maps", "scales", "weight", "bias")] == [WITH_UNITS] * 4
    for address, answers_PK in answers(trainer, picture.units.inputs_DP.T).items():
        if address == "3":
            continue  # The picture of the outputs shows them as the loss reads them.
        scales = arrays[f"scales/{address}"][:, None]
        found = (arrays[f"maps/{address}"].astype(float).reshape(len(scales), -1) - 128) / 127 * scales
        expected = answers_PK.T.reshape(found.shape[0], *[picture.output.shape[0] // 2, 2] * 2)[:, :, 0, :, 0]
        assert (np.abs(found - expected.reshape(found.shape)) <= scales / 127 * 0.51 + 1e-5).all(), address
    inner = trainer.model.get_submodule("2.inner.3.right.2")
    assert np.array_equal(arrays[f"weight/{INNER}"], inner.weight.detach().numpy())
    assert np.array_equal(arrays[f"bias/{INNER}"], inner.bias.detach().numpy())


def test_looks_see_what_stands_inside_of_a_layer(trainer: Trainer) -> None:
    looks, snapshot = Looks(Picture(trainer)), trainer.snapshot()
    gradient = trainer.engine.split_by_name(trainer.engine.gradient())
    _, arrays = looks.probe(snapshot, "train", 3) or ({}, {})
    assert sorted(named(arrays, "probe")) == [*WITH_UNITS, "inputs"]
    heard = answers(trainer, torch.from_numpy(trainer.data.train.X[3:4]))
    np.testing.assert_allclose(arrays[f"probe/{INNER}"], heard[INNER][0], rtol=1e-5)
    np.testing.assert_allclose(arrays["probe/3"], 1 / (1 + np.exp(-heard["3"][0])), rtol=1e-5)
    assert sorted(looks.health(snapshot)) == [f"health/{address}" for address in WITH_UNITS[:-1]]
    moved = looks.motion(Motion(gradient, gradient))
    assert np.array_equal(moved[f"gradient/{INNER}"], gradient["2.inner.3.right.2.weight"])
    bounds, counts = looks.histograms(snapshot, gradient)
    assert sorted(bounds) == WITH_UNITS
    assert counts[f"histogram_weights/{INNER}"].sum() == 2 * 4


def test_a_hand_sets_freezes_and_silences_inside_of_a_layer(trainer: Trainer) -> None:
    inner = trainer.model.get_submodule("2.inner.3.right.2")
    assert intervene("set", {"address": INNER, "unit": 1, "input": 3, "value": 2.5}, trainer)
    assert intervene("set", {"address": INNER, "unit": 0, "input": None, "value": -1}, trainer)
    assert (inner.weight[1, 3].item(), inner.bias[0].item()) == (2.5, -1.0)
    assert intervene("freeze", {"address": INNER, "unit": 1, "input": None, "on": True}, trainer)
    before = trainer.snapshot().weights
    trainer.advance(5)
    after = trainer.snapshot().weights
    assert torch.equal(inner.weight[1], before["2.inner.3.right.2.weight"][1])
    changed = {name for name in after if not torch.equal(after[name], before[name])}
    assert changed == set(after)  # The other unit learns, and so do all other layers.
    assert intervene("silence", {"address": "1.0.0", "unit": 1, "on": True}, trainer)
    looks = Looks(Picture(trainer))
    marks = looks.masks(trainer.snapshot(), trainer.engine.split_by_name(trainer.engine.frozen))
    assert marks[f"frozen/{INNER}"].tolist() == [[0] * 4, [1] * 4]
    assert marks["silenced/1.0.0"].tolist() == [0, 1]
    assert not any(marks[f"silenced/{address}"].any() for address in WITH_UNITS[:-1] if address != "1.0.0")
    assert (looks.answers(trainer.snapshot(), torch.randn(2, 9))["1.0.0"][1] == 0).all()


@pytest.mark.parametrize(
    "value",
    [
        {"address": "1", "unit": 0},  # It holds layers and has no units of its own.
        {"address": "1.0.1", "unit": 0},  # a dropout
        {"address": "1.0.9", "unit": 0},
        {"address": "1.0.0", "unit": 2},
    ],
)
@pytest.mark.parametrize("verb", ["set", "freeze", "silence"])
def test_what_is_not_there_is_left_alone(trainer: Trainer, verb: str, value: dict[str, Any]) -> None:
    assert not intervene(verb, {"input": None, "value": 1, "on": True, **value}, trainer)


def test_of_weights_as_many_inputs_travel_as_are_drawn_before_them() -> None:
    wide = Dense(units=MOST_SHOWN + 8)
    experiment = recipe(
        Residual(layers=(wide, Dense(units=30))), Parallel(left=(wide,), right=(wide, wide)),
        dataset=Experiment.from_dict({"dataset": {"kind": "breast_cancer"}}).dataset,
    )  # fmt: skip
    trainer = Trainer(experiment, "cpu")
    arrays = Picture(trainer).arrays(trainer.snapshot())
    shapes = {address: arrays[f"weight/{address}"].shape for address in named(arrays, "weight")}
    assert shapes == {
        "0.0.0": (MOST_SHOWN, MOST_INPUTS),
        "0.0.1": (30, MOST_SHOWN),
        "1.0.0": (MOST_SHOWN, 30),
        "1.1.0": (MOST_SHOWN, 30),
        "1.1.1": (MOST_SHOWN, MOST_SHOWN),
        "2": (1, MOST_SHOWN),
    }
