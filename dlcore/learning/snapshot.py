"""A snapshot: one moment of a run, frozen. Training that goes on does not move it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dlcore.journal import Journal

if TYPE_CHECKING:
    import torch

    from dlcore.experiment import Experiment


@dataclass(frozen=True)
class Scores:
    """Loss (mean over all rows, without the penalty) and metric of the rows learned from and of those watched meanwhile.

    {"loss": ..., "accuracy" or "r2": ...} each.
    """

    train: dict[str, float]
    watched: dict[str, float]

    def to_dict(self) -> dict[str, dict[str, float]]:
        """{"train": {...}, "test": {...}}: in frames and histories the watched rows are called so, whichever they are."""
        return {"train": dict(self.train), "test": dict(self.watched)}

    @classmethod
    def from_dict(cls, scores: dict[str, dict[str, float]]) -> Scores:
        """What `to_dict` gave."""
        return cls(scores["train"], scores["test"])


@dataclass(frozen=True)
class Snapshot:
    """Weights (a copy, on the CPU) and scores at one step."""

    experiment: Experiment
    step: int
    epoch: int
    progress: float  # epochs, fractions included
    learning_rate: float
    scores: Scores
    weights: dict[str, torch.Tensor]  # names of the plain nn.Sequential
    silenced: Mapping[str, torch.Tensor] | None = (
        None  # {address: which units of a hidden layer count as 0}, all of them
    )
    journal: Journal = ()  # what was changed on the way here

    @property
    def recipe(self) -> Experiment:
        """The recipe with its journal."""
        return self.experiment.replace(journal=self.journal) if self.journal else self.experiment

    @property
    def plain_weights(self) -> dict[str, torch.Tensor]:
        """Weights with which plain PyTorch, which knows of no silenced units, predicts the same: what they send out weighs 0."""
        if self.silenced is None:
            return self.weights
        plain = dict(self.weights)
        following = list(self.weights)[2::2]  # Each dense layer has a weight and a bias.
        for name, units in zip(following, self.silenced.values(), strict=True):
            plain[name] = plain[name].masked_fill(units, 0.0)
        return plain
