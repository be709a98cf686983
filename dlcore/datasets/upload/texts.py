"""CSV and its relatives: text to cells. Rows of another length than the rest are mended, and that is said.

Arrow reads whole columns at a time and hands us each row that is not as long as the others; reading ends when these are many.
"""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv

from dlcore.datasets.upload.bounds import MOST_ROWS
from dlcore.datasets.upload.cells import Cells, Finding, describe_titles, finding, unique_names
from dlcore.datasets.upload.layout import Layout, find_layout, squeeze_blanks
from dlcore.datasets.upload.missing import MISSING
from dlcore.problems import Problem

MOST_ODD = MOST_ROWS  # If there are more rows of another length, reading stops.
LOOK = 100  # Rows that are looked at to see whether cells begin with #.
LONGEST_OPEN = 1000  # Characters of a cell whose quotation mark is never closed.
#: Added as a last row; if it is not found again, a quotation mark that was not closed has swallowed it.
END = "end-of-the-table"


def read_text(text: str, encoding: str, options: dict[str, Any], least_columns: int = 2) -> Cells:
    """A table of text. Raises Problem."""
    layout = find_layout(text, options, least_columns)
    if layout.separator == " ":
        text = squeeze_blanks(text)
    columns, findings = _split_columns(text, layout, options.get("sample"))
    names, repeated = unique_names([*layout.head.names, *[""] * layout.width][: layout.width])
    found = {
        "separator": layout.separator,
        "decimal": layout.decimal,
        "encoding": encoding,
        "quote": layout.quote,
        "titles": layout.titles,
        "header": layout.head.lines > 0,
        "header_lines": layout.head.lines,
    }
    form = "tsv" if layout.separator == "\t" else "csv"
    above = describe_titles(layout.titles, layout.head)
    return Cells(form, names, columns, found, findings=(*above, *findings, *repeated))


def _split_columns(text: str, layout: Layout, sample: int | None) -> tuple[tuple[pa.Array, ...], list[Finding]]:
    """The columns, and findings. Short rows are filled with missing values; cells that a row has too many are cut off."""
    odd: list[Any] = []  # Rows of another length, as Arrow reports them.
    columns = _read_whole(text, layout, odd)
    if columns is None:
        return _find_open_quote(text, layout)
    if not odd:
        return columns, []
    has_sharps = _has_sharps(columns[0])
    remarks = [row for row in odd if not has_sharps and row.text.lstrip().startswith("#")]
    ragged = [row for row in odd if has_sharps or not row.text.lstrip().startswith("#")]
    rows = len(columns[0]) + len(ragged)
    if len(ragged) > rows / 2:
        raise _refuse_ragged(text, layout, ragged, rows)
    if rows > MOST_ROWS and sample is None:
        raise Problem("upload_too_many_rows", came=rows, limit=MOST_ROWS)
    found = []
    if ragged:
        line = _line_of(text, layout, _row_number(ragged[0], layout))
        found.append(finding("found_ragged", "warning", rows=len(ragged), line=line, width=layout.width))
    columns = _join(columns, odd, layout)
    if remarks:
        found.append(finding("found_remarks", lines=len(remarks)))
        is_row = np.ones(len(columns[0]), dtype=bool)
        is_row[[_row_number(row, layout) for row in remarks]] = False
        columns = tuple(column.filter(pa.array(is_row)) for column in columns)
    return columns, found


def _has_sharps(column: pa.Array) -> bool:
    """Whether cells of this column begin with #."""
    return any(str(cell).startswith("#") for cell in column[:LOOK].to_pylist())


def _read_whole(text: str, layout: Layout, odd: list[Any]) -> tuple[pa.Array, ...] | None:
    """The rows of the usual length, while others are put into `odd`; None where END was not found.

    Raises Problem as soon as there are more odd rows than a table of so many lines may have.
    """
    names = [f"c{row_number}" for row_number in range(layout.width)]
    most = min(MOST_ODD, (text.count("\n") + text.count("\r")) / 2)

    def put_aside(row: Any) -> str:
        odd.append(row)
        return "skip" if len(odd) <= most else "error"

    content = f"{text}\n{END}{layout.separator * (layout.width - 1)}\n".encode()
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(content),
            pyarrow.csv.ReadOptions(
                column_names=names,
                skip_rows=layout.titles + layout.header_lines,
                use_threads=False,
                block_size=len(content),  # A cell may be as long as the file.
            ),
            pyarrow.csv.ParseOptions(
                delimiter=layout.separator,
                quote_char=layout.quote,
                newlines_in_values=True,
                invalid_row_handler=put_aside,
            ),
            pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), null_values=sorted(MISSING), strings_can_be_null=True
            ),
        )
    except pa.ArrowInvalid:
        if len(odd) > most:
            raise _refuse_ragged(text, layout, odd, _row_number(odd[-1], layout) + 1) from None
        return None
    if not len(table) or table.column(0)[-1].as_py() != END:
        return None
    return tuple(column.combine_chunks()[:-1] for column in table.columns)


