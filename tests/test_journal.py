"""What is changed in a run while it goes on is written down: nothing is missed, nothing is claimed, and no list of it grows without end.

The judge of what an entry says is a second run that does by hand what the journal of the first one says, and must come to the same bits.
"""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dlcore import share
from dlcore.__main__ import main
from dlcore.catalogue import catalogue, schema
from dlcore.checkpoint import open_checkpoint
from dlcore.engines import compiled
from dlcore.experiment import LONGEST_RECIPE, Experiment
from dlcore.export import export
from dlcore.journal import LONGEST_JOURNAL, MOST_ENTRIES
from dlcore.layers import Dense
from dlcore.learning.replay import Replay
from dlcore.learning.trainer import Trainer
from dlcore.problems import Problem
from dlcore.runs.luggage import pack_run, unpack_run
from dlcore.runs.run import Run
from dlcore.share import decode, encode

RECIPE: dict[str, Any] = {"dataset": {"kind": "circle", "samples": 60}, "batch_size": 5}
ADAM: dict[str, Any] = {"kind": "adam", "learning_rate": 0.01, "beta1": 0.9, "beta2": 0.999}


def adam(rate: float) -> dict[str, Any]:
    return {**ADAM, "learning_rate": rate}


def recipe(**changes: Any) -> Experiment:
    return Experiment.from_dict({**RECIPE, **changes})


@pytest.fixture(scope="module", autouse=True)
def _one_engine() -> None:
    compiled.kernels(
        patient=True
    )  # Else one run takes its steps with them and the other without, which differs in the last bits.


@pytest.fixture
def run() -> Run:
    return Run(recipe().to_json(), "cpu")


def steps(run: Run, count: int) -> None:
    for _ in range(count):
        run.step()


def change(run: Run, origins: dict[str, Any] | None = None, /, **changes: Any) -> None:
    run.change(run.learner.experiment.replace(**changes).to_json(), origins)


def touch(run: Run, do: str, **place: Any) -> None:
    run.intervene(do, {"structure": run.structure, **place})


def journal(run: Run) -> list[dict[str, Any]]:
    return run.learner.recipe_with_journal.to_dict()["journal"]


