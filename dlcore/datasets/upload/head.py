"""What stands above the rows of a table, in a text as on a sheet: titles, comments, one or several lines of names, a line of units."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from dlcore.datasets.reading import MOST_HEADER_LINES
from dlcore.datasets.upload.dates import looks_like_date
from dlcore.datasets.upload.missing import MARKS

MOST_TITLES = 20  # Lines above the header that are found to belong to no row.
LEAST_BELOW = 3  # Rows that are needed below a line to tell whether it holds names.
COUNTED = 3  # At least so many cells that count from 0 or 1 (0, 1, 2) are taken for names.
YEARS = range(1800, 2200)

PLAIN = re.compile(
    r"[+−-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?|[+−-]?\d{1,3}(?:[.,'’ \u00a0\u202f]\d{3})+([.,]\d*)?|[+-]?(inf|infinity|nan)",
    re.I,
)
AMOUNT = re.compile(r"\W*\d")
_PART = (
    r"(?:[kcmdhµμnMG]?(?:m|g|s|l|A|V|W|Wh|Hz|Pa|bar|J|N|K|mol|M|F|T|Ω|ohm|eV|cal|B|sec|liter|litre|meter|metre)|°[CFK]?|℃|℉|%|‰|ppm|ppb"
    r"|min|h|hrs?|hours?|days?|d|weeks?|months?|years?|yrs?|a|t|ha|in|inch|inches|ft|yd|mi|mph|lbs?|oz|mmHg|bpm|dB|rpm|px|deg|rad"
    r"|[€$£¥₹]|EUR|USD|GBP|CNY|RMB|CHF|元|米|厘米|毫米|千米|公里|克|千克|公斤|吨|秒|分|分钟|小时|天|日|月|年|岁|度|升|毫升|人|次|个|万元|亿元)"
)
#: cm, °C, km/h, m/s^2, kg·m, [mm], (in %)
UNIT = re.compile(
    rf"{_PART}(?:[\^²³]?-?\d?)?(?:[/*·. ]{_PART}(?:[\^²³]?-?\d?)?)*|\[[^\]]{{1,16}}\]|\([^)]{{1,16}}\)", re.I
)


@dataclass(frozen=True)
class Head:
    """The records above the rows: `titles` that belong to no row, then `lines` that hold names (0 where the table has none)."""

    titles: int
    lines: int
    names: tuple[str, ...]
    units: bool = False  # Whether the last of its lines holds units.


def find_head(
    rows: Sequence[Sequence[str]], width: int, header: bool | None, titles: int | None, lines: int | None
) -> Head:
    """The head of a table. What is None is detected from these first records, none of which is empty."""
    first = _count_titles(rows, width) if titles is None else 0
    rows = rows[first:]
    if header is None:
        header = lines > 0 if lines is not None else first_is_header(rows[0], rows[1:])
    if not header:
        return Head(first, 0, ())
    lines = min(lines or 1 + _count_further_lines(rows, width), len(rows))
    units = lines > 1 and _are_units(rows[lines - 1], _find_amounts(rows[lines:], width))
    parts = [_name_columns(row, rows[lines:], width) for row in rows[: lines - units]]
    width = max(width, *map(len, parts))
    names = [" ".join(filter(None, (_get_cell(part, index) for part in parts))) for index in range(width)]
    return Head(first, lines, tuple(names), units)


def first_is_header(first: Sequence[str], others: Sequence[Sequence[str]]) -> bool:
    """Whether these cells are names: unlike what stands below them. In doubt they are."""
    if not others:
        return not any(is_number(cell) for cell in first)
    return _vote_for_names(first, others) >= 0


def is_number(cell: str) -> bool:
    """Whether the cell is a number, with a point or a comma before the decimals."""
    return PLAIN.fullmatch(cell.strip()) is not None


def _count_titles(rows: Sequence[Sequence[str]], width: int) -> int:
    first = 0
    while first < min(MOST_TITLES, len(rows) - 1) and _is_above(rows[first:], width):
        first += 1
    return first


def _is_above(rows: Sequence[Sequence[str]], width: int) -> bool:
    """Whether the first row is a title: one cell where others have several, or a comment above a line that is more surely names."""
    first, below = rows[0], rows[2:]
    if sum(bool(cell.strip()) for cell in first) <= 1 and (len(first) < width or width > 2):
        return True
    is_comment = first[0].lstrip().startswith("#")
    if len(below) < LEAST_BELOW or not (is_comment or len(_trim_end(first)) != width):
        return False
    this, following = _vote_for_names(first, below), _vote_for_names(rows[1], below)
    return following >= 1 and (following > this or (is_comment and following == this))


def _vote_for_names(first: Sequence[str], others: Sequence[Sequence[str]]) -> float:
    """How sure it is that these cells are names of the columns below."""
    counted, years = _find_counted(first, others), _find_years(first)
    votes = 0.0
    for index, cell in enumerate(first):
        name = cell.strip()
        below = [row[index].strip() for row in others if index < len(row)]
        below = [each for each in below if each not in MARKS]
        if not below or (name in MARKS and name):
            continue
        typed = sum(is_number(each) or looks_like_date(each) for each in below) / len(below)
        if typed > 0.9:
            is_value = is_number(name) or looks_like_date(name)
            is_name = (index in counted and _is_unlike(name, below)) or (
                index in years and _is_of_another_size(name, below)
            )
            votes += -1 if is_value and not is_name else 1
        elif typed < 0.1:
            # A category occurs again below; a column's name does not.
            votes += -0.75 if name in below else 0.25 if len({*below}) <= len(below) / 2 else 0
    return votes


def _find_counted(first: Sequence[str], others: Sequence[Sequence[str]]) -> set[int]:
    """Indices of cells with consecutive years, or with numbers that count the columns, if the rows below hold nothing of the kind."""
    indices = _find_counted_cells(first)
    if indices and sum(bool(_find_counted_cells(row)) for row in others) > 0.05 * len(others):
        return set()
    return indices


def _find_counted_cells(row: Sequence[str]) -> set[int]:
    indices = _find_whole_numbers(row)
    numbers = [int(row[index]) for index in indices]
    steps = {after - before for before, after in pairwise(numbers)}
    if len(steps) == 1 and steps != {0} and all(number in YEARS for number in numbers):
        return set(indices)
    return set(indices) if steps == {1} and numbers[0] in (0, 1) and len(numbers) >= COUNTED else set()


def _find_years(row: Sequence[str]) -> set[int]:
    """Indices of cells with years, if the row has no other numbers."""
    indices = _find_whole_numbers(row)
    return set(indices) if all(int(row[index]) in YEARS for index in indices) else set()


def _find_whole_numbers(row: Sequence[str]) -> list[int]:
    """Indices of cells with whole numbers of up to four digits, if the row has no other numbers."""
    indices = [index for index, cell in enumerate(row) if is_number(cell)]
    return indices if all(re.fullmatch(r"\d{1,4}", row[index].strip()) for index in indices) else []


def _is_unlike(name: str, below: Sequence[str]) -> bool:
    """Whether a number differs in kind from the cells below it: a year above cells that are no years, 0 above cells that are never 0."""
    year = int(name)
    if year in YEARS:
        return sum(re.fullmatch(r"(18|19|20|21)\d\d", each) is not None for each in below) < len(below) / 2
    return not any(re.fullmatch(rf"0*{year}([.,]0*)?", each) for each in below)


def _is_of_another_size(name: str, below: Sequence[str]) -> bool:
    """Whether a year differs in size from all cells below it."""
    large = re.compile(rf"[+−-]?(\d{{{len(name)}}}|\d{{1,3}}[.,'’ ]\d{{3}})")
    return not any(large.match(each) for each in below)


def _count_further_lines(rows: Sequence[Sequence[str]], width: int) -> int:
    """How many lines below the first line of names belong to the header too; the last one may hold units."""
    found = 0
    while 1 + found < min(MOST_HEADER_LINES, len(rows) - LEAST_BELOW):
        line, below = rows[1 + found], rows[2 + found :]
        numbers = _find_amounts(below, width)
        if _are_units(line, numbers):
            return found + 1
        if not _goes_on(rows[found], line, below, numbers):
            break
        found += 1
    return found


def _goes_on(above: Sequence[str], line: Sequence[str], below: Sequence[Sequence[str]], numbers: set[int]) -> bool:
    """Whether a line goes on with the names above it: words, each of its own, wherever numbers stand below."""
    filled = [cell.strip() for cell in line if cell.strip()]
    if len(numbers) < 2 or len({*filled}) < len(filled) or any(cell in MARKS for cell in filled):
        return False
    for index in range(max(len(line), *map(len, below))):
        cell = _get_cell(line, index)
        values = [value for value in (_get_cell(row, index) for row in below) if value]
        if index in numbers:
            if not cell or re.search(r"\d", cell):
                return False
        elif cell and (cell in values or (_get_cell(above, index) and len({*values}) > len(values) / 2)):
            return False
    return True


def _are_units(line: Sequence[str], numbers: set[int]) -> bool:
    """Whether a line holds units: above half of the columns of numbers at least, and nothing else anywhere."""
    units = {index for index, cell in enumerate(line) if UNIT.fullmatch(cell.strip())}
    others = [cell.strip() for index, cell in enumerate(line) if index not in units]
    return (
        bool(numbers) and 2 * len(units & numbers) >= len(numbers) and not any(cell not in ("", "-") for cell in others)
    )


def _find_amounts(below: Sequence[Sequence[str]], width: int) -> set[int]:
    """Indices of columns of numbers, dates and amounts: nearly every cell has a digit with no letter before it."""
    found = set()
    for index in range(width):
        cells = [cell for cell in (_get_cell(row, index) for row in below) if cell and cell not in MARKS]
        if cells and sum(AMOUNT.match(cell) is not None for cell in cells) > 0.9 * len(cells):
            found.add(index)
    return found


def _name_columns(row: Sequence[str], below: Sequence[Sequence[str]], width: int) -> Sequence[str]:
    """The names in a line: R writes none above the names of rows, and a separator at the end of the line begins no further name."""
    if len(row) == width - 1 and any(_get_cell(each, width - 1) for each in below):
        return ["", *row]
    return _trim_end(row)


def _trim_end(row: Sequence[str]) -> Sequence[str]:
    """The row without empty cells at its end."""
    end = len(row)
    while end and not row[end - 1].strip():
        end -= 1
    return row[:end]


def _get_cell(row: Sequence[str], index: int) -> str:
    return row[index].strip() if index < len(row) else ""
