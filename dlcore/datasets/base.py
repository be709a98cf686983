"""What every data set has in common.  N rows, C columns, D inputs of the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from dlcore.component import Component
from dlcore.datasets.preparation import Preparation, PreparedNumber
from dlcore.objectives import ObjectiveComponent

Task = Literal["classification", "regression"]
Surface = Literal["line", "plane", "space"]


@dataclass(frozen=True)
class Table:
    """The rows of a data set: X (N, C) float64, NaN where a cell is missing; y (N,) class index (int64) or value (float64)."""

    X: np.ndarray
    y: np.ndarray
    column_names: tuple[str, ...]
    class_names: tuple[str, ...]  # empty for regression


@dataclass(frozen=True)
class Grey:
    """How a row is a picture: pixels from 0 (black) to `brightest`, row after row."""

    height: int
    width: int
    brightest: float

    def shades(self, raw: np.ndarray) -> list:
        """Raw pixels from 0 to 1, as JSON."""
        return (raw / self.brightest).round(4).tolist()


class DatasetComponent(Component):
    """A source of rows. What can be known without making them is known here, so that nobody has to make them to check a recipe."""

    objective: ClassVar[ObjectiveComponent]  # What is asked of a network that learns it.
    inputs: ClassVar[int]  # Numbers in a row as the network sees it, features aside.
    #: The rows say themselves what they are for: the training rows come first, then those that are watched, then the test rows.
    own_split: ClassVar[bool] = False
    ordered: ClassVar[bool] = True  # Rows of a split stay in the order of the data set.

    if TYPE_CHECKING:  # A data set may have it as a field of the recipe.

        @property
        def rows(self) -> int:
            """Number of rows in all."""
            ...

    @property
    def task(self) -> Task:
        """What is asked, as people know it."""
        return self.objective.task

    @property
    def num_classes(self) -> int:
        """Number of classes; 0 where a number is asked for."""
        return self.objective.num_classes

    @property
    def num_columns(self) -> int:
        """Raw columns of a row."""
        return self.inputs

    @property
    def surface(self) -> Surface:
        """Where its rows can be drawn as they are: two numbers lie on a plane, one and a number as target on a line."""
        surfaces: dict[int, Surface] = {1: "line", 2: "plane"}
        return surfaces.get(self.inputs, "space")

    @property
    def picture(self) -> Grey | None:
        """How a row is a picture, where it is one."""
        return None

    @property
    def question(self) -> tuple[Any, ...]:
        """What is asked, beside the task: where this is another, nothing that was learned has a meaning."""
        return ()

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the raw columns, where the recipe alone says them; else none."""
        return ()

    def input_names(self, columns: tuple[str, ...]) -> tuple[str, ...]:
        """Names of the inputs that are made of columns of these names."""
        return columns

    def input_keys(self) -> list[tuple[str, ...]]:
        """What tells each input from all others, of this and of other data sets."""
        return [(self.kind, str(index)) for index in range(self.inputs)]  # type: ignore[attr-defined]

    def row_facts(self) -> dict[str, Any]:
        """What says which rows it has, beside the seed: all fields, unless a kind knows some that only say how its rows are seen."""
        return self.to_dict()

    def test_rows(self, fraction: float) -> int:
        """Number of rows kept for testing, if the recipe asks for this share."""
        return round(self.rows * fraction)

    def validation_rows(self, fraction: float) -> int:
        """Number of rows that are watched in place of the test rows, if the recipe asks for this share; 0 in a two-way split."""
        return round(self.rows * fraction)

    def check_readable(self) -> None:
        """Raises Problem unless whoever this process works for may see its rows, also those that are in memory."""

    def sample(self, generator: np.random.Generator) -> Table:
        """Make or load the rows."""
        raise NotImplementedError

    def prepare(self, X: np.ndarray, y: np.ndarray) -> Preparation:
        """What is to be done to raw rows, learned from the training rows X (N, C) and y (N,); nothing to numbers on a common scale."""
        return Preparation((PreparedNumber(),) * X.shape[1])
