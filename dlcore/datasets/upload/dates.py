"""Dates in texts: days since 1970-01-01, with fractions for the time of day."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa

from dlcore.datasets.days import round_to_milliseconds
from dlcore.datasets.upload.arrow import compute as pc
from dlcore.datasets.upload.missing import find_doubtful

SHARE = 0.98  # Share of the values that must be dates.
FIRST, LAST = -719_162, 2_932_897  # 0001-01-01 and the day after 9999-12-31.
TIME = (
    r"(?:[T ]+(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2}(?:\.\d+)?))?"
    r"\s*(?:(?P<p>[AaPp])\.?[Mm]\.?)?\s*(?:Z|UTC|(?P<z>[+-]\d{2}:?\d{2}))?)?"
)
YEAR = r"(?P<y>\d{4}|\d{2})"
#: The forms of a date; a text is read by the first one that it matches.
PATTERNS = (
    rf"^(?P<y>\d{{4}})-(?P<m>\d{{1,2}})-(?P<d>\d{{1,2}}){TIME}$",
    rf"^(?P<y>\d{{4}})[/.](?P<m>\d{{1,2}})[/.](?P<d>\d{{1,2}}){TIME}$",
    rf"^(?P<y>\d{{4}})年(?P<m>\d{{1,2}})月(?P<d>\d{{1,2}})日?{TIME}$",
    rf"^(?P<d>\d{{1,2}})\.(?P<m>\d{{1,2}})\.{YEAR}{TIME}$",
    rf"^(?P<a>\d{{1,2}})/(?P<b>\d{{1,2}})/{YEAR}{TIME}$",
    rf"^(?P<a>\d{{1,2}})-(?P<b>\d{{1,2}})-{YEAR}{TIME}$",
    rf"^(?P<d>\d{{1,2}})[ -](?P<n>[A-Za-z]{{3,9}})\.?[ ,-]+{YEAR}{TIME}$",
    rf"^(?P<n>[A-Za-z]{{3,9}})\.? (?P<d>\d{{1,2}}),? {YEAR}{TIME}$",
    # Months, read as their first day.
    r"^(?P<y>\d{4})[-/](?P<m>\d{1,2})$",
    r"^(?P<y>\d{4})年(?P<m>\d{1,2})月$",
    r"^(?P<m>\d{1,2})/(?P<y>\d{4})$",
    r"^(?P<n>[A-Za-z]{3,9})\.?[ ,-]+(?P<y>\d{4})$",
    r"^(?P<y>\d{4})[ -](?P<n>[A-Za-z]{3,9})$",
)
MONTHS = {
    month: 1 + index
    for index, month in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"])
}
SEASON = r"^(?P<a>\d{4})[-/](?P<b>\d{2})$"
Order = Literal["", "day", "month"]
_COMPILED = [re.compile(pattern) for pattern in PATTERNS]


@dataclass(frozen=True)
class Dates:
    """(N,) days of each text, NaN where it is no date; `order` says whether the day or the month came first, where that matters."""

    days: np.ndarray
    order: Order = ""
    # a text whose day and month could be swapped, as in all others, and its days
    undecided: tuple[str, float] | None = None
    strangers: int = 0  # texts that are neither dates nor marks of a missing value

    @property
    def prevail(self) -> bool:
        """Whether enough values are dates to call this a column of dates."""
        known = int(np.isfinite(self.days).sum())
        return 0 < known >= SHARE * (known + self.strangers)


def looks_like_date(text: str) -> bool:
    """Whether the text is written like a date."""
    return any(pattern.match(text) for pattern in _COMPILED)


def find_dates(texts: pa.Array, day_first: bool) -> Dates | None:
    """The dates of a column without blanks at the ends of its cells. None when it is no column of dates."""
    known = texts.filter(pc.invert(find_doubtful(texts).fill_null(True)))
    if not len(known):
        return None
    first = known[:100]
    fits = np.zeros(len(first), bool)
    for pattern in PATTERNS:
        fits |= _fits(first, pattern)
    if fits.sum() < 0.9 * SHARE * len(first) or _are_seasons(known):
        return None
    dates = read_dates(texts, day_first)
    return dates if dates.prevail else None


def read_dates(texts: pa.Array, day_first: bool, order: Order = "") -> Dates:
    """The date of each text, however few are dates. If `order` is "", the order of day and month is detected."""
    days = np.full(len(texts), np.nan)
    written = _spell_out(texts)
    undecided = None
    for pattern in PATTERNS:
        left = np.flatnonzero(np.isnan(days))
        left = left[_fits(written.take(pa.array(left)), pattern)]
        if not len(left):
            continue
        parts = pc.extract_regex(written.take(pa.array(left)), pattern)
        if "?P<a>" in pattern and not order:
            order, is_open = _find_order(parts, day_first)
            undecided = int(left[0]) if is_open else None
        days[left] = _read(parts, order)
    days = round_to_milliseconds(days)
    unread = texts.filter(pa.array(np.isnan(days))).drop_null()
    strangers = len(unread) - (pc.sum(find_doubtful(unread)).as_py() or 0)
    example = None if undecided is None else (texts[undecided].as_py(), float(days[undecided]))
    return Dates(days, order, example if example and np.isfinite(example[1]) else None, strangers)


def _spell_out(texts: pa.Array) -> pa.Array:
    """20240131 rewritten as 2024-01-31, and 2024 as 2024-01-01."""
    spelled = pc.replace_substring_regex(texts, r"^(\d{4})(\d{2})(\d{2})$", r"\1-\2-\3")
    return pc.replace_substring_regex(spelled, r"^(\d{4})$", r"\1-01-01")


def _fits(texts: pa.Array, pattern: str) -> np.ndarray:
    """Which texts match the pattern. Arrow's search does not take its named groups, so the names are removed."""
    fits = pc.match_substring_regex(texts, re.sub(r"\?P<\w>", "", pattern))
    return np.array(fits.fill_null(False).to_numpy(zero_copy_only=False), dtype=bool)


