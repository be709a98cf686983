"""Excel workbooks (.xlsx): one sheet to cells, with openpyxl, which reads values and runs nothing."""

from __future__ import annotations

import datetime
import re
import warnings
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pyarrow as pa

from dlcore.datasets.upload.archive import unpack
from dlcore.datasets.upload.bounds import LEAST_ROWS, MOST_COLUMNS, MOST_ROWS
from dlcore.datasets.upload.cells import Cells, Finding, describe_titles, finding, list_names, unique_names
from dlcore.datasets.upload.head import find_head
from dlcore.datasets.upload.layout import check_options, find_decimal
from dlcore.problems import Problem, clean

WORKBOOK, SHEETS, STRINGS = "xl/workbook.xml", "xl/worksheets/", "xl/sharedStrings.xml"
LARGEST_XML = 64 << 20  # Bytes; openpyxl reads some four million of them a second.
QUICK_XML = 4 << 20  # Bytes; a larger workbook is left to the long job, so that others need not wait.
MOST_SHEET_ROWS = 1 << 20  # Excel's own limit; a row number beyond it would make openpyxl count up to it.
ENTITY = re.compile(rb"<!(doctype|entity)", re.I)
# Rows of which no sample is drawn: those of the table, and titles and a header above them.
MOST_READ = MOST_ROWS + 1000
MOST_CELLS = MOST_ROWS * MOST_COLUMNS  # Cells held in memory, of which a sample may be drawn.
MOST_EMPTY = 1000  # Consecutive empty rows after which reading stops.
LOOK = 200  # Rows on which the header is judged, and whether a sheet holds a table.
FORMULA = re.compile(rb"<(\w+:)?f[ >/]")


@dataclass(frozen=True)
class Sheet:
    """Rows of a sheet that are not empty, all equally wide, and the number of each as the sheet counts them, from 1."""

    name: str
    names: tuple[str, ...]  # Of all sheets of the workbook.
    rows: list[tuple[Any, ...]]
    numbers: list[int]


def read_excel(archive: zipfile.ZipFile, options: dict[str, Any]) -> Cells:
    """A sheet of a workbook: the one that is named, or else the first that holds a table. Raises Problem."""
    check_options(options)
    _check(archive)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # About styles and extensions that have no values.
            sheet = _read(archive, options.get("sheet"), sampled=options.get("sample") is not None)
            formulas = _find_unstored_formulas(archive, sheet)
    except (Problem, MemoryError):
        raise
    except Exception:  # openpyxl passes on whatever its parsers raise: the file is damaged.
        raise Problem("upload_damaged") from None
    return _cells(sheet, formulas, options)


def size_of_sheets(archive: zipfile.ZipFile) -> int:
    """Bytes of XML that must be parsed, as the archive claims; no more than claimed is ever unpacked."""
    return sum(entry.file_size for entry in archive.infolist() if entry.filename.startswith((SHEETS, STRINGS)))


def _check(archive: zipfile.ZipFile) -> None:
    for name in archive.namelist():
        # Real workbooks declare no entities; expanded entities could fill the memory from a small file.
        if name.endswith((".xml", ".rels")) and ENTITY.search(unpack(archive, name, 4096)):
            raise Problem("upload_bomb")
    size = size_of_sheets(archive)
    if size > LARGEST_XML:
        raise Problem("upload_large_sheet", came=size >> 20, limit=LARGEST_XML >> 20)


def _read(archive: zipfile.ZipFile, wanted: str | None, sampled: bool) -> Sheet:
    book = _open(archive, results=True)
    try:
        sheets = {clean(sheet.title): sheet for sheet in book.worksheets}
        if wanted and wanted not in sheets:
            raise Problem("upload_option", name="sheet", expected=", ".join(sheets), came=wanted)
        name = wanted or _choose_sheet(sheets)
        rows, numbers = _trim(_values(sheets[name]), MOST_SHEET_ROWS if sampled else MOST_READ)
        return Sheet(name, tuple(sheets), rows, numbers)
    finally:
        book.close()


def _open(archive: zipfile.ZipFile, results: bool) -> Any:
    """The workbook, its cells with the results of formulas or with the formulas themselves."""
    import openpyxl

    if archive.fp is None:
        raise Problem("upload_damaged")
    return openpyxl.load_workbook(archive.fp, read_only=True, data_only=results, keep_links=False)


def _values(sheet: Any) -> Iterable[tuple[Any, ...]]:
    sheet.reset_dimensions()  # The size that the sheet claims may be a million columns.
    return islice(sheet.iter_rows(max_col=MOST_COLUMNS + 1, values_only=True), MOST_SHEET_ROWS)


