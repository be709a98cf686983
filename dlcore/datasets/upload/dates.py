"""Dates in texts: days since 1970-01-01, with fractions for the time of day."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from dlcore.datasets.days import on_the_clock
from dlcore.datasets.upload.arrow import compute as pc

SHARE = 0.98  # Of the values that must be dates.
FIRST, LAST = -719_162, 2_932_897  # 0001-01-01 and the day after 9999-12-31.
TIME = r"(?:[T ]+(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2}(?:\.\d+)?))?\s*(?:Z|(?P<z>[+-]\d{2}:?\d{2}))?)?"
YEAR = r"(?P<y>\d{4}|\d{2})"
#: The order matters: the first that fits enough values is it.
PATTERNS = (
    rf"^(?P<y>\d{{4}})-(?P<m>\d{{1,2}})-(?P<d>\d{{1,2}}){TIME}$",
    rf"^(?P<y>\d{{4}})[/.](?P<m>\d{{1,2}})[/.](?P<d>\d{{1,2}}){TIME}$",
    rf"^(?P<y>\d{{4}})年(?P<m>\d{{1,2}})月(?P<d>\d{{1,2}})日?{TIME}$",
    rf"^(?P<d>\d{{1,2}})\.(?P<m>\d{{1,2}})\.{YEAR}{TIME}$",
    rf"^(?P<a>\d{{1,2}})/(?P<b>\d{{1,2}})/{YEAR}{TIME}$",
    rf"^(?P<a>\d{{1,2}})-(?P<b>\d{{1,2}})-{YEAR}{TIME}$",
    rf"^(?P<d>\d{{1,2}})[ -](?P<n>[A-Za-z]{{3,9}})\.?[ ,-]+{YEAR}{TIME}$",
    rf"^(?P<n>[A-Za-z]{{3,9}})\.? (?P<d>\d{{1,2}}),? {YEAR}{TIME}$",
)
MONTHS = {
    month: 1 + index
    for index, month in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"])
}
_COMPILED = [re.compile(pattern) for pattern in PATTERNS]


class Dates(NamedTuple):
    """Days of each text, NaN where it is no date; `ambiguous` when day and month could be the other way round."""

    days: np.ndarray
    ambiguous: bool


def looks_like_date(text: str) -> bool:
    """Whether it is written as a date is."""
    return any(pattern.match(text) for pattern in _COMPILED)


def dates_in(texts: pa.Array, day_first: bool, share: float = SHARE) -> Dates | None:
    """Of texts that are not null. None when fewer than this share of them are dates."""
    known = texts.drop_null()
    if not len(known):
        return None
    for pattern in PATTERNS:
        fits = pc.match_substring_regex(known[:100], _plain(pattern))
        if pc.sum(fits).as_py() < share * len(fits) * 0.9:
            continue
        dates = _read(texts, pattern, day_first)
        if np.isfinite(dates.days).sum() >= share * len(known):
            return dates
    return None


def _plain(pattern: str) -> str:
    """Without names, as a search wants it."""
    return re.sub(r"\?P<\w>", "", pattern)


def _read(texts: pa.Array, pattern: str, day_first: bool) -> Dates:
    parts = pc.extract_regex(texts, pattern)
    names = {field.name for field in parts.type}
    found = {name: _numbers(parts.field(name)) for name in names if name not in ("n", "z")}
    year, ambiguous = found["y"], False
    year = np.where(year < 69, year + 2000, np.where(year < 100, year + 1900, year))
    if "n" in names:
        words = pc.utf8_lower(pc.utf8_slice_codeunits(parts.field("n"), 0, 3))
        place = pc.index_in(words, value_set=pa.array(list(MONTHS)))
        month, day = 1 + _floats(place), found["d"]
    elif "a" in names:
        # 31/12 and 12/31 say it themselves; when none does, the custom of the file's numbers decides.
        first, second = np.nanmax(found["a"], initial=0), np.nanmax(found["b"], initial=0)
        ambiguous = first <= 12 and second <= 12
        if first > 12 or (ambiguous and day_first):
            day, month = found["a"], found["b"]
        else:
            month, day = found["a"], found["b"]
    else:
        month, day = found["m"], found["d"]
    days = _days(year, month, day)
    for unit, most, a_day in (("H", 23, 24), ("M", 59, 1440), ("S", 60, 86_400)):
        value = np.nan_to_num(found[unit])
        days += np.where(value <= most, value / a_day, np.nan)
    if "z" in names:
        days -= _zones(parts.field("z"))
    days[~((days >= FIRST) & (days < LAST))] = np.nan
    return Dates(on_the_clock(days), bool(ambiguous))


def _days(year: np.ndarray, month: np.ndarray, day: np.ndarray) -> np.ndarray:
    """NaN for days that no calendar has, such as 30 February."""
    there = np.isfinite(year) & (month >= 1) & (month <= 12) & (day >= 1) & (year >= 1)
    months = np.where(there, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    dates = months.astype("datetime64[D]") + np.where(there, day - 1, 0).astype("timedelta64[D]")
    there &= dates.astype("datetime64[M]") == months
    return np.where(there, dates.astype(np.float64), np.nan)


def _zones(texts: pa.Array) -> np.ndarray:
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
