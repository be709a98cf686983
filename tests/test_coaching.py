"""The coach against runs that were trained so that a cause is there, and against runs in which it is not."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from dlcore.coaching.causes import GROUPS, find_advice
from dlcore.coaching.coach import LOOKS_EVERY, PATIENCE, Coach
from dlcore.coaching.evidence import read_evidence
from dlcore.coaching.fixes import FIXES, apply_fix
from dlcore.experiment import Experiment
from dlcore.frame import decode_frame
from dlcore.learning.overfitting import is_apart
from dlcore.learning.trainer import Trainer
from dlcore.runs.run import Run
from tests.clock import Clock

SPLIT = {"test_fraction": 0.3, "validation_fraction": 0.2}
Recipe = dict[str, Any]


def dense(*units: int, activation: str = "tanh") -> list[Recipe]:
    return [{"kind": "dense", "units": count, "activation": {"kind": activation}} for count in units]


def sgd(rate: float) -> Recipe:
    return {"kind": "sgd", "learning_rate": rate}


def adam(rate: float) -> Recipe:
    return {"kind": "adam", "learning_rate": rate}


OVERFITTING: Recipe = {
    "dataset": {"kind": "moons", "samples": 120, "noise": 0.5}, "layers": dense(16, 16, 16), "optimizer": adam(0.01),
}  # fmt: skip
STRAIGHT: Recipe = {"dataset": {"kind": "xor"}, "layers": []}
LINEAR: Recipe = {"dataset": {"kind": "xor"}, "layers": dense(4, activation="linear")}
SIGMOIDS: Recipe = {"layers": dense(*[8] * 5, activation="sigmoid"), "optimizer": sgd(0.1)}
SLOW: Recipe = {"optimizer": sgd(0.001)}
FAST: Recipe = {"dataset": {"kind": "moons", "noise": 0.2}, "layers": dense(8, 8), "optimizer": adam(1.0)}
DEAD: Recipe = {"layers": dense(8, 8, activation="relu"), "optimizer": adam(0.3)}
SMALL: Recipe = {"layers": dense(1)}

#: Recipe, epochs after which the cause is there, what is said.
CAUSES: dict[str, tuple[Recipe, int, str]] = {
    "overfitting": (OVERFITTING, 150, "overfitting"),
    "a straight border": (STRAIGHT, 50, "no_hidden"),
    "layers without a bend": (LINEAR, 50, "only_linear"),
    "a gradient that vanishes": (SIGMOIDS, 50, "vanishing"),
    "a rate too low": (SLOW, 60, "rate_low"),
    "a rate too high": (FAST, 50, "rate_high"),
    "a dead layer": (DEAD, 10, "dead_layer"),
    "a network too small": (SMALL, 200, "too_small"),
    "a rate too low for one line": (
        {"dataset": {"kind": "gauss"}, "layers": [], "optimizer": sgd(1e-6)},
        60,
        "rate_low",
    ),
    "an end": ({}, 300, "reached"),
}


def train(recipe: Recipe, epochs: int) -> Run:
    run = Run(json.dumps({**SPLIT, **recipe}), "cpu")
    for _ in range(epochs):
        run.epoch()
        run.advance(60)
    return run


def advice(run: Run) -> dict[str, Any] | None:
    return decode_frame(run.frame(None, None, 0))[0]["advice"]


def key(run: Run) -> str | None:
    found = advice(run)
    return found and found["key"]


def fix(run: Run, name: str) -> None:
    changed = apply_fix(name, run.learner.recipe)
    assert changed is not None
    run.change(changed.to_json())


@pytest.mark.parametrize("cause", CAUSES)
def test_what_goes_wrong_is_said(cause: str) -> None:
    recipe, epochs, expected = CAUSES[cause]
    found = advice(train(recipe, epochs))
    assert found is not None and found["key"] == expected
    names = [name for name, _ in found["fixes"]]
    assert names and all(name in GROUPS or apply_fix(name, make(recipe)) for name in names)


def make(recipe: Recipe) -> Experiment:
    return Experiment.from_dict({**SPLIT, **recipe})


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "recipe",
    [
        {},
        {"layers": dense(8, activation="relu"), "optimizer": adam(0.01)},
        {"layers": dense(*[8] * 5), "optimizer": sgd(0.03)},
        {"dataset": {"kind": "gauss", "noise": 0.3}, "layers": []},
        {"dataset": {"kind": "xor"}},
        {"dataset": {"kind": "iris"}},
        {"dataset": {"kind": "sine"}, "loss": {"kind": "mse"}, "layers": dense(8)},
    ],
)  # fmt: skip
def test_a_run_that_learns_well_is_blamed_for_nothing(recipe: Recipe, seed: int) -> None:
    run = train({**recipe, "seed": seed}, 0)
    said = set()
    for _ in range(60):
        run.epoch()
        run.advance(60)
        said.add(key(run))
    assert said == {None}


@pytest.mark.parametrize("seed", range(3))
def test_a_network_on_a_plateau_that_it_will_leave_is_not_called_too_small(seed: int) -> None:
    slow: Recipe = {"dataset": {"kind": "spiral"}, "layers": dense(8, 8), "optimizer": sgd(0.01), "seed": seed}
    run = train(slow, 150)
    assert key(run) is None
    loss = run.learner.history.column("train_loss")[-1]
    for _ in range(650):
        run.epoch()
        run.advance(60)
    assert run.learner.history.column("train_loss")[-1] < 0.95 * loss


def test_nothing_is_said_before_training_of_a_past_moment_and_after_an_end() -> None:
    assert advice(train(STRAIGHT, 0)) is None
    run = train(STRAIGHT, 50)
    first = run.timeline.moments[0].id
    assert "advice" not in decode_frame(run.frame(None, None, 0, None, {"moment": first}))[0]
    stopped = train({**OVERFITTING, "early_stopping": 20}, 150)
    assert stopped.status == "early_stopped" and advice(stopped) is None


def test_the_epoch_named_is_that_of_the_lowest_watched_loss() -> None:
    run = train(OVERFITTING, 150)
    found = advice(run)
    losses = run.learner.history.column("test_loss")
    assert found is not None and found["values"]["epoch"] == losses.argmin()
    # Judged by a plain comparison: since then the loss has risen, while that of the training rows fell.
    best = losses.argmin()
    train_losses = run.learner.history.column("train_loss")
    assert losses[-10:].min() > losses[best] and train_losses[-10:].max() < train_losses[best]


@pytest.mark.parametrize(
    ("cause", "name", "epochs"),
    [
        ("overfitting", "add_l2", 150),
        ("a straight border", "add_layer", 200),
        ("layers without a bend", "bend", 200),
        ("a gradient that vanishes", "let_through", 200),
        ("a rate too low", "faster", 200),
        ("a rate too high", "slower", 100),
        ("a dead layer", "leak", 150),
        ("a network too small", "more_units", 200),
    ],
)
def test_a_fix_helps_and_undo_takes_it_back(cause: str, name: str, epochs: int) -> None:
    recipe, before, expected = CAUSES[cause]
    run = train(recipe, before)
    found = advice(run)
    assert found is not None and name in [one for one, _ in found["fixes"]]
    watched = run.learner.history.column("test_loss")[-20:].mean()
    recipe_then, weights_then = run.learner.recipe, run.learner.snapshot().weights
    fix(run, name)
    for _ in range(epochs):
        run.epoch()
        run.advance(60)
    assert run.learner.history.column("test_loss")[-20:].mean() < 0.8 * watched
    run.undo()
    assert run.learner.recipe == recipe_then
    for address, weight in run.learner.snapshot().weights.items():
        assert np.array_equal(weight, weights_then[address])
    assert key(run) == expected


def test_after_a_change_what_was_before_counts_no_longer() -> None:
    run = train(OVERFITTING, 150)
    before = advice(run)
    fix(run, "fewer_units")
    assert advice(run) is None
    for _ in range(150):
        run.epoch()
        run.advance(60)
    after = advice(run)
    assert before is not None and after is not None and after["key"] == "overfitting"
    assert after["case"] != before["case"], "other settings are another case, which may be said"


def test_units_that_are_dead_or_stuck_are_counted() -> None:
    run = train({"layers": dense(6, activation="relu"), "optimizer": sgd(0.01)}, 2)
    for unit in range(3):
        run.intervene("set", {"structure": run.structure, "address": "0", "unit": unit, "input": "bias", "value": -99})
    run.epoch()
    run.advance(60)
    found = advice(run)
    assert found is not None and found["key"] == "dead_units"
    assert found["values"] == {"layer": 1, "units": 6, "dead": 3}
    run.intervene("set", {"structure": run.structure, "address": "0", "unit": 0, "input": "bias", "value": 0.1})
    assert key(run) != "dead_units"


def test_no_fix_is_offered_that_would_change_nothing() -> None:
    recipe = {**OVERFITTING, "regularizer": {"kind": "l2", "rate": 1.0}}
    assert apply_fix("add_l2", make(recipe)) is None
    assert apply_fix("fewer_units", make(SMALL)) is None
    assert apply_fix("leak", make({})) is None
    assert apply_fix("nonsense", make({})) is None
    assert all(apply_fix(name, make({**recipe, "layers": dense(2, 2)})) != make(recipe) for name in FIXES)


def test_the_coach_looks_once_a_second_and_holds_on_to_what_it_said() -> None:
    clock = Clock()
    coach = Coach(clock)
    trainer = Trainer(make(STRAIGHT))

    def go_on(epochs: int) -> None:
        for _ in range(epochs):
            trainer.advance()

    go_on(10)
    assert coach.advise(trainer, {}, True) is None
    go_on(40)
    assert coach.advise(trainer, {}, True) is None, "it has just looked"
    clock.now += LOOKS_EVERY
    said = coach.advise(trainer, {}, True)
    assert said is not None and said["key"] == "no_hidden"
    dead = {"health/0": np.array([1, 1, 1])}
    for _ in range(PATIENCE - 1):
        go_on(1)
        clock.now += LOOKS_EVERY
        assert coach.advise(trainer, dead, True) == said
    go_on(1)
    clock.now += LOOKS_EVERY
    changed = coach.advise(trainer, dead, True)
    assert changed is not None and changed["key"] == "dead_layer"


def test_evidence_has_the_score_of_a_constant_answer() -> None:
    trainer = Trainer(make({"dataset": {"kind": "iris"}}))
    trainer.advance()
    evidence = read_evidence(trainer, {})
    labels = trainer.data.train.y
    assert evidence is not None and evidence.baseline == max(np.bincount(labels)) / len(labels)
    assert find_advice(evidence) is None


def test_losses_are_apart_where_the_difference_is_more_than_chance() -> None:
    assert is_apart(0.1, 0.4, 0.7)
    assert not is_apart(0.4, 0.43, 0.7), "a difference that chance makes"
    assert not is_apart(0.01, 0.012, 0.7), "a fifth more, but next to nothing of what it began with"
    assert not is_apart(0.4, 0.1, 0.7)
