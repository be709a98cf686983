"""What every data set has in common.  N rows, C columns, D inputs of the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from dlcore.component import Component
from dlcore.datasets.fitting import Fitting, propose
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


#: What red, green and blue give to how bright a pixel looks (ITU-R BT.601).
LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class Grey:
    """How the numbers of a row form a picture: `height` lines of `width` pixels, each from 0 (black) to `brightest`.

    A picture in colour has three such pictures in a row, the red one, the green one and the blue one.
    """

    height: int
    width: int
    brightest: float
    channels: int = 1

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width), as layers read it."""
        return self.channels, self.height, self.width

    def shades(self, raw: np.ndarray) -> list:
        """Raw pixels (..., D) from 0 to 1, as JSON: of a picture in colour, how bright each pixel looks."""
        if self.channels == len(LUMA):
            raw = np.tensordot(LUMA, np.moveaxis(raw.reshape(*raw.shape[:-1], self.channels, -1), -2, 0), 1)
        return (raw / self.brightest).round(4).tolist()


class DatasetComponent(Component):
    """A source of rows. What can be known without making them is known here, so that nobody has to make them to check a recipe."""

    objective: ClassVar[ObjectiveComponent]  # What a network has to predict.
    inputs: ClassVar[int]  # Numbers in a prepared row, not counting features made of x1 and x2.
    #: True if the data set fixes its own split: the training rows come first, then the watched rows, then the test rows.
    own_split: ClassVar[bool] = False
    #: The menu in which it stands: "images", "texts", "sequences"; "": by what is asked, or with the real tables.
    group: ClassVar[str] = ""
    #: True if the rows follow one another in time: the first ones are for training, then come the watched and the test rows, as one
    #: who forecasts knows the past only. No row is drawn.
    split_in_time: ClassVar[bool] = False
    #: Whether the last numbers of a row are of the days before the target, so that "the same as a week ago" is something to beat.
    daily: ClassVar[bool] = False
    #: The most of a field that a menu offers, where a recipe may ask for more than comes with the program.
    offered: ClassVar[dict[str, int]] = {}
    ordered: ClassVar[bool] = True  # Rows of a split stay in the order of the data set.
    tried: ClassVar[Fitting | None] = None  # Settings that fit, found by trying; None: proposed from the sizes.

    if TYPE_CHECKING:  # Declared for type checkers only: some data sets have `rows` as a field of the recipe.

        @property
        def rows(self) -> int:
            """Number of rows in all."""
            ...

    @property
    def task(self) -> Task:
        """Classification or regression."""
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
        """Where rows can be drawn directly: on a plane for two inputs, on a line for one. Rows with more inputs, in "space", cannot."""
        surfaces: dict[int, Surface] = {1: "line", 2: "plane"}
        return surfaces.get(self.inputs, "space")

    @property
    def picture(self) -> Grey | None:
        """How the numbers of a row form a picture; None if rows are no pictures."""
        return None

    @property
    def shape(self) -> tuple[int, ...]:
        """How the numbers of a prepared row stand for layers that read more than a list of them.

        (channels, height, width) of a picture, (time, features) of a sequence of numbers, (time,) of a sequence of tokens; else (D,).
        """
        return (self.inputs,) if self.picture is None else self.picture.shape

    @property
    def vocabulary(self) -> int:
        """How many tokens there are, of which the numbers of a row are ids (0: padding, 1: unknown); 0 where they are amounts."""
        return 0

    def token_name(self, token: int) -> str:
        """How a token is written, by its id."""
        return str(token)

    @property
    def question(self) -> tuple[Any, ...]:
        """What identifies the question beside the task, such as the target's name: when it changes, what was learned is worthless."""
        return ()

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the raw columns if the recipe holds them, else ()."""
        return ()

    def input_names(self, columns: tuple[str, ...]) -> tuple[str, ...]:
        """Names of the network's inputs, given the names of the raw columns that they are made from."""
        return columns

    def input_keys(self) -> list[tuple[str, ...]]:
        """A key for each input: two inputs, of this or another data set, mean the same exactly if their keys are equal."""
        return [(self.kind, str(index)) for index in range(self.inputs)]  # type: ignore[attr-defined]

    def row_facts(self) -> dict[str, Any]:
        """The fields that decide, with the seed, which rows there are: all, unless a subclass leaves out those that do not matter."""
        return self.to_dict()

    def test_rows(self, fraction: float) -> int:
        """Number of rows kept for testing, if the recipe asks for this share."""
        return round(self.rows * fraction)

    def validation_rows(self, fraction: float) -> int:
        """Number of rows that are watched in place of the test rows, if the recipe asks for this share; 0 in a two-way split."""
        return round(self.rows * fraction)

    def fitting(self, train_rows: int) -> Fitting:
        """Settings with which a network learns so many of these rows well."""
        return self.tried or propose(self.inputs, self.objective.num_outputs, train_rows)

    def stacks(self, train_rows: int) -> dict[str, Fitting]:
        """Ready networks for these rows by name, whose words are in the catalogue under "stack.<name>": some of them are to be compared."""
        return {}

    def check_readable(self) -> None:
        """Raises Problem unless the person this process works for may see the rows, even rows that are in memory already."""

    def fetch(self) -> None:
        """Bring here what the rows need and is not here. For desks and the command line only, never for a worker. Raises Problem."""

    def sample(self, generator: np.random.Generator) -> Table:
        """Make or load the rows."""
        raise NotImplementedError

    def prepare(self, X: np.ndarray, y: np.ndarray) -> Preparation:
        """The preparation of raw rows, learned from the training rows X (N, C) and y (N,); by default none, as columns share a scale."""
        return Preparation((PreparedNumber(),) * X.shape[1])