def _are_seasons(texts: pa.Array) -> bool:
    """2009-10, 2010-11, 2011-12: years and the next ones, no months."""
    parts = pc.extract_regex(texts[:100], SEASON).drop_null()
    if not len(parts):
        return False
    years = np.unique(_numbers(parts.field("a")) + 1j * _numbers(parts.field("b")))
    return len(years) > 2 and bool(((years.real + 1) % 100 == years.imag).all())


def _find_order(parts: pa.Array, day_first: bool) -> tuple[Order, bool]:
    """Whether the day or the month comes first, and whether that is a guess: 31/12 and 12/31 show it, without them `day_first` decides."""
    first, second = (np.nanmax(_numbers(parts.field(name)), initial=0) for name in ("a", "b"))
    is_open = first <= 12 and second <= 12
    return ("day" if first > 12 or (is_open and day_first) else "month"), bool(is_open)


def _read(parts: pa.Array, order: Order) -> np.ndarray:
    names = {field.name for field in parts.type}
    found = {name: _numbers(parts.field(name)) for name in names if name not in ("n", "z", "p")}
    year = found["y"]
    year = np.where(year < 69, year + 2000, np.where(year < 100, year + 1900, year))
    day = found.get("d", np.ones(len(parts)))
    if "n" in names:
        words = pc.utf8_lower(pc.utf8_slice_codeunits(parts.field("n"), 0, 3))
        month = 1 + _floats(pc.index_in(words, value_set=pa.array(list(MONTHS))))
    elif "a" in names:
        day, month = (found["a"], found["b"]) if order == "day" else (found["b"], found["a"])
    else:
        month = found["m"]
    days = _count_days(year, month, day)
    if "H" in names:
        days += _read_clock(parts, found)
    return np.where((days >= FIRST) & (days < LAST), days, np.nan)


def _read_clock(parts: pa.Array, found: dict[str, np.ndarray]) -> np.ndarray:
    """The time of day as a share of it; 0 where none is written, NaN where no clock shows it."""
    half = parts.field("p").to_numpy(zero_copy_only=False).astype(str)
    hours = np.nan_to_num(found["H"])
    on_twelve = np.where((hours >= 1) & (hours <= 12), hours % 12 + 12 * np.isin(half, ["p", "P"]), np.nan)
    hours = np.where(half == "", hours, on_twelve)
    minutes, seconds = np.nan_to_num(found["M"]), np.nan_to_num(found["S"])
    fits = (hours <= 23) & (minutes <= 59) & (seconds <= 60)
    days = np.where(fits, hours / 24 + minutes / 1440 + seconds / 86_400, np.nan)
    return days - _read_zones(parts.field("z"))


def _count_days(year: np.ndarray, month: np.ndarray, day: np.ndarray) -> np.ndarray:
    """NaN for days that no calendar has, such as 30 February."""
    there = np.isfinite(year) & (month >= 1) & (month <= 12) & (day >= 1) & (year >= 1)
    months = np.where(there, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    dates = months.astype("datetime64[D]") + np.where(there, day - 1, 0).astype("timedelta64[D]")
    there &= dates.astype("datetime64[M]") == months
    return np.where(there, dates.astype(np.float64), np.nan)


def _read_zones(texts: pa.Array) -> np.ndarray:
    """+08:00 as a share of a day; 0 where none is written."""
    digits = pc.replace_substring(texts, ":", "")
    hours = _numbers(pc.utf8_slice_codeunits(digits, 0, 3))
    minutes = _numbers(pc.utf8_slice_codeunits(digits, 3, 5))
    return np.nan_to_num(hours / 24 + np.sign(hours) * minutes / 1440)


def _numbers(texts: pa.Array) -> np.ndarray:
    # An optional part that is not there reads as an empty text.
    return _floats(pc.cast(pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts), pa.float64()))


def _floats(array: pa.Array) -> np.ndarray:
    return np.array(pc.cast(array, pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
