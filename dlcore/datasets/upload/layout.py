"""The layout of a text table, judged on its first records: what separates the cells, what is above the rows, how decimals are written."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from dlcore.datasets.upload.bounds import FIRST_LOOK, MOST_COLUMNS
from dlcore.datasets.upload.dates import looks_like_date
from dlcore.datasets.upload.missing import MISSING
from dlcore.problems import Problem

SEPARATORS = (",", ";", "\t", "|", " ")
DECIMALS = (".", ",")
RECORDS = 200  # Of the first look.
MOST_TITLES = 20  # Lines above the header that belong to no row.
NAMED = re.compile(r'"?sep=(.)"?\s*')  # As Excel writes it into the first line.

PLAIN = re.compile(
    r"[+−-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?|[+−-]?\d{1,3}(?:[.,'’ \u00a0\u202f]\d{3})+([.,]\d*)?|[+-]?(inf|infinity|nan)",
    re.I,
)
CERTAIN = {
    # 1,5 and 1234,567 and 0,123 and 1.234.567: the comma is the decimal sign; 1,234 alone could be either.
    ",": re.compile(
        r"[+−-]?(\d*,(\d{1,2}|\d{4,})|0,\d+|\d{4,},\d+|\d{1,3}([.'’ \u00a0\u202f]\d{3})+,\d*|\d{1,3}(\.\d{3}){2,})([eE][+-]?\d+)?"
    ),
    ".": re.compile(
        r"[+−-]?(\d*\.(\d{1,2}|\d{4,})|0\.\d+|\d{4,}\.\d+|\d{1,3}([,'’ \u00a0\u202f]\d{3})+\.\d*|\d{1,3}(,\d{3}){2,})([eE][+-]?\d+)?"
    ),
}
EITHER = {",": re.compile(r"[+−-]?\d{1,3},\d{3}"), ".": re.compile(r"[+−-]?\d{1,3}\.\d{3}")}


@dataclass(frozen=True)
class Layout:
    """How a text table is laid out: `titles` lines are no rows, then comes the header, if there is one."""

    separator: str
    decimal: str
    titles: int
    header: tuple[str, ...] | None
    header_lines: int
    width: int


def layout_of(text: str, separator: str | None, decimal: str | None, header: bool | None) -> Layout:
    """What is not given is found out. Raises Problem for what is no table of several columns."""
    _check("separator", separator, SEPARATORS)
    _check("decimal", decimal, DECIMALS)
    start = text[:FIRST_LOOK]
    named = NAMED.fullmatch(start.partition("\n")[0].rstrip("\r"))
    if named and separator is None and named[1] in SEPARATORS:
        separator = named[1]
    records = {
        each: _records(start, each, whole=len(text) <= FIRST_LOOK)
        for each in ([separator] if separator else SEPARATORS)
    }
    separator = separator or max(SEPARATORS, key=lambda each: _fit(records[each], each))
    return _laid_out(text, records[separator], separator, decimal, header, skip=1 if named else 0)


def _laid_out(
    text: str, records: list[Record], separator: str, decimal: str | None, header: bool | None, skip: int
) -> Layout:
    records = [record for record in records if record.line > skip]
    rows = [record for record in records if any(cell.strip() for cell in record.cells)] or records
    if not rows:
        raise Problem("upload_no_rows")
    width = Counter(len(record.cells) for record in rows).most_common(1)[0][0]
    _check_width(text, rows, width, separator)
    first = 0
    while first < min(MOST_TITLES, len(rows) - 1) and is_title(rows[first].cells, width):
        first += 1
    cells = [record.cells for record in rows[first:]]
    has_header = first_is_header(cells[0], cells[1:]) if header is None else header
    names = tuple(cells[0]) if has_header else None
    if names is not None and len(names) == width - 1:
        names = ("", *names)  # As R writes its row names: without a name.
    width = max(width, len(names or ()))
    titles = rows[first - 1].line if first else skip
    decimal = decimal or decimal_of([cell for row in cells[bool(has_header) :] for cell in row], separator)
    return Layout(separator, decimal, titles, names, rows[first].line - titles if has_header else 0, width)


def decimal_of(cells: Sequence[str], separator: str) -> str:
    """The sign before the decimals: a point, unless more numbers say otherwise."""
    votes = {
        sign: sum(pattern.fullmatch(cell.strip()) is not None for cell in cells) for sign, pattern in CERTAIN.items()
    }
    if votes[","] != votes["."]:
        return max(votes, key=votes.__getitem__)
    # Where cells are not separated by commas, people write decimals with them.
    either = {
        sign: sum(pattern.fullmatch(cell.strip()) is not None for cell in cells) for sign, pattern in EITHER.items()
    }
    return "," if separator == ";" and either[","] and not either["."] else "."


def first_is_header(first: Sequence[str], others: Sequence[Sequence[str]]) -> bool:
    """Whether these cells are names: unlike what stands below them. Where nothing tells, they are."""
    if not others:
        return not any(is_number(cell) for cell in first)
    votes = 0.0
    for place, cell in enumerate(first):
        name = cell.strip()
        below = [row[place].strip() for row in others if place < len(row)]
        below = [each for each in below if each not in MISSING]
        if not below or (name in MISSING and name):
            continue
        typed = sum(is_number(each) or looks_like_date(each) for each in below) / len(below)
        if typed > 0.9:
            votes += -1 if is_number(name) or looks_like_date(name) else 1
        elif typed < 0.1:
            # A category comes back; a name stands once.
            votes += -0.75 if name in below else 0.25 if len({*below}) <= len(below) / 2 else 0
    return votes >= 0


def is_number(cell: str) -> bool:
    """Whether it reads as a number, whichever sign stands before its decimals."""
    return PLAIN.fullmatch(cell.strip()) is not None


@dataclass(frozen=True)
class Record:
    """The cells of one record, and the line on which it ends, counted from 1."""

    cells: list[str]
    line: int


def _records(start: str, separator: str, whole: bool) -> list[Record]:
    reader = csv.reader(io.StringIO(spaced(start) if separator == " " else start, newline=""), delimiter=separator)
    records = []
    for cells in reader:
        if cells:
            records.append(Record(cells, reader.line_num))
        if len(records) == RECORDS:
            return records
    # The last one may have been cut short by the first look.
    return records if whole or len(records) == 1 else records[:-1]


def spaced(text: str) -> str:
    """The text with one blank where there were several, and none at the ends of its lines."""
    return re.sub(r"^[ \t]+|[ \t]+$", "", re.sub(r"[ \t]+", " ", text), flags=re.M)


def _fit(records: list[Record], separator: str) -> tuple[float, float]:
    """How well this separator explains the records: the same number of cells in each, and cells without other separators."""
    rows = [record.cells for record in records if any(cell.strip() for cell in record.cells)]
    if not rows:
        return (0.0, 0.0)
    width, agree = Counter(map(len, rows)).most_common(1)[0]
    if width < 2:
        return (0.0, 0.0)
    cells = [cell for row in rows[:50] for cell in row[:50]]
    others = [each for each in SEPARATORS if each not in (separator, " ")]
    pure = sum(not any(other in cell for other in others) or is_number(cell) for cell in cells) / len(cells)
    # Words are separated by blanks too: those of a table only when its cells are numbers.
    trust = sum(is_number(cell) for cell in cells) / len(cells) if separator == " " else 1.0
    return (agree / len(rows) * pure * trust, width)


def _check_width(text: str, rows: list[Record], width: int, separator: str) -> None:
    widest = max(width, len(rows[0].cells))
    if widest > MOST_COLUMNS:
        came = text.partition("\n")[0].count(separator) + 1 if len(text) > FIRST_LOOK else widest
        raise Problem("upload_too_many_columns", came=max(came, widest), limit=MOST_COLUMNS)
    if len(rows) == 1 and len(text) > FIRST_LOOK:
        raise Problem("upload_long_line")
    if widest == 1:
        raise Problem("upload_one_column")


def is_title(cells: Sequence[str], width: int) -> bool:
    """Whether this is a line above the table, and no row of it: one cell where the others have several."""
    return sum(bool(cell.strip()) for cell in cells) <= 1 and (len(cells) < width or width > 2)


def _check(name: str, came: str | None, expected: Sequence[str]) -> None:
    if came is not None and came not in expected:
        raise Problem("upload_option", name=name, expected=", ".join(map(repr, expected)), came=str(came))
