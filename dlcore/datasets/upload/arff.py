"""Weka's format (.arff): names and types of the columns stand above the rows, which are separated by commas (Witten and Frank, 1999).

@relation weather
@attribute outlook {sunny, rainy}
@attribute 'wind speed' numeric
@data
sunny,?          or, where most cells are 0 or the first value: {1 7.5}
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa

from dlcore.datasets.upload.bounds import MOST_COLUMNS, MOST_ROWS
from dlcore.datasets.upload.cells import Cells, Finding, finding, list_names, unique_names
from dlcore.problems import Problem

ATTRIBUTE = re.compile(r"""@attribute\s+('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\s{]+)\s*(.*)""", re.I)
NUMBERS = ("numeric", "real", "integer")
TEXTS = ("string", "date")
MISSING = "?"
UNTOLD = "0"  # Fills cells that a sparse row leaves out; a category is filled with its first value instead.


@dataclass(frozen=True)
class Attribute:
    """A column as the file declares it; `values` are the names of its categories."""

    name: str
    kind: str
    values: tuple[str, ...] = ()


def read_arff(text: str, encoding: str) -> Cells:
    """Numbers and categories as the file declares them. Raises Problem."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    attributes, first = _read_declaration(lines)
    if len(attributes) > MOST_COLUMNS:
        raise Problem("upload_too_many_columns", came=len(attributes), limit=MOST_COLUMNS)
    rows, findings = _rows(lines, first, attributes)
    names, repeated = unique_names([attribute.name for attribute in attributes])
    columns = []
    for index, (name, attribute) in enumerate(zip(names, attributes, strict=True)):
        cells = [row[index] for row in rows]
        if attribute.kind == "number":
            column, strangers = _numbers(cells)
            columns.append(column)
            if strangers:
                words = list_names(strangers)
                findings.append(finding("found_not_numbers", "warning", column=name, cells=len(strangers), words=words))
        else:
            columns.append(pa.array([None if cell == MISSING else cell for cell in cells], pa.string()))
    kinds = {
        name: "category" for name, attribute in zip(names, attributes, strict=True) if attribute.kind == "category"
    }
    return Cells("arff", names, tuple(columns), {"encoding": encoding}, findings=(*findings, *repeated), kinds=kinds)


def _read_declaration(lines: list[str]) -> tuple[list[Attribute], int]:
    """The columns, and the number of the first line of rows. Raises Problem."""
    attributes = []
    for line_number, line in enumerate(lines):
        word = line.strip()
        if word.lower().startswith("@data"):
            if not attributes:
                break
            return attributes, line_number + 1
        if word.lower().startswith("@attribute"):
            attributes.append(_attribute(word, line_number + 1))
    raise Problem("upload_arff_no_rows")


def _attribute(line: str, number: int) -> Attribute:
    found = ATTRIBUTE.fullmatch(line)
    if found is None:
        raise Problem("upload_arff_attribute", line=number, came=line)
    name, kind = _strip_quotes(found[1]), found[2].strip()
    if kind.startswith("{") and kind.endswith("}"):
        return Attribute(name, "category", tuple(_cells_of(kind[1:-1])))
    word = kind.partition(" ")[0].lower()
    if word in NUMBERS:
        return Attribute(name, "number")
    if word in TEXTS:
        return Attribute(name, "text")
    raise Problem("upload_arff_attribute", line=number, came=line)


def _rows(lines: list[str], first: int, attributes: list[Attribute]) -> tuple[list[list[str]], list[Finding]]:
    """Rows with a cell for each column: short rows are filled with missing cells, long ones cut off."""
    width = len(attributes)
    rows, odd = [], []
    usual = [attribute.values[0] if attribute.values else UNTOLD for attribute in attributes]  # Fill sparse rows.
    for number, cells in _split(lines, first):
        if cells and cells[0].startswith("{") and cells[-1].endswith("}"):
            cells = _fill_sparse_row(cells, usual)
        if len(cells) != width:
            odd.append(number)
        rows.append([*(cell or MISSING for cell in cells[:width]), *[MISSING] * (width - len(cells))])
    if len(odd) > len(rows) / 2:
        raise Problem("upload_ragged", rows=len(odd), of=len(rows), line=odd[0])
    findings = [finding("found_ragged", "warning", rows=len(odd), line=odd[0], width=width)] if odd else []
    return rows, findings


def _split(lines: list[str], first: int) -> Iterator[tuple[int, list[str]]]:
    """Number and cells of each line that is a row; blank lines and comments are left out. Counted first: a sparse row becomes long."""
    kept = [
        line_number
        for line_number in range(first, len(lines))
        if lines[line_number].strip() and not lines[line_number].lstrip().startswith("%")
    ]
    if len(kept) > MOST_ROWS:
        raise Problem("upload_more_rows", limit=MOST_ROWS)
    for line_number, cells in zip(kept, map(_cells_of, (lines[line_number] for line_number in kept)), strict=True):
        yield line_number + 1, cells


def _fill_sparse_row(cells: list[str], usual: list[str]) -> list[str]:
    """A sparse row with all its cells."""
    full = [*usual]
    for cell in ",".join(cells)[1:-1].split(","):
        index, _, value = cell.strip().partition(" ")
        if index.isdecimal() and int(index) < len(full):
            full[int(index)] = _strip_quotes(value.strip())
    return full


def _cells_of(line: str) -> list[str]:
    """The cells of one line; cells that hold commas stand in single or double quotes."""
    quote = '"' if '"' in line and "'" not in line else "'"
    try:
        return [
            cell.strip() for cell in next(csv.reader([line], quotechar=quote, escapechar="\\", skipinitialspace=True))
        ]
    except (csv.Error, StopIteration):
        raise Problem("upload_damaged") from None


def _strip_quotes(text: str) -> str:
    """The text without the quotes around it."""
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if quoted else text


def _numbers(cells: Iterable[str]) -> tuple[pa.Array, list[str]]:
    """The column, and the cells that are neither missing nor numbers."""
    numbers: list[float | None] = []
    strangers = []
    for cell in cells:
        try:
            numbers.append(None if cell == MISSING else float(cell))
        except ValueError:
            numbers.append(None)
            strangers.append(cell)
    return pa.array(numbers, pa.float64()), strangers
