"""Early stopping tells where the best epoch was, and the way back to it: judged by a plain torch loop that keeps its best weights."""

from __future__ import annotations

import copy
import csv
import json
import math
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch

from dlcore import Experiment, Trainer
from dlcore.__main__ import main
from dlcore.checkpoint import checkpoint_of, open_checkpoint, save_checkpoint
from dlcore.export import export
from dlcore.frame import decode_frame
from dlcore.learning.replay import Replay
from dlcore.runs.luggage import pack_run, unpack_run
from dlcore.runs.next_moment import BLINK
from dlcore.runs.run import Run
from dlcore.seeds.members import Abreast, OneByOne, make_members
from dlcore.share import encode

NOISY: dict[str, Any] = {
    "dataset": {"kind": "xor", "samples": 60, "noise": 0.45},
    "validation_fraction": 0.3,
    "test_fraction": 0.2,
    "layers": [{"kind": "dense", "units": 6}],
    "optimizer": {"kind": "adam", "learning_rate": 0.05},
    "early_stopping": 5,
    "seed": 5,
}
RESTORING = {**NOISY, "restore_best": True}


def recipe(**changes: Any) -> Experiment:
    return Experiment.from_dict({**NOISY, **changes})


@dataclass
class Loop:
    """What a plain loop found: the epoch at which it stopped, the best one, its loss and weights."""

    epoch: int
    best: int
    loss: float
    weights: dict[str, torch.Tensor]
    last: dict[str, torch.Tensor]


def plain_loop(experiment: Experiment, patience: float, epochs: int = 1000) -> Loop:
    """Plain torch: Adam on the binary cross entropy of a copy of the network, in the order of rows that a run has."""
    source = Trainer(experiment.replace(early_stopping=0, restore_best=False), "cpu", engine="autograd")
    data, model = source.data, copy.deepcopy(source.model)
    model = torch.nn.Sequential(*(copy.deepcopy(module) for module in model))
    values = {name: value.detach().clone() for name, value in source.model.state_dict().items()}
    for name, parameter in list(model.named_parameters()):
        module, leaf = name.rsplit(".", 1)
        setattr(model.get_submodule(module), leaf, torch.nn.Parameter(values[name].clone()))
        assert parameter.shape == values[name].shape
    optimizer = torch.optim.Adam(model.parameters(), lr=experiment.optimizer.learning_rate)
    X, y = torch.from_numpy(data.train.X), torch.from_numpy(data.train.y).float()
    Xw, yw = torch.from_numpy(data.watched.X), torch.from_numpy(data.watched.y).float()
    loss_of = torch.nn.BCEWithLogitsLoss()
    best = Loop(0, 0, math.inf, {}, {})
    for epoch in range(1, epochs + 1):
        order = source.order.clone()
        for batch in order.split(experiment.batch_size):
            optimizer.zero_grad()
            loss_of(model(X[batch]).squeeze(1), y[batch]).backward()
            optimizer.step()
        source.advance()  # Only for the order of the next epoch.
        while source.epoch < epoch:
            source.advance()
        with torch.no_grad():
            watched = loss_of(model(Xw).squeeze(1), yw).item()
        if watched < best.loss:
            best = Loop(epoch, epoch, watched, copy.deepcopy(model.state_dict()), {})
        best.epoch, best.last = epoch, copy.deepcopy(model.state_dict())
        if epoch - best.best >= patience:
            break
    return best


def close(ours: dict[str, Any], theirs: dict[str, torch.Tensor]) -> bool:
    return ours.keys() == theirs.keys() and all(
        np.allclose(np.asarray(value), theirs[name].numpy(), atol=1e-4) for name, value in ours.items()
    )


def trained(experiment: Experiment, engine: str = "autograd") -> Trainer:
    trainer = Trainer(experiment, "cpu", engine=engine)
    while trainer.finished is None:
        trainer.advance()
    return trainer


def stopped(experiment: Experiment) -> Run:
    # By this clock more than a blink passes at each look, so that each epoch leaves a moment.
    run = Run(experiment.to_json(), "cpu", clock=count(0.0, 2 * BLINK).__next__)
    run.set_speed(None)
    run.play()
    go_on(run)
    assert run.status == "early_stopped"
    return run


