"""Pictures of a stack of dense layers by the compiled kernels: one pass over the grid, a row of points at a time."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from dlcore.engines.dense import activation_parameters, layer_table, whole_vectors, work_space

if TYPE_CHECKING:
    from dlcore.experiment import Experiment


def can_paint(kernels: ModuleType, experiment: Experiment) -> bool:
    """Whether the kernels know the picture of this recipe's outputs."""
    return experiment.coding.link.name in kernels.pictures.LINKS


class Painter:
    """Paints the network of this recipe over a square grid (D, side * side), of each layer so many units as `shown` says.

    `paint` overwrites what it gave before.
    """

    def __init__(self, kernels: ModuleType, experiment: Experiment, grid_DP: np.ndarray, shown: list[int]) -> None:
        self._pictures = kernels.pictures
        self._grid = np.ascontiguousarray(grid_DP)
        points = self._grid.shape[1]
        side = round(points**0.5)
        plan = [plan for plan in experiment.plan() if plan.has_units]
        self._layers, units = layer_table(kernels, experiment, [False] * len(plan))
        self._parameters = np.array(activation_parameters(experiment), np.float32)
        self._shown = np.array(shown, np.int64)
        self._claim = kernels.pictures.LINKS.index(experiment.coding.link.name)
        self._work = work_space(kernels, self._layers, units, whole_vectors(kernels, side))
        self._seen = np.zeros((sum(shown), (side // 2) ** 2), np.float32)
        self.sums_KP = np.zeros((plan[-1].outputs, points), np.float32)
        self._steepness = np.float32(experiment.coding.steepness or 1.0)

    def paint(self, flat: np.ndarray, gates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Maps (units, side / 2 * side / 2) as bytes, 128 for zero, and the scale of each (units,); `sums_KP` are the output layer's.

        `flat` are all parameters, `gates` is 0 for silenced hidden units and 1 for others (empty: none is silenced).
        """
        maps = np.empty(self._seen.shape, np.uint8)
        scales = np.empty(len(maps), np.float32)
        self._pictures.paint(
            flat, self._layers, self._parameters, gates, self._grid, self._shown, self._claim, self._work,
            self._seen, self.sums_KP, maps, scales,
        )  # fmt: skip
        return maps, scales

    def classes(self) -> np.ndarray:
        """Of two classes: the probability of class 1 at every point of the last picture, as bytes 1.5 + 254 p."""
        painted = np.empty(self.sums_KP.shape[1], np.uint8)
        self._pictures.paint_classes(self.sums_KP[0], self._steepness, painted)
        return painted
