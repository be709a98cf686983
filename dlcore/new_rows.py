"""Rows of a new file for a trained network: which of its columns are there, and what the cells of these mean to the network.

A file is read as a table is that somebody brings (dlcore/datasets/upload), however few rows it has. N rows, C raw columns.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from dlcore.datasets.preparation import PreparedCategory, PreparedNumber
from dlcore.datasets.table import UNKNOWN, CategoryColumn, DateColumn, TableData
from dlcore.datasets.upload.bounds import LONGEST_CELL, MOST_COLUMNS
from dlcore.datasets.upload.cells import Cells, Finding, filled, finding, unique_names
from dlcore.datasets.upload.columns import typed
from dlcore.datasets.upload.door import decoded, form_of
from dlcore.datasets.upload.layout import decimal_of
from dlcore.datasets.upload.missing import MISSING
from dlcore.datasets.upload.reading import cells_in
from dlcore.export.rows import target_name
from dlcore.problems import Problem, clean
from dlcore.spreadsheet import safe_cell

if TYPE_CHECKING:
    from dlcore.checkpoint import Checkpoint

NARROW_OR_WIDE = ("upload_one_column", "upload_too_many_columns")
LOOK = 200  # cells on which the sign before the decimals is judged
MOST_NAMED = 5  # unknown categories that are named

Cell = str | float | None


@dataclass(frozen=True)
class NewRows:
    """What a file holds for a network."""

    file: str  # its name
    columns: tuple[str, ...]  # (C) for which the network asks
    raw: np.ndarray  # (N, C) as the rows of a recipe are: NaN where missing, a category as its code; a column that is not there is NaN
    cells: dict[
        str, pa.Array
    ]  # (N) of each of the network's columns, and of the target if it is there, as they stand in the file
    target: str | None
    missing: tuple[str, ...]  # columns for which the network asks and the file has not
    unused: tuple[str, ...]  # columns of the file for which it does not ask
    needed: tuple[str, ...]  # columns for whose missing cells nothing stands in
    holes: np.ndarray  # (N,) whether such a cell is missing
    findings: tuple[Finding, ...]

    def __len__(self) -> int:
        return len(self.raw)

    def cell(self, column: str, row: int) -> Cell:
        """What stands there: a text, a number, or nothing."""
        return self.cells[column][row].as_py()

    def first_hole(self, row: int) -> str:
        """The first column of this row whose missing cell nothing stands in for."""
        missing = np.isnan(self.raw[row]).tolist()
        return next(
            name for name, is_missing in zip(self.columns, missing, strict=True) if is_missing and name in self.needed
        )


def cells_of(content: bytes, wanted: tuple[str, ...]) -> Cells:
    """The cells of a file with these columns, if it has them. Raises Problem where nothing can be read."""
    cells = _read(content, wanted, {})
    if not _has(cells, wanted):
        # Names such as 2019 look like no header, but they are asked for.
        named = _read(content, wanted, {"header": True})
        cells = named if _has(named, wanted) else cells
    cells = filled(cells)
    if not cells.columns or not cells.rows:
        raise Problem("upload_no_rows")
    return cells


def new_rows(checkpoint: Checkpoint, cells: Cells, file: str) -> NewRows:
    """What these cells are for this network. Raises Problem where one of its columns stands there twice."""
    experiment, names = checkpoint.experiment, checkpoint.column_names
    places = {name: place for name in names if (place := _place(cells, name)) is not None}
    if not isinstance(experiment.dataset, TableData):  # Of a table, such columns were numbered when it was brought.
        for name in places:
            if f"{name} (2)" in cells.names:
                raise Problem("table_column_twice", path=file, column=name)
    raw = np.full((cells.rows, len(names)), np.nan)
    findings = list(cells.findings)
    empty = []
    for index, (name, prepared) in enumerate(zip(names, checkpoint.scaling.columns, strict=True)):
        if name not in places:
            continue
        column = cells.columns[places[name]]
        if column.null_count == len(column):
            empty.append(name)
        elif isinstance(prepared, PreparedCategory):
            assert isinstance(experiment.dataset, TableData)
            described = experiment.dataset.columns[index]
            assert isinstance(described, CategoryColumn)
            raw[:, index], found = _codes(described, prepared, column)
            findings += found
        else:
            described = experiment.dataset.columns[index] if isinstance(experiment.dataset, TableData) else None
            kind = "date" if isinstance(described, DateColumn) else "number"
            raw[:, index], found = _numbers(name, kind, replace(cells, names=(name,), columns=(column,)))
            findings += found
    if empty:
        findings.append(
            finding("found_empty_columns", "warning", names=", ".join(empty[:MOST_NAMED]), count=len(empty))
        )
    needs = np.array([isinstance(one, PreparedNumber) and one.fill is None for one in checkpoint.scaling.columns])
    target = target_name(experiment)
    beside = _place(cells, target)
    used = {*places.values(), *([] if beside is None else [beside])}
    return NewRows(
        file=file,
        columns=names,
        raw=raw,
        cells={name: cells.columns[place] for name, place in places.items()}
        | ({} if beside is None else {target: cells.columns[beside]}),
        target=None if beside is None else target,
        missing=tuple(name for name in names if name not in places),
        unused=tuple(name for place, name in enumerate(cells.names) if place not in used),
        needed=tuple(name for name, need in zip(names, needs.tolist(), strict=True) if need),
        holes=np.isnan(raw[:, needs]).any(axis=1),
        findings=tuple(findings),
    )


# From bytes to cells


def _read(content: bytes, wanted: tuple[str, ...], options: dict[str, Any]) -> Cells:
    try:
        return cells_in(content, options)
    except Problem as problem:
        if problem.key not in NARROW_OR_WIDE or form_of(content) != "text":
            raise
        return _plain(content, len(wanted) + MOST_COLUMNS, problem)


def _plain(content: bytes, most: int, problem: Problem) -> Cells:
    """A header and rows with commas: of one column, or of the many that pictures have, which no table that is brought may be."""
    text, encoding = decoded(content, None)
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        (_, header), *rows = [(reader.line_num, cells) for cells in reader if cells]
    except (csv.Error, ValueError):
        raise problem from None
    width = len(header)
    odd = [line for line, row in rows if len(row) != width]
    if width > most or not rows or len(odd) > len(rows) / 2:
        raise problem
    names, findings = unique_names(header)
    columns = zip(*([*row[:width], *[""] * (width - len(row))] for _, row in rows), strict=True)
    arrays = tuple(pa.array([None if cell in MISSING else cell for cell in column], pa.string()) for column in columns)
    decimal = decimal_of([cell for _, row in rows[:LOOK] for cell in row], ",")
    if odd:
        findings.append(finding("found_ragged", "warning", rows=len(odd), line=odd[0], width=width))
    options = {"separator": ",", "decimal": decimal, "encoding": encoding, "header": True}
    return Cells("csv", names, arrays, options, findings=tuple(findings))


def _place(cells: Cells, name: str) -> int | None:
    """Where a column of this name stands, also as one of our own files has it."""
    for written in (name, safe_cell(name)):
        if written in cells.names:
            return cells.names.index(written)
    return None


def _has(cells: Cells, names: tuple[str, ...]) -> bool:
    return all(_place(cells, name) is not None for name in names)


# From cells to what they mean


def _numbers(name: str, kind: str, cells: Cells) -> tuple[np.ndarray, list[Finding]]:
    """(N,) NaN for what is no number, or no date."""
    try:
        (column,) = typed(cells, {name: kind})
    except Problem as problem:
        if problem.key != "upload_no_dates":
            raise
        strangers = cells.rows - cells.columns[0].null_count
        return np.full(cells.rows, np.nan), [finding("found_not_dates", "warning", column=name, cells=strangers)]
    assert column.numbers is not None
    return column.numbers, list(column.findings)


def _codes(column: CategoryColumn, prepared: PreparedCategory, cells: pa.Array) -> tuple[np.ndarray, list[Finding]]:
    """(N,) the place of each category, UNKNOWN for others; and which ones the network does not know."""
    encoded = cells.dictionary_encode()
    words = [_written(word) for word in encoded.dictionary.to_pylist()]
    places = {value: float(place) for place, value in enumerate(column.values)}
    # The last one is found by -1, a missing cell.
    codes = np.array([*(_code(word, places) for word in words), np.nan])
    index = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    rows = np.bincount(index[index >= 0], minlength=len(words))
    known = {float(place) for place, seen in enumerate(prepared.seen) if seen}
    strange = [place for place, code in enumerate(codes[:-1]) if not np.isnan(code) and code not in known]
    if not strange:
        return codes[index], []
    strange.sort(key=lambda place: -rows[place])
    named = ", ".join(f"{clean(words[place].strip())} ({rows[place]})" for place in strange[:MOST_NAMED])
    total = int(rows[strange].sum())
    found = finding("found_unknown_categories", "warning", column=column.name, cells=total, names=named)
    return codes[index], [found]


def _code(word: str, places: dict[str, float]) -> float:
    shown = clean(word[: 4 * LONGEST_CELL].strip())
    if shown in places:
        return places[shown]
    if shown in MISSING:
        return np.nan
    if shown.startswith("'") and safe_cell(shown[1:]) == shown and shown[1:] in places:
        return places[shown[1:]]  # As one of our own files has it.
    try:
        return places.get(_written(float(shown)), UNKNOWN)  # 1.0 where the table had 1
    except ValueError:
        return UNKNOWN


def _written(value: str | float) -> str:
    """A category as it is named when a table is brought."""
    return value if isinstance(value, str) else f"{value + 0.0:.12g}"
