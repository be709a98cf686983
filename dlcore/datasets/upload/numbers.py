"""Numbers in texts: with a point or a comma before the decimals, with signs between the thousands, with money, percent and units.

Each cell is read by itself, so that a network that is given it later reads the same: only which unit a column has is found out from
all of its cells. Those of another unit are no numbers of this column.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from dlcore.datasets.upload.arrow import compute as pc
from dlcore.datasets.upload.missing import PLAIN_AMONG_NUMBERS, find_doubtful

FEW = 0.1  # Share of the values that may be words, which then count as missing, ...
FEW_WORDS = 3  # ... if there are no more different words than these.
ANY_WORDS = 0.02  # Share of the values that may be words, however different.
LEAST_OF_UNIT = 3  # Different numbers that a unit of letters needs: 4wd and 2wd are names.
THOUSANDS = {".": ",'’ \u00a0\u202f\u2009", ",": ".'’ \u00a0\u202f\u2009"}
EXPONENT = r"(?:[eE][+-]?\d+)?"
MANY = 50  # So many whole numbers with a unit of letters, all different, only name their rows.
GLANCE = 100  # Cells that are tried first: if they fail, the others are not tried.
_PLAIN_MARKS = pa.array(sorted(PLAIN_AMONG_NUMBERS))
CLOCK = "hh:mm"  # The unit of times of day, which are hours.

_MONEY = r"(?:US\$|R\$|[$€£¥₹₽₩₺฿]|(?:USD|EUR|GBP|CHF|CNY|RMB|JPY|INR|Rs|kr))"
_UNIT = r"(?:[^\W\d_]|[°%‰Ωμ$€£¥₹₽₩₺฿])(?:[^\W\d_]|[°%/·^.*]){0,11}[23]?(?: [^\W\d_]{1,8})?"
_DIGITS = r"[\d.,'’ ]*[\d.,]" + EXPONENT
#: What stands before the digits, the digits, and what stands behind them. RE2 is fast with three groups and no alternatives.
PARTS = r"^(?P<lead>[^\d.,'’]*)(?P<digits>[\d.,'’ ]+)(?P<tail>(?:[^\d.,'’ ].*)?)$"
LEAD = re.compile(rf"(?P<open>\()? ?(?P<sign>[+-])? ?(?P<money>{_MONEY})? ?(?P<inner>[+-])?")
TAIL = re.compile(rf"(?P<unit>{_UNIT})?(?P<minus> ?-)? ?(?P<close>\))?")
HEXADECIMAL = re.compile(r"[xX]\d")
TIMES = r"^(?P<hours>\d{1,2}):(?P<minutes>\d{2})(?::(?P<seconds>\d{2}))? ?(?:(?P<half>[AaPp])\.?[Mm]\.?)?$"
BOUND = rf"^[<>≤≥]=? ?(?P<digits>[+-]?{_DIGITS})$"


@dataclass(frozen=True)
class Numbers:
    """(N,) numbers, NaN where there is none, and what became of the texts that are no plain numbers."""

    values: np.ndarray
    unit: str = ""
    words: dict[str, int] = field(default_factory=dict)  # {text that is no number: how many cells}
    marks: dict[str, int] = field(default_factory=dict)  # {text that may mean missing: how many cells}
    bounds: dict[str, int] = field(default_factory=dict)  # {bound such as <0.1: how many cells}
    grouped: tuple[str, float] | None = None  # a text with signs between thousands, as an example, and its number
    dressed: tuple[str, float] | None = None  # a text with currency, unit and so on, and its number

    @property
    def is_plain(self) -> bool:
        """Whether all texts are plain numbers: then 1 and 1.0 are the same value, also as categories."""
        return not (self.words or self.marks or self.bounds or self.dressed)

    @property
    def prevail(self) -> bool:
        """Whether a column with these is a column of numbers: a few words do not make it text."""
        good = int((~np.isnan(self.values)).sum())
        words, bounds = sum(self.words.values()), sum(self.bounds.values())
        known = good + words + bounds
        few = words <= ANY_WORDS * known or (words <= FEW * known and len(self.words) <= FEW_WORDS)
        return 0 < good >= bounds and few and not self._are_names

    @property
    def _are_names(self) -> bool:
        """Whether letters behind the numbers make them names: 4wd and 2wd, or 1x, 2x, 3x in as many rows."""
        if not self.unit[:1].isalpha() or self.unit == CLOCK:
            return False
        known = self.values[np.isfinite(self.values)]
        different = len(np.unique(known))
        return different < LEAST_OF_UNIT or (different == len(known) > MANY and bool((known % 1 == 0).all()))


def read_plain_numbers(texts: pa.Array, decimal: str) -> Numbers | None:
    """The numbers of a column of plain numbers, as most are, read at once; None for any other column."""
    if decimal != ".":
        return None
    try:
        pc.cast(texts[:GLANCE], pa.float64())  # A cast that fails takes ten times as long as one that succeeds.
        return Numbers(_floats(pc.cast(texts, pa.float64())))
    except pa.ArrowInvalid:
        return None


def find_numbers(texts: pa.Array, decimal: str, missing: Sequence[str] | None = None) -> Numbers | None:
    """As `read_numbers`; None if the first cells already show that this is no column of numbers."""
    plain = read_plain_numbers(texts, decimal)
    if plain is not None:
        return plain
    words = texts[: 10 * GLANCE].drop_null().unique()[:GLANCE]
    if len(words) == GLANCE:
        first = _Words(words, decimal)
        numbers = first.of_unit(first.usual_unit(np.ones(len(words))))
        hopeless = np.isnan(numbers) & ~first.is_bound & ~_bools(find_doubtful(words))
        if hopeless.mean() > 0.5:
            return None
    return read_numbers(texts, decimal, missing=missing)


def read_numbers(
    texts: pa.Array, decimal: str, unit: str | None = None, missing: Sequence[str] | None = None
) -> Numbers:
    """The number of each text (without blanks at its ends), however few are numbers. If `unit` is None, it is detected.

    A bound such as <0.1 counts as missing. If `missing` is given, only bounds listed there do; any other counts as its number.
    """
    is_mark = pc.is_in(texts, value_set=_PLAIN_MARKS)
    plain = read_plain_numbers(pc.if_else(is_mark, pa.scalar(None, texts.type), texts), decimal)
    if plain is not None:
        counts = pc.value_counts(texts.filter(is_mark))
        marks = dict(zip(counts.field("values").to_pylist(), counts.field("counts").to_pylist(), strict=True))
        return replace(plain, marks=marks)
    encoded = texts.dictionary_encode()
    words = encoded.dictionary
    if not len(words):
        return Numbers(np.full(len(texts), np.nan))
    codes = encoded.indices.fill_null(len(words)).to_numpy(zero_copy_only=False)
    rows = np.bincount(codes, minlength=len(words) + 1)[:-1]
    read = _Words(words, decimal)
    unit = read.usual_unit(rows) if unit is None else unit
    values = read.of_unit(unit)
    if missing is not None:
        named = ~_bools(pc.is_in(words, value_set=pa.array(missing, pa.string())))
        values = np.where(read.is_bound & named, read.bounds, values)
    strange = np.isnan(values) & ~read.is_bound
    marks = strange & _bools(find_doubtful(words))
    good = np.isfinite(values)
    return Numbers(
        np.append(values, np.nan)[codes],
        unit if (good & (read.units == unit) & (unit != "")).any() else "",
        _count(words, rows, strange & ~marks),
        _count(words, rows, marks),
        _count(words, rows, read.is_bound),
        _choose_example(words, values, good & read.is_grouped & ~read.is_dressed),
        _choose_example(words, values, good & read.is_dressed),
    )


def write_number(value: float) -> str:
    """A number as the name of a category: 1 for 1.0, and all digits of a whole number that is exact."""
    whole = float(value).is_integer() and abs(value) < 2**53
    return f"{value + 0.0:.0f}" if whole else f"{value + 0.0:.12g}"


def has_codes(texts: pa.Array) -> bool:
    """Whether there are codes such as 00713 among the texts, which would lose their zeros as numbers."""
    led = pc.and_(pc.starts_with(texts, "0"), pc.greater(pc.binary_length(texts), 1))
    return bool(pc.any(pc.match_substring_regex(texts.filter(led), r"^0\d+$")).as_py())


class _Words:
    """Different texts as numbers (NaN for those that are none), each with its unit."""

    def __init__(self, words: pa.Array, decimal: str) -> None:
        # Fullwidth digits and signs become plain ones. A power does not become further digits: 10² is no number here.
        powers = pc.match_substring_regex(words, "[0-9][⁰¹²³⁴⁵⁶⁷⁸⁹₀-₉]")
        plain = pc.if_else(powers, pa.scalar("power", words.type), words)
        normal = pc.replace_substring(pc.utf8_normalize(plain, form="NFKC"), "−", "-")
        self.values = _parse(normal, decimal)
        self.is_grouped = _bools(pc.match_substring_regex(normal, rf"\d[{THOUSANDS[decimal]}]\d{{3}}"))
        self.units = np.full(len(words), "", dtype=object)
        self.is_dressed = np.zeros(len(words), bool)
        self.is_bound = np.zeros(len(words), bool)
        self.bounds = np.full(len(words), np.nan)
        rest = np.flatnonzero(np.isnan(self.values))
        if len(rest):
            others = normal.take(pa.array(rest))
            self._undress(others, rest, decimal)
            left = np.isnan(self.values[rest])
            rest, others = rest[left], others.filter(pa.array(left))
            self._read_times(others, rest)
            digits = pc.extract_regex(others, BOUND)
            self.bounds[rest] = _parse(pc.utf8_trim_whitespace(digits.field("digits")), decimal)
            self.is_bound[rest] = np.isfinite(self.bounds[rest])

    def usual_unit(self, rows: np.ndarray) -> str:
        """The unit of most cells that have one."""
        known = np.isfinite(self.values) & (self.units != "")
        if not known.any():
            return ""
        units, codes = np.unique(self.units[known].astype(str), return_inverse=True)
        return str(units[np.bincount(codes, weights=rows[known]).argmax()])

    def of_unit(self, unit: str) -> np.ndarray:
        """The numbers with this unit or without a unit; NaN for others."""
        return np.where((self.units == "") | (self.units == unit), self.values, np.nan)

    def _undress(self, words: pa.Array, indices: np.ndarray, decimal: str) -> None:
        """Read texts with currency, percent, a unit, brackets, or a minus behind the number."""
        parts = pc.extract_regex(words, PARTS)
        leads, lead = _list_different(parts.field("lead"))
        tails, tail = _list_different(parts.field("tail"))
        before = [LEAD.fullmatch(text.strip()) for text in leads]
        behind = [TAIL.fullmatch(text) if not HEXADECIMAL.match(text) else None for text in tails]
        signs = np.array([sum(map(bool, m.group("open", "sign", "inner"))) if m else 9 for m in before] or [9])[lead]
        signs += np.array([bool(m["minus"]) if m else 9 for m in behind] or [9], int)[tail]
        opened = np.array([bool(m and m["open"]) for m in before] or [False])[lead]
        closed = np.array([bool(m and m["close"]) for m in behind] or [False])[tail]
        negative = np.array(
            [bool(m) and (m["open"] or "-" in (m["sign"], m["inner"])) for m in before] or [False], bool
        )[lead]
        negative |= np.array([bool(m and m["minus"]) for m in behind] or [False])[tail]
        numbers = _parse(pc.utf8_trim_whitespace(parts.field("digits")), decimal)
        numbers = np.where((signs <= 1) & (opened == closed), np.where(negative, -numbers, numbers), np.nan)
        money = np.array([(m and m["money"]) or "" for m in before] or [""], dtype=object)[lead]
        units = money + np.array([(m and m["unit"]) or "" for m in behind] or [""], dtype=object)[tail]
        self.values[indices] = numbers
        self.is_dressed[indices] = np.isfinite(numbers)
        self.units[indices] = np.where(self.is_dressed[indices], units, "")

    def _read_times(self, words: pa.Array, indices: np.ndarray) -> None:
        """13:45 and 1:45 PM as 13.75 hours."""
        parts = pc.extract_regex(words, TIMES)
        hours, minutes, seconds = (_read_optional(parts.field(name)) for name in ("hours", "minutes", "seconds"))
        half = np.char.lower(_texts(parts.field("half")).astype(str))
        twelve = half != ""
        hours = np.where(twelve, np.where((hours >= 1) & (hours <= 12), hours % 12 + 12 * (half == "p"), np.nan), hours)
        fits = (hours + minutes / 60 <= 24) & (minutes < 60) & ~(seconds >= 60)
        times = np.where(fits, hours + minutes / 60 + np.nan_to_num(seconds) / 3600, np.nan)
        known = np.isfinite(times)
        self.values[indices[known]] = times[known]
        self.units[indices[known]] = CLOCK
        self.is_dressed[indices[known]] = True


def _parse(words: pa.Array, decimal: str) -> np.ndarray:
    """A number for each word, NaN for those that are none."""
    marks, point = THOUSANDS[decimal], "\\" + decimal
    whole = rf"^[+-]?(?:\d+|[1-9]\d{{0,2}}(?:[{marks}]\d{{3}})+)(?:{point}\d*)?{EXPONENT}$"
    fraction = rf"^[+-]?{point}\d+{EXPONENT}$"
    infinite = r"(?i)^[+-]?inf(?:inity)?$"
    fits = pc.or_(pc.match_substring_regex(words, whole), pc.match_substring_regex(words, fraction))
    written = pc.replace_substring_regex(words, f"[{marks}]", "")
    written = written if decimal == "." else pc.replace_substring(written, decimal, ".")
    fits_or_infinite = pc.or_(fits, pc.match_substring_regex(words, infinite))
    return _floats(pc.cast(pc.if_else(fits_or_infinite, written, pa.scalar(None, pa.string())), pa.float64()))


def _list_different(texts: pa.Array) -> tuple[list[str], np.ndarray]:
    """The different texts, and for each text its index among them (0 for a missing one)."""
    encoded = texts.dictionary_encode()
    return encoded.dictionary.to_pylist(), encoded.indices.fill_null(0).to_numpy(zero_copy_only=False)


def _count(words: pa.Array, rows: np.ndarray, which: np.ndarray) -> dict[str, int]:
    indices = np.flatnonzero(which)
    return dict(zip(words.take(pa.array(indices)).to_pylist(), rows[indices].tolist(), strict=True))


def _choose_example(words: pa.Array, values: np.ndarray, which: np.ndarray) -> tuple[str, float] | None:
    indices = np.flatnonzero(which)
    return (words[int(indices[0])].as_py(), float(values[indices[0]])) if len(indices) else None


def _read_optional(texts: pa.Array) -> np.ndarray:
    """Numbers; NaN for a part that is not there, which reads as an empty text."""
    return _floats(pc.cast(pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts), pa.float64()))


def _texts(array: pa.Array) -> np.ndarray:
    return np.array(array.fill_null("").to_numpy(zero_copy_only=False), dtype=object)


def _floats(array: pa.Array) -> np.ndarray:
    return np.array(array.to_numpy(zero_copy_only=False), dtype=np.float64)


def _bools(array: pa.Array) -> np.ndarray:
    return np.array(array.fill_null(False).to_numpy(zero_copy_only=False), dtype=bool)
