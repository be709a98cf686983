"""Numbers in texts: with a point or a comma before the decimals, with or without signs between the thousands."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from dlcore.datasets.upload.arrow import compute as pc

SHARE = 0.98  # Of the values that must be numbers; the rest counts as missing.
THOUSANDS = {".": ",'’ \u00a0\u202f\u2009", ",": ".'’ \u00a0\u202f\u2009"}
EXPONENT = r"(?:[eE][+-]?\d+)?"
GLANCE = 100  # Cells that say whether it is worth trying all.
DASHES = pa.array(["-", "--", "–", "—", "."])  # People write them for "nothing" among numbers.


class Numbers(NamedTuple):
    """The numbers (NaN where there is none), how many texts were none, and whether signs between thousands were taken out."""

    values: np.ndarray
    strangers: int
    grouped: bool


def numbers_in(texts: pa.Array, decimal: str, share: float = SHARE) -> Numbers | None:
    """Of texts without blanks at their ends, null where missing. None when fewer than this share of the others are numbers."""
    if castable(texts[:GLANCE], decimal):  # A cast that fails takes ten times as long as one that succeeds.
        try:
            return Numbers(_floats(pc.cast(texts, pa.float64())), 0, False)
        except pa.ArrowInvalid:
            pass
    encoded = texts.dictionary_encode()
    words = encoded.dictionary
    if len(words) == 0 or _hopeless(words, decimal):
        return None
    numbers = _parsed(words, decimal)
    dashes = _bools(pc.is_in(words, value_set=DASHES))
    codes = encoded.indices.fill_null(len(words)).to_numpy(zero_copy_only=False)
    rows = np.bincount(codes, minlength=len(words) + 1)[:-1]
    good, strange = rows[~np.isnan(numbers)].sum(), rows[np.isnan(numbers) & ~dashes].sum()
    if good == 0 or good < share * (good + strange):
        return None
    grouped = _bools(pc.match_substring_regex(words, rf"\d[{THOUSANDS[decimal]}]\d{{3}}"))
    return Numbers(np.append(numbers, np.nan)[codes], int(strange), bool((grouped & ~np.isnan(numbers)).any()))


def castable(texts: pa.Array, decimal: str) -> bool:
    """Whether these are plain numbers, as most columns are, so that no second look at each cell is needed."""
    if decimal != ".":
        return False
    try:
        pc.cast(texts, pa.float64())
    except pa.ArrowInvalid:
        return False
    return True


def has_codes(texts: pa.Array) -> bool:
    """Whether these are codes such as 00713, from which a number would take the zeros."""
    led = pc.and_(pc.starts_with(texts, "0"), pc.greater(pc.binary_length(texts), 1))
    return bool(pc.any(pc.match_substring_regex(texts.filter(led), r"^0\d+$")).as_py())


def _hopeless(words: pa.Array, decimal: str) -> bool:
    """Whether the first hundred already say that this is no column of numbers."""
    first = words[:100]
    return len(words) > 1000 and np.isnan(_parsed(first, decimal)).mean() > 0.5


def _parsed(words: pa.Array, decimal: str) -> np.ndarray:
    """A number for each word, NaN for those that are none."""
    plain = pc.replace_substring(words, "−", "-")
    marks, point = THOUSANDS[decimal], "\\" + decimal
    whole = rf"^[+-]?(?:\d+|\d{{1,3}}(?:[{marks}]\d{{3}})+)(?:{point}\d*)?{EXPONENT}$"
    fraction = rf"^[+-]?{point}\d+{EXPONENT}$"
    infinite = r"(?i)^[+-]?inf(?:inity)?$"
    fits = pc.or_(pc.match_substring_regex(plain, whole), pc.match_substring_regex(plain, fraction))
    written = pc.replace_substring_regex(plain, f"[{marks}]", "")
    written = written if decimal == "." else pc.replace_substring(written, decimal, ".")
    fits_or_infinite = pc.or_(fits, pc.match_substring_regex(plain, infinite))
    return _floats(pc.cast(pc.if_else(fits_or_infinite, written, pa.scalar(None, pa.string())), pa.float64()))


def _floats(array: pa.Array) -> np.ndarray:
    return np.array(array.to_numpy(zero_copy_only=False), dtype=np.float64)


def _bools(array: pa.Array) -> np.ndarray:
    return np.array(array.fill_null(False).to_numpy(zero_copy_only=False), dtype=bool)
