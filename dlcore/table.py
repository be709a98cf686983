"""Tables from a stranger: CSV text to numbers, in bounds, with the line and column of what is wrong."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dlcore.problems import Problem

LARGEST_TABLE = 16 << 20


def read_columns(path: Path, names: Sequence[str]) -> np.ndarray:
    """The named columns of a CSV file with a header, in this order: (N, columns) float64. Others are ignored. Raises Problem."""
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    where = path.name
    try:
        header = next(reader, None)
        if header is None:
            raise Problem("table_empty", path=where, expected=", ".join(names))
        places = [_place(where, header, name, names) for name in names]
        rows = [_numbers(where, reader.line_num, header, row, places) for row in reader if row]
    except csv.Error:
        raise Problem("table_not_text", path=where) from None
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(names))


def read_text(path: Path) -> str:
    """A file's text, of bounded size. Raises Problem."""
    content = read_bytes(path, LARGEST_TABLE + 1)
    if len(content) > LARGEST_TABLE:
        raise Problem("table_too_large", path=path.name, limit=LARGEST_TABLE >> 20)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Problem("table_not_text", path=path.name) from None
    if "\0" in text:
        raise Problem("table_not_text", path=path.name)
    return text


def read_bytes(path: Path, most: int) -> bytes:
    """At most so many of a file's first bytes. Raises Problem."""
    try:
        with path.open("rb") as file:
            return file.read(most)
    except (OSError, ValueError) as error:
        detail = (getattr(error, "strerror", None) or str(error)).lower()
        raise Problem("cannot_read", path=str(path), detail=detail) from None


def _place(where: str, header: list[str], name: str, names: Sequence[str]) -> int:
    titles = [title.strip() for title in header]
    if titles.count(name) > 1:
        raise Problem("table_column_twice", path=where, column=name)
    if name not in titles:
        raise Problem("table_column_missing", path=where, column=name, expected=", ".join(names))
    return titles.index(name)


def _numbers(where: str, line: int, header: list[str], row: list[str], places: list[int]) -> list[float]:
    if len(row) != len(header):
        raise Problem("table_ragged", path=where, line=line, expected=str(len(header)), came=len(row))
    numbers = []
    for place in places:
        try:
            number = float(row[place])
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise Problem("table_not_a_number", path=where, line=line, column=header[place], came=row[place])
        numbers.append(number)
    return numbers
