"""The layout of a text table, judged on its first records: what separates the cells, what is around them, how decimals are written."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

from dlcore.datasets.reading import MOST_HEADER_LINES, Decimal, Quote, Separator
from dlcore.datasets.reading import MOST_TITLES as MOST_GIVEN_TITLES
from dlcore.datasets.upload.bounds import FIRST_LOOK, MOST_COLUMNS
from dlcore.datasets.upload.head import Head, find_head, is_number
from dlcore.problems import Problem

SEPARATORS: tuple[str, ...] = get_args(Separator)
DECIMALS: tuple[str, ...] = get_args(Decimal)
QUOTES: tuple[str, ...] = get_args(Quote)
RECORDS = 200  # At the beginning of a text, from which its layout is detected.
LEAST_QUOTED = 3  # So many cells in single quotes are needed to take these for quotation marks.
NAMED = re.compile(r'"?sep=(.)"?\s*')  # As Excel writes it into the first line.

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
    """How a text table is laid out: `titles` lines are no rows, then come `header_lines` of names, if there are any."""

    separator: str
    decimal: str
    quote: str
    titles: int
    head: Head
    header_lines: int
    width: int


def find_layout(text: str, options: dict[str, Any], least_columns: int = 2) -> Layout:
    """The layout; what the options do not give is detected. Raises Problem for a text that is no table of several columns."""
    check_options(options)
    start = text[:FIRST_LOOK]
    named = NAMED.fullmatch(start.partition("\n")[0].rstrip("\r"))
    separator = options.get("separator")
    if named and separator is None and named[1] in SEPARATORS:
        separator = named[1]
    separators = [separator] if separator else SEPARATORS
    quotes = {each: options.get("quote") or _find_quote(start, each) for each in separators}
    records = {each: _records(start, each, quote, whole=len(text) <= FIRST_LOOK) for each, quote in quotes.items()}
    separator = separator or max(SEPARATORS, key=lambda each: _measure_fit(records[each], each))
    skipped = max(1 if named else 0, options.get("titles") or 0)
    rows = [record for record in records[separator] if record.line > skipped]
    rows = [record for record in rows if any(cell.strip() for cell in record.cells)] or rows
    if not rows:
        raise Problem("upload_no_rows")
    width = Counter(len(record.cells) for record in rows).most_common(1)[0][0]
    _check_width(text, rows, width, separator, least_columns)
    return _lay_out(rows, separator, quotes[separator], width, skipped, options)


def _lay_out(
    rows: list[Record], separator: str, quote: str, width: int, skipped: int, options: dict[str, Any]
) -> Layout:
    cells = [record.cells for record in rows]
    head = find_head(cells, width, options.get("header"), options.get("titles"), options.get("header_lines"))
    below = cells[head.titles + head.lines :]
    decimal = options.get("decimal") or find_decimal([cell for row in below for cell in row], separator)
    titles = rows[head.titles - 1].line if head.titles else skipped
    header_lines = rows[head.titles + head.lines - 1].line - titles if head.lines else 0
    return Layout(separator, decimal, quote, titles, head, header_lines, max(width, len(head.names)))


def check_options(options: dict[str, Any]) -> None:
    """Raises Problem for an option with a value that does not exist."""
    allowed = {"separator": SEPARATORS, "decimal": DECIMALS, "quote": QUOTES}
    for name, expected in allowed.items():
        came = options.get(name)
        if came is not None and came not in expected:
            raise Problem("upload_option", name=name, expected=", ".join(map(repr, expected)), came=str(came))
    for name, most in (("titles", MOST_GIVEN_TITLES), ("header_lines", MOST_HEADER_LINES)):
        came = options.get(name)
        if came is not None and not (type(came) is int and 0 <= came <= most):
            raise Problem("upload_option", name=name, expected=f"0 to {most}", came=str(came))


def find_decimal(cells: Sequence[str], separator: str) -> str:
    """The sign before the decimals: a point, unless more numbers say otherwise."""
    votes = {
        sign: sum(pattern.fullmatch(cell.strip()) is not None for cell in cells) for sign, pattern in CERTAIN.items()
    }
    if votes[","] != votes["."]:
        return max(votes, key=votes.__getitem__)
    # Nothing is certain: where commas do not separate cells, a comma is more likely to stand before decimals.
    either = {
        sign: sum(pattern.fullmatch(cell.strip()) is not None for cell in cells) for sign, pattern in EITHER.items()
    }
    return "," if separator == ";" and either[","] and not either["."] else "."


@dataclass(frozen=True)
class Record:
    """The cells of one record, and the line on which it ends, counted from 1."""

    cells: list[str]
    line: int


def _find_quote(start: str, separator: str) -> str:
    """The sign around cells: a single quote where each cell that begins with one ends with one, and none begins with a double one."""
    if "'" not in start:
        return '"'
    begin, end = rf"(?:^|{re.escape(separator)})", rf"(?=[\r\n]|{re.escape(separator)}|\Z)"
    closed = len(re.findall(rf"{begin}'(?:[^'\r\n]|'')*'{end}", start, re.M))
    if closed < LEAST_QUOTED or re.search(f'{begin}"', start, re.M):
        return '"'
    return "'" if closed > 0.9 * len(re.findall(f"{begin}'", start, re.M)) else '"'


def _records(start: str, separator: str, quote: str, whole: bool) -> list[Record]:
    text = squeeze_blanks(start) if separator == " " else start
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, quotechar=quote)
    records = []
    for cells in reader:
        if cells:
            records.append(Record(cells, reader.line_num))
        if len(records) == RECORDS:
            return records
    # The last record may be cut short, as only the beginning of the text is read.
    return records if whole or len(records) == 1 else records[:-1]


def squeeze_blanks(text: str) -> str:
    """The text with one blank where there were several, and none at the ends of its lines."""
    return re.sub(r"^[ \t]+|[ \t]+$", "", re.sub(r"[ \t]+", " ", text), flags=re.M)


def _measure_fit(records: list[Record], separator: str) -> tuple[float, float]:
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
    # Blanks also separate words: they are trusted to separate cells only as far as these are numbers.
    trust = sum(is_number(cell) for cell in cells) / len(cells) if separator == " " else 1.0
    return (agree / len(rows) * pure * trust, width)


def _check_width(text: str, rows: list[Record], width: int, separator: str, least_columns: int) -> None:
    widest = max(width, len(rows[0].cells))
    if widest > MOST_COLUMNS:
        came = text.partition("\n")[0].count(separator) + 1 if len(text) > FIRST_LOOK else widest
        raise Problem("upload_too_many_columns", came=max(came, widest), limit=MOST_COLUMNS)
    if len(rows) == 1 and len(text) > FIRST_LOOK:
        raise Problem("upload_long_line")
    if widest < least_columns:
        raise Problem("upload_one_column")
