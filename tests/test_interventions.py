"""What a hand does to a network, against plain torch: frozen weights stand, silenced units count as 0. What is taken back: test_acts.py."""

from __future__ import annotations

import json
from itertools import islice
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch
from torch import nn

from dlcore import Experiment, Trainer
from dlcore.checkpoint import open_checkpoint, predict
from dlcore.engines.autograd import AutogradEngine
from dlcore.frame import decode_frame
from dlcore.learning.interventions import as_weight
from dlcore.network import build_model
from dlcore.pictures.picture import Picture
from dlcore.problems import Problem
from dlcore.runs.run import Run
from tests.clock import Clock

LAYERS = [
    {"kind": "dense", "units": 5, "activation": {"kind": "tanh"}},
    {"kind": "dropout", "p": 0.0},
    {"kind": "dense", "units": 4, "activation": {"kind": "relu"}},
]
RECIPE = {"layers": LAYERS, "batch_size": 20}


@pytest.fixture
def run() -> Run:
    run = Run(json.dumps(RECIPE), "cpu")
    for _ in range(3):
        run.step()
    return run


def do(run: Run, verb: str, address: str, unit: int | None = 0, **where: Any) -> None:
    run.intervene(verb, {"structure": run.structure, "address": address, "unit": unit, **where})


def flat(run: Run) -> np.ndarray:
    return run.learner.engine.flat.detach().numpy().copy()


def everything(run: Run) -> dict[str, np.ndarray]:
    return {name: value for name, value in run.learner.state().items() if name != "history"}


def assert_same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert np.array_equal(value, other[name]), name


