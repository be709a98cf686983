"""Columns with a type: number, category, date, text or id; found out from the cells, or as their owner says."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
import pyarrow as pa

from dlcore.datasets.columns import MOST_MARKS
from dlcore.datasets.days import iso_text
from dlcore.datasets.upload.arrow import compute as pc
from dlcore.datasets.upload.bounds import LARGEST_NUMBER, LONGEST_CELL, MOST_CLASSES, MOST_VALUES
from dlcore.datasets.upload.cells import Cells, Finding, finding
from dlcore.datasets.upload.dates import Dates, Order, dates_in, read_dates
from dlcore.datasets.upload.ids import NAMELESS, is_named_id
from dlcore.datasets.upload.missing import FREQUENT, PLAIN_AMONG_NUMBERS, USUAL, doubtful, without_marks
from dlcore.datasets.upload.numbers import CLOCK, Numbers, as_text, has_codes, numbers_at_once, numbers_in, read_numbers
from dlcore.problems import Problem, clean

Kind = Literal["number", "category", "date", "text", "id"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MANY = 50  # Different values from which a number that is named as an id is one.
FEW_WORDS = 0.1  # Share of values with a blank up to which they are codes, not sentences.
NINES = ("-9", "-99", "-999", "-9999", "-99999", "99", "999", "9999", "99999")  # What programs write for "nothing".


@dataclass(frozen=True)
class Mark:
    """What may mean that a value is missing: how it is written, in how many cells, and whether it counts as missing."""

    text: str
    cells: int
    is_missing: bool


@dataclass(frozen=True)
class Said:
    """What its owner says of a column."""

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
    spellings: tuple[tuple[str, ...], ...] = ()  # of one category each, the most frequent first
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
            words = [as_text(value) for value in values[~np.isnan(values)]]
            return _coded(words, np.where(codes < len(words), codes, -1))
        encoded = self.cells.dictionary_encode()
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        words = encoded.dictionary
        if pa.types.is_floating(words.type):
            return _coded([as_text(value) for value in words.to_pylist()], codes)
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


def typed(cells: Cells, types: dict[str, str], missing: Any = None, joined: Any = ()) -> list[Column]:
    """Each column as its owner says, or else as is found out. Raises Problem.

    `missing` is {column: doubtful marks that count as missing there}, `joined` names columns whose near-equal spellings are one.
    """
    for name, kind in types.items():
        if kind not in KINDS:
            raise Problem("upload_option", name=f"types.{name}", expected=", ".join(KINDS), came=str(kind))
    missing, joined = _marks_by_column(missing), _names(joined)
    decimal = cells.options.get("decimal", ".")
    return [
        _column(
            name,
            column,
            decimal,
            Said(types.get(name), missing.get(name), name in joined),  # type: ignore[arg-type]
            counts=place == 0 and len(cells.names) >= 4,
        )
        for place, (name, column) in enumerate(zip(cells.names, cells.columns, strict=True))
    ]


def _marks_by_column(said: Any) -> dict[str, tuple[str, ...]]:
    if not isinstance(said or {}, dict):
        raise Problem("upload_option", name="missing", expected="an object", came=str(said))
    return {name: _names(marks, f"missing.{name}") for name, marks in (said or {}).items()}


def _names(said: Any, option: str = "joined") -> tuple[str, ...]:
    if not isinstance(said or (), list | tuple) or not all(isinstance(one, str) for one in said or ()):
        raise Problem("upload_option", name=option, expected="a list of texts", came=str(said))
    return tuple(said or ())


def _column(name: str, cells: pa.Array, decimal: str, said: Said, counts: bool) -> Column:
    """`counts` tells whether a column without a name that counts the rows only does that."""
    if said.kind == "number":
        return number_column(name, cells, decimal, said)
    if said.kind == "date":
        return date_column(name, cells, decimal, said)
    found = _found_out(name, cells, decimal, said, counts)
    if said.kind is None:
        return found
    is_float = pa.types.is_floating(cells.type)
    if found.kind in ("number", "id") and found.numbers is not None and (found.is_plain or is_float):
        # A number keeps its value, so that 1 and 1.0 are one category.
        return Column(name, said.kind, "chosen", pa.array(found.numbers, from_pandas=True), said=said)
    return _worded(name, cells if is_float else without_marks(cells), said, said.kind)


def _found_out(name: str, cells: pa.Array, decimal: str, said: Said, counts: bool) -> Column:
    if cells.null_count == len(cells):
        return Column(name, "text", "empty", cells, said=said)
    if pa.types.is_floating(cells.type):
        return _as_id(_numbered(name, cells, _given(cells), said, "numbers"), counts)
    found = numbers_at_once(cells, decimal)
    if found is None:
        cells = without_marks(cells)
        if cells.null_count == len(cells):
            return Column(name, "text", "empty", cells, said=said)
        found = numbers_in(cells, decimal, said.missing)
    if found is not None and found.prevail:
        if has_codes(cells):
            few_codes = pc.count_distinct(cells).as_py() <= MOST_VALUES
            return _worded(name, cells, said, "category" if few_codes else "id", "codes")
        reason = "grouped_numbers" if found.grouped else "numbers"
        return _as_id(_numbered(name, cells, found, said, reason), counts)
    dates = dates_in(cells, decimal == ",")
    return _dated(name, cells, dates, said, "dates") if dates is not None else _worded(name, cells, said)


def number_column(name: str, cells: pa.Array, decimal: str, said: Said, unit: str | None = None) -> Column:
    """The cells as numbers: what is none counts as missing."""
    if pa.types.is_floating(cells.type):
        return _numbered(name, cells, _given(cells), said, "chosen")
    cells = without_marks(cells)
    return _numbered(name, cells, read_numbers(cells, decimal, unit, said.missing), said, "chosen")


def _given(cells: pa.Array) -> Numbers:
    """Of a file that says itself that these are numbers."""
    return Numbers(np.array(cells.to_numpy(zero_copy_only=False), dtype=np.float64))


def _numbered(name: str, cells: pa.Array, found: Numbers, said: Said, reason: str) -> Column:
    findings = _about_numbers(name, found, len(cells))
    values = np.array(found.values, dtype=np.float64)
    large = np.abs(values) > LARGEST_NUMBER  # inf and 1e400 among them
    if large.any():
        limit = f"{LARGEST_NUMBER:g}"
        findings.append(finding("found_too_large", "warning", column=name, cells=int(large.sum()), limit=limit))
        values[large] = np.nan
    said_missing = said.missing or ()
    marks = [Mark(text, rows, said.missing is None or text in said_missing) for text, rows in found.bounds.items()]
    if said.missing is not None:
        wanted = read_numbers(pa.array(said_missing, pa.string()), ".", "").values
        gone = np.isin(values, wanted[np.isfinite(wanted)])
        marks += [Mark(f"{value:.12g}", int((values == value).sum()), True) for value in np.unique(values[gone])]
        values[gone] = np.nan
    for value in _far_nines(values):
        marks.insert(0, Mark(f"{value:.12g}", int((values == value).sum()), False))  # There may be many bounds.
        if said.missing is None:
            findings.append(
                finding("found_far_away", "warning", column=name, value=marks[0].text, cells=marks[0].cells)
            )
    bounds = {} if said.missing is not None else found.bounds
    if bounds:
        findings.append(
            finding("found_bounds", "warning", column=name, cells=sum(bounds.values()), bounds=_listed(bounds))
        )
    plain = found.is_plain and said.missing is None
    return Column(
        name, "number", reason, cells, values, tuple(findings), found.unit, marks=tuple(marks[:MOST_MARKS]), said=said, is_plain=plain
    )  # fmt: skip


def _about_numbers(name: str, found: Numbers, rows: int) -> list[Finding]:
    findings = []
    often = sum(found.marks.values()) >= FREQUENT * rows
    none = {
        **found.words,
        **{mark: cells for mark, cells in found.marks.items() if often or mark not in PLAIN_AMONG_NUMBERS},
    }
    if none:
        findings.append(
            finding("found_not_numbers", "warning", column=name, cells=sum(none.values()), words=_listed(none))
        )
    if found.dressed:
        text, value = found.dressed
        key = "found_times" if found.unit == CLOCK else "found_dressed"
        findings.append(finding(key, column=name, text=text, value=f"{value:.12g}"))
    if found.grouped:
        findings.append(finding("found_grouped", column=name, text=found.grouped[0], value=f"{found.grouped[1]:.12g}"))
    return findings


def _far_nines(values: np.ndarray) -> list[float]:
    """-999 and its like where they come again and again, farther from all other numbers than these from each other."""
    found = []
    known = values[np.isfinite(values)]
    for value in map(float, NINES):
        others = known[known != value]
        if len(known) - len(others) < 2 or len(others) < 2:
            continue
        low, high = others.min(), others.max()
        if min(abs(value - low), abs(value - high)) > high - low > 0 and not low <= value <= high:
            found.append(value)
            known = others
    return found


def _as_id(column: Column, counts: bool) -> Column:
    """The column, or an id when its whole numbers only name the rows."""
    values = column.numbers
    assert values is not None
    if column.unit or not column.is_whole or not len(values):
        return column
    is_named = is_named_id(column.name)
    is_nameless = counts and NAMELESS.fullmatch(column.name) is not None
    if not is_named and not is_nameless:
        return column
    if not column.missing.any() and bool((np.diff(values) == 1).all()) and values[0] in (0, 1):
        return replace(column, kind="id", reason="counts_rows")
    if is_named and (column.distinct == (~column.missing).sum() or column.distinct > MANY):
        return replace(column, kind="id", reason="named_id")
    return column


def date_column(name: str, cells: pa.Array, decimal: str, said: Said, order: Order = "") -> Column:
    """The cells as dates: what is none counts as missing. Raises Problem where nothing is one."""
    if pa.types.is_floating(cells.type):
        # Whole numbers such as 20240131, and years.
        cells = pc.cast(pc.cast(cells, pa.int64(), safe=False), pa.string())
    cells = without_marks(cells)
    dates = read_dates(cells, decimal == ",", order)
    if not np.isfinite(dates.days).any():
        raise Problem("upload_no_dates", column=name)
    return _dated(name, cells, dates, said, "chosen")


def _dated(name: str, cells: pa.Array, dates: Dates, said: Said, reason: str) -> Column:
    findings = []
    if dates.undecided:
        text, days = dates.undecided
        findings.append(finding("found_ambiguous_dates", "warning", column=name, text=text, date=iso_text(days)))
    if dates.strangers:
        findings.append(finding("found_not_dates", "warning", column=name, cells=dates.strangers))
    return Column(name, "date", reason, cells, dates.days, tuple(findings), order=dates.order, said=said)


def _worded(name: str, cells: pa.Array, said: Said, kind: Kind | None = None, reason: str = "chosen") -> Column:
    """A column of words: of a kind that is given, or else by how many there are."""
    if not pa.types.is_string(cells.type):
        return Column(name, kind or "text", reason, cells, said=said)
    marks = _doubtful_marks(cells, said)
    gone = pa.array([mark.text for mark in marks if mark.is_missing], pa.string())
    if len(gone):
        cells = pc.if_else(pc.is_in(cells, value_set=gone), pa.scalar(None, cells.type), cells)
    if kind is None:
        kind, reason = _kind_of_words(cells)
    if kind != "category":
        return Column(name, kind, reason, cells, said=said)
    findings = [] if said.missing is not None else [_about_mark(name, mark, len(cells)) for mark in marks]
    spellings = _near_equal(cells)
    if spellings and said.is_joined:
        cells = _with_one_spelling(cells, spellings)
    elif spellings:
        listed = "; ".join(", ".join(each) for each in spellings[:3])
        findings.append(finding("found_near_equal", "warning", column=name, spellings=listed))
    return Column(
        name, kind, reason, cells, findings=tuple(findings), marks=tuple(marks[:MOST_MARKS]), spellings=spellings, said=said
    )  # fmt: skip


def _kind_of_words(cells: pa.Array) -> tuple[Kind, str]:
    rows = len(cells) - cells.null_count
    distinct = pc.count_distinct(cells, mode="only_valid").as_py()
    if not distinct:
        return "text", "empty"
    if distinct <= min(max(2, rows / 2), MOST_VALUES):
        return "category", "few_values"
    with_blanks = pc.mean(pc.cast(pc.match_substring(cells, " "), pa.float64())).as_py()
    if distinct > 0.95 * rows and with_blanks <= FEW_WORDS:
        return "id", "all_different"
    return "text", "many_values"


def _doubtful_marks(cells: pa.Array, said: Said) -> list[Mark]:
    """Words that may mean missing. Unless its owner speaks: what pandas takes for it does, but where it is as frequent as a class."""
    counts = pc.value_counts(cells.drop_null())
    if not len(counts):
        return []
    words, rows = counts.field("values"), counts.field("counts").to_numpy(zero_copy_only=False)
    is_doubtful = doubtful(words).to_numpy(zero_copy_only=False).astype(bool)
    if said.missing is not None:
        is_doubtful |= pc.is_in(words, value_set=pa.array(said.missing, pa.string())).to_numpy(zero_copy_only=False)
    others = len(words) - int(is_doubtful.sum())
    marks = []
    for place in np.flatnonzero(is_doubtful):
        text, of_it = words[int(place)].as_py(), int(rows[place])
        if said.missing is not None:
            is_missing = text in said.missing
        else:
            as_usual = text in USUAL and (of_it < FREQUENT * rows.sum() or others > MOST_CLASSES)
            is_missing = as_usual or not others
        marks.append(Mark(text, of_it, bool(is_missing)))
    return marks


def _about_mark(name: str, mark: Mark, rows: int) -> Finding:
    if mark.is_missing:
        return finding("found_word_missing", column=name, mark=mark.text, cells=mark.cells)
    severity = "warning" if mark.cells >= FREQUENT * rows else "notice"
    return finding("found_maybe_missing", severity, column=name, mark=mark.text, cells=mark.cells, of=rows)


def folded(text: str) -> str:
    """What spellings have in common that differ in capitals, blanks and widths of letters."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _near_equal(cells: pa.Array) -> tuple[tuple[str, ...], ...]:
    """Words that are the same but for their spelling, the most frequent (of equals the first) before the others."""
    counts = pc.value_counts(cells.drop_null())
    if len(counts) > MOST_VALUES:
        return ()
    groups: dict[str, list[str]] = {}
    rows = dict(zip(counts.field("values").to_pylist(), counts.field("counts").to_pylist(), strict=True))
    for word in sorted(rows, key=lambda word: -rows[word]):
        groups.setdefault(folded(word), []).append(word)
    return tuple(tuple(each) for each in groups.values() if len(each) > 1)


def _with_one_spelling(cells: pa.Array, spellings: tuple[tuple[str, ...], ...]) -> pa.Array:
    first = {other: each[0] for each in spellings for other in each}
    encoded = cells.dictionary_encode()
    words = [first.get(word, word) for word in encoded.dictionary.to_pylist()]
    return pa.array(words, pa.string()).take(encoded.indices)


def _listed(words: dict[str, int]) -> str:
    """The most frequent ones."""
    shown = sorted(words, key=lambda word: -words[word])[:5]
    return ", ".join(shown) if len(words) <= len(shown) else f"{', '.join(shown)}, …"


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