def go_on(run: Run) -> None:
    while run.moving:
        run.advance(0.01)


def header(run: Run) -> dict[str, Any]:
    return decode_frame(run.frame(None, None, 0))[0]


def weights(run: Run) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in run.learner.model.state_dict().items()}


@pytest.fixture(scope="module")
def judge() -> Loop:
    found = plain_loop(recipe(), patience=5)
    assert 1 < found.best < found.epoch
    return found


# What the learner keeps


@pytest.mark.parametrize("engine", ["autograd", "dense"])
def test_it_stops_where_a_plain_loop_stops_with_its_last_weights(judge: Loop, engine: str) -> None:
    trainer = trained(recipe(), engine)
    assert trainer.epoch == judge.epoch
    assert close(trainer.engine.copy_of_weights(), judge.last)
    assert trainer.best is not None and trainer.best.epoch == judge.best
    assert trainer.best.value == pytest.approx(judge.loss, abs=1e-5)


@pytest.mark.parametrize("engine", ["autograd", "dense"])
def test_with_restore_best_it_has_the_best_weights_of_a_plain_loop(judge: Loop, engine: str) -> None:
    trainer = trained(recipe(restore_best=True), engine)
    assert trainer.epoch == judge.epoch
    assert close(trainer.engine.copy_of_weights(), judge.weights)
    assert trainer.scores().watched["loss"] == pytest.approx(judge.loss, abs=1e-5)
    assert trainer.history.column("test_loss")[judge.best] == trainer.scores().watched["loss"]
    assert trainer.best is None  # It stands there.
    assert trainer.ending is not None and trainer.ending.values["best"] == judge.best


def test_nothing_is_kept_where_nobody_asks_for_it() -> None:
    trainer = Trainer(recipe(early_stopping=0), "cpu")
    while trainer.epoch < 5:
        trainer.advance()
    assert not [name for name in trainer.state() if name.startswith("best/")]
    trainer.settle()
    assert trainer.best is None and trainer.ending is None


def test_the_optimizer_gets_back_what_it_remembered() -> None:
    best = trained(recipe()).best
    assert best is not None
    trainer = trained(recipe(restore_best=True))
    memory = {name: array for name, array in best.state.items() if name.startswith("optimizer/")}
    assert memory
    for name, array in memory.items():
        np.testing.assert_array_equal(trainer.standing()[name], array)


def test_a_state_of_before_has_no_way_back_and_is_read_all_the_same() -> None:
    trainer = trained(recipe())
    state = {name: array for name, array in trainer.state().items() if not name.startswith("best/")}
    del state["best_epoch"]
    again = Trainer(recipe(), "cpu")
    again.restore(state)
    assert (again.finished, again.epoch, again.best) == ("early_stopped", trainer.epoch, None)
    assert again.go_on()


def test_another_rate_on_the_way_does_not_make_the_best_epoch_another() -> None:
    trainer = Trainer(recipe(), "cpu")
    while trainer.epoch < 3:
        trainer.advance()
    trainer.change(trainer.experiment.replace(optimizer={"kind": "sgd", "learning_rate": 1e-9}))
    while trainer.finished is None:
        trainer.advance()
    best = trainer.best
    losses = trainer.history.column("test_loss")[1:]
    assert best is not None and best.epoch == 1 + int(losses.argmin())
    assert best.recipe.optimizer.kind == ("adam" if best.epoch <= 3 else "sgd")


# The run


def test_the_run_says_where_it_stopped_and_where_it_was_best(judge: Loop) -> None:
    problem = header(stopped(recipe()))["problem"]
    assert problem["key"] == "early_stopped.validation"
    told = problem["values"]
    assert (told["epoch"], told["best"], told["patience"]) == (judge.epoch, judge.best, 5)
    assert float(told["loss"]) == pytest.approx(judge.loss, rel=1e-3)
    assert header(stopped(recipe(validation_fraction=0)))["problem"]["key"] == "early_stopped"