def picture(run: Run, **wants: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    return decode_frame(run.frame(None, None, 0, None, wants))


# Set


def test_a_set_weight_is_in_the_network_and_all_that_is_shown_is_computed_anew(run: Run) -> None:
    before, _ = picture(run)
    do(run, "set", "2", 2, input=3, value=2.5)
    header, arrays = picture(run)
    assert arrays["weight/2"][2, 3] == 2.5
    assert run.learner.model[3].weight[2, 3].item() == 2.5
    assert header["version"] > before["version"]
    assert header["step"] == before["step"]
    assert header["losses"] != before["losses"]
    assert (header["acts"]["undo"], header["interventions"]) == ("set", True)
    model = build_model(run.learner.experiment)
    model.load_state_dict(run.learner.model.state_dict())
    X, y = run.learner.data.train.X, run.learner.data.train.y
    loss = nn.functional.binary_cross_entropy_with_logits(model(torch.from_numpy(X))[:, 0], torch.from_numpy(y).float())
    assert header["losses"]["train"] == pytest.approx(loss.item(), rel=1e-5)


def test_every_bias_can_be_set_the_outputs_included(run: Run) -> None:
    for address, unit in (("0", 4), ("2", 3), ("3", 0)):
        do(run, "set", address, unit, input=None, value=-7)
        assert picture(run)[1][f"bias/{address}"][unit] == -7


def test_a_set_weight_survives_a_step_that_diverges(run: Run) -> None:
    do(run, "set", "0", 0, input=0, value=1e30)
    run.learner.engine.restore_previous()
    assert run.learner.model[0].weight[0, 0].item() == np.float32(1e30)


@pytest.mark.parametrize("value", ["abc", "", None, 1e400, -1e39, float("nan"), 10**400, True, [1], "1e400"])
def test_what_is_no_number_keeps_the_old_weight_and_says_why(run: Run, value: object) -> None:
    before, version = everything(run), run.version
    with pytest.raises(Problem, match="old value stays") as caught:
        do(run, "set", "0", 0, input=0, value=value)
    assert caught.value.key == "bad_weight"
    assert_same(everything(run), before)
    assert (run.version, run.acts.acts) == (version, ())


def test_a_number_as_text_is_a_number() -> None:
    assert as_weight(" -1.5e3 ") == -1500.0


@pytest.mark.parametrize(
    "where",
    [
        {"address": "4"},
        {"address": "1"},
        {"address": "0.0"},
        {"address": 0},
        {"address": ["0"]},
        {"address": None},
        {"address": "0", "unit": 5},
        {"address": "0", "input": 2},
        {"address": "0", "unit": None},
        {"address": "3", "unit": 0, "input": 4},
        {"structure": 99},
    ],
)
def test_a_place_that_is_gone_is_ignored(run: Run, where: dict[str, Any]) -> None:
    before, version = everything(run), run.version
    place = {"structure": run.structure, "unit": 0, "input": 0, "value": 1.0, "address": "0", **where}
    run.intervene("set", place)
    assert_same(everything(run), before)
    assert run.version == version


def test_an_output_unit_and_one_that_is_gone_are_not_silenced_nor_frozen(run: Run) -> None:
    before = everything(run)
    for address, unit in (("3", 0), ("1", 0), ("0", 5), ("9", 0)):
        do(run, "silence", address, unit, on=True)
    for address, unit in (("3", 1), ("0", 5), ("1", None), ("4", None)):
        do(run, "freeze", address, unit, input=None, on=True)
    assert_same(everything(run), before)


# Freeze

OPTIMIZERS = [
    {"kind": "sgd", "learning_rate": 0.1, "momentum": 0.9},
    {"kind": "rmsprop"},
    {"kind": "adam"},
    {"kind": "adamw", "weight_decay": 0.5},
    {"kind": "adagrad"},
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda optimizer: optimizer["kind"])
def test_frozen_layers_stand_and_the_others_move_as_plain_torch_moves_them(optimizer: dict[str, Any]) -> None:
    recipe = {**RECIPE, "optimizer": optimizer, "regularizer": {"kind": "l2", "rate": 0.05}, "gradient_clip": 0.1}
    run = Run(json.dumps(recipe), "cpu")
    experiment = run.learner.experiment
    plain = build_model(experiment)
    frozen = list(plain[0].parameters()) + list(plain[5].parameters())
    for parameter in frozen:
        parameter.requires_grad = False
    learning = [parameter for parameter in plain.parameters() if parameter.requires_grad]
    rule = getattr(torch.optim, experiment.optimizer.rule)(learning, **experiment.optimizer.arguments())
    for address in ("0", "3"):
        do(run, "freeze", address, None, on=True)
    before = flat(run)
    trainer = run.learner
    for _ in range(12):
        batch = slice(trainer.cursor, trainer.cursor + 20)
        X, targets = trainer.supervised.X[trainer.order][batch], trainer.supervised.targets[trainer.order][batch]
        rule.zero_grad()
        loss = experiment.coding.losses(plain(X), targets).mean()
        (loss + 0.025 * sum(p.square().sum() for p in learning if p.dim() > 1)).backward()
        nn.utils.clip_grad_norm_(learning, 0.1)
        rule.step()
        run.step()
    weights = trainer.model.state_dict()
    for name, value in plain.state_dict().items():
        torch.testing.assert_close(weights[name], value, rtol=1e-5, atol=1e-6)
    assert np.array_equal(flat(run)[:15], before[:15])
    assert np.array_equal(flat(run)[-5:], before[-5:])
    assert not np.array_equal(flat(run)[15:-5], before[15:-5])


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda optimizer: optimizer["kind"])
def test_a_single_frozen_weight_stands_and_the_others_move_by_the_masked_gradient(optimizer: dict[str, Any]) -> None:
    experiment = Experiment.from_dict({**RECIPE, "optimizer": optimizer})
    engine = AutogradEngine(build_model(experiment), experiment)
    plain = torch.nn.Parameter(engine.flat.detach().clone())
    settings = {**experiment.optimizer.arguments(), "weight_decay": 0.0}
    rule = getattr(torch.optim, experiment.optimizer.rule)([plain], **settings)
    decay = 1 - experiment.optimizer.learning_rate * experiment.optimizer.arguments().get("weight_decay", 0.0)
    engine.frozen = torch.zeros_like(plain, dtype=torch.bool)
    engine.frozen[[1, 12, 30]] = True
    before = plain.detach().clone()
    trainer = Trainer(experiment, "cpu")
    order = trainer.order[:20]
    for _ in range(12):
        engine.step(trainer.supervised.X[order], trainer.supervised.targets[order], experiment.optimizer.learning_rate)
        plain.grad = engine.gradient()
        assert (plain.grad[engine.frozen] == 0).all()
        with torch.no_grad():
            plain *= decay
        rule.step()
        with torch.no_grad():
            plain[engine.frozen] = before[engine.frozen]
        torch.testing.assert_close(engine.flat.detach(), plain.detach(), rtol=1e-5, atol=1e-6)
    assert torch.equal(engine.flat[engine.frozen], before[engine.frozen])


