"""Columns with a type: number, category, date, text or id; found out from the cells, or as their owner says."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, get_args

import numpy as np
import pyarrow as pa

from dlcore.datasets.upload.arrow import compute as pc
from dlcore.datasets.upload.bounds import LARGEST_NUMBER, LONGEST_CELL, MOST_VALUES
from dlcore.datasets.upload.cells import Cells, Finding, finding
from dlcore.datasets.upload.dates import dates_in
from dlcore.datasets.upload.missing import without_marks
from dlcore.datasets.upload.numbers import GLANCE, Numbers, castable, has_codes, numbers_in
from dlcore.problems import Problem, clean

Kind = Literal["number", "category", "date", "text", "id"]
KINDS: tuple[Kind, ...] = get_args(Kind)
NAMES_OF_IDS = re.compile(
    r"(id|ids|index|idx|key|uuid|guid|no\.?|nr\.?|row ?names?|rowid|rownum(ber)?|unnamed.*|__index_level_\d+__"
    r"|.*[ _.-](id|uuid|key)|(id|uuid)[ _.-].*|[a-z]+Id|[a-z]*ID|编号|序号|.*(编号|序号))"
)
NAMELESS = re.compile(r"column \d+")
MANY = 50  # Different values from which a number that is named as an id is one.
FEW_WORDS = 0.1  # Share of values with a blank up to which they are codes, not sentences.


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
            words = [f"{value + 0.0:.12g}" for value in values[~np.isnan(values)]]
            return _coded(words, np.where(codes < len(words), codes, -1))
        encoded = self.cells.dictionary_encode()
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        words = encoded.dictionary
        if pa.types.is_floating(words.type):
            return _coded([f"{value + 0.0:.12g}" for value in words.to_pylist()], codes)
        return _coded(words, codes)


@dataclass(frozen=True)
class Coded:
    """Values in their natural order, and for each row the place of its value: -1 where it is missing, or too rare to be kept."""

    values: tuple[str, ...]
    codes: np.ndarray

    @cached_property
    def counts(self) -> np.ndarray:
        """Rows of each value."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.values))

    def most_frequent(self, most: int) -> list[int]:
        """Places of so many values, the most frequent first."""
        return np.argsort(-self.counts, kind="stable")[:most].tolist()


def typed(cells: Cells, types: dict[str, str]) -> list[Column]:
    """Each column with the type that is asked for, or else found out. Raises Problem."""
    for name, kind in types.items():
        if kind not in KINDS:
            raise Problem("upload_option", name=f"types.{name}", expected=", ".join(KINDS), came=str(kind))
    decimal = cells.options.get("decimal", ".")
    return [
        _column(name, column, decimal, types.get(name), first=place == 0, few=len(cells.names) < 4)
        for place, (name, column) in enumerate(zip(cells.names, cells.columns, strict=True))
    ]


def _column(name: str, cells: pa.Array, decimal: str, wanted: str | None, first: bool, few: bool) -> Column:
    if wanted in ("category", "text", "id"):
        column = _column(name, cells, decimal, None, first, few)
        numbers = column.numbers if column.kind in ("number", "id") else None
        # A number keeps its value, so that 1 and 1.0 are one category.
        kept = column.cells if numbers is None else pa.array(numbers, from_pandas=True)
        return Column(name, wanted, "chosen", kept)
    if wanted == "number":
        return _number(name, cells, decimal)
    if wanted == "date":
        return _date(name, cells, decimal)
    return _found_out(name, cells, decimal, first, few)


def _found_out(name: str, cells: pa.Array, decimal: str, first: bool, few: bool) -> Column:
    if pa.types.is_floating(cells.type):
        values = np.array(cells.to_numpy(zero_copy_only=False), dtype=np.float64)
        found = Numbers(values, 0, False)
    else:
        found = numbers_in(cells, decimal) if castable(cells[:GLANCE], decimal) else None
        if found is None:
            cells = without_marks(cells)
            found = numbers_in(cells, decimal)
    if cells.null_count == len(cells):
        return Column(name, "text", "empty", cells)
    if found is not None:
        if pa.types.is_string(cells.type) and has_codes(cells):
            few_codes = pc.count_distinct(cells).as_py() <= MOST_VALUES
            return Column(name, "category" if few_codes else "id", "codes", cells)
        column = _numbered(name, cells, found, "grouped_numbers" if found.grouped else "numbers")
        return _as_id(column, first, few) if column.is_whole else column
    dates = dates_in(cells, day_first=decimal == ",")
    if dates is not None:
        return _dated(name, cells, dates.days, dates.ambiguous, "dates")
    return _worded(name, cells)


