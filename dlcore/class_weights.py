"""Class weights: what a training row of each class counts in the loss, so that a frequent class does not drown a rare one.

N training rows, K classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

ClassWeights = Literal["none", "balanced"]


def balanced_weights(y_N: torch.Tensor, classes: int) -> torch.Tensor:
    """n / (K n_k) for class k: the K classes of n rows count the same in all, however few n_k rows one has (King and Zeng, 2001)."""
    import torch

    rows_K = torch.bincount(y_N, minlength=classes)
    present = int((rows_K > 0).sum())
    return torch.where(rows_K > 0, len(y_N) / (present * rows_K), 0.0)  # No row of a class, no weight.


def row_weights(class_weights: ClassWeights, y_N: torch.Tensor, classes: int) -> torch.Tensor | None:
    """(N,) what each of these training rows counts, by their classes; None where all count the same."""
    return balanced_weights(y_N, classes)[y_N] if class_weights == "balanced" else None
