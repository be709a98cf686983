"""The jobs "learning_curve" and "capacity": the recipe is trained again with fewer rows, or with narrower and wider layers.

A smaller subset of the rows is gone through more often, so that every fit takes as many steps as the recipe's own epochs have,
at the same learning rates: what differs is how much there is to learn from, not how long it is learned. n of N rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from dlcore.datasets.split import Data, Split
from dlcore.engines import compiled
from dlcore.evaluation import Judged, open_judged, watched_name
from dlcore.evaluation.intervals import measure_of, score
from dlcore.evaluation.shape import judge_capacity, judge_learning
from dlcore.experiment import Experiment
from dlcore.jobs import Answer, Progress
from dlcore.learning.learner import Diverged
from dlcore.learning.trainer import Trainer
from dlcore.plan import LayerPlan
from dlcore.problems import Problem
from dlcore.randomness import derived_seed
from dlcore.rows import draw_stratified

MOST_EPOCHS = 10_000
MOST_REPEATS = 10
LONGEST = 3600.0
SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1)
FACTORS = (1 / 4, 1 / 2, 1, 2, 4)
FEWEST_ROWS = 10


class Fit(NamedTuple):
    """One training: its recipe, how many rows it gets, and the facts that are reported beside its scores."""

    experiment: Experiment
    rows: int
    facts: dict[str, Any]


def learning_curve(arguments: dict[str, Any], payload: bytes, progress: Progress) -> Answer:
    """Scores after "epochs" on growing shares of the training rows, each from "repeats" seeds (Cortes et al., 1994).

    It stops when "budget" seconds have passed. Every size is trained from one seed before any gets a second, so that all have a score soon.
    """
    judged = open_judged(payload)
    train_rows = len(judged.train.split.y)
    fewest = max(FEWEST_ROWS, 2 * judged.experiment.objective.num_classes)
    sizes = sorted({max(min(fewest, train_rows), round(train_rows * share)) for share in SHARES})
    fits = [Fit(judged.experiment, rows, {"x": rows}) for rows in sizes]
    return _train_all(judged, fits, "rows", judge_learning, arguments, progress)


def capacity(arguments: dict[str, Any], payload: bytes, progress: Progress) -> Answer:
    """Scores of networks of other widths: the recipe's depth, the units of its hidden layers times each of the factors "widths"."""
    judged = open_judged(payload)
    fits: dict[tuple[int, ...], Fit] = {}
    for factor in _read_factors(arguments.get("widths", FACTORS)):
        if (experiment := _widen(judged.experiment, factor)) is not None:
            units = [plan.units for _, plan in _list_growing(experiment)]
            facts = {"x": sum(units), "widths": units, "parameters": experiment.num_parameters}
            fits.setdefault(tuple(units), Fit(experiment, len(judged.train.split.y), facts))
    return _train_all(judged, list(fits.values()), "units", judge_capacity, arguments, progress)


def _widen(experiment: Experiment, factor: float) -> Experiment | None:
    """The recipe with so many times the units; None where that is beyond its bounds."""
    layers = list(experiment.layers)
    growing = _list_growing(experiment)
    if not growing:
        raise Problem("capacity_no_layers")
    try:
        for index, plan in growing:
            layers[index] = layers[index].replace(units=max(1, round(plan.units * factor)))
        return experiment.replace(layers=tuple(layers))
    except Problem:
        return None


def _list_growing(experiment: Experiment) -> list[tuple[int, LayerPlan]]:
    """The hidden layers whose units a person can add, with their indices."""
    plans = enumerate(experiment.plan())
    return [(index, plan) for (index, plan), layer in zip(plans, experiment.layers, strict=False) if layer.most_units]