def test_a_weight_frozen_in_full_flight_stops_at_once(run: Run) -> None:
    for _ in range(5):
        run.step()
    do(run, "freeze", "2", 2, input=None, on=True)
    do(run, "freeze", "0", 1, input="bias", on=True)
    do(run, "freeze", "3", 0, input=3, on=True)
    _, before = picture(run)
    for _ in range(10):
        run.step()
    _, after = picture(run)
    assert np.array_equal(after["weight/2"][2], before["weight/2"][2])
    assert after["bias/2"][2] == before["bias/2"][2]
    assert after["bias/0"][1] == before["bias/0"][1]
    assert after["weight/3"][0, 3] == before["weight/3"][0, 3]
    assert (after["weight/2"][1] != before["weight/2"][1]).any()
    assert after["frozen/2"].tolist() == [[0] * 5, [0] * 5, [1] * 5, [0] * 5]
    assert after["frozen_bias/2"].tolist() == [0, 0, 1, 0]
    assert after["frozen_bias/0"].tolist() == [0, 1, 0, 0, 0]
    assert after["frozen/3"].tolist() == [[0, 0, 0, 1]]


def test_what_is_thawed_learns_again_and_nothing_says_frozen(run: Run) -> None:
    do(run, "freeze", "2", None, on=True)
    do(run, "freeze", "2", None, on=False)
    assert run.learner.engine.frozen is None
    _, arrays = picture(run)
    assert not [name for name in arrays if name.startswith("frozen")]


# Silence


def silenced_plainly(run: Run, silenced: dict[int, list[int]]) -> nn.Sequential:
    """Plain torch, told by weights alone that these units say nothing."""
    model = build_model(run.learner.experiment)
    model.load_state_dict(run.learner.model.state_dict())
    linears = [module for module in model if isinstance(module, nn.Linear)]
    with torch.no_grad():
        for dense, units in silenced.items():
            linears[dense + 1].weight[:, units] = 0
    return model.eval()


def test_a_silenced_network_is_plain_torch_with_zeroed_outgoing_weights(run: Run) -> None:
    for address, unit in (("0", 1), ("0", 3), ("2", 0)):
        do(run, "silence", address, unit, on=True)
    plain = silenced_plainly(run, {0: [1, 3], 1: [0]})
    trainer = run.learner
    for split, rows in (("train", trainer.data.train), ("test", trainer.data.watched)):
        X, y = torch.from_numpy(rows.X), torch.from_numpy(rows.y).float()
        with torch.no_grad():
            outputs = plain(X)
            torch.testing.assert_close(trainer.model(X), outputs)
            loss = nn.functional.binary_cross_entropy_with_logits(outputs[:, 0], y).item()
        assert trainer.scores().to_dict()[split]["loss"] == pytest.approx(loss, rel=1e-5)
    _, arrays = picture(run)
    twin = Trainer(trainer.experiment, "cpu")
    twin.load_weights({name: value.numpy() for name, value in plain.state_dict().items()})
    expected = Picture(twin).arrays(twin.snapshot())
    assert np.abs(arrays["output"].astype(int) - expected["output"].astype(int)).max() <= 1
    assert (arrays["maps/0"][[1, 3]] == 128).all()
    assert np.abs(arrays["maps/0"][[0, 2, 4]].astype(int) - expected["maps/0"][[0, 2, 4]].astype(int)).max() <= 1
    assert arrays["silenced/0"].tolist() == [0, 1, 0, 1, 0]
    assert arrays["silenced/2"].tolist() == [1, 0, 0, 0]


def test_training_hears_nothing_of_a_silenced_unit() -> None:
    run = Run(json.dumps({**RECIPE, "optimizer": {"kind": "sgd"}}), "cpu")
    do(run, "silence", "0", 2, on=True)
    _, before = picture(run)
    for _ in range(10):
        run.learner.advance(1)
        gradient = run.learner.model[0].weight.grad
        assert gradient is not None
        assert (gradient[2] == 0).all()
        assert (gradient[1] != 0).any()
    run.version += 1
    _, after = picture(run)
    assert np.array_equal(after["weight/0"][2], before["weight/0"][2])
    assert np.array_equal(after["weight/2"][:, 2], before["weight/2"][:, 2])


def test_the_names_of_the_weights_stay_those_of_the_plain_network(run: Run) -> None:
    names = list(run.learner.model.state_dict())
    do(run, "silence", "0", 2, on=True)
    assert list(run.learner.model.state_dict()) == names