def _choose_sheet(sheets: dict[str, Any]) -> str:
    """The first sheet that holds a table, those that are shown before hidden ones; the fullest where none does."""
    names = sorted(sheets, key=lambda name: sheets[name].sheet_state != "visible")
    if len(names) == 1:
        return names[0]
    cells = {}
    for name in names:
        filled = [sum(value not in (None, "") for value in row) for row in islice(_values(sheets[name]), LOOK)]
        if sum(count >= 2 for count in filled) >= LEAST_ROWS:
            return name
        cells[name] = sum(filled)
    return max(names, key=cells.__getitem__)


def _trim(rows: Iterable[tuple[Any, ...]], most: int) -> tuple[list[tuple[Any, ...]], list[int]]:
    """The rows that are not empty, cut or padded to the last filled column, and their numbers. Raises Problem for more than `most` rows."""
    found, numbers = [], []
    width = empty = cells = 0
    for number, row in enumerate(rows, start=1):
        filled = len(row)
        while filled and row[filled - 1] in (None, ""):
            filled -= 1
        if filled:
            found.append(row)
            numbers.append(number)
            width, empty, cells = max(width, filled), 0, cells + len(row)
            if len(found) > most or cells > MOST_CELLS:
                raise Problem("upload_more_rows", limit=MOST_ROWS)
        else:
            empty += 1
            if empty == MOST_EMPTY:
                break
    return [(*row[:width], *(None,) * (width - len(row))) for row in found], numbers


def _find_unstored_formulas(archive: zipfile.ZipFile, sheet: Sheet) -> set[int]:
    """Indices of columns of formulas without stored results, as programs write them: half of the cells or more are empty."""
    looked = sheet.rows[:LOOK]
    empty = {index for index, column in enumerate(zip(*looked, strict=True)) if column.count(None) >= len(looked) / 2}
    parts = (name for name in archive.namelist() if name.startswith(SHEETS))
    if not empty or not any(FORMULA.search(unpack(archive, name, 1 << 20)) for name in parts):
        return set()
    book = _open(archive, results=False)
    try:
        written = next(each for each in book.worksheets if clean(each.title) == sheet.name)
        rows = dict(enumerate(islice(_values(written), sheet.numbers[len(looked) - 1]), start=1))
    finally:
        book.close()
    found = set()
    for number, row in zip(sheet.numbers, looked, strict=False):
        cells = rows.get(number, ())
        found |= {
            index for index in empty if index < len(cells) and row[index] is None and cells[index] not in (None, "")
        }
    return found


def _cells(sheet: Sheet, formulas: set[int], options: dict[str, Any]) -> Cells:
    above = options.get("titles")
    rows = [row for number, row in zip(sheet.numbers, sheet.rows, strict=True) if number > (above or 0)]
    numbers = [number for number in sheet.numbers if number > (above or 0)]
    if not rows:
        raise Problem("upload_no_rows")
    texts = [cell for row in rows[:LOOK] for cell in row if isinstance(cell, str)]
    decimal = options.get("decimal") or find_decimal(texts, "\t")
    start = [[_write_cell(value, decimal) for value in row] for row in rows[:LOOK]]
    width = len(rows[0])
    head = find_head(start, width, options.get("header"), above, options.get("header_lines"))
    names, repeated = unique_names([*head.names, *[""] * width][:width])
    columns = tuple(_column(values, decimal) for values in zip(*rows[head.titles + head.lines :], strict=True))
    columns = columns or tuple(pa.array([], pa.string()) for _ in names)
    titles = numbers[head.titles - 1] if head.titles else above or 0
    findings: list[Finding] = [finding("found_formulas", "warning", column=names[index]) for index in sorted(formulas)]
    if len(sheet.names) > 1 and not options.get("sheet"):
        others = list_names([name for name in sheet.names if name != sheet.name])
        findings.append(finding("found_sheet", sheet=sheet.name, others=others))
    found = {
        "decimal": decimal,
        "titles": titles,
        "header": head.lines > 0,
        "header_lines": head.lines,
        "sheet": sheet.name,
    }
    return Cells("excel", names, columns, found, sheet.names, (*findings, *describe_titles(titles, head), *repeated))


def _column(values: Sequence[Any], decimal: str) -> pa.Array:
    """Numbers when all are; else texts."""
    if all(value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in values):
        try:
            return pa.array([None if value is None else float(value) for value in values], pa.float64())
        except OverflowError:
            pass
    return pa.array([None if value is None else _write_cell(value, decimal) for value in values], pa.string())


def _write_cell(value: Any, decimal: str) -> str:
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
