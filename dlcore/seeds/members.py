"""The networks of one recipe that differ in their seed alone: eight abreast in the compiled kernels, or one after the other.

Rows and split are those of the recipe's own seed; initial weights, the order of rows and what dropout drops come from the member's.
So member 0 is the plain run of the recipe.  S members, N rows, P weights and biases.
"""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np
import torch

from dlcore.class_weights import row_weights
from dlcore.datasets.split import Data
from dlcore.engines import compiled
from dlcore.engines.dense import Rows, fits
from dlcore.engines.many import ManyEngine, suits
from dlcore.engines.orders import Orders
from dlcore.experiment import Experiment
from dlcore.learning.learner import Diverged
from dlcore.learning.trainer import Trainer
from dlcore.network import build_model
from dlcore.randomness import derived_seed

SEEDS = 2**31  # Number of seeds; after the last one comes 0.
SCORES = ("train_loss", "train_metric", "watched_loss", "watched_metric")


class Members(Protocol):
    """Networks that learn side by side."""

    epoch: int

    @property
    def learning(self) -> np.ndarray:
        """(S,) bool: neither diverged nor stopped early."""
        ...

    @property
    def diverged(self) -> np.ndarray:
        """(S,) bool: the loss was not finite any more, and the last weights for which it was are kept."""
        ...

    def take_epoch(self) -> None:
        """All that still learn see every training row once."""
        ...

    def settle(self) -> None:
        """Training ends here: where the recipe says so, all get back the weights of their best epochs."""
        ...

    def scores(self) -> np.ndarray:
        """(4, S) in the order of SCORES; of a member that has ended, its last ones."""
        ...

    def weights(self) -> list[dict[str, np.ndarray]]:
        """The weights of each member, under the names of the plain nn.Sequential."""
        ...


def make_recipes(experiment: Experiment, count: int) -> list[Experiment]:
    """The recipe with its own seed and those that follow."""
    return [experiment.replace(seed=(experiment.seed + member) % SEEDS) for member in range(count)]


def make_members(experiment: Experiment, count: int, data: Data) -> Members:
    """Lanes of the kernels for small layers; a trainer for each seed where kernels are missing or one seed alone fills the processor."""
    many = compiled.many() if fits_lanes(experiment) else None
    return OneByOne(experiment, count, data) if many is None else Abreast(experiment, count, data, many)


def fits_lanes(experiment: Experiment) -> bool:
    """Whether the kernels know everything in this recipe, and would be the faster way."""
    kernels = compiled.kernels(patient=True)
    return kernels is not None and fits(kernels, experiment) and suits(experiment)


class OneByOne:
    """A trainer for each seed: what a member is by definition."""

    def __init__(self, experiment: Experiment, count: int, data: Data) -> None:
        self.trainers = [Trainer(recipe, "cpu", data) for recipe in make_recipes(experiment, count)]
        self.metric = experiment.metric
        self.diverged = np.zeros(count, bool)
        self.epoch = 0

    @property
    def learning(self) -> np.ndarray:
        """(S,) bool."""
        return ~self.diverged & [trainer.finished is None for trainer in self.trainers]

    def take_epoch(self) -> None:
        """Each in turn."""
        for member in np.flatnonzero(self.learning):
            trainer = self.trainers[member]
            try:
                while trainer.finished is None and trainer.epoch == self.epoch:
                    trainer.advance()
            except Diverged:
                self.diverged[member] = True
        self.epoch += 1

    def settle(self) -> None:
        """Each by itself."""
        for trainer, diverged in zip(self.trainers, self.diverged, strict=True):
            if not diverged:
                trainer.settle()

    def scores(self) -> np.ndarray:
        """(4, S)."""
        found = [trainer.scores() for trainer in self.trainers]
        return np.array(
            [[part[name] for part in (one.train, one.watched) for name in ("loss", self.metric)] for one in found]
        ).T

    def weights(self) -> list[dict[str, np.ndarray]]:
        """One dictionary a member."""
        return [
            {name: value.numpy() for name, value in trainer.engine.copy_of_weights().items()}
            for trainer in self.trainers
        ]


