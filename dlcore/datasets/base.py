"""What every data set has in common.  N rows, D inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from dlcore.component import Component

Task = Literal["classification", "regression"]


@dataclass(frozen=True)
class Table:
    """The rows of a data set: X (N, D) float64; y (N,) class index (int64) or value (float64)."""

    X: np.ndarray
    y: np.ndarray
    input_names: tuple[str, ...]
    class_names: tuple[str, ...]  # empty for regression


class DatasetComponent(Component):
    """A source of rows. What can be known without making them is known here, so that nobody has to make them to check a recipe."""

    task: ClassVar[Task]
    inputs: ClassVar[int]
    standardized: ClassVar[bool] = (
        False  # inputs (and a number as target) are scaled to mean 0, variance 1 of the training rows
    )
    own_split: ClassVar[bool] = False  # the rows say themselves which are for testing: the training rows come first

    @property
    def num_classes(self) -> int:
        """Number of classes; 0 for regression."""
        raise NotImplementedError

    @property
    def rows(self) -> int:
        """Number of rows in all."""
        raise NotImplementedError

    def test_rows(self, fraction: float) -> int:
        """Number of rows kept for testing, if the recipe asks for this share."""
        return round(self.rows * fraction)

    def sample(self, generator: np.random.Generator) -> Table:
        """Make or load the rows."""
        raise NotImplementedError
