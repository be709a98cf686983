"""A plane for data that are not two numeric columns: the first two principal components, or one number and the classes.

D inputs, P points of a square grid, N rows.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from dlcore.datasets.preparation import PreparedNumber
from dlcore.pictures.base import Drawable, Interval, as_inputs, pad, ranges_of, target_name
from dlcore.pictures.plane import grid, plane_layout, shade

MOST_PROJECTED = 1_000_000  # numbers (rows times columns) from which the principal components are computed


class Strip:
    """The output over one column, for classes: the column across, a row of points for each class."""

    kind: ClassVar = "projection"
    plane_D3 = plane_factors = None

    @classmethod
    def suits(cls, drawable: Drawable) -> bool:
        dataset, data = drawable.experiment.dataset, drawable.data
        number = len(data.raw_names) == 1 and isinstance(data.scaling.columns[0], PreparedNumber)
        return dataset.surface == "space" and dataset.objective.has_classes and number

    def __init__(self, drawable: Drawable, side: int) -> None:
        data = drawable.data
        (x_range,), y_range = ranges_of(drawable), (-0.5, len(data.class_names) - 0.5)
        self._scaling = data.scaling
        self.inputs_DP = as_inputs(self._scaling.inputs(grid(x_range, y_range, side)[:, :1]))
        self.shape = (side, side)
        axes = [data.raw_names[0], target_name(drawable.experiment)]
        self.layout = plane_layout(self.kind, side, x_range, y_range, axes) | {"explained": [1.0, 0.0]}

    def points(self, raw: np.ndarray, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.stack([self._scaling.fill_missing(raw)[:, 0], y], axis=1)

    def numbers(self, values_P: np.ndarray, value_range: Interval) -> dict[str, np.ndarray]:
        return shade(values_P, value_range, self.shape)


class Projection:
    """The output over the plane of the training rows' first two principal components (Pearson, 1901); all other components are zero."""

    kind: ClassVar = "projection"

    @classmethod
    def suits(cls, drawable: Drawable) -> bool:
        return True

    def __init__(self, drawable: Drawable, side: int) -> None:
        X = drawable.data.train.X
        X = X[: max(2, MOST_PROJECTED // X.shape[1])].astype(np.float64)
        self._mean = X.mean(axis=0)
        _, strengths, axes = np.linalg.svd(X - self._mean, full_matrices=False)
        self._axes_2D = axes[:2] if len(axes) > 1 else np.vstack([axes, np.zeros_like(axes)])
        places = (X - self._mean) @ self._axes_2D.T
        x_range, y_range = pad(places[:, 0]), pad(places[:, 1])
        shares = strengths**2 / ((strengths**2).sum() or 1.0)
        points = grid(x_range, y_range, side)
        rows = points @ self._axes_2D + self._mean
        if vocabulary := drawable.experiment.dataset.vocabulary:
            # Between two ids there is none: the nearest row of tokens.
            self.inputs_DP = as_inputs(rows.round().clip(0, vocabulary - 1))
            self.plane_D3 = self.plane_factors = None
        else:
            self.inputs_DP = as_inputs(rows)
            self.plane_D3 = as_inputs(np.vstack([self._mean, self._axes_2D]))
            ones, (u, v) = np.ones(side), (points[:side, 0], points[::side, 1])
            self.plane_factors = np.array([ones, u, ones], np.float32), np.array([ones, ones, v], np.float32)
        self.shape = (side, side)
        self.layout = plane_layout(self.kind, side, x_range, y_range, ["PC 1", "PC 2"])
        self.layout["explained"] = [*map(float, shares[:2]), 0.0][:2]

    def points(self, raw: np.ndarray, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        return (X - self._mean) @ self._axes_2D.T

    def numbers(self, values_P: np.ndarray, value_range: Interval) -> dict[str, np.ndarray]:
        return shade(values_P, value_range, self.shape)