def done_again(made: Experiment, last: int) -> Trainer:
    """A run that begins with the recipe and does what its journal says, by means of nothing but settings and plain tensors."""
    first = {}
    entries = list(made.to_dict()["journal"])
    if entries and entries[0]["step"] == 0:
        first = entries[0].get("set", {})
        entries[0] = {**entries[0], "set": {}}
    trainer = Trainer(made.without_journal().replace(**first), "cpu")
    for entry in entries:
        list(islice(trainer.steps(), entry["step"] - trainer.step))
        if entry.get("set"):
            trainer.change(trainer.experiment.replace(**entry["set"]), entry.get("origins"))
        parameters = dict(trainer.model.named_parameters())
        with torch.no_grad():
            for name, values in entry.get("weights", {}).items():
                parameters[name].copy_(torch.tensor(values))
        for name, marks in entry.get("frozen", {}).items():
            start, end, _ = trainer.engine.parameter_slices[name]
            frozen = torch.zeros_like(trainer.engine.flat, dtype=torch.bool)
            frozen = frozen if trainer.engine.frozen is None else trainer.engine.frozen.clone()
            frozen[start:end] = torch.tensor(marks).flatten()
            trainer.engine.frozen = frozen
        if "silenced" in entry:
            told = {str(int(module) // 2): torch.tensor(marks) for module, marks in entry["silenced"].items()}
            trainer.silenced = {**(trainer.silenced or {}), **told}
    list(islice(trainer.steps(), last - trainer.step))
    return trainer


def assert_done_again(run: Run) -> None:
    again = done_again(run.learner.recipe_with_journal, run.learner.step)
    assert again.step == run.learner.step
    assert torch.equal(again.engine.flat, run.learner.engine.flat)
    assert_replayed(run)


def replayed(made: Experiment, last: int) -> Replay:
    replay = Replay(made, "cpu")
    while replay.trainer.step < last:
        replay.advance(last - replay.trainer.step)
    return replay


def assert_replayed(run: Run) -> None:
    """All that the run needs to go on is the same to the bit: optimizer, order of the rows, history and journal included."""
    replay = replayed(run.learner.recipe_with_journal, run.learner.step)
    assert replay.inexact_from is None
    ours, theirs = replay.trainer.state(), run.learner.state()
    assert set(ours) == set(theirs)
    assert [name for name in ours if not np.array_equal(ours[name], theirs[name], equal_nan=True)] == []


# What is written down


@pytest.mark.parametrize(
    "changes",
    [
        {"optimizer": {"kind": "sgd"}},
        {"optimizer": adam(0.1)},
        {"schedule": {"kind": "cosine", "epochs": 3}},
        {"loss": {"kind": "hinge"}},
        {"regularizer": {"kind": "l2", "rate": 0.01}},
        {"gradient_clip": 0.5},
        {"batch_size": 7},
        {"class_weights": "balanced"},
        {"dataset": {"kind": "circle", "samples": 60, "noise": 0.3}},
        {"dataset": {"kind": "circle", "samples": 90}},
        {"test_fraction": 0.3},
        {"validation_fraction": 0.2},
        {"features": ("x1", "sin_x2")},
        {"layers": (Dense(units=6), Dense(units=2))},
        {"early_stopping": 5},
    ],
    ids=str,
)
def test_a_live_change_is_written_down_with_its_step_and_can_be_done_again_bit_for_bit(
    run: Run, changes: dict[str, Any]
) -> None:
    steps(run, 8)
    before = run.learner.experiment
    change(run, **changes)
    steps(run, 9)
    start, entry = journal(run)
    (name,) = changes
    assert (start["step"], entry["step"]) == (0, 8)
    assert set(start["set"]) == set(entry["set"]) == {name}
    assert (
        entry["set"][name] == run.learner.experiment.settings()[name] != start["set"][name] == before.settings()[name]
    )
    assert_done_again(run)


def test_what_is_changed_before_the_first_step_stands_in_the_recipe_alone(run: Run) -> None:
    for changes in ({"optimizer": adam(0.2)}, {"loss": {"kind": "hinge"}}, {"batch_size": 4}, {"test_fraction": 0.4}):
        change(run, **changes)
    assert journal(run) == []
    steps(run, 5)
    assert_done_again(run)


def test_a_slider_moved_a_hundred_times_at_a_step_is_one_change_and_moved_back_none(run: Run) -> None:
    steps(run, 3)
    for rate in range(1, 101):
        change(run, optimizer=adam(rate / 100))
    assert journal(run) == [{"step": 0, "set": {"optimizer": ADAM}}, {"step": 3, "set": {"optimizer": adam(1.0)}}]
    change(run, optimizer=ADAM)
    assert journal(run) == [] and not run.learner.journal


def test_an_optimizer_that_has_lost_its_memory_is_not_the_one_before(run: Run) -> None:
    steps(run, 3)
    change(run, optimizer={"kind": "sgd"})
    change(run, optimizer=adam(0.05))
    change(run, optimizer=ADAM)
    assert [entry["set"]["optimizer"]["kind"] for entry in journal(run)] == ["adam", "sgd", "adam"]
    steps(run, 3)
    assert_done_again(run)


def test_what_the_run_began_with_is_said_once_whatever_comes_later(run: Run) -> None:
    for rate in (0.1, 0.2, 0.3):
        steps(run, 2)
        change(run, optimizer=adam(rate))
    steps(run, 1)
    assert [entry["step"] for entry in journal(run)] == [0, 2, 4, 6]
    assert journal(run)[0] == {"step": 0, "set": {"optimizer": ADAM}}
    assert_done_again(run)


def test_what_a_hand_did_on_the_canvas_can_be_done_again_bit_for_bit(run: Run) -> None:
    steps(run, 4)
    touch(run, "set", address="0", unit=1, input=0, value=0.123456789)
    touch(run, "set", address="1", unit=0, value=-3)
    steps(run, 4)
    touch(run, "freeze", address="0", unit=1, on=True)
    touch(run, "silence", address="1", unit=1, on=True)
    steps(run, 4)
    touch(run, "freeze", address="0", unit=1, on=False)
    touch(run, "silence", address="1", unit=1, on=False)
    steps(run, 4)
    first, second, third = journal(run)
    assert [entry["step"] for entry in (first, second, third)] == [4, 8, 12]
    assert np.float32(first["weights"]["0.weight"][1][0]) == np.float32(0.123456789)
    assert first["weights"]["2.bias"][0] == -3
    assert second["frozen"]["0.weight"] == [[False, False], [True, True], [False, False], [False, False]]
    assert (second["silenced"], third["silenced"]) == ({"2": [False, True]}, {"2": [False, False]})
    assert not any(third["frozen"]["0.bias"])
    assert_done_again(run)


def test_a_drag_of_a_weight_is_one_change_and_taken_back_none(run: Run) -> None:
    steps(run, 2)
    for value in np.linspace(0, 1, 60):
        touch(run, "set", address="0", unit=0, input=0, value=float(value), stroke=1)
    assert [set(entry) for entry in journal(run)] == [{"step", "weights"}]
    run.undo()
    assert journal(run) == []


def test_layers_shaped_several_times_at_one_step_are_one_change_with_the_weights_that_came_out(run: Run) -> None:
    steps(run, 4)
    every = [0, 1]
    change(run, {"layers": every, "units": {"0": [1, 2, 3]}}, layers=(Dense(units=3), Dense(units=2)))
    assert journal(run)[-1]["origins"] == {"layers": every, "units": {"0": [1, 2, 3]}}
    steps(run, 1)
    assert_done_again(run)
    change(run, layers=(Dense(units=5), Dense(units=2)))
    change(run, layers=(Dense(units=6), Dense(units=2)))
    entry = journal(run)[-1]
    assert (entry["step"], len(journal(run))) == (5, 3)
    for name, weight in run.learner.model.state_dict().items():
        assert torch.equal(torch.tensor(entry["weights"][name]), weight)


def test_inputs_changed_several_times_at_one_step_are_one_change_with_the_weights_that_came_out(run: Run) -> None:
    steps(run, 4)
    for features in (("x1",), ("x1", "sin_x2"), ("x1", "x2", "sin_x2")):
        change(run, features=features)
    start, entry = journal(run)
    assert (start["set"], entry["set"]) == ({"features": ["x1", "x2"]}, {"features": ["x1", "x2", "sin_x2"]})
    for name, weight in run.learner.model.state_dict().items():
        assert torch.equal(torch.tensor(entry["weights"][name]), weight)


def test_weights_carried_into_another_network_before_the_first_step_are_written_down(run: Run) -> None:
    change(run, layers=(Dense(units=5), Dense(units=2)))
    (entry,) = journal(run)
    assert entry["step"] == 0 and "set" not in entry
    steps(run, 6)
    assert_done_again(run)


# How long it stays


def test_a_reset_and_what_begins_anew_forget_it(run: Run) -> None:
    for anew in (
        Run.reset,
        lambda run: change(run, seed=3),
        lambda run: change(run, dataset={"kind": "xor", "samples": 60}),
    ):
        steps(run, 2)
        change(run, batch_size=run.learner.experiment.batch_size + 1)
        assert journal(run)
        anew(run)
        assert journal(run) == []


def test_a_rewind_drops_what_came_after_that_moment(run: Run) -> None:
    change(run, optimizer=adam(0.02))
    for rate in (0.1, 0.2, 0.3):
        steps(run, 2)
        change(run, optimizer=adam(rate))
    at_four = next(moment.id for moment in run.timeline.moments if moment.step == 4)
    run.rewind(at_four)
    assert journal(run) == [{"step": 0, "set": {"optimizer": adam(0.02)}}, {"step": 2, "set": {"optimizer": adam(0.1)}}]
    steps(run, 3)
    assert_done_again(run)
    run.rewind(run.timeline.moments[0].id)
    assert journal(run) == []


def test_it_comes_along_wherever_the_run_goes(run: Run) -> None:
    steps(run, 2)
    change(run, optimizer=adam(0.1))
    steps(run, 2)
    touch(run, "set", address="0", unit=0, input=0, value=0.5)
    told = journal(run)
    moment = run.timeline.moments[-2].id
    header, state = run.fork(None)  # A fork, as for the page Compare, and a kept state, as for the shelf.
    kept, kept_state = run.kept()
    for one, content in ((header, state), (kept, kept_state)):
        other = Run(one["recipe"], "cpu")
        other.restore(content, "paused", None)
        assert journal(other) == told
    header, state = run.fork(moment)
    earlier = Run(header["recipe"], "cpu")
    earlier.restore(state, "paused", None)
    assert journal(earlier) == told[:2]
    moved_header, content = pack_run(run, gently=False)
    moved = Run(moved_header["recipe"], "cpu")
    unpack_run(moved, moved_header, content)
    assert journal(moved) == told
    moved.rewind(moment)
    assert journal(moved) == told[:2]
    moved.set_device("cpu")
    assert journal(moved) == told[:2]


def test_a_checkpoint_has_it_and_a_run_that_goes_on_from_one_says_so(run: Run) -> None:
    steps(run, 2)
    change(run, optimizer=adam(0.1))
    steps(run, 2)
    content = run.file("checkpoint")
    assert open_checkpoint(content).experiment.to_dict()["journal"] == journal(run)
    other = Run(recipe().to_json(), "cpu")
    other.load(content)
    *past, last = journal(other)
    assert past == journal(run)
    assert (last["step"], last["loaded"]) == (4, True)
    assert set(last["weights"]) == set(run.learner.model.state_dict())


def test_a_run_on_the_page_begins_anew_with_a_recipe_that_has_one() -> None:
    changed = recipe(
        batch_size=6, journal=[{"step": 0, "set": {"batch_size": 5}}, {"step": 7, "set": {"batch_size": 6}}]
    )
    assert journal(Run(changed.to_json(), "cpu")) == []
    run = Run(recipe().to_json(), "cpu")
    steps(run, 1)
    run.change(changed.to_json())
    assert [entry["step"] for entry in journal(run)] == [0, 1]  # Its own.


# Doing it again


@pytest.fixture
def changed(run: Run) -> Run:
    """One that was changed in all manners, and stands at the end of its ninth epoch."""
    steps(run, 8)
    change(run, optimizer=adam(0.1), regularizer={"kind": "l2", "rate": 0.01})
    steps(run, 3)
    touch(run, "set", address="0", unit=1, input=0, value=0.123456789)
    touch(run, "freeze", address="0", unit=1, on=True)
    steps(run, 5)
    change(run, layers=(Dense(units=5), Dense(units=2)))
    steps(run, 1)
    touch(run, "silence", address="1", unit=1, on=True)
    change(run, dataset={"kind": "circle", "samples": 60, "noise": 0.3}, loss={"kind": "mse"}, batch_size=6)
    while run.learner.epoch < 9:
        steps(run, 1)
    return run


def train(directory: Path, made: Experiment, epochs: int) -> int:
    (directory / "r.json").write_text(made.to_json(indent=2))
    return main(["train", str(directory / "r.json"), "--epochs", str(epochs), "--out", str(directory / "out")])


def test_train_does_it_all_again_bit_for_bit(changed: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(tmp_path, changed.learner.recipe_with_journal, 9) == 0
    assert capsys.readouterr().err.endswith("Changes that are made again here: 4.\n")
    again, own = (
        open_checkpoint((tmp_path / "out" / "model.safetensors").read_bytes()),
        open_checkpoint(changed.file("checkpoint")),
    )
    assert (again.step, again.experiment) == (own.step, own.experiment)
    assert all(np.array_equal(again.weights[name], own.weights[name]) for name in own.weights)
    assert Experiment.from_json((tmp_path / "out" / "recipe.json").read_text()) == changed.learner.recipe_with_journal
    rows = np.loadtxt(tmp_path / "out" / "history.csv", delimiter=",", skiprows=1)
    np.testing.assert_allclose(rows, changed.learner.history.rows(), rtol=1e-5)


def test_what_would_come_after_the_last_epoch_is_not_done(changed: Run, tmp_path: Path) -> None:
    assert train(tmp_path, changed.learner.recipe_with_journal, 1) == 0
    made = Experiment.from_json((tmp_path / "out" / "recipe.json").read_text())
    assert made == recipe()


def test_a_run_that_went_on_from_a_file_is_replayed_from_there(changed: Run) -> None:
    other = Run(recipe().to_json(), "cpu")
    other.load(changed.file("checkpoint"))
    steps(other, 4)
    change(other, optimizer={"kind": "sgd"})
    steps(other, 4)
    assert_replayed(other)


def test_what_was_not_kept_is_said_and_the_last_settings_hold_from_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folded = recipe(
        batch_size=10,
        journal=[
            {"step": 0, "set": {"batch_size": 5}},
            {"step": 7, "set": {"batch_size": 6}},
            {"step": 8, "left_out": 2},
            {"step": 9, "set": {"batch_size": 10}},
        ],
    )
    replay = replayed(folded, 8)
    assert (replay.trainer.experiment.batch_size, replay.inexact_from) == (
        10,
        7,
    )  # Two changes: the first may have been one there.
    assert train(tmp_path, folded, 3) == 0
    told = capsys.readouterr().err
    assert "made again here: 1." in told and "from step 7 on was not kept in full" in told


def test_a_network_shaped_several_times_at_a_step_promises_nothing_beyond(run: Run) -> None:
    steps(run, 4)
    for units in (5, 6):
        change(run, layers=(Dense(units=units), Dense(units=2)))
    steps(run, 1)
    replay = replayed(run.learner.recipe_with_journal, 4)
    assert replay.inexact_from == 4
    # The steps cannot be repeated exactly, but the journal holds the resulting weights.
    for name, weight in replay.trainer.model.state_dict().items():
        assert np.array_equal(weight.numpy(), np.float32(journal(run)[-1]["weights"][name]))


@pytest.mark.parametrize(
    ("entry", "path"),
    [
        ({"weights": {"0.weight": [[1, 2]]}}, "journal.0.weights.0.weight: expected 4 × 2 values, but got 1 × 2"),
        ({"weights": {"7.bias": [1.0]}}, "journal.0.weights.7.bias"),
        ({"frozen": {"0.bias": [True]}}, "journal.0.frozen.0.bias: expected 4 values, but got 1"),
        ({"silenced": {"4": [True]}}, "journal.0.silenced.4"),
        ({"weights": {"0.bias": [1, 2, 3, 4]}, "loaded": True}, "journal.0.weights: expected all weights"),
        ({"set": {"dataset": {"kind": "iris"}, "loss": {"kind": "cross_entropy"}}}, "dataset"),
        ({"set": {"batch_size": 5000}}, "batch_size"),
    ],
    ids=str,
)
def test_an_entry_that_does_not_fit_is_one_sentence(
    entry: dict[str, Any], path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(tmp_path, recipe(journal=[{"step": 3, **entry}]), 2) == 2
    told = capsys.readouterr().err
    assert path in told and told.count("\n") == 1
    assert not (tmp_path / "out").exists()


# Bounds


def test_a_journal_ends_somewhere_and_says_how_much_it_left_out(run: Run) -> None:
    trainer = run.learner
    for number in range(MOST_ENTRIES + 50):
        list(islice(trainer.steps(), 1))
        trainer.change(trainer.experiment.replace(optimizer=adam(0.01 + (number + 1) / 1000)))
    last = journal(run)[-1]
    assert len(journal(run)) == MOST_ENTRIES
    kept = sum("set" in entry and entry["step"] > 0 for entry in journal(run))
    assert last == {"step": MOST_ENTRIES + 50, "left_out": MOST_ENTRIES + 50 - kept}
    assert Experiment.from_json(trainer.recipe_with_journal.to_json(indent=2)) == trainer.recipe_with_journal
    assert "left_out" in Experiment.from_json(trainer.recipe_with_journal.to_json()).to_json()


def test_a_file_that_brings_the_longest_journal_leaves_one_that_is_right(run: Run) -> None:
    steps(run, 2)
    content = run.file("checkpoint")
    for entries in (
        [{"step": 2, "set": {"batch_size": 5 + place % 2}} for place in range(MOST_ENTRIES)],
        [{"step": 1, "weights": {"0.bias": [0.5] * 14_980}}, {"step": 3, "set": {"batch_size": 6}}],
    ):
        longest = recipe(journal=entries)
        other = Run(recipe().to_json(), "cpu")
        checkpoint = replace(open_checkpoint(content), experiment=longest)
        other.load(checkpoint.to_bytes())
        assert other.learner.recipe_with_journal.journal[-1].left_out
        assert len(journal(other)) <= MOST_ENTRIES and max(entry["step"] for entry in journal(other)) == 2


def test_weights_that_are_too_many_are_counted_only(run: Run) -> None:
    change(run, layers=(Dense(units=200), Dense(units=200)))
    for _ in range(3):
        steps(run, 1)
        for value in (0.1, 0.2, 0.3):
            touch(run, "set", address="1", unit=0, input=0, value=value)
    assert journal(run) == [{"step": 3, "left_out": 4}]  # The network that was carried at step 0, and three steps.
    touch(run, "set", address="0", unit=0, input=0, value=0.5)
    assert set(journal(run)[-1]) == {"step", "weights"}
    run.reset()
    steps(run, 1)
    run.load(run.file("checkpoint"))
    assert journal(run) == [{"step": 1, "loaded": True, "left_out": 1}]


def test_the_longest_journal_and_the_most_drawn_points_are_still_a_recipe(run: Run) -> None:
    points = [[index / 400 - 2.5, -1.234, index % 2] for index in range(1990)]
    drawn = {"kind": "drawn", "train": points, "test": points[:10]}
    trainer = Trainer(recipe(dataset=drawn), "cpu")
    for number in range(60):
        list(islice(trainer.steps(), 1))
        trainer.change(trainer.experiment.replace(dataset={**drawn, "train": points[number + 1 :]}))
    text = trainer.recipe_with_journal.to_json(indent=2)
    assert len(json.dumps(trainer.recipe_with_journal.to_dict()["journal"], separators=(",", ":"))) <= LONGEST_JOURNAL
    assert len(text) <= LONGEST_RECIPE
    assert Experiment.from_json(text) == trainer.recipe_with_journal
    checkpoint = Run(recipe().to_json(), "cpu")
    checkpoint.learner = trainer
    assert open_checkpoint(checkpoint.file("checkpoint")).experiment == trainer.recipe_with_journal


# At the door


SET = {"batch_size": 7}


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"step": 1}, "journal: expected a list, but got an object"),
        ([3], "journal.0: expected an object, but got 3"),
        ([{"set": SET}], "journal.0.step: expected a value, but got nothing"),
        ([{"step": 1.5, "set": SET}], "journal.0.step: expected a whole number, but got 1.5"),
        ([{"step": -1, "set": SET}], "journal.0.step: expected at least 0, but got -1"),
        ([{"step": True, "set": SET}], "journal.0.step: expected a whole number, but got true"),
        ([{"step": 5, "set": SET}, {"step": 4, "set": SET}], "journal.1.step: expected step 5 or a later one, but got 4"),
        ([{"step": 5}], "journal.0: expected what was changed there, but it says nothing"),
        ([{"step": 5, "sets": SET}], "journal.0.sets: unknown key"),
        ([{"step": 5, "set": {"sead": 1}}], "journal.0.set.sead: unknown key"),
        ([{"step": 5, "set": {"seed": 1}}], "journal.0.set.seed: unknown key"),
        ([{"step": 5, "set": {"batch_size": "7"}}], 'journal.0.set.batch_size: expected a whole number, but got "7"'),
        ([{"step": 5, "set": {"optimizer": {"kind": "adan"}}}], "journal.0.set.optimizer.kind: unknown kind 'adan'"),
        ([{"step": 5, "set": {"optimizer": {"kind": "sgd", "learning_rate": float("nan")}}}], "learning_rate: expected a finite number"),
        ([{"step": 5, "weights": {"0.weight": [[1, float("inf")]]}}], "journal.0.weights.0.weight: expected lists of equal length"),
        ([{"step": 5, "weights": {"0.weight": [[1, 10**400]]}}], "journal.0.weights.0.weight: expected"),
        ([{"step": 5, "weights": {"0.weight": [[1, 2], [3]]}}], "journal.0.weights.0.weight: expected lists of equal length"),
        ([{"step": 5, "weights": {"0.bias": [True]}}], "journal.0.weights.0.bias: expected a list of finite numbers"),
        ([{"step": 5, "weights": {"a/b": [1]}}], "journal.0.weights.a/b: unknown key"),
        ([{"step": 5, "frozen": {"0.bias": [1]}}], "journal.0.frozen.0.bias: expected a list of true or false"),
        ([{"step": 5, "silenced": {"0": "all"}}], "journal.0.silenced.0: expected a list of true or false"),
        ([{"step": 5, "weights": {"0.bias": 1.0}}], "journal.0.weights.0.bias: expected a list of finite numbers"),
        ([{"step": 5, "weights": {"0.weight": [[1, 2], 3]}}], "journal.0.weights.0.weight: expected lists of equal length"),
        ([{"step": 5, "weights": {"0.bias": [[[[[[[[[1]]]]]]]]]}}], "journal.0.weights.0.bias: expected a list of finite numbers"),
        ([{"step": 5, "buffers": {"1.running_mean": ["1"]}}], "journal.0.buffers.1.running_mean: expected a list of finite numbers"),
        ([{"step": 5, "set": SET, "origins": {"layers": [-1]}}], "journal.0.origins.layers: expected a list of places"),
        ([{"step": 5, "left_out": -1}], "journal.0.left_out: expected at least 0"),
        ([{"step": 5, "set": SET}] * (MOST_ENTRIES + 1), f"journal: expected at most {MOST_ENTRIES} entries"),
        ([{"step": 5, "weights": {"0.bias": [0.123456] * 8000}}], f"journal: expected at most {LONGEST_JOURNAL} characters"),
    ],
    ids=lambda value: str(value)[:60],
)  # fmt: skip
def test_what_is_no_journal_is_refused_with_its_path(entries: Any, said: str) -> None:
    with pytest.raises(Problem) as refused:
        Experiment.from_dict({"journal": entries})
    assert said in str(refused.value)