def _refuse_ragged(text: str, layout: Layout, odd: list[Any], seen: int) -> Problem:
    return Problem("upload_ragged", rows=len(odd), of=seen, line=_line_of(text, layout, _row_number(odd[0], layout)))


def _row_number(row: Any, layout: Layout) -> int:
    """Which row of the table this is, counted from 0."""
    return row.number - 1 - layout.titles - layout.header_lines


def _join(columns: tuple[pa.Array, ...], odd: list[Any], layout: Layout) -> tuple[pa.Array, ...]:
    """All rows in their order."""
    rows_that_are_odd = np.array([_row_number(row, layout) for row in odd])
    taken = np.empty(len(columns[0]) + len(odd), dtype=np.int64)
    is_odd = np.zeros(len(taken), dtype=bool)
    is_odd[rows_that_are_odd] = True
    taken[~is_odd] = np.arange(len(columns[0]))
    taken[is_odd] = np.arange(len(columns[0]), len(taken))
    order = pa.array(taken)
    mended = zip(*(_pad(_cells_of(row.text, layout), layout.width) for row in odd), strict=True)
    return tuple(
        pa.concat_arrays([column, pa.array(cells, pa.string())]).take(order)
        for column, cells in zip(columns, mended, strict=True)
    )


def _cells_of(text: str, layout: Layout) -> list[str]:
    """The cells of one row; of one that cannot be read, what stands in it up to its first separators."""
    try:
        return next(csv.reader(io.StringIO(text, newline=""), delimiter=layout.separator, quotechar=layout.quote))
    except csv.Error:
        return text[:LONGEST_OPEN].split(layout.separator)


def _find_open_quote(text: str, layout: Layout) -> tuple[tuple[pa.Array, ...], list[Finding]]:
    """A table in which a quotation mark is never closed: the cell that it opens is taken to be the last one, if it is short."""
    reading = _records(text, layout)
    records = list(islice(reading, MOST_ROWS))
    if further := deque(reading, maxlen=1):
        raise Problem("upload_open_quote", line=further[0][0])
    odd = [line for line, cells in records if len(cells) != layout.width]
    if len(odd) > len(records) / 2:
        raise Problem("upload_ragged", rows=len(odd), of=len(records), line=odd[0])
    padded = zip(*(_pad(cells, layout.width) for _, cells in records), strict=True)
    columns = tuple(pa.array(cells, pa.string()) for cells in padded)
    columns = columns or tuple(pa.array([], pa.string()) for _ in range(layout.width))
    findings = [finding("found_ragged", "warning", rows=len(odd), line=odd[0], width=layout.width)] if odd else []
    return columns, findings


def _records(text: str, layout: Layout) -> Iterator[tuple[int, list[str]]]:
    """The line on which each row begins, and its cells. Raises Problem where a long cell has a quotation mark that is never closed."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=layout.separator, quotechar=layout.quote)
    begins = 1
    try:
        for cells in reader:
            line, begins = begins, reader.line_num + 1
            if line > layout.titles + layout.header_lines and cells:
                if len(cells[-1]) > LONGEST_OPEN and "\n" in cells[-1]:
                    raise Problem("upload_open_quote", line=line)
                yield line, cells
    except csv.Error:
        raise Problem("upload_open_quote", line=begins) from None


def _line_of(text: str, layout: Layout, row_number: int) -> int:
    """The line on which a row begins, counted from 1."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=layout.separator, quotechar=layout.quote)
    begins, rows = 1, 0
    with suppress(csv.Error):  # A cell is longer than this reader takes: the line so far is near enough.
        for cells in reader:
            line, begins = begins, reader.line_num + 1
            if line > layout.titles + layout.header_lines and cells:
                if rows == row_number:
                    return line
                rows += 1
    return begins


def _pad(cells: list[str], width: int) -> list[str | None]:
    known = [None if cell in MISSING else cell for cell in cells[:width]]
    return [*known, *[None] * (width - len(known))]
