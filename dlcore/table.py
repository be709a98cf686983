"""Tables from a stranger: CSV text to numbers, in bounds, with the line and column of what is wrong."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from dlcore.datasets.days import days_in, on_the_clock
from dlcore.datasets.table import UNKNOWN, CategoryColumn, DateColumn, TableData, coded
from dlcore.problems import Problem, clean
from dlcore.spreadsheet import safe_cell

if TYPE_CHECKING:
    from dlcore.checkpoint import Checkpoint
    from dlcore.datasets.upload.cells import Cells

LARGEST_TABLE = 16 << 20


def read_columns(path: Path, readers: Mapping[str, Reader]) -> np.ndarray:
    """The named columns of a CSV file with a header, in this order: (N, columns) float64. Others are ignored. Raises Problem."""
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    where, names = path.name, list(readers)
    try:
        header = next(reader, None)
        if header is None:
            raise Problem("table_empty", path=where, expected=", ".join(names))
        titles = [clean(title.strip()) for title in header]
        places = {_place(where, titles, name, names): readers[name] for name in names}
        rows = [_numbers(where, reader.line_num, titles, row, places) for row in reader if row]
    except csv.Error:
        raise Problem("table_not_text", path=where) from None
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(names))


def read_rows(path: Path, checkpoint: Checkpoint) -> np.ndarray:
    """The columns that a network asks for, (N, columns) float64, of any file that `table` reads. Raises Problem."""
    from dlcore.datasets.upload.reading import read_alike

    dataset = checkpoint.experiment.dataset
    if not isinstance(dataset, TableData):
        return read_columns(path, readers_of(checkpoint))

    def fit(cells: Cells) -> float:
        """The share of its cells that mean something to the network; 0 where a column is not there."""
        if not cells.rows or not {*dataset.column_names} <= {*cells.names}:
            return 0.0
        X = _values(dataset, cells)
        filled = ~np.stack([_is_missing(cells, name) for name in dataset.column_names], axis=1)
        return float((np.isfinite(X) & (X != UNKNOWN))[filled].mean()) if filled.any() else 1.0

    cells = read_alike(read_bytes(path, LARGEST_TABLE + 1), dataset.reading, fit)
    if not cells.rows:
        raise Problem("upload_no_rows")
    for name in dataset.column_names:
        if name not in cells.names:
            raise Problem("table_column_missing", path=path.name, column=name, expected=", ".join(dataset.column_names))
    return _values(dataset, cells)


def _values(dataset: TableData, cells: Cells) -> np.ndarray:
    """(N, columns) what cells mean, as the rows of the table have it."""
    from dlcore.datasets.upload.columns import typed

    X = np.empty((cells.rows, len(dataset.columns)))
    for place, column in enumerate(dataset.columns):
        one = replace(cells, names=(column.name,), columns=(cells.columns[cells.names.index(column.name)],))
        (found,) = typed(one, {})
        if found.kind != column.kind:
            (found,) = typed(one, {column.name: column.kind})
        if isinstance(column, CategoryColumn):
            X[:, place] = coded({"values": found.coded.values}, found.coded.codes, column.values)
        else:
            assert found.numbers is not None
            X[:, place] = on_the_clock(found.numbers) if column.kind == "date" else found.numbers
    return X


def _is_missing(cells: Cells, name: str) -> np.ndarray:
    from dlcore.datasets.upload.missing import without_marks

    column = cells.columns[cells.names.index(name)]
    column = without_marks(column) if pa.types.is_string(column.type) else column
    return np.array(column.is_null().to_numpy(zero_copy_only=False))


def readers_of(checkpoint: Checkpoint) -> dict[str, Reader]:
    """How the cells of each column that a network asks for are read: a number, a date, or a category as its code."""
    dataset = checkpoint.experiment.dataset
    if not isinstance(dataset, TableData):
        return dict.fromkeys(checkpoint.column_names, Reader(finite_number, "table_not_a_number"))
    return {column.name: _reader(column) for column in dataset.columns}


@dataclass(frozen=True)
class Reader:
    """From a cell to its number; `refused` is the key of the problem when that raises ValueError."""

    read: Callable[[str], float]
    refused: str


def finite_number(cell: str) -> float:
    """Raises ValueError for all that is none."""
    number = float(cell)
    if not math.isfinite(number):
        raise ValueError(cell)
    return number


def _reader(column: Any) -> Reader:
    from dlcore.datasets.upload.missing import MISSING

    if isinstance(column, CategoryColumn):
        codes = {safe_cell(value): float(code) for code, value in enumerate(column.values)}
        codes |= {value: float(code) for code, value in enumerate(column.values)}
        codes |= dict.fromkeys(MISSING - codes.keys(), math.nan)
        return Reader(lambda cell: codes.get(clean(cell), UNKNOWN), "")
    read, refused = (
        (days_in, "table_not_a_date") if isinstance(column, DateColumn) else (finite_number, "table_not_a_number")
    )
    return Reader(lambda cell: math.nan if cell in MISSING else read(cell), refused)


def read_text(path: Path) -> str:
    """A file's text, of bounded size. Raises Problem."""
    content = read_bytes(path, LARGEST_TABLE + 1)
    if len(content) > LARGEST_TABLE:
        raise Problem("table_too_large", path=path.name, limit=LARGEST_TABLE >> 20)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Problem("table_not_text", path=path.name) from None
    if "\0" in text:
        raise Problem("table_not_text", path=path.name)
    return text


def read_bytes(path: Path, most: int) -> bytes:
    """At most so many of a file's first bytes. Raises Problem."""
    try:
        with path.open("rb") as file:
            return file.read(most)
    except (OSError, ValueError) as error:
        detail = (getattr(error, "strerror", None) or str(error)).lower()
        raise Problem("cannot_read", path=str(path), detail=detail) from None


def _place(where: str, titles: list[str], name: str, names: Sequence[str]) -> int:
    found = [place for place, title in enumerate(titles) if title in (name, safe_cell(name))]
    if len(found) > 1:
        raise Problem("table_column_twice", path=where, column=name)
    if not found:
        raise Problem("table_column_missing", path=where, column=name, expected=", ".join(names))
    return found[0]


def _numbers(where: str, line: int, titles: list[str], row: list[str], places: Mapping[int, Reader]) -> list[float]:
    if len(row) != len(titles):
        raise Problem("table_ragged", path=where, line=line, expected=str(len(titles)), came=len(row))
    numbers = []
    for place, reader in places.items():
        try:
            numbers.append(reader.read(row[place].strip()))
        except ValueError:
            raise Problem(reader.refused, path=where, line=line, column=titles[place], came=row[place]) from None
    return numbers