@pytest.mark.parametrize(
    "entry",
    [
        {
            "weights": {"2.inner.3.right.2.weight": [[1.0, -2.5]], "2.weight": [1.0]},
            "silenced": {"2.inner.3.left.0": [True]},
        },
        {"buffers": {"1.running_mean": [0.5, 1.5], "1.num_batches_tracked": 7}},
        {"weights": {"0.weight": [[[[1.0], [2.0]]], [[[3.0], [4.0]]]]}},
    ],
    ids=str,
)
def test_tensors_of_any_layer_have_a_place_in_it(entry: dict[str, Any]) -> None:
    experiment = Experiment.from_dict({"journal": [{"step": 5, **entry}]})
    assert Experiment.from_json(experiment.to_json()).to_dict()["journal"] == [{"step": 5, **entry}]


@st.composite
def journals(draw: st.DrawFn) -> list[dict[str, Any]]:
    numbers = st.floats(width=32, allow_nan=False, allow_infinity=False)
    said = st.fixed_dictionaries(
        {},
        optional={
            "set": st.sampled_from([SET, {"optimizer": adam(0.3)}, {"features": None}, {"layers": []}]),
            "weights": st.dictionaries(
                st.sampled_from(["0.bias", "12.bias"]), st.lists(numbers, max_size=4), min_size=1
            ),
            "silenced": st.dictionaries(st.sampled_from(["0", "4"]), st.lists(st.booleans(), max_size=3), min_size=1),
            "loaded": st.just(True),
            "left_out": st.integers(1, 9),
        },
    ).filter(bool)
    made = draw(st.lists(st.tuples(st.integers(0, 10**6), said), max_size=5))
    return [{"step": step, **entry} for step, entry in sorted(made, key=lambda one: one[0])]


