"""The rows of a data set, split into parts and prepared for a network. Here are the values only; rows.py makes them.

N rows, C raw columns, D inputs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dlcore.datasets.preparation import Preparation


@dataclass(frozen=True)
class Split:
    """One part of the rows."""

    raw: np.ndarray  # (N, C) float64, in the data's own units; NaN where a cell is missing
    X: np.ndarray  # (N, D) float32, prepared: what the network sees
    y: np.ndarray  # (N,) class index int64, or value float64 in the data's own units
    target: np.ndarray  # (N,) class index int64, or scaled value float32: what is learned


@dataclass(frozen=True)
class Data:
    """The rows of a recipe, in two parts or three, and how they were made."""

    train: Split
    watched: Split  # Scored while the network learns: the validation rows, or in a two-way split the test rows.
    scaling: Preparation
    raw_names: tuple[str, ...]
    input_names: tuple[str, ...]
    class_names: tuple[str, ...]
    #: If there are validation rows: the test rows, scored only in the end. Nothing that learns or draws reads them.
    final: Split | None = None

    def holds_same_rows(self, other: Data) -> bool:
        """Whether inputs and targets of training and watched rows are equal in both."""
        pairs = ((self.train, other.train), (self.watched, other.watched))
        return all(np.array_equal(a.X, b.X) and np.array_equal(a.target, b.target) for a, b in pairs)
