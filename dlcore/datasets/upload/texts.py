"""CSV and its relatives: text to cells. Rows of another length than the rest are mended one by one, and that is said."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.csv

from dlcore.datasets.upload.cells import Cells, Finding, finding, unique_names
from dlcore.datasets.upload.door import decoded
from dlcore.datasets.upload.layout import Layout, layout_of, spaced
from dlcore.datasets.upload.missing import MISSING
from dlcore.problems import Problem

SLICE = 10_000  # Rows that stand in lists of Python's at a time.


def read_text(content: bytes, options: dict[str, Any]) -> Cells:
    """A table of text. Raises Problem."""
    text, encoding = decoded(content, options.get("encoding"))
    layout = layout_of(text, options.get("separator"), options.get("decimal"), options.get("header"))
    if layout.separator == " ":
        text = spaced(text)
    columns, findings = _columns(text, layout)
    names, repeated = unique_names(_padded(list(layout.header or ()), layout.width))
    if layout.titles:
        findings.append(finding("found_titles", lines=layout.titles))
    found = {
        "separator": layout.separator,
        "decimal": layout.decimal,
        "encoding": encoding,
        "header": layout.header is not None,
    }
    form = "tsv" if layout.separator == "\t" else "csv"
    return Cells(form, names, columns, found, findings=(*findings, *repeated))


def _columns(text: str, layout: Layout) -> tuple[tuple[pa.Array, ...], list[Finding]]:
    if text.count('"') % 2 == 0:
        fast = _at_once(text, layout)
        if fast is not None:
            return fast, []
    return _one_by_one(text, layout)


def _at_once(text: str, layout: Layout) -> tuple[pa.Array, ...] | None:
    """None when some row is not as long as the others."""
    names = [f"c{place}" for place in range(layout.width)]
    ragged = []

    def note(row: Any) -> str:
        ragged.append(row)
        return "error"

    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(text.encode()),
            pyarrow.csv.ReadOptions(
                column_names=names, skip_rows=layout.titles + layout.header_lines, use_threads=False
            ),
            pyarrow.csv.ParseOptions(delimiter=layout.separator, newlines_in_values=True, invalid_row_handler=note),
            pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), null_values=sorted(MISSING), strings_can_be_null=True
            ),
        )
    except pa.ArrowInvalid:
        return None
    return None if ragged else tuple(column.combine_chunks() for column in table.columns)


def _one_by_one(text: str, layout: Layout) -> tuple[tuple[pa.Array, ...], list[Finding]]:
    """Short rows are filled with missing values; what a row has too many is cut off."""
    chunks: list[list[pa.Array]] = []
    rows, odd, first_odd = 0, 0, 0
    records = _records(text, layout)
    while slice_of_rows := list(islice(records, SLICE)):
        padded = []
        for line, cells in slice_of_rows:
            if len(cells) != layout.width:
                odd, first_odd = odd + 1, first_odd or line
                cells = _padded(cells, layout.width)
            padded.append(cells)
        rows += len(padded)
        chunks.append([pa.array(column, pa.string()) for column in zip(*padded, strict=True)])
    if odd > rows / 2:
        raise Problem("upload_ragged", rows=odd, of=rows, line=first_odd)
    columns = tuple(pa.concat_arrays(list(pieces)) for pieces in zip(*chunks, strict=True))
    columns = columns or tuple(pa.array([], pa.string()) for _ in range(layout.width))
    findings = [finding("found_ragged", "warning", rows=odd, line=first_odd, width=layout.width)] if odd else []
    return columns, findings


def _records(text: str, layout: Layout) -> Iterator[tuple[int, list[str]]]:
    """The line on which each row begins, and its cells. Raises Problem where a quotation mark is never closed."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=layout.separator)
    open_quote = text.count('"') % 2 == 1
    begins, cells = 1, []
    try:
        for cells in reader:
            line, begins = begins, reader.line_num + 1
            if line > layout.titles + layout.header_lines and cells:
                if open_quote and len(cells[-1]) > 1000 and "\n" in cells[-1]:
                    raise Problem("upload_open_quote", line=line)
                yield line, cells
    except csv.Error:
        raise Problem("upload_open_quote", line=begins) from None


def _padded(cells: list[str], width: int) -> list[str]:
    return [*cells[:width], *[""] * (width - len(cells))]