def _train_all(
    judged: Judged,
    fits: list[Fit],
    x: str,
    findings: Callable[[Judged, list[dict[str, Any]]], list[dict[str, Any]]],
    arguments: dict[str, Any],
    progress: Progress,
) -> Answer:
    epochs = int(_read_within(arguments, "epochs", 30, MOST_EPOCHS))
    repeats = int(_read_within(arguments, "repeats", 3, MOST_REPEATS))
    seconds = _read_within(arguments, "budget", 50.0, LONGEST)
    deadline = time.monotonic() + seconds
    compiled.kernels(patient=True)  # Some thousand steps: it is worth waiting for the fast engine.
    points = [{**fit.facts, "train": [], "test": [], "diverged": 0} for fit in fits]
    planned, done = repeats * len(fits), 0

    def summarise() -> dict[str, Any]:
        tried = [point for point in points if point["train"] or point["diverged"]]
        facts = {"x": x, "metric": measure_of(judged.experiment), "watched": watched_name(judged), "epochs": epochs}
        return {**facts, "points": tried, "done": done, "planned": planned, "cut": planned - done}

    for repeat in range(repeats):
        for fit, point in zip(fits, points, strict=True):
            trainer = _make_trainer(judged, fit, repeat)
            try:
                while trainer.finished is None and trainer.epoch < epochs and time.monotonic() < deadline:
                    trainer.advance(deadline=deadline)
                    progress((done + trainer.epoch / epochs) / planned, summarise())
            except Diverged:
                point["diverged"] += 1
            else:
                if trainer.finished is None and trainer.epoch < epochs:  # An unfinished fit would look like a bad one.
                    return _answer(summarise(), findings(judged, points), epochs, seconds)
                trainer.settle()
                for name, value in zip(("train", "test"), _score(judged, trainer, fit), strict=True):
                    point[name].append(value)
            done += 1
            progress(done / planned, summarise())
    return _answer(summarise(), findings(judged, points), epochs, seconds)


def _answer(found: dict[str, Any], findings: list[dict[str, Any]], epochs: int, seconds: float) -> Answer:
    if not found["done"]:
        raise Problem("growth_too_slow", epochs=epochs, limit=round(seconds))
    return found | {"findings": findings}, b""


def _make_trainer(judged: Judged, fit: Fit, repeat: int) -> Trainer:
    """A fresh start from the seed of this repeat, on the rows of this fit; repeat 0 of all rows is the recipe itself."""
    experiment = fit.experiment.replace(seed=(judged.experiment.seed + repeat) % 2**31)
    y = judged.train.split.y
    generator = np.random.default_rng(derived_seed(experiment.seed, "subset"))
    chosen = draw_stratified(judged.experiment.objective.strata(y), len(y), fit.rows, generator)
    if fit.rows < len(y):
        chosen = np.resize(generator.permutation(chosen), len(y))  # The rows in turn, until an epoch is full.
    return Trainer(experiment, device="cpu", data=_with_training_rows(judged.data, chosen))


def _with_training_rows(data: Data, rows: np.ndarray) -> Data:
    split = data.train
    return replace(data, train=Split(split.raw[rows], split.X[rows], split.y[rows], split.target[rows]))


def _score(judged: Judged, trainer: Trainer, fit: Fit) -> tuple[float | None, float | None]:
    """The scores on the rows it learned from, each counted once, and on the watched rows."""
    predictions, measure = (
        judged.experiment.objective.answers(trainer.predictions().numpy()),
        measure_of(judged.experiment),
    )
    train, watched = trainer.data.train, trainer.data.watched
    learned = score(measure, train.target[: fit.rows], predictions[: fit.rows])
    return learned, score(measure, watched.target, predictions[len(train.y) :])


def _read_within(arguments: dict[str, Any], name: str, default: float, most: float) -> float:
    value = arguments.get(name, default)
    if not isinstance(value, int | float) or not 1 <= value <= most:
        raise Problem("out_of_bounds", path=name, expected=f"a number between 1 and {most:g}", came=str(value))
    return value


def _read_factors(widths: Any) -> list[float]:
    if not isinstance(widths, list | tuple) or not all(
        isinstance(one, int | float) and 0 < one <= 64 for one in widths
    ):
        raise Problem("out_of_bounds", path="widths", expected="factors between 0 and 64", came=str(widths))
    return sorted(widths)
