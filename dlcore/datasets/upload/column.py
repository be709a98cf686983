"""A column of an upload with its type, its values as numbers or categories, and what its owner says of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, get_args

import numpy as np
import pyarrow as pa

from dlcore.datasets.upload.arrow import compute as pc
from dlcore.datasets.upload.bounds import LONGEST_CELL, MOST_VALUES
from dlcore.datasets.upload.cells import Finding
from dlcore.datasets.upload.dates import Order
from dlcore.datasets.upload.numbers import write_number
from dlcore.problems import clean

Kind = Literal["number", "category", "date", "text", "id"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Mark:
    """What may mean that a value is missing: how it is written, in how many cells, and whether it counts as missing."""

    text: str
    cells: int
    is_missing: bool


@dataclass(frozen=True)
class Said:
    """What the owner of a table says about a column; what is None was not said."""

    kind: Kind | None = None
    missing: tuple[str, ...] | None = None  # the doubtful marks that count as missing: these and no others
    is_joined: bool = False  # whether spellings that differ in capitals and blanks are one category


@dataclass(frozen=True)
class Column:
    """One column with its type, and the key of the reason for it."""

    name: str
    kind: Kind
    reason: str
    cells: pa.Array = field(repr=False)  # texts, or numbers where the file says so; null where missing
    numbers: np.ndarray | None = field(
        default=None, repr=False
    )  # float64 of a number or (days) a date; NaN where missing
    findings: tuple[Finding, ...] = ()
    unit: str = ""  # of its numbers
    order: Order = ""  # of day and month in its dates
    marks: tuple[Mark, ...] = ()
    spellings: tuple[tuple[str, ...], ...] = ()  # groups that mean one category each, the most frequent first
    said: Said = Said()
    is_plain: bool = True  # Whether its cells were numbers and nothing else.

    @property
    def rows(self) -> int:
        return len(self.cells)

    @cached_property
    def missing(self) -> np.ndarray:
        """Which rows have no value."""
        if self.numbers is not None:
            return np.isnan(self.numbers)
        return np.array(self.cells.is_null().to_numpy(zero_copy_only=False))

    @cached_property
    def distinct(self) -> int:
        """Number of different values."""
        if self.numbers is not None:
            return len(np.unique(self.numbers[~self.missing]))
        return pc.count_distinct(self.cells).as_py()

    @cached_property
    def is_whole(self) -> bool:
        """Whether its values are whole numbers."""
        return self.numbers is not None and bool((self.missing | (np.floor(self.numbers) == self.numbers)).all())

    @cached_property
    def coded(self) -> Coded:
        """Its values as categories."""
        if self.numbers is not None and self.kind == "number":
            values, codes = np.unique(self.numbers, return_inverse=True)
            words = [write_number(value) for value in values[~np.isnan(values)]]
            return _make_coded(words, np.where(codes < len(words), codes, -1))
        encoded = self.cells.dictionary_encode()
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        words = encoded.dictionary
        if pa.types.is_floating(words.type):
            return _make_coded([write_number(value) for value in words.to_pylist()], codes)
        return _make_coded(words, codes)


@dataclass(frozen=True)
class Coded:
    """Values in their natural order, and for each row the index of its value: -1 where it is missing, or too rare to be kept."""

    values: tuple[str, ...]
    codes: np.ndarray

    @cached_property
    def counts(self) -> np.ndarray:
        """Rows of each value."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.values))

    def most_frequent(self, most: int) -> list[int]:
        """Indices of so many values, the most frequent first."""
        return np.argsort(-self.counts, kind="stable")[:most].tolist()


def _make_coded(words: pa.Array | list[str], codes: np.ndarray) -> Coded:
    """Cleaned values in natural order; values that look the same are the same."""
    counts = np.bincount(codes[codes >= 0], minlength=len(words))
    kept = np.sort(np.argsort(-counts, kind="stable")[:MOST_VALUES])
    texts = [words[index] for index in kept] if isinstance(words, list) else words.take(pa.array(kept)).to_pylist()
    shown = [clean(text[: 4 * LONGEST_CELL].strip()) for text in texts]
    values = sorted({text for text in shown if text}, key=_sort_key)
    codes_of = {text: index for index, text in enumerate(values)}
    new = np.full(len(words) + 1, -1, dtype=np.int32)
    new[kept] = [codes_of.get(text, -1) for text in shown]
    return Coded(tuple(values), new[codes])


def _sort_key(text: str) -> tuple[int, float, str]:
    """Sorts numbers by size, then words alphabetically."""
    try:
        return (0, float(text), text)
    except ValueError:
        return (1, 0.0, text)
