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

from dlcore.datasets.columns import UNKNOWN, CategoryColumn, NumberColumn
from dlcore.datasets.own_texts import TextData
from dlcore.datasets.preparation import Preparation, PreparedCategory, PreparedNumber, PreparedText
from dlcore.datasets.table import TableData
from dlcore.datasets.tokens import PADDING
from dlcore.datasets.tokens import UNKNOWN as UNKNOWN_TOKEN
from dlcore.datasets.upload.again import read_again
from dlcore.datasets.upload.arrow import compute as pc
from dlcore.datasets.upload.bounds import MOST_COLUMNS
from dlcore.datasets.upload.cells import Cells, Finding, drop_empty, finding, unique_names
from dlcore.datasets.upload.door import decode, find_form
from dlcore.datasets.upload.importing_texts import code_texts
from dlcore.datasets.upload.layout import find_decimal
from dlcore.datasets.upload.missing import MISSING, without_marks
from dlcore.datasets.upload.numbers import write_number
from dlcore.datasets.upload.reading import read_alike
from dlcore.export.rows import target_name
from dlcore.problems import Problem, clean
from dlcore.spreadsheet import plain_text, safe_cell

if TYPE_CHECKING:
    from dlcore.checkpoint import Checkpoint

NARROW_OR_WIDE = ("upload_one_column", "upload_too_many_columns")
MOST_LINES = 1_000_000  # of a file that is not read by whole columns
LOOK = 200  # cells on which the sign before the decimals is judged
PARTLY = 0.001  # A file in which columns are missing fits no better than this.
MOST_NAMED = 5  # unknown categories that are named
MANY_UNKNOWN = 0.25  # Share of unknown tokens above which it is said that they are many.
#: Findings that are shown for a new file too. The others ask questions that were answered when the table was imported.
TOLD = ("found_not_numbers", "found_too_large", "found_not_dates", "found_ambiguous_dates", "found_grouped")

Cell = str | float | None
Brought = TableData | TextData


@dataclass(frozen=True)
class NewRows:
    """What a file holds for a network."""

    file: str  # its name
    columns: tuple[str, ...]  # (C) that the network needs
    raw: np.ndarray  # (N, C) as the rows of a recipe are: NaN where missing, a category as its code; a column that is not there is NaN
    cells: dict[
        str, pa.Array
    ]  # (N) of each of the network's columns, and of the target if it is there, as they stand in the file
    target: str | None
    missing: tuple[str, ...]  # columns that the network needs and the file does not have
    unused: tuple[str, ...]  # columns of the file that it does not need
    needed: tuple[str, ...]  # columns whose missing cells nothing fills
    holes: np.ndarray  # (N,) whether a cell of these is missing
    findings: tuple[Finding, ...]
    scaling: Preparation  # the network's; of texts, with those of the file

    def __len__(self) -> int:
        return len(self.raw)

    def cell(self, column: str, row: int) -> Cell:
        """The cell as it stands in the file: a text, a number, or nothing."""
        return self.cells[column][row].as_py()

    def first_hole(self, row: int) -> str:
        """The first column of this row with a missing cell that nothing fills."""
        missing = np.isnan(self.raw[row]).tolist()
        return next(
            name for name, is_missing in zip(self.columns, missing, strict=True) if is_missing and name in self.needed
        )


def cells_of(content: bytes, wanted: tuple[str, ...], dataset: Brought | None = None) -> Cells:
    """The cells of a file with these columns, if it has them; of a table's network, read as the table was. Raises Problem where
    nothing can be read."""

    def fit(cells: Cells) -> float:
        """The share of its cells that mean something to the network; next to nothing where a column is not there."""
        there = sum(_place(cells, name) is not None for name in wanted)
        if not cells.rows or there < len(wanted):
            return PARTLY * there / len(wanted)
        return _share_understood(dataset, cells) if isinstance(dataset, TableData) else 1.0

    try:
        cells = read_alike(content, None if dataset is None else dataset.reading, fit)
    except Problem as problem:
        if problem.key not in NARROW_OR_WIDE or find_form(content) != "text":
            raise
        cells = _read_plain(content, len(wanted) + MOST_COLUMNS, problem)
    cells = drop_empty(cells, wanted)
    if not cells.columns or not cells.rows:
        raise Problem("upload_no_rows")
    return cells


def table_of(checkpoint: Checkpoint) -> Brought | None:
    """The table that its network was trained on, or whose texts it was, if it was one."""
    dataset = checkpoint.experiment.dataset
    return dataset if isinstance(dataset, TableData | TextData) else None


