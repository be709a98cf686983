"""Dates as numbers: days since 1970-01-01 on the proleptic Gregorian calendar, whole milliseconds, written as ISO 8601.

A float64 tells milliseconds apart for 285,000 years, microseconds only for 285.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import numpy as np

MILLISECONDS = 86_400_000  # of a day
_BEGINNING = datetime(1970, 1, 1)
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?)?(Z|[+-]\d{2}:\d{2})?")


def round_to_milliseconds(days: np.ndarray) -> np.ndarray:
    """Rounded to whole milliseconds, so that a date reads back as the very same number."""
    return np.rint(days * MILLISECONDS) / MILLISECONDS


def write_iso(days: float) -> str:
    """2024-02-29, or 2024-02-29T13:30:00 where it is not midnight."""
    moment = _BEGINNING + timedelta(milliseconds=round(days * MILLISECONDS))
    if moment.time() == datetime.min.time():
        return moment.date().isoformat()
    return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds")


def read_iso(text: str) -> float:
    """The days of an ISO date, with or without a time. Raises ValueError for all else."""
    if not _ISO.fullmatch(text):
        raise ValueError(text)
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return round((moment - _BEGINNING) / timedelta(milliseconds=1)) / MILLISECONDS