@given(entries=journals(), indent=st.none() | st.integers(0, 4))
def test_a_recipe_with_a_journal_comes_back_as_it_was_from_file_and_link(
    entries: list[dict[str, Any]], indent: int | None
) -> None:
    experiment = Experiment.from_dict({"journal": entries})
    assert experiment.to_dict()["journal"] == json.loads(experiment.to_json(indent))["journal"]
    assert Experiment.from_json(experiment.to_json(indent)) == experiment
    assert decode(encode(experiment)) == experiment
    assert experiment.without_journal() == Experiment()


def test_a_link_is_as_it_was_without_one() -> None:
    assert Experiment().to_dict()["journal"] == []
    assert (
        encode(Experiment())
        == encode(Experiment.from_dict({}))
        == f"1.{base64.urlsafe_b64encode(zlib.compress(b'{}', 9)).decode().rstrip('=')}"
    )
    assert catalogue()["recipe"]["experiment"]["fields"]["journal"]["maxItems"] == MOST_ENTRIES
    assert schema()["properties"]["journal"]["default"] == []
    assert set(schema()["$defs"]["Entry"]["properties"]) >= {"step", "set", "weights"}


def test_a_link_that_nobody_could_open_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    repeated = recipe(journal=[{"step": 1, "weights": {"0.bias": [0.0] * 900}}])
    assert len(encode(repeated)) < 300
    monkeypatch.setattr(share, "LONGEST_TEXT", 1000)
    with pytest.raises(Problem, match="link may"):
        encode(repeated)


