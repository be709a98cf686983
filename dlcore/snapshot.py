"""A snapshot: one moment of a run, frozen. Training that goes on does not move it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from dlcore.experiment import Experiment


@dataclass(frozen=True)
class Scores:
    """Loss (mean over all rows, without the penalty) and metric of both splits: {"loss": ..., "accuracy" or "r2": ...}."""

    train: dict[str, float]
    test: dict[str, float]

    def to_dict(self) -> dict[str, dict[str, float]]:
        """{"train": {...}, "test": {...}}."""
        return {"train": dict(self.train), "test": dict(self.test)}


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
