"""Reads the cells of another file for the columns of a recipe, each in the way in which the cells of the recipe's table were read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from dlcore.datasets.columns import UNKNOWN, CategoryColumn, DateColumn, NumberColumn
from dlcore.datasets.upload.bounds import LONGEST_CELL
from dlcore.datasets.upload.cells import Finding, finding
from dlcore.datasets.upload.column import Said
from dlcore.datasets.upload.columns import make_date_column, make_number_column
from dlcore.datasets.upload.missing import MARKS, without_marks
from dlcore.datasets.upload.numbers import read_numbers, write_number
from dlcore.datasets.upload.words import fold
from dlcore.problems import Problem, clean
from dlcore.spreadsheet import safe_cell

if TYPE_CHECKING:
    from collections.abc import Iterator


def raw_values(column: NumberColumn | CategoryColumn | DateColumn, cells: pa.Array, decimal: str) -> np.ndarray:
    """(N,) float64 as a table's own rows have them: a number, days, or the index of a category (UNKNOWN for any other); NaN is missing."""
    return read_again(column, cells, decimal)[0]


def read_again(
    column: NumberColumn | CategoryColumn | DateColumn, cells: pa.Array, decimal: str
) -> tuple[np.ndarray, list[Finding]]:
    """The values as in `raw_values`, and findings about cells that are no numbers or dates."""
    if isinstance(column, CategoryColumn):
        return _codes(column, cells, decimal), []
    if isinstance(column, DateColumn):
        try:
            found = make_date_column(column.name, cells, decimal, Said("date"), column.order)
        except Problem:  # None of the cells is a date: all count as missing.
            strangers = len(cells) - cells.null_count
            said = finding("found_not_dates", "warning", column=column.name, cells=strangers)
            return np.full(len(cells), np.nan), [said] if strangers else []
    else:
        found = make_number_column(column.name, cells, decimal, Said("number", column.missing), column.unit)
    assert found.numbers is not None
    return found.numbers, list(found.findings)


def _codes(column: CategoryColumn, cells: pa.Array, decimal: str) -> np.ndarray:
    code_of = {value: float(index) for index, value in enumerate(column.values)}
    if pa.types.is_floating(cells.type):
        texts = pa.array([None if value is None else write_number(value) for value in cells.to_pylist()], pa.string())
    else:
        texts = without_marks(cells)
    encoded = texts.dictionary_encode()
    words: list[str] = encoded.dictionary.to_pylist()
    gone = MARKS - code_of.keys() if column.missing is None else {*column.missing}
    if column.joined:
        code_of |= {fold(value): index for value, index in code_of.items()}

    def forms(word: str, number: float) -> Iterator[str]:
        shown = clean(word[: 4 * LONGEST_CELL].strip())
        yield shown
        if shown.startswith("'") and safe_cell(shown[1:]) == shown:
            yield shown[1:]  # Files written here have an apostrophe before what looks like a formula.
        if column.joined:
            yield fold(shown)
        if are_numbers and np.isfinite(number):
            yield write_number(number)  # 1.0 and 1 are one category of numbers.

    are_numbers = all(_is_number(value) for value in column.values)
    numbers = read_numbers(encoded.dictionary, decimal, unit="").values
    codes = [
        np.nan
        if word in gone or not clean(word).strip()
        else next((code_of[form] for form in forms(word, number) if form in code_of), UNKNOWN)
        for word, number in zip(words, numbers, strict=True)
    ]
    # A missing cell takes the last entry, NaN.
    return np.array([*codes, np.nan])[encoded.indices.fill_null(len(words)).to_numpy(zero_copy_only=False)]


def _is_number(value: str) -> bool:
    """Whether a category is a number as numbers are written here: 713, and not 00713."""
    try:
        return value == write_number(float(value))
    except ValueError:
        return False