def test_a_checkpoint_predicts_in_plain_torch_what_the_page_shows(run: Run) -> None:
    do(run, "silence", "0", 1, on=True)
    do(run, "silence", "2", 3, on=True)
    checkpoint = open_checkpoint(run.file("checkpoint"))
    expected = run.learner.predictions()[: len(run.learner.data.train.y)].numpy()
    assert np.allclose(predict(checkpoint, run.learner.data.train.raw), expected, atol=1e-6)
    run.load(run.file("checkpoint"))
    assert run.learner.silenced is None
    assert np.allclose(run.learner.predictions()[: len(expected)].numpy(), expected, atol=1e-6)


def test_a_snapshot_does_not_move_when_a_unit_is_silenced(run: Run) -> None:
    do(run, "silence", "0", 1, on=True)
    snapshot = run.learner.snapshot()
    do(run, "silence", "0", 2, on=True)
    assert snapshot.silenced is not None
    assert snapshot.silenced["0"].tolist() == [False, True, False, False, False]


def test_reset_and_load_forget_what_a_hand_did(run: Run) -> None:
    fresh = Run(json.dumps(RECIPE), "cpu")
    for verb, more in (
        ("set", {"input": 0, "value": 9}),
        ("freeze", {"input": None, "on": True}),
        ("silence", {"on": True}),
    ):
        do(run, verb, "0", 1, **more)
    run.reset()
    assert_same(everything(run), everything(fresh))
    assert (run.learner.silenced, run.learner.engine.frozen) == (None, None)


def test_an_edit_wakes_a_run_that_diverged() -> None:
    run = Run(json.dumps({**RECIPE, "loss": {"kind": "mse"}}), "cpu")
    run.status = "diverged"
    do(run, "set", "0", 0, input=0, value=0.1)
    assert run.status == "paused"


# What survives


def test_interventions_survive_their_worker(run: Run) -> None:
    do(run, "set", "2", 2, input=3, value=2.5)
    do(run, "freeze", "0", 1, input=None, on=True)
    do(run, "silence", "0", 2, on=True)
    header, state = run.kept()
    again = Run(header["recipe"], "cpu", life=1)
    again.restore(state, "paused", 10)
    assert_same(everything(again), everything(run))
    for either in (run, again):
        for _ in range(30):
            either.step()
    assert_same(everything(again), everything(run))
    assert picture(again)[0]["interventions"]
    assert {"silenced/0", "frozen/0.weight"} & set(safetensors.numpy.load(state))


def test_interventions_survive_a_new_learning_rate_and_a_device(run: Run) -> None:
    do(run, "freeze", "0", 1, input=None, on=True)
    do(run, "silence", "0", 2, on=True)
    run.change(json.dumps({**RECIPE, "optimizer": {"kind": "adam", "learning_rate": 0.5}}))
    before = flat(run)
    for _ in range(5):
        run.step()
    assert np.array_equal(flat(run)[2:4], before[2:4])
    assert run.learner.silenced is not None
    run.set_device("cpu")
    assert run.learner.silenced["0"][2]


# The leash


@pytest.mark.parametrize("speed", [None, 1000])
def test_a_run_on_a_leash_waits_at_its_end_and_goes_on_when_it_moves(speed: int | None) -> None:
    clock = Clock()
    run = Run(json.dumps(RECIPE), "cpu", clock=clock)
    for _ in range(3):
        run.step()
    run.set_speed(speed)
    run.play()
    run.set_leash(6)
    for _ in range(50):
        clock.now += 0.01
        run.advance(0.001)
    assert (run.learner.step, run.status, run.due) == (6, "playing", float("inf"))
    run.set_leash(8)
    for _ in range(50):
        clock.now += 0.01
        run.advance(0.001)
    assert run.learner.step == 8
    run.set_leash(None)
    clock.now += 0.01
    run.advance(0.01)
    assert run.learner.step > 8


def test_masks_that_hide_nothing_are_none() -> None:
    trainer = Trainer(Experiment.from_dict(RECIPE), "cpu")
    trainer.silenced = {"0": torch.zeros(5, dtype=torch.bool), "1": torch.zeros(4, dtype=torch.bool)}
    assert trainer.silenced is None
    twin = Trainer(Experiment.from_dict(RECIPE), "cpu")
    for _ in zip(islice(trainer.steps(), 10), islice(twin.steps(), 10), strict=True):
        pass
    assert torch.equal(trainer.engine.flat, twin.engine.flat)
