"""The notice after a change of the network's shape: how many weights it kept, and how far the predictions moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlcore.datasets.preparation import Preparation
from dlcore.learning.learner import Moved
from dlcore.objectives import ObjectiveComponent
from dlcore.problems import Problem

if TYPE_CHECKING:
    import torch

# of a probability, or of a target's deviation: if predictions moved less, the notice says that they stayed the same
SAME = 5e-4


def tell_kept_weights(
    kept: int, total: int, moved: Moved | None, objective: ObjectiveComponent, scaling: Preparation
) -> Problem:
    """The notice. `moved` is None where old and new predictions cannot be compared."""
    if moved is None:
        return Problem("weights_kept", kept=kept, total=total)
    if moved.most < SAME * objective.unit(scaling):
        return Problem("weights_kept.same", kept=kept, total=total)
    if objective.has_classes:
        mean, most = _write_probability(moved.mean), _write_probability(moved.most)
        return Problem("weights_kept.classes", mean=mean, most=most, kept=kept, total=total)
    return Problem("weights_kept.numbers", mean=f"{moved.mean:.3g}", most=f"{moved.most:.3g}", kept=kept, total=total)


def find_move(before: torch.Tensor, after: torch.Tensor, unit: float) -> Moved:
    """How far predictions moved, in such units."""
    moved = unit * (after.double() - before.double()).abs()
    return Moved(moved.mean().item(), moved.max().item())


def _write_probability(value: float) -> str:
    return f"{value:.3f}" if value >= SAME else "<0.001"