class Abreast:
    """All seeds at once, in the lanes of the compiled kernels."""

    def __init__(self, experiment: Experiment, count: int, data: Data, many: compiled.ModuleType) -> None:
        kernels = compiled.kernels(patient=True)
        assert kernels is not None
        ours = make_recipes(experiment, count)
        models = [build_model(recipe) for recipe in ours]
        X, y = (
            np.concatenate([getattr(part, name) for part in (data.train, data.watched)]) for name in ("X", "target")
        )
        labels = torch.from_numpy(y)
        train = len(data.train.X)
        weights = row_weights(experiment.class_weights, labels[:train], experiment.objective.num_classes)
        rows = Rows(torch.from_numpy(X), experiment.coding.encode(labels), labels, train, weights)
        self.engine = ManyEngine(kernels, many, models, experiment, rows)
        self.experiment = experiment
        self._orders = Orders(many, [derived_seed(recipe.seed, "order") for recipe in ours], rows.train)
        self._rows = rows.train
        self._stopped: dict[
            int, tuple[np.ndarray, np.ndarray]
        ] = {}  # member: its weights and scores when it stopped early
        self._best = np.full(count, math.inf)
        self._best_epoch = np.zeros(count, int)
        self._kept: dict[int, tuple[np.ndarray, np.ndarray]] = {}  # The same of each one's best epoch, if it is wanted.
        self.epoch = 0

    @property
    def diverged(self) -> np.ndarray:
        """(S,) bool."""
        found = self.engine.diverged.copy()
        found[list(self._stopped)] = False  # A member that stopped early goes on in its lane; that does not count.
        return found

    @property
    def learning(self) -> np.ndarray:
        """(S,) bool."""
        found = ~self.engine.diverged
        found[list(self._stopped)] = False
        return found

    def take_epoch(self) -> None:
        """One epoch of all members, in one call of the kernels."""
        self.engine.take_epoch(self._rates(), self._orders.draw())
        self.epoch += 1
        if self.experiment.early_stopping or self.experiment.restore_best:
            self._watch()

    def settle(self) -> None:
        """The best weights of those that have not stopped early; a diverged one has none but its last."""
        self._stopped |= {member: kept for member, kept in self._kept.items() if self.learning[member]}

    def scores(self) -> np.ndarray:
        """(4, S)."""
        found = self.engine.scores()
        for member, (_, scores) in self._stopped.items():
            found[:, member] = scores
        return found

    def weights(self) -> list[dict[str, np.ndarray]]:
        """One dictionary a member."""
        flats = self.engine.weights()
        for member, (flat, _) in self._stopped.items():
            flats[member] = flat
        return [self.engine.split_by_name(flat) for flat in flats]

    def _rates(self) -> np.ndarray:
        # As in the trainer, the learning rate of an update is that at its first row.
        cursors = range(0, self._rows, self.experiment.batch_size)
        factor, rate = self.experiment.schedule.factor, self.experiment.optimizer.learning_rate
        return np.array([rate * factor(self.epoch + cursor / self._rows) for cursor in cursors])

    def _watch(self) -> None:
        """Note which members are better than ever, and let those stop that have waited long enough."""
        scores = self.engine.scores()
        losses = scores[SCORES.index("watched_loss")]
        better = losses < self._best
        self._best[better], self._best_epoch[better] = losses[better], self.epoch
        if self.experiment.restore_best and better.any():
            flats = self.engine.weights()
            self._kept |= {int(member): (flats[member], scores[:, member].copy()) for member in np.flatnonzero(better)}
        patience = self.experiment.early_stopping
        tired = self.learning & (self.epoch - self._best_epoch >= patience) & (patience > 0)
        if tired.any():
            flats = self.engine.weights()
            for member in map(int, np.flatnonzero(tired)):
                self._stopped[member] = self._kept.get(member, (flats[member], scores[:, member].copy()))