def new_rows(checkpoint: Checkpoint, cells: Cells, file: str) -> NewRows:
    """The rows that these cells are for this network. Raises Problem if the file has one of its columns twice."""
    names, target = checkpoint.column_names, target_name(checkpoint.experiment)
    places = {name: place for name in (*names, target) if (place := _place(cells, name)) is not None}
    _check_once(checkpoint, cells, places, file)
    raw = np.full((cells.rows, len(names)), np.nan)
    findings = list(cells.findings)
    scaling, empty = checkpoint.scaling, []
    for index, name in enumerate(names):
        if name in places:
            column = cells.columns[places[name]]
            if scaling.text is not None:
                raw[:, index], prepared = _read_texts(scaling.text, column)
                scaling = replace(scaling, columns=(prepared,))
                findings += _find_unknown_tokens(prepared, name, raw[:, index])
            if column.null_count == len(column):
                empty.append(name)
            elif scaling.text is None:
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
        scaling=scaling,
    )


# From bytes to cells


def _share_understood(dataset: TableData, cells: Cells) -> float:
    decimal, understood, filled_in = cells.options.get("decimal", "."), 0, 0
    for column in dataset.columns:
        place = _place(cells, column.name)
        assert place is not None
        found = cells.columns[place]
        found = without_marks(found) if pa.types.is_string(found.type) else found
        values, _ = read_again(column, found, decimal)
        filled_in += len(found) - found.null_count
        understood += int(
            (found.is_valid().to_numpy(zero_copy_only=False) & (values != UNKNOWN) & ~np.isnan(values)).sum()
        )
    return understood / filled_in if filled_in else 1.0


def _read_plain(content: bytes, most: int, problem: Problem) -> Cells:
    """The cells of a text with a header and commas: of one column, or of as many as pictures have. No imported table may be like that."""
    text, encoding = decode(content, None)
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
    decimal = find_decimal([cell for _, row in rows[:LOOK] for cell in row], ",")
    if odd:
        findings.append(finding("found_ragged", "warning", rows=len(odd), line=odd[0], width=width))
    options = {"separator": ",", "decimal": decimal, "encoding": encoding, "header": True}
    return Cells("csv", names, arrays, options, findings=tuple(findings))


def _place(cells: Cells, name: str) -> int | None:
    """The index of the column of this name, also if it is written as in an exported file; None if there is none."""
    for written in (name, safe_cell(name)):
        if written in cells.names:
            return cells.names.index(written)
    return None


def _check_once(checkpoint: Checkpoint, cells: Cells, places: dict[str, int], file: str) -> None:
    """Raises Problem if a column occurs twice. Not for tables: repeated names were numbered at the import, and are so again."""
    if table_of(checkpoint) is not None:
        return
    for name in places:
        if f"{name} (2)" in cells.names:
            raise Problem("table_column_twice", path=file, column=name)


# From cells to what they mean


def _meaning(checkpoint: Checkpoint, index: int, cells: Cells) -> tuple[np.ndarray, list[Finding]]:
    """(N,) a column's cells as raw values of the recipe's rows, and findings about them."""
    table, prepared = table_of(checkpoint), checkpoint.scaling.columns[index]
    (name,), (column,), decimal = cells.names, cells.columns, cells.options.get("decimal", ".")
    described = table.columns[index] if isinstance(table, TableData) else NumberColumn(name=name)
    values, found = read_again(described, column, decimal)
    if isinstance(described, CategoryColumn) and isinstance(prepared, PreparedCategory):
        return values, _find_unknown(described, prepared, column, values)
    return values, [each for each in found if each["key"] in TOLD]


def _read_texts(prepared: PreparedText, cells: pa.Array) -> tuple[np.ndarray, PreparedText]:
    """(N,) codes of a column's texts, and the network's preparation of them."""
    texts, codes = code_texts(cells)
    return codes, replace(prepared, texts=tuple(map(plain_text, texts)))


def _find_unknown_tokens(prepared: PreparedText, name: str, codes: np.ndarray) -> list[Finding]:
    """How many of the tokens are not in the vocabulary, if they are many."""
    ids = prepared.transform(codes)
    tokens, unknown = int((ids != PADDING).sum()), int((ids == UNKNOWN_TOKEN).sum())
    if unknown <= MANY_UNKNOWN * tokens:
        return []
    return [finding("found_unknown_tokens", "warning", column=name, share=f"{unknown / tokens:.0%}")]


def _find_unknown(
    column: CategoryColumn, prepared: PreparedCategory, cells: pa.Array, codes: np.ndarray
) -> list[Finding]:
    """Which categories the network does not know, or has never seen, and how many cells have them."""
    strange = ~np.isnan(codes) & ~np.isin(codes, np.flatnonzero(prepared.seen))
    if not strange.any():
        return []
    counts = pc.value_counts(cells.filter(pa.array(strange))).to_pylist()
    most = sorted(counts, key=lambda one: -one["counts"])[:MOST_NAMED]
    names = ", ".join(f"{clean(_write_category(one['values']).strip())} ({one['counts']})" for one in most)
    cells_of_it = int(strange.sum())
    return [finding("found_unknown_categories", "warning", column=column.name, cells=cells_of_it, names=names)]


def _write_category(value: str | float) -> str:
    """The name that a category has when a table is imported."""
    return value if isinstance(value, str) else write_number(value)
