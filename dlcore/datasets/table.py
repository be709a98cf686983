"""A table that somebody has uploaded: the recipe names it, its target, and the columns that the network sees.

The rows stand in the store (dlcore/datasets/store.py) under the table's digest; what the recipe says of them is checked
against it when they are read. N rows, C columns, D inputs of the network.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from dlcore.datasets import cars, store
from dlcore.datasets.base import DatasetComponent, Surface, Table
from dlcore.datasets.columns import UNKNOWN, CategoryColumn, Column, Digest, Name, NumberColumn
from dlcore.datasets.days import round_to_milliseconds
from dlcore.datasets.preparation import Preparation
from dlcore.datasets.reading import Reading
from dlcore.datasets.treatment import prepare_columns, prepare_target
from dlcore.objectives import Classes, Numbers, objective_of_classes
from dlcore.problems import Problem, clean

MOST_ROWS = 100_000
MOST_COLUMNS = 200
MOST_CLASSES = 20
MOST_NUMBERS = 20_000_000  # rows times inputs of the network
LONGEST_TEXT = 20_000  # characters of all names, categories and classes: they stand in every checkpoint


class TableData(DatasetComponent):
    """Rows of a table that somebody has brought. By itself: 32 cars of the magazine Motor Trend (Henderson and Velleman, 1981)."""

    kind: Literal["table"] = "table"
    title: ClassVar[str] = "Your table"
    ordered: ClassVar[bool] = False
    digest: Digest = Field(default="", description="Under which the table is kept on this server; empty: the cars.")
    name: Name = Field(default=cars.NAME, description="What the table is called.")
    rows: int = Field(default=len(cars.ROWS), ge=4, le=MOST_ROWS, description="Number of rows.")  # type: ignore[override]
    target: Name = Field(default=cars.TARGET, description="The column that is to be predicted.")
    classes: tuple[Name, ...] = Field(
        default=cars.CLASSES, max_length=MOST_CLASSES, description="Classes of the target; none: it is a number."
    )
    columns: tuple[Column, ...] = Field(
        default=(
            *(NumberColumn(name=name) for name in cars.NUMBERS),
            CategoryColumn(name=cars.CATEGORY, values=cars.CATEGORIES),
        ),
        min_length=1,
        max_length=MOST_COLUMNS,
        description="The columns that the network sees.",
    )
    reading: Reading | None = Field(
        default=None, description="How the file was read, for others of its form; none: it is found out."
    )

    @model_validator(mode="after")
    def _fits_together(self) -> TableData:
        names = [column.name for column in self.columns]
        if self.target in names:
            raise Problem("table_target_seen", came=self.target)
        categories = [column.values for column in self.columns if isinstance(column, CategoryColumn)]
        marks = [column.missing or () for column in self.columns]
        for several in (names, self.classes, *categories, *marks):
            for one in several:
                if several.count(one) > 1:
                    raise Problem("table_name_twice", came=one)
        if len(self.classes) == 1:
            raise Problem("table_one_class", target=self.target, came=self.classes[0])
        if self.rows * self.inputs > MOST_NUMBERS:
            raise Problem("table_too_wide", rows=self.rows, inputs=self.inputs, limit=MOST_NUMBERS // self.rows)
        length = sum(len(text) for several in (names, self.classes, *categories, *marks) for text in several)
        if length > LONGEST_TEXT:
            raise Problem("table_long_names", came=length, limit=LONGEST_TEXT)
        return self

    @model_serializer(mode="wrap")
    def _without_nothing(self, as_usual: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out `reading` if it is None, so that a recipe without it keeps its text."""
        found = as_usual(self)
        if self.reading is None:
            found.pop("reading", None)
        return found

    @property
    def objective(self) -> Classes | Numbers:  # type: ignore[override]
        return objective_of_classes(len(self.classes)) if self.classes else Numbers()

    @cached_property
    def inputs(self) -> int:  # type: ignore[override]
        return sum(column.inputs for column in self.columns)

    @property
    def num_columns(self) -> int:
        return len(self.columns)

    @property
    def surface(self) -> Surface:
        if any(isinstance(column, CategoryColumn) for column in self.columns):
            return "space"
        if len(self.columns) == 2:
            return "plane"
        return "line" if len(self.columns) == 1 and not self.classes else "space"

    @property
    def question(self) -> tuple[Any, ...]:
        # Without the digest: a table that is imported again with one column more asks the same question.
        return self.name, self.target, self.classes

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def input_names(self, columns: tuple[str, ...]) -> tuple[str, ...]:
        names: list[str] = []
        for column in self.columns:
            if isinstance(column, CategoryColumn):
                names += [clean(f"{column.name}={value}") for value in column.values]
            else:
                names.append(column.name)
        return tuple(names)

    def input_keys(self) -> list[tuple[str, ...]]:
        keys: list[tuple[str, ...]] = []
        for column in self.columns:
            values = column.values if isinstance(column, CategoryColumn) else ()
            keys += [(column.name, value) for value in values] or [(column.name,)]
        return keys

    def check_readable(self) -> None:
        if self.digest:
            store.check(self.digest, self.name)

    def row_facts(self) -> dict[str, Any]:
        # Name, columns and reading do not matter: the rows are the same with a column more or less, or treated otherwise.
        return {name: value for name, value in self.to_dict().items() if name not in ("name", "columns", "reading")}

    def sample(self, generator: np.random.Generator) -> Table:
        stored = store.get_table(self.digest, self.name) if self.digest else cars.make_stored()
        known = {
            described["name"]: {**described, "array": f"c{index}"}
            for index, described in enumerate(stored.facts["columns"])
        }

        def read(name: str, kinds: tuple[str, ...]) -> tuple[dict[str, Any], np.ndarray]:
            described = known.get(name)
            if described is None or described["kind"] not in kinds or stored.facts["rows"] != self.rows:
                raise Problem("table_differs", name=self.name, column=name)
            return described, stored.arrays[described["array"]]

        X = np.empty((self.rows, len(self.columns)))
        for index, column in enumerate(self.columns):
            if isinstance(column, CategoryColumn):
                X[:, index] = recode(*read(column.name, _NAMED), column.values)
            else:
                numbers = read(column.name, (column.kind,))[1]
                X[:, index] = round_to_milliseconds(numbers) if column.kind == "date" else numbers
        if self.classes:
            y = recode(*read(self.target, _NAMED), self.classes)
        else:
            y = read(self.target, ("number", "date"))[1].astype(np.float64)
        # There is a row without a target, or with a class that the recipe does not list.
        if not np.isfinite(y).all() or (self.classes and (y == UNKNOWN).any()):
            raise Problem("table_differs", name=self.name, column=self.target)
        return Table(X, y.astype(np.int64) if self.classes else y, self.column_names, self.classes)

    def prepare(self, X: np.ndarray, y: np.ndarray) -> Preparation:
        columns = prepare_columns(self.columns, X)
        if self.classes:
            return Preparation(columns)
        mean, deviation = prepare_target(self.target, y)
        return Preparation(columns, target_mean=mean, target_deviation=deviation)


_NAMED = ("category", "text", "id")  # Kinds of stored columns that are codes into their values.


def recode(described: dict[str, Any], codes: np.ndarray, values: tuple[str, ...]) -> np.ndarray:
    """(N,) codes into the table's own values, translated to codes into `values`; UNKNOWN for others, NaN for missing cells."""
    index = {value: float(code) for code, value in enumerate(values)}
    # A missing cell has the code -1, which finds the last entry: NaN.
    return np.array([*(index.get(value, UNKNOWN) for value in described["values"]), np.nan])[codes]
