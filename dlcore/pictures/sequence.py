"""Strips: what a unit answers at each step of a sequence, for one row of the data.  T steps, K units."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from dlcore.layers import SEQUENCE, Shape


class UnitSequence:
    """A unit as its values over the T steps."""

    kind: ClassVar = "sequence"

    @classmethod
    def suits(cls, shape: Shape) -> bool:
        """Whether values of this shape are drawn so."""
        return len(shape) == SEQUENCE

    def __init__(self, shape: Shape, every: int = 1) -> None:
        self._every = every
        self.shape = (-(-shape[0] // every),)

    @property
    def layout(self) -> dict[str, Any]:
        """What the browser needs to draw it."""
        return {"kind": self.kind, "rows": 1, "columns": self.shape[0], "every": self._every}

    def draw(self, values_TK: torch.Tensor) -> torch.Tensor:
        """(K, T) of the values of one row."""
        return values_TK[:: self._every].T