def test_the_way_back_leads_to_the_very_state_of_the_best_epoch() -> None:
    run = stopped(recipe())
    best = header(run)["best"]
    run.rewind(best)
    at = run.learner.epoch
    straight = Trainer(recipe(), "cpu")
    while straight.epoch < at:
        straight.advance()
    ours, theirs = run.learner.state(), straight.state()
    assert ours.keys() == theirs.keys()
    for name, array in ours.items():
        np.testing.assert_array_equal(array, theirs[name])
    assert (run.status, header(run)["problem"], header(run)["best"]) == ("paused", None, None)


@pytest.mark.parametrize("verb", ["play", "step", "epoch"])
def test_a_stopped_run_goes_on_with_the_patience_counted_anew(verb: str, judge: Loop) -> None:
    run = stopped(recipe())
    getattr(run, verb)()
    if verb == "play":
        assert run.status == "playing"
    go_on(run)
    assert run.learner.step > judge.epoch * run.learner.steps_per_epoch
    if verb == "play":
        assert run.status == "early_stopped"
        # Five epochs more at least, or it would not have counted anew.
        assert run.learner.epoch >= judge.epoch + 5


def test_going_on_is_in_the_journal_and_the_command_line_does_it_again() -> None:
    run = stopped(recipe())
    run.play()
    go_on(run)
    made = run.learner.recipe_with_journal
    assert [entry["went_on"] for entry in made.to_dict()["journal"]] == [True]
    replay = Replay(made, "cpu")
    while replay.trainer.finished is None:
        replay.advance()
    assert replay.inexact_from is None and replay.trainer.epoch == run.learner.epoch
    np.testing.assert_array_equal(replay.trainer.history.rows(), run.learner.history.rows())


def test_the_way_back_survives_a_move_a_lost_worker_and_a_fork() -> None:
    run = stopped(recipe())
    expected = header(run)["best"]
    moved = Run(recipe().to_json(), "cpu")
    unpack_run(moved, *pack_run(run, gently=True))
    assert header(moved)["best"] == expected
    facts, state = run.kept()
    restored = Run(facts["recipe"], "cpu", life=1)
    restored.restore(state, facts["status"], facts["speed"])
    forked = Run(run.fork(None)[0]["recipe"], "cpu")
    forked.restore(run.fork(None)[1], "paused", None)
    for other in (moved, restored, forked):
        assert (other.status, header(other)["problem"]) == ("early_stopped", header(run)["problem"])
        other.rewind(header(other)["best"])
        assert other.learner.epoch == run.learner.best.epoch
        for name, value in weights(other).items():
            np.testing.assert_array_equal(value.numpy(), run.learner.best.state[f"tensors/{name}"])


def test_a_run_that_was_rewound_still_knows_its_best_epoch() -> None:
    run = stopped(recipe(restore_best=True))
    best, last = run.learner.stopping.epoch, run.timeline.moments
    between = next(moment for moment in last if best < moment.epoch < run.learner.epoch)
    run.rewind(between.id)
    run.set_speed(None)
    run.play()
    go_on(run)
    again = stopped(recipe(restore_best=True))
    assert run.learner.stopping.epoch == best
    for name, value in weights(run).items():
        assert torch.equal(value, weights(again)[name])


def test_states_that_share_a_best_epoch_carry_it_once() -> None:
    run = stopped(recipe())
    _, content = pack_run(run, gently=True)
    without = {**NOISY, "early_stopping": 0}
    plain = Run(Experiment.from_dict(without).to_json(), "cpu")
    while plain.learner.epoch < run.learner.epoch:
        plain.epoch()
        go_on(plain)
    assert len(content) < 2 * len(pack_run(plain, gently=True)[1])


# The command line, the script, the report


def written(folder: Path, experiment: Experiment, epochs: int) -> Path:
    (folder / "recipe.json").write_text(experiment.to_json())
    out = folder / "out"
    assert (
        main(["train", str(folder / "recipe.json"), "--epochs", str(epochs), "--out", str(out), "--device", "cpu"]) == 0
    )
    return out