def _number(name: str, cells: pa.Array, decimal: str) -> Column:
    """As its owner wants: what is no number counts as missing."""
    if pa.types.is_floating(cells.type):
        return _numbered(name, cells, Numbers(cells.to_numpy(zero_copy_only=False), 0, False), "chosen")
    cells = without_marks(cells)
    none = Numbers(np.full(len(cells), np.nan), len(cells) - cells.null_count, False)
    return _numbered(name, cells, numbers_in(cells, decimal, share=0.0) or none, "chosen")


def _numbered(name: str, cells: pa.Array, found: Numbers, reason: str) -> Column:
    findings = []
    values = np.array(found.values, dtype=np.float64)
    if found.strangers:
        findings.append(finding("found_not_numbers", "warning", column=name, cells=found.strangers))
    large = np.abs(values) > LARGEST_NUMBER  # inf and 1e400 among them
    if large.any():
        limit = f"{LARGEST_NUMBER:g}"
        findings.append(finding("found_too_large", "warning", column=name, cells=int(large.sum()), limit=limit))
        values[large] = np.nan
    return Column(name, "number", reason, cells, values, tuple(findings))


def _as_id(column: Column, first: bool, few: bool) -> Column:
    """The column, or an id when its whole numbers only name the rows."""
    values = column.numbers
    assert values is not None
    named = NAMES_OF_IDS.fullmatch(column.name) is not None or NAMES_OF_IDS.fullmatch(column.name.lower()) is not None
    counts_rows = (
        first and not column.missing.any() and bool((np.diff(values) == 1).all()) and values[0] in (0, 1) and not few
    )
    if not named and not counts_rows:
        return column
    if counts_rows and (named or NAMELESS.fullmatch(column.name)):
        return Column(column.name, "id", "counts_rows", column.cells, values, column.findings)
    if counts_rows or column.distinct == (~column.missing).sum() or column.distinct > MANY:
        return Column(column.name, "id", "named_id" if named else "counts_rows", column.cells, values, column.findings)
    return column


def _date(name: str, cells: pa.Array, decimal: str) -> Column:
    if pa.types.is_floating(cells.type):
        # Whole numbers such as 20240131, and years.
        cells = pc.cast(pc.cast(cells, pa.int64(), safe=False), pa.string())
    cells = without_marks(cells)
    compact = pc.replace_substring_regex(cells, r"^(\d{4})(\d{2})(\d{2})$", r"\1-\2-\3")
    compact = pc.replace_substring_regex(compact, r"^(\d{4})$", r"\1-01-01")
    dates = dates_in(compact, day_first=decimal == ",", share=0.0)
    if dates is None or not np.isfinite(dates.days).any():
        raise Problem("upload_no_dates", column=name)
    return _dated(name, cells, dates.days, dates.ambiguous, "chosen")


def _dated(name: str, cells: pa.Array, days: np.ndarray, ambiguous: bool, reason: str) -> Column:
    findings = []
    if ambiguous:
        findings.append(finding("found_ambiguous_dates", "warning", column=name))
    if strangers := int(np.isnan(days).sum()) - cells.null_count:
        findings.append(finding("found_not_dates", "warning", column=name, cells=strangers))
    return Column(name, "date", reason, cells, days, tuple(findings))


def _worded(name: str, cells: pa.Array) -> Column:
    rows = len(cells) - cells.null_count
    distinct = pc.count_distinct(cells, mode="only_valid").as_py()
    if distinct <= min(max(2, rows / 2), MOST_VALUES):
        return Column(name, "category", "few_values", cells)
    with_blanks = pc.mean(pc.cast(pc.match_substring(cells, " "), pa.float64())).as_py()
    if distinct > 0.95 * rows and with_blanks <= FEW_WORDS:
        return Column(name, "id", "all_different", cells)
    return Column(name, "text", "many_values", cells)


def _coded(words: pa.Array | list[str], codes: np.ndarray) -> Coded:
    """Cleaned values in natural order; values that look the same are the same."""
    counts = np.bincount(codes[codes >= 0], minlength=len(words))
    kept = np.sort(np.argsort(-counts, kind="stable")[:MOST_VALUES])
    texts = [words[place] for place in kept] if isinstance(words, list) else words.take(pa.array(kept)).to_pylist()
    shown = [clean(text[: 4 * LONGEST_CELL].strip()) for text in texts]
    values = sorted({text for text in shown if text}, key=_natural)
    places = {text: place for place, text in enumerate(values)}
    new = np.full(len(words) + 1, -1, dtype=np.int32)
    new[kept] = [places.get(text, -1) for text in shown]
    return Coded(tuple(values), new[codes])


def _natural(text: str) -> tuple[int, float, str]:
    """Numbers by size, before words by letter."""
    try:
        return (0, float(text), text)
    except ValueError:
        return (1, 0.0, text)
