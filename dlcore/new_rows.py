"""Rows of a new file for a trained network: which of its columns are there, and what the cells of these mean to the network.

A file is read as a table is that somebody brings (dlcore/datasets/upload), however few rows it has. N rows, C raw columns.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from dlcore.datasets.preparation import PreparedCategory, PreparedNumber
from dlcore.datasets.table import UNKNOWN, CategoryColumn, DateColumn, TableData
from dlcore.datasets.upload.arrow import compute as pc
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
MOST_LINES = 1_000_000  # of a file that is not read by whole columns
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
    try:
        cells = _read(content, wanted)
    except Problem as problem:
        if problem.key not in NARROW_OR_WIDE or form_of(content) != "text":
            raise
        cells = _plain(content, len(wanted) + MOST_COLUMNS, problem)
    cells = filled(cells)
    if not cells.columns or not cells.rows:
        raise Problem("upload_no_rows")
    return cells


def new_rows(checkpoint: Checkpoint, cells: Cells, file: str) -> NewRows:
    """What these cells are for this network. Raises Problem where one of its columns stands there twice."""
    names, target = checkpoint.column_names, target_name(checkpoint.experiment)
    places = {name: place for name in (*names, target) if (place := _place(cells, name)) is not None}
    _check_once(checkpoint, cells, places, file)
    raw = np.full((cells.rows, len(names)), np.nan)
    findings = list(cells.findings)
    empty = []
    for index, name in enumerate(names):
        if name in places:
            column = cells.columns[places[name]]
            if column.null_count == len(column):
                empty.append(name)
            else:
                raw[:, index], found = _meaning(checkpoint, index, replace(cells, names=(name,), columns=(column,)))
                findings += found
    if empty:
        said = ", ".join(empty[:MOST_NAMED])
        findings.append(finding("found_empty_columns", "warning", names=said, count=len(empty)))
    needs = np.array([isinstance(one, PreparedNumber) and one.fill is None for one in checkpoint.scaling.columns])
    return NewRows(
        file=file,
        columns=names,
        raw=raw,
        cells={name: cells.columns[place] for name, place in places.items()},
        target=target if target in places else None,
        missing=tuple(name for name in names if name not in places),
        unused=tuple(name for place, name in enumerate(cells.names) if place not in places.values()),
        needed=tuple(name for name, need in zip(names, needs.tolist(), strict=True) if need),
        holes=np.array(np.isnan(raw[:, needs]).any(axis=1)),
        findings=tuple(findings),
    )


# From bytes to cells


def _read(content: bytes, wanted: tuple[str, ...]) -> Cells:
    """As is found out; or with names in the first line, as these may be numbers such as 2019."""
    cells = cells_in(content, {})
    if not _has(cells, wanted):
        named = cells_in(content, {"header": True})
        cells = named if _has(named, wanted) else cells
    return cells


def _plain(content: bytes, most: int, problem: Problem) -> Cells:
    """A header and rows with commas: of one column, or of the many that pictures have, which no table that is brought may be."""
    text, encoding = decoded(content, None)
    if (lines := text.count("\n")) > MOST_LINES:
        raise Problem("predict_too_many_rows", came=lines, limit=MOST_LINES)
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


def _check_once(checkpoint: Checkpoint, cells: Cells, places: dict[str, int], file: str) -> None:
    """Raises Problem where a column stands twice. Those of a table were numbered when it was brought, and are so again."""
    if isinstance(checkpoint.experiment.dataset, TableData):
        return
    for name in places:
        if f"{name} (2)" in cells.names:
            raise Problem("table_column_twice", path=file, column=name)


# From cells to what they mean


def _meaning(checkpoint: Checkpoint, index: int, cells: Cells) -> tuple[np.ndarray, list[Finding]]:
    """(N,) a column's cells as the rows of the recipe have them, and what there is to say of them."""
    dataset, prepared = checkpoint.experiment.dataset, checkpoint.scaling.columns[index]
    described = dataset.columns[index] if isinstance(dataset, TableData) else None
    if isinstance(described, CategoryColumn) and isinstance(prepared, PreparedCategory):
        codes = _codes(described, cells.columns[0])
        return codes, _unknown(described, prepared, cells.columns[0], codes)
    return _numbers("date" if isinstance(described, DateColumn) else "number", cells)


def _numbers(kind: str, cells: Cells) -> tuple[np.ndarray, list[Finding]]:
    """(N,) NaN for what is no number, or no date."""
    (name,) = cells.names
    try:
        (column,) = typed(cells, {name: kind})
    except Problem as problem:
        if problem.key != "upload_no_dates":
            raise
        strangers = cells.rows - cells.columns[0].null_count
        return np.full(cells.rows, np.nan), [finding("found_not_dates", "warning", column=name, cells=strangers)]
    assert column.numbers is not None
    return column.numbers, list(column.findings)


def _codes(column: CategoryColumn, cells: pa.Array) -> np.ndarray:
    """(N,) the place of each category, UNKNOWN for others, NaN where the cell is missing."""
    encoded = cells.dictionary_encode()
    places = {value: float(place) for place, value in enumerate(column.values)}
    # The last one is found by -1, a missing cell.
    codes = np.array([*(_code(_written(word), places) for word in encoded.dictionary.to_pylist()), np.nan])
    return codes[encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)]


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


def _unknown(column: CategoryColumn, prepared: PreparedCategory, cells: pa.Array, codes: np.ndarray) -> list[Finding]:
    """Which categories the network does not know, or has never seen, and how many cells have them."""
    strange = ~np.isnan(codes) & ~np.isin(codes, np.flatnonzero(prepared.seen))
    if not strange.any():
        return []
    counts = pc.value_counts(cells.filter(pa.array(strange))).to_pylist()
    most = sorted(counts, key=lambda one: -one["counts"])[:MOST_NAMED]
    names = ", ".join(f"{clean(_written(one['values']).strip())} ({one['counts']})" for one in most)
    cells_of_it = int(strange.sum())
    return [finding("found_unknown_categories", "warning", column=column.name, cells=cells_of_it, names=names)]


def _written(value: str | float) -> str:
    """A category as it is named when a table is brought."""
    return value if isinstance(value, str) else f"{value + 0.0:.12g}"
