"""A snapshot: one moment of a run, frozen. Training that goes on does not move it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dlcore.journal import Journal
from dlcore.problems import Problem
from dlcore.stages import stages_of

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

    @property
    def row(self) -> list[float]:
        """A row of the history without epoch and step: of each score that of the training rows, then that of the watched ones."""
        return [score for name, of_train in self.train.items() for score in (of_train, self.watched[name])]

    @classmethod
    def from_row(cls, names: Sequence[str], row: Sequence[float]) -> Scores:
        """The scores of these names in a row of the history."""
        return cls(dict(zip(names, row[2::2], strict=True)), dict(zip(names, row[3::2], strict=True)))


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
    # {address: which units of a hidden layer count as 0}, all of them
    silenced: Mapping[str, torch.Tensor] | None = None
    journal: Journal = ()  # what was changed on the way here
    weights_of: int | None = None  # the epoch whose weights these are, where they were brought back

    @property
    def recipe_with_journal(self) -> Experiment:
        """The recipe, with the journal of what was changed since the run began."""
        return self.experiment.replace(journal=self.journal) if self.journal else self.experiment

    @property
    def plain_weights(self) -> dict[str, torch.Tensor]:
        """Weights with which plain PyTorch predicts the same: as it knows no silenced units, the weights of their outputs are 0.

        Raises Problem where something stands between such a unit and the weights that would have to be 0.
        """
        if self.silenced is None:
            return self.weights
        plain, left = dict(self.weights), {at: units for at, units in self.silenced.items() if units.any()}
        quiet: torch.Tensor | None = None  # which units before this stage are silenced
        for stage in stages_of(self.experiment):
            if quiet is not None and stage.connections is not None:
                plain[stage.connections[0]] = plain[stage.connections[0]].masked_fill(quiet, 0.0)
            elif quiet is not None and (stage.tensors or stage.branches or stage.plan.has_units):
                break  # It may turn a 0 into another number.
            if stage.plan.has_units:
                quiet = left.pop(stage.address, None)
        else:
            if not left:
                return plain
        raise Problem("silenced_behind")
