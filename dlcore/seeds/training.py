"""The same recipe on the same rows, begun from many seeds, to see what is skill and what is luck.

E moments, S seeds.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dlcore.datasets.split import Data
from dlcore.experiment import Experiment
from dlcore.problems import Problem
from dlcore.rows import prepare
from dlcore.seeds.members import SCORES, make_members

FEWEST, MOST = 2, 64
MOST_EPOCHS = 2000
MOST_NUMBERS = 8_000_000  # weights and biases of all seeds: with what the optimizer remembers, 160 MB
MOMENTS = 100  # of the curves, about: the eye sees no more

Told = Callable[["Curves"], None]


@dataclass(frozen=True)
class Curves:
    """The scores of all seeds at some moments, the first before any step."""

    asked: int  # epochs
    epochs: list[int]
    values: np.ndarray  # (4, E, S) in the order of SCORES
    diverged: np.ndarray  # (S,) bool: from some moment on the scores are the last ones for which the loss was finite

    def of(self, name: str) -> np.ndarray:
        """One of SCORES, of the seeds that have not diverged: (E, S)."""
        return self.values[SCORES.index(name)][:, ~self.diverged]


@dataclass(frozen=True)
class Seeds:
    """What has become of every seed."""

    experiment: Experiment
    curves: Curves
    weights: list[dict[str, np.ndarray]]  # names of the plain nn.Sequential

    @property
    def final(self) -> np.ndarray:
        """The metric on the watched rows in the end, of the seeds that have not diverged."""
        return self.curves.of("watched_metric")[-1]


def train_seeds(
    experiment: Experiment,
    count: int,
    epochs: int,
    progress: Told = lambda curves: None,
    data: Data | None = None,
    seconds: float = math.inf,
) -> Seeds:
    """Train the recipe from its own seed and the count - 1 that follow, on its own rows, for so many epochs or seconds.

    `progress` gets the curves so far at each of their moments. Raises Problem for what is too much.
    """
    _check(experiment, count, epochs)
    start = time.monotonic()
    together = make_members(experiment, count, data or prepare(experiment))
    wanted = set(choose_epochs(epochs))
    seen, scores = [0], [together.scores()]
    while together.epoch < epochs and together.learning.any():
        together.take_epoch()
        late = time.monotonic() - start >= seconds
        if together.epoch in wanted or late or not together.learning.any():
            seen.append(together.epoch)
            scores.append(together.scores())
            progress(Curves(epochs, seen.copy(), np.stack(scores, axis=1), together.diverged))
        if late:
            break
    if experiment.restore_best:  # The curves end where the networks do.
        together.settle()
        scores[-1] = together.scores()
    return Seeds(experiment, Curves(epochs, seen, np.stack(scores, axis=1), together.diverged), together.weights())


def choose_epochs(epochs: int) -> list[int]:
    """At which epochs all seeds are scored: each of the first ones, where curves bend, then ever fewer, the last one always."""
    even = np.linspace(0, epochs, MOMENTS // 2 + 1)
    early = np.geomspace(1, max(epochs, 1), MOMENTS // 2)
    return sorted({min(epochs, round(moment)) for moment in (*even, *early)})


def _check(experiment: Experiment, count: int, epochs: int) -> None:
    if not FEWEST <= count <= MOST:
        raise Problem("out_of_bounds", path="count", expected=f"between {FEWEST} and {MOST}", came=count)
    if not 1 <= epochs <= MOST_EPOCHS:
        raise Problem("out_of_bounds", path="epochs", expected=f"between 1 and {MOST_EPOCHS}", came=epochs)
    numbers = count * experiment.num_parameters
    if numbers > MOST_NUMBERS:
        raise Problem(
            "seeds_too_large", came=numbers, limit=MOST_NUMBERS, count=MOST_NUMBERS // experiment.num_parameters
        )
