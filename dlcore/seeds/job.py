"""The job "seeds": many seeds of a checkpoint's recipe, with bands that grow while they learn."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from dlcore.arrays import to_bytes
from dlcore.engines import compiled
from dlcore.evaluation import open_judged, watched_name
from dlcore.jobs import Answer, Progress
from dlcore.problems import Problem
from dlcore.seeds.disagreement import disagreement
from dlcore.seeds.members import SCORES, fits_lanes, make_recipes
from dlcore.seeds.summary import find_bands, summarise
from dlcore.seeds.training import Curves, train_seeds

LONGEST = 600.0  # seconds; then the seeds are judged as they stand
TELL_EVERY = 0.5  # seconds
OF_TRAINING = 0.95  # share of the job's progress; the rest is finding where the seeds disagree


def seeds(arguments: dict[str, Any], payload: bytes, progress: Progress) -> Answer:
    """Train "count" seeds for "epochs". The header has the bands of the curves, the final scores and what they say together,
    the payload the arrays of the map of disagreement. Raises Problem.
    """
    judged = open_judged(payload)
    count, epochs = _read_whole(arguments, "count", 32), _read_whole(arguments, "epochs", 100)
    facts = {"count": count, "asked": epochs, "metric": judged.experiment.metric, "watched": watched_name(judged)}
    if fits_lanes(judged.experiment) and compiled.must_compile_many():
        progress(0.0, {**facts, "stage": "compiling"})
    last = time.monotonic()

    def tell(curves: Curves) -> None:
        nonlocal last
        if time.monotonic() - last >= TELL_EVERY:
            last = time.monotonic()
            progress(
                OF_TRAINING * curves.epochs[-1] / epochs, {**facts, "stage": "training", **_describe_curves(curves)}
            )

    trained = train_seeds(judged.experiment, count, epochs, tell, judged.data, LONGEST)
    curves = trained.curves
    if curves.diverged.all():
        raise Problem("seeds_diverged", count=count, learning_rate=f"{judged.experiment.optimizer.learning_rate:g}")
    progress(OF_TRAINING, {**facts, "stage": "comparing", **_describe_curves(curves)})
    kept = [weights for weights, lost in zip(trained.weights, curves.diverged, strict=True) if not lost]
    apart, arrays = disagreement(judged, kept)
    numbers = np.array([recipe.seed for recipe in make_recipes(judged.experiment, count)])
    header = {
        **facts,
        "stage": "done",
        **_describe_curves(curves),
        "seeds": numbers[~curves.diverged].tolist(),
        "final": trained.final.tolist(),
        "summary": summarise(trained.final),
        "disagreement": apart,
        "class_names": list(judged.data.class_names),
    }
    return header, to_bytes({**arrays, "watched_metric": curves.of("watched_metric")})


def _describe_curves(curves: Curves) -> dict[str, Any]:
    """The curves as bands; if all seeds have diverged, only their number."""
    if curves.diverged.all():
        return {"diverged": len(curves.diverged)}
    found = {name: find_bands(curves.of(name)) for name in SCORES}
    return {"epochs": curves.epochs, "bands": found, "diverged": int(curves.diverged.sum())}


def _read_whole(arguments: dict[str, Any], name: str, usual: int) -> int:
    came = arguments.get(name, usual)
    if type(came) is not int:
        raise Problem("wrong_type", path=name, expected="a whole number", came=str(came))
    return came
