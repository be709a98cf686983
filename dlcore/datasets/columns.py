"""The columns of a table as a recipe names them: numbers, dates, categories, and what is done to each.  K categories of a column."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from dlcore.component import Component
from dlcore.problems import LONGEST_VALUE, Problem, clean

MOST_CATEGORIES = 30  # of one column
MOST_MARKS = 20  # spellings of one column that mean that a value is missing
UNKNOWN = -1.0  # The code of every category that the recipe does not list.

Impute = Literal["median", "mean", "most_frequent"]
Scale = Literal["standard", "minmax", "none"]


def _clean(text: str) -> str:
    shown = clean(text)
    if not shown.strip():
        raise Problem("table_name_empty")
    return shown


def _is_digest(text: str) -> str:
    if text and not re.fullmatch("[0-9a-f]{32}", text):
        raise Problem("wrong_type", path="dataset.digest", expected="32 hexadecimal digits", came=text)
    return text


def _is_usual(said: Any) -> bool:
    """Whether an option of how cells are read has its default, so that the recipe leaves it out."""
    return said in ("", None, False)


Name = Annotated[str, Field(min_length=1, max_length=LONGEST_VALUE), AfterValidator(_clean)]
Digest = Annotated[str, AfterValidator(_is_digest)]
Marks = Annotated[tuple[Name, ...], Field(max_length=MOST_MARKS)]


class NumberColumn(Component):
    """A column of numbers, one input: (x - mean) / deviation, or (x - least) / (most - least), of the training rows."""

    kind: Literal["number"] = "number"
    title: ClassVar[str] = "Number"
    name: Name = Field(description="Name of the column in the table.")
    impute: Impute = Field(default="median", description="What stands for a missing number, of the training rows.")
    scale: Scale = Field(default="standard", description="How its numbers are brought to a common scale.")
    unit: str = Field(
        default="",
        max_length=LONGEST_VALUE,
        exclude_if=_is_usual,
        description="What may stand around its numbers in a file: kg, $, %.",
    )
    missing: Marks | None = Field(
        default=None,
        exclude_if=_is_usual,
        description="Numbers that mean that there is none, as -999 does; none said: <0.1 and its like mean it.",
    )

    @property
    def inputs(self) -> int:
        """Inputs of the network that are made of it."""
        return 1


class DateColumn(NumberColumn):
    """A column of dates: a number, the days since 1970-01-01."""

    kind: Literal["date"] = "date"  # type: ignore[assignment]
    title: ClassVar[str] = "Date"
    order: Literal["", "day", "month"] = Field(
        default="", exclude_if=_is_usual, description="What stands first in dates such as 1/3/2024."
    )


class CategoryColumn(Component):
    """A column of names, one input a name: 1 where the row has it, else 0 (one-hot)."""

    kind: Literal["category"] = "category"
    title: ClassVar[str] = "Category"
    name: Name = Field(description="Name of the column in the table.")
    values: tuple[Name, ...] = Field(
        min_length=1, max_length=MOST_CATEGORIES, description="The categories; every other counts as unknown."
    )
    impute: Literal["most_frequent", "none"] = Field(
        default="most_frequent", description="What stands for a missing cell; none: 0 in all inputs."
    )
    missing: Marks | None = Field(
        default=None,
        exclude_if=_is_usual,
        description="Words that mean that there is none; none said: NA, None and their like, where they are no category.",
    )
    joined: bool = Field(
        default=False,
        exclude_if=_is_usual,
        description="Whether spellings that differ in capitals and blanks are one category.",
    )

    @property
    def inputs(self) -> int:
        """Inputs of the network that are made of it."""
        return len(self.values)

    @property
    def other(self) -> str:
        """The name that stands for every category not in `values`."""
        name = "(other)"
        while name in self.values:
            name = f"({name})"
        return name


Column = Annotated[NumberColumn | CategoryColumn | DateColumn, Field(discriminator="kind")]