# What is said of it


def test_script_report_and_card_say_what_was_changed_and_when(run: Run) -> None:
    steps(run, 3)
    untouched = {
        form: export(open_checkpoint(run.file("checkpoint")), form).decode() for form in ("script", "report", "card")
    }
    assert not any("changed while" in " ".join(text.split()) for text in untouched.values())
    change(run, optimizer={"kind": "sgd", "learning_rate": 0.25})
    steps(run, 2)
    touch(run, "set", address="0", unit=0, input=0, value=0.5)
    checkpoint = open_checkpoint(run.file("checkpoint"))
    script, report, card = (export(checkpoint, form).decode() for form in ("script", "report", "card"))
    for written in (script, report, card.replace("\\", "")):
        text = " ".join(written.split())
        assert "hanged while it learned" in text
        assert "It began with Optimizer: Adam (learning rate 0.01" in text
        assert "Step 3: Optimizer: SGD (learning rate 0.25" in text
        assert "Step 5: weights set by hand, 0.weight." in text
    assert "does not repeat changes of data, layers and weights" in " ".join(script.split())
    assert "The same recipe and seed give the same numbers" not in report
    compile(script, "script", "exec")


def test_of_a_long_journal_the_first_and_the_last_changes_are_said(run: Run) -> None:
    for number in range(30):
        steps(run, 1)
        change(run, optimizer=adam(0.01 + (number + 1) / 100))
    script = export(open_checkpoint(run.file("checkpoint")), "script").decode()
    assert "Step 1: " in script and "Step 30: " in script and "Step 15: " not in script
    assert "... and 11 more changes ..." in script
