"""The output as rows of the data with what is predicted for each, for networks that read pictures or sequences.

A plane through the space of their inputs shows rows that nobody has seen, and its ten thousand points cost such a network too much.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch

from dlcore.pictures.base import Drawable, Interval
from dlcore.pictures.example import reads_shape


class ExamplesOutput:
    """The output at rows of the data. It has no points of its own: what is predicted for the rows comes with every frame."""

    kind: ClassVar = "examples"
    plane_D3 = plane_factors = None

    @classmethod
    def suits(cls, drawable: Drawable) -> bool:
        return reads_shape(drawable.experiment)

    def __init__(self, drawable: Drawable, side: int) -> None:
        self.inputs_DP = torch.empty(drawable.data.train.X.shape[1], 0)
        self.shape: tuple[int, ...] = (0,)
        self.layout: dict[str, Any] = {"kind": self.kind, "rows": 0, "columns": 0}

    def points(self, raw: np.ndarray, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.zeros((len(y), 2))

    def numbers(self, values_P: np.ndarray, value_range: Interval) -> dict[str, np.ndarray]:
        return {}
