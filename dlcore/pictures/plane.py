"""Data with two columns: maps of the network's output, and of each unit's answer, over the plane of both.

D inputs, K units, P points of a square grid, row by row from the top (largest y), left to right.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import torch

from dlcore.datasets.preparation import Preparation, with_features
from dlcore.pictures.base import PLANE, Bend, Drawable, Interval, OutputPicture, as_inputs, ranges_of

FEATURE_SIDE = 22  # points on a side of a feature's map, which is shown small


class UnitPlane:
    """A unit's map over the plane, at every second point of the output's grid, so that one forward pass serves both."""

    kind: ClassVar = "plane"
    painted: ClassVar = True
    painted_by_client: ClassVar = True

    @classmethod
    def suits(cls, drawable: Drawable, output: OutputPicture) -> bool:
        return isinstance(output, Plane)

    def __init__(self, drawable: Drawable, output: OutputPicture) -> None:
        self.inputs_DP = output.inputs_DP
        self.shape = (output.shape[0] // 2, output.shape[1] // 2)
        self._ranges = {name: output.layout[name] for name in ("x_range", "y_range")}

    @property
    def layout(self) -> dict[str, Any]:
        return {"kind": self.kind, "rows": self.shape[0], "columns": self.shape[1], **self._ranges}

    def draw(self, answers_KP: torch.Tensor, bend: Bend) -> torch.Tensor:
        rows, columns = self.shape
        thinned = answers_KP.reshape(-1, rows, 2, columns, 2)[:, :, 0, :, 0]
        return bend(thinned.reshape(-1, rows * columns))


class Plane:
    """The output's map over the plane of the two columns."""

    kind: ClassVar = "plane"
    plane_D3 = plane_factors = None

    @classmethod
    def suits(cls, drawable: Drawable) -> bool:
        return drawable.experiment.dataset.surface == "plane"

    def __init__(self, drawable: Drawable, side: int) -> None:
        x_range, y_range = ranges_of(drawable)
        self._scaling = drawable.data.scaling
        self.inputs_DP = inputs_on_grid(self._scaling, x_range, y_range, side)
        self.shape = (side, side)
        self.layout = plane_layout(self.kind, side, x_range, y_range, list(drawable.data.raw_names))

    def points(self, raw: np.ndarray, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        return self._scaling.fill_missing(raw)

    def numbers(self, values_P: np.ndarray, value_range: Interval) -> dict[str, np.ndarray]:
        return shade(values_P, value_range, self.shape)


@lru_cache(maxsize=2)
def feature_maps(names: tuple[str, ...]) -> np.ndarray:
    """(F, side, side) bytes: the map of each feature over the plane; 128 is zero, 1 and 255 are minus and plus its largest value."""
    low, high = PLANE
    along = np.linspace(low, high, 2001)
    largest = np.abs(with_features(np.stack([along, along], axis=1), names)).max(axis=0)
    values = with_features(grid(PLANE, PLANE, FEATURE_SIDE), names) / largest
    return (values.T * 127 + 128.5).astype(np.uint8).reshape(-1, FEATURE_SIDE, FEATURE_SIDE)


def shade(values_P: np.ndarray, value_range: Interval, shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Predicted numbers as bytes: 1 and 255 are the ends of the range."""
    low, high = value_range
    bytes_ = np.clip(1 + 254 * (values_P - low) / (high - low), 1, 255).round().astype(np.uint8)
    return {"output": bytes_.reshape(shape)}


def plane_layout(kind: str, side: int, x_range: Interval, y_range: Interval, axes: list[str]) -> dict[str, Any]:
    """What the browser needs to draw a plane, whatever its axes mean."""
    return {
        "kind": kind, "rows": side, "columns": side,
        "x_range": list(x_range), "y_range": list(y_range), "axes": axes,
    }  # fmt: skip


@lru_cache(maxsize=8)
def inputs_on_grid(scaling: Preparation, x_range: Interval, y_range: Interval, side: int) -> torch.Tensor:
    """(D, side * side) inputs of the network at the cells of `grid`: shared by all toy data, which differ in their rows only."""
    return as_inputs(scaling.inputs(grid(x_range, y_range, side)))


def grid(x_range: Interval, y_range: Interval, side: int) -> np.ndarray:
    """(side * side, 2) centres of cells, row by row from the top (largest y) left to right."""
    x = _centres(x_range, side)
    y = _centres(y_range, side)[::-1]
    across, down = np.meshgrid(x, y)
    return np.stack([across.ravel(), down.ravel()], axis=1)


def _centres(bounds: Interval, side: int) -> np.ndarray:
    low, high = bounds
    return low + (np.arange(side) + 0.5) * (high - low) / side
