"""Columns with a type: number, category, date, text or id; found out from the cells, or as their owner says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from dlcore.datasets.columns import MOST_MARKS
from dlcore.datasets.days import write_iso
from dlcore.datasets.upload.arrow import compute as pc
from dlcore.datasets.upload.bounds import LARGEST_NUMBER, MOST_VALUES
from dlcore.datasets.upload.cells import Cells, Finding, finding
from dlcore.datasets.upload.column import KINDS, Column, Mark, Said
from dlcore.datasets.upload.dates import Dates, Order, find_dates, read_dates
from dlcore.datasets.upload.ids import NAMELESS, is_named_id
from dlcore.datasets.upload.missing import FREQUENT, PLAIN_AMONG_NUMBERS, without_marks
from dlcore.datasets.upload.numbers import CLOCK, Numbers, find_numbers, has_codes, read_numbers, read_plain_numbers
from dlcore.datasets.upload.words import make_word_column
from dlcore.problems import Problem

MANY = 50  # With more different values, numbers in a column named like an id are ids.
# Codes that programs write for a missing value.
NINES = ("-9", "-99", "-999", "-9999", "-99999", "99", "999", "9999", "99999")


def find_types(cells: Cells, types: dict[str, str], missing: Any = None, joined: Any = ()) -> list[Column]:
    """Each column as its owner says, or else as is found out. Raises Problem.

    `missing` is {column: doubtful marks that count as missing there}, `joined` names columns whose near-equal spellings are one.
    """
    for name, kind in types.items():
        if kind not in KINDS:
            raise Problem("upload_option", name=f"types.{name}", expected=", ".join(KINDS), came=str(kind))
    missing, joined = _read_marks(missing), _read_names(joined)
    decimal = cells.options.get("decimal", ".")
    return [
        _make_column(
            name,
            column,
            decimal,
            Said(types.get(name), missing.get(name), name in joined),  # type: ignore[arg-type]
            counts=index == 0 and len(cells.names) >= 4,
        )
        for index, (name, column) in enumerate(zip(cells.names, cells.columns, strict=True))
    ]


def _read_marks(said: Any) -> dict[str, tuple[str, ...]]:
    if not isinstance(said or {}, dict):
        raise Problem("upload_option", name="missing", expected="an object", came=str(said))
    return {name: _read_names(marks, f"missing.{name}") for name, marks in (said or {}).items()}


def _read_names(said: Any, option: str = "joined") -> tuple[str, ...]:
    if not isinstance(said or (), list | tuple) or not all(isinstance(one, str) for one in said or ()):
        raise Problem("upload_option", name=option, expected="a list of texts", came=str(said))
    return tuple(said or ())


def _make_column(name: str, cells: pa.Array, decimal: str, said: Said, counts: bool) -> Column:
    """The column with its type. If `counts`, a column without a name that counts the rows is an id, not a number."""
    if said.kind == "number":
        return make_number_column(name, cells, decimal, said)
    if said.kind == "date":
        return make_date_column(name, cells, decimal, said)
    found = _find_type(name, cells, decimal, said, counts)
    if said.kind is None:
        return found
    is_float = pa.types.is_floating(cells.type)
    if found.kind in ("number", "id") and found.numbers is not None and (found.is_plain or is_float):
        # A number keeps its value, so that 1 and 1.0 are one category.
        return Column(name, said.kind, "chosen", pa.array(found.numbers, from_pandas=True), said=said)
    return make_word_column(name, cells if is_float else without_marks(cells), said, said.kind)


def _find_type(name: str, cells: pa.Array, decimal: str, said: Said, counts: bool) -> Column:
    if cells.null_count == len(cells):
        return Column(name, "text", "empty", cells, said=said)
    if pa.types.is_floating(cells.type):
        return _mark_as_id(_make_numbers(name, cells, _read_numbers_of_file(cells), said, "numbers"), counts)
    found = read_plain_numbers(cells, decimal)
    if found is None:
        cells = without_marks(cells)
        if cells.null_count == len(cells):
            return Column(name, "text", "empty", cells, said=said)
        found = find_numbers(cells, decimal, said.missing)
    if found is not None and found.prevail:
        if has_codes(cells):
            few_codes = pc.count_distinct(cells).as_py() <= MOST_VALUES
            return make_word_column(name, cells, said, "category" if few_codes else "id", "codes")
        reason = "grouped_numbers" if found.grouped else "numbers"
        return _mark_as_id(_make_numbers(name, cells, found, said, reason), counts)
    dates = find_dates(cells, decimal == ",")
    return _make_dates(name, cells, dates, said, "dates") if dates is not None else make_word_column(name, cells, said)


def make_number_column(name: str, cells: pa.Array, decimal: str, said: Said, unit: str | None = None) -> Column:
    """The cells as numbers; a cell that is no number counts as missing."""
    if pa.types.is_floating(cells.type):
        return _make_numbers(name, cells, _read_numbers_of_file(cells), said, "chosen")
    cells = without_marks(cells)
    return _make_numbers(name, cells, read_numbers(cells, decimal, unit, said.missing), said, "chosen")


def _read_numbers_of_file(cells: pa.Array) -> Numbers:
    """The numbers of a column that the file itself declares to be numbers."""
    return Numbers(np.array(cells.to_numpy(zero_copy_only=False), dtype=np.float64))


def _make_numbers(name: str, cells: pa.Array, found: Numbers, said: Said, reason: str) -> Column:
    findings = _describe_numbers(name, found, len(cells))
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
    for value in _find_far_nines(values):
        # First in the list, which is cut: there may be many bounds such as <0.1.
        marks.insert(0, Mark(f"{value:.12g}", int((values == value).sum()), False))
        if said.missing is None:
            findings.append(
                finding("found_far_away", "warning", column=name, value=marks[0].text, cells=marks[0].cells)
            )
    bounds = {} if said.missing is not None else found.bounds
    if bounds:
        findings.append(
            finding(
                "found_bounds", "warning", column=name, cells=sum(bounds.values()), bounds=_list_most_frequent(bounds)
            )
        )
    plain = found.is_plain and said.missing is None
    return Column(
        name, "number", reason, cells, values, tuple(findings), found.unit, marks=tuple(marks[:MOST_MARKS]), said=said, is_plain=plain
    )  # fmt: skip


def _describe_numbers(name: str, found: Numbers, rows: int) -> list[Finding]:
    findings = []
    often = sum(found.marks.values()) >= FREQUENT * rows
    none = {
        **found.words,
        **{mark: cells for mark, cells in found.marks.items() if often or mark not in PLAIN_AMONG_NUMBERS},
    }
    if none:
        findings.append(
            finding(
                "found_not_numbers", "warning", column=name, cells=sum(none.values()), words=_list_most_frequent(none)
            )
        )
    if found.dressed:
        text, value = found.dressed
        key = "found_times" if found.unit == CLOCK else "found_dressed"
        findings.append(finding(key, column=name, text=text, value=f"{value:.12g}"))
    if found.grouped:
        findings.append(finding("found_grouped", column=name, text=found.grouped[0], value=f"{found.grouped[1]:.12g}"))
    return findings


def _find_far_nines(values: np.ndarray) -> list[float]:
    """Codes such as -999 that occur repeatedly and lie farther from all other numbers than those lie from each other."""
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


def _mark_as_id(column: Column, counts: bool) -> Column:
    """The column, turned into an id if its whole numbers only name the rows."""
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


def make_date_column(name: str, cells: pa.Array, decimal: str, said: Said, order: Order = "") -> Column:
    """The cells as dates; a cell that is no date counts as missing. Raises Problem if no cell is a date."""
    if pa.types.is_floating(cells.type):
        # Whole numbers can be dates: 20240131, or a year.
        cells = pc.cast(pc.cast(cells, pa.int64(), safe=False), pa.string())
    cells = without_marks(cells)
    dates = read_dates(cells, decimal == ",", order)
    if not np.isfinite(dates.days).any():
        raise Problem("upload_no_dates", column=name)
    return _make_dates(name, cells, dates, said, "chosen")


def _make_dates(name: str, cells: pa.Array, dates: Dates, said: Said, reason: str) -> Column:
    findings = []
    if dates.undecided:
        text, days = dates.undecided
        findings.append(finding("found_ambiguous_dates", "warning", column=name, text=text, date=write_iso(days)))
    if dates.strangers:
        findings.append(finding("found_not_dates", "warning", column=name, cells=dates.strangers))
    return Column(name, "date", reason, cells, dates.days, tuple(findings), order=dates.order, said=said)


def _list_most_frequent(words: dict[str, int]) -> str:
    """The five most frequent words, with an ellipsis if there are more."""
    shown = sorted(words, key=lambda word: -words[word])[:5]
    return ", ".join(shown) if len(words) <= len(shown) else f"{', '.join(shown)}, …"
