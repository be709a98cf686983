"""Excel workbooks (.xlsx): one sheet to cells, with openpyxl, which reads values and runs nothing."""

from __future__ import annotations

import datetime
import re
import warnings
import zipfile
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

import pyarrow as pa

from dlcore.datasets.upload.archive import unpacked
from dlcore.datasets.upload.bounds import MOST_COLUMNS, MOST_ROWS
from dlcore.datasets.upload.cells import Cells, finding, unique_names
from dlcore.datasets.upload.layout import DECIMALS, decimal_of, first_is_header, is_title
from dlcore.problems import Problem, clean

WORKBOOK, SHEETS, STRINGS = "xl/workbook.xml", "xl/worksheets/", "xl/sharedStrings.xml"
LARGEST_XML = 64 << 20  # Bytes; openpyxl reads some four million of them a second, ...
QUICK_XML = 4 << 20  # ... so that more than this is not read while others wait.
MOST_SHEET_ROWS = 1 << 20  # Excel's own limit; a row number beyond it would make openpyxl count up to it.
ENTITY = re.compile(rb"<!(doctype|entity)", re.I)
MOST_READ = (
    MOST_ROWS + 1000
)  # Rows of which no sample is drawn: those of the table, and titles and a header above them.
MOST_CELLS = MOST_ROWS * MOST_COLUMNS  # In memory, of which a sample may be drawn.
MOST_EMPTY = 1000  # Rows one after the other, after which nothing more is expected.
LOOK = 200  # Rows on which the header is judged.


def read_excel(archive: zipfile.ZipFile, options: dict[str, Any]) -> Cells:
    """A sheet of a workbook. Raises Problem."""
    _check(archive)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # About styles and extensions that have no values.
            sheets, sheet, rows = _rows(archive, options.get("sheet"), sampled=options.get("sample") is not None)
    except (Problem, MemoryError):
        raise
    except Exception:  # openpyxl lets through whatever its parsers raise: damaged is damaged.
        raise Problem("upload_damaged") from None
    return _cells(rows, sheets, sheet, options)


def size_of_sheets(archive: zipfile.ZipFile) -> int:
    """Bytes that must be parsed before there is a cell, as they claim; no more than claimed is ever unpacked."""
    return sum(entry.file_size for entry in archive.infolist() if entry.filename.startswith((SHEETS, STRINGS)))


def _check(archive: zipfile.ZipFile) -> None:
    for name in archive.namelist():
        # No workbook declares entities; expanding them is another way to make much of little.
        if name.endswith((".xml", ".rels")) and ENTITY.search(unpacked(archive, name, 4096)):
            raise Problem("upload_bomb")
    size = size_of_sheets(archive)
    if size > LARGEST_XML:
        raise Problem("upload_large_sheet", came=size >> 20, limit=LARGEST_XML >> 20)


def _rows(
    archive: zipfile.ZipFile, wanted: str | None, sampled: bool
) -> tuple[tuple[str, ...], str, list[tuple[Any, ...]]]:
    import openpyxl

    if archive.fp is None:
        raise Problem("upload_damaged")
    book = openpyxl.load_workbook(archive.fp, read_only=True, data_only=True, keep_links=False)
    try:
        sheets = {clean(sheet.title): sheet for sheet in book.worksheets}
        if wanted is not None and wanted not in sheets:
            raise Problem("upload_option", name="sheet", expected=", ".join(sheets), came=wanted)
        name = wanted or next(iter(sheets))
        sheet = sheets[name]
        sheet.reset_dimensions()  # What it claims may be a million columns.
        values = sheet.iter_rows(max_col=MOST_COLUMNS + 1, values_only=True)
        return tuple(sheets), name, _trimmed(islice(values, MOST_SHEET_ROWS), MOST_SHEET_ROWS if sampled else MOST_READ)
    finally:
        book.close()


def _trimmed(rows: Iterable[tuple[Any, ...]], most: int) -> list[tuple[Any, ...]]:
    """Without empty rows, all as wide as the last cell that holds something. Raises Problem as soon as there are more than `most`."""
    found = []
    width = empty = cells = 0
    for row in rows:
        filled = len(row)
        while filled and row[filled - 1] in (None, ""):
            filled -= 1
        if filled:
            found.append(row)
            width, empty, cells = max(width, filled), 0, cells + len(row)
            if len(found) > most or cells > MOST_CELLS:
                raise Problem("upload_more_rows", limit=MOST_ROWS)
        else:
            empty += 1
            if empty == MOST_EMPTY:
                break
    return [(*row[:width], *(None,) * (width - len(row))) for row in found]


def _cells(rows: list[tuple[Any, ...]], sheets: tuple[str, ...], sheet: str, options: dict[str, Any]) -> Cells:
    if not rows:
        raise Problem("upload_no_rows")
    decimal = options.get("decimal") or decimal_of(
        [cell for row in rows[:LOOK] for cell in row if isinstance(cell, str)], "\t"
    )
    if decimal not in DECIMALS:
        raise Problem("upload_option", name="decimal", expected=". ,", came=str(decimal))
    start = [[_written(value, decimal) for value in row] for row in rows[:LOOK]]
    titles = 0
    while titles < len(start) - 1 and is_title(start[titles], len(rows[0])):
        titles += 1
    header = options.get("header")
    has_header = first_is_header(start[titles], start[titles + 1 :]) if header is None else bool(header)
    names, repeated = unique_names(start[titles] if has_header else [""] * len(rows[0]))
    columns = tuple(_column(values, decimal) for values in zip(*rows[titles + has_header :], strict=True))
    columns = columns or tuple(pa.array([], pa.string()) for _ in names)
    findings = [*([finding("found_titles", lines=titles)] if titles else []), *repeated]
    found = {"decimal": decimal, "header": has_header, "sheet": sheet}
    return Cells("excel", names, columns, found, sheets, tuple(findings))


def _column(values: Sequence[Any], decimal: str) -> pa.Array:
    """Numbers when all are; else texts."""
    if all(value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in values):
        try:
            return pa.array([None if value is None else float(value) for value in values], pa.float64())
        except OverflowError:
            pass
    return pa.array([None if value is None else _written(value, decimal) for value in values], pa.string())


def _written(value: Any, decimal: str) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case datetime.datetime():
            return value.isoformat(" ") if value.time() != datetime.time() else value.date().isoformat()
        case datetime.date() | datetime.time():
            return value.isoformat()
        case datetime.timedelta():
            return str(value.total_seconds())
        case _:
            return str(value).replace(".", decimal)