@pytest.mark.parametrize(("patience", "epochs"), [(5, 1000), (0, 21)])
def test_train_writes_the_best_weights_and_evaluate_prints_that_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], patience: int, epochs: int
) -> None:
    experiment = recipe(restore_best=True, early_stopping=patience)
    judge = plain_loop(experiment, patience or math.inf, epochs)
    assert judge.best < judge.epoch
    out = written(tmp_path, experiment, epochs)
    assert close(safetensors.numpy.load((out / "model.safetensors").read_bytes()), judge.weights)
    rows = list(csv.DictReader((out / "history.csv").read_text().splitlines()))
    assert int(rows[-1]["epoch"]) == judge.epoch
    capsys.readouterr()
    assert main(["evaluate", str(out)]) == 0
    scores = json.loads(capsys.readouterr().out)
    row = rows[judge.best]
    for part in ("train", "validation"):
        assert scores[part]["loss"] == pytest.approx(float(row[f"{part}_loss"]), abs=1e-6)
        assert scores[part]["accuracy"] == pytest.approx(float(row[f"{part}_accuracy"]))


@pytest.mark.parametrize("patience", [5, 0])
def test_the_script_keeps_the_best_weights_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], patience: int
) -> None:
    import runpy

    monkeypatch.chdir(tmp_path)
    out = written(tmp_path, recipe(restore_best=True, early_stopping=patience), 21 + 2 * patience)
    checkpoint = open_checkpoint((out / "model.safetensors").read_bytes())
    Path("train.py").write_bytes(export(checkpoint, "script"))
    capsys.readouterr()
    runpy.run_path("train.py")
    lines = capsys.readouterr().out.splitlines()
    printed = dict(line.split(" ") for line in lines if line.count(" ") == 1 and "," not in line)
    assert main(["evaluate", str(out)]) == 0
    scores = json.loads(capsys.readouterr().out)
    for part in ("train", "validation", "test"):
        assert float(printed[f"{part}_loss"]) == pytest.approx(scores[part]["loss"], abs=2e-5)
    ours = safetensors.numpy.load(Path("model.safetensors").read_bytes())
    assert close(ours, {name: torch.from_numpy(np.array(value)) for name, value in checkpoint.weights.items()})


@pytest.mark.parametrize("form", ["report", "card"])
def test_report_and_card_say_whose_weights_they_tell_of(form: str) -> None:
    trainer = trained(recipe(restore_best=True))
    sentence = f"those of epoch {trainer.stopping.epoch}, where the loss of the validation rows was lowest"
    assert sentence in export(checkpoint_of(trainer.snapshot(), trainer.data), form).decode()
    trainer = trained(recipe())
    assert "validation rows was lowest" not in export(checkpoint_of(trainer.snapshot(), trainer.data), form).decode()


def test_a_checkpoint_keeps_whose_weights_it_has() -> None:
    trainer = trained(recipe(restore_best=True))
    again = open_checkpoint(save_checkpoint(trainer.snapshot(), trainer.data))
    assert (again.epoch, again.weights_of) == (trainer.epoch, trainer.stopping.epoch)
    trainer.note_touch("weights", ["0.bias"])
    assert trainer.snapshot().weights_of is None


# Recipes and seeds


def test_the_recipe_has_it_last_and_links_are_as_they_were() -> None:
    assert list(Experiment.model_fields)[-1] == "restore_best"
    assert encode(Experiment()) == encode(Experiment(restore_best=False))
    assert Experiment.from_json("{}").restore_best is False
    journalled = Experiment.from_dict({**RESTORING, "journal": [{"step": 3, "went_on": True}]})
    for indent in (None, 1, 2):
        assert Experiment.from_json(journalled.to_json(indent)) == journalled


@pytest.mark.parametrize("patience", [3, 0])
def test_seeds_end_with_the_weights_with_which_their_trainers_end(patience: int) -> None:
    experiment = recipe(restore_best=True, early_stopping=patience)
    data = Trainer(experiment, "cpu").data
    abreast, one_by_one = make_members(experiment, 4, data), OneByOne(experiment, 4, data)
    assert isinstance(abreast, Abreast)
    for members in (abreast, one_by_one):
        while members.epoch < 30 and members.learning.any():
            members.take_epoch()
        members.settle()
    for ours, theirs in zip(abreast.weights(), one_by_one.weights(), strict=True):
        assert close(ours, {name: torch.from_numpy(np.array(value)) for name, value in theirs.items()})
    np.testing.assert_allclose(abreast.scores(), one_by_one.scores(), atol=1e-4)
