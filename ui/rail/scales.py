"""Which input suits a number: its bounds choose a slider, a ladder of values that grow by ratios, or a box to type into."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import annotated_types
from pydantic.fields import FieldInfo

#: Rungs for a share below 1 of the past that an average keeps, as momentum: what matters is how near it is to 1.
MEMORIES = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 0.9999)
FEW = 20  # a range of at most so many whole numbers gets a slider with a step of 1
WIDE = 1000  # a range of whole numbers whose end is at least so many times its start gets a ladder: 1, 2, 5, 10, ...
MILLION = 1_000_000  # a range that ends above this is that of a name rather than a quantity, as a seed, and is typed in


@dataclass(frozen=True)
class Bounds:
    """The bounds of a number, each of which the number may reach unless `without_`."""

    lower: float
    upper: float
    without_lower: bool = False
    without_upper: bool = False


@dataclass(frozen=True)
class Slider:
    """A slider with equal steps."""

    lower: float
    upper: float
    step: float


@dataclass(frozen=True)
class Ladder:
    """A slider over given values that grow by ratios, as suits a learning rate."""

    rungs: tuple[float, ...]


@dataclass(frozen=True)
class Entry:
    """A box to type a whole number into."""

    lower: int
    upper: int


Scale = Slider | Ladder | Entry


def find_bounds(info: FieldInfo) -> Bounds:
    """A number's bounds, as its field states them."""
    found: dict[str, Any] = {}
    for constraint in info.metadata:
        match constraint:
            case annotated_types.Ge(ge=value):
                found["lower"] = value
            case annotated_types.Gt(gt=value):
                found |= {"lower": value, "without_lower": True}
            case annotated_types.Le(le=value):
                found["upper"] = value
            case annotated_types.Lt(lt=value):
                found |= {"upper": value, "without_upper": True}
    return Bounds(**found)


def choose_scale(info: FieldInfo, most: float | None = None) -> Scale:
    """The input that suits a number with these bounds; `most` is the most that it offers, if a recipe may ask for more."""
    bounds = find_bounds(info)
    if most is not None:
        bounds = replace(bounds, upper=most)
    default = info.default
    if info.annotation is int:
        if bounds.upper - bounds.lower <= FEW:
            return Slider(int(bounds.lower), int(bounds.upper), 1)
        if WIDE * max(1, bounds.lower) <= bounds.upper <= MILLION:
            return Ladder(_list_one_two_five(int(bounds.lower), int(bounds.upper)))
        if default >= 100:
            return Slider(int(bounds.lower), int(bounds.upper), 10)
        return Entry(int(bounds.lower), int(bounds.upper))
    if bounds.without_upper:
        return Ladder(tuple(rung for rung in MEMORIES if rung >= bounds.lower))
    if bounds.upper >= 50 * default:
        return Ladder(_list_one_three_ten(bounds, default))
    step = 0.01 if bounds.upper <= 1 else 0.1
    return Slider(float(bounds.lower or step * bounds.without_lower), float(bounds.upper), step)


def _list_one_two_five(lower: int, upper: int) -> tuple[int, ...]:
    rungs = [digit * 10**power for power in range(len(str(upper))) for digit in (1, 2, 5)]
    return (lower, *(rung for rung in rungs if lower < rung < upper), upper)


def _list_one_three_ten(bounds: Bounds, default: float) -> tuple[float, ...]:
    lowest = math.floor(math.log10(default)) - 3 if default else math.floor(math.log10(bounds.upper)) - 5
    powers = range(lowest, math.ceil(math.log10(bounds.upper)) + 1)
    rungs = [float(f"{digit}e{power}") for power in powers for digit in (1, 3)]
    zero = () if bounds.without_lower or bounds.lower > 0 else (0.0,)
    return (*zero, *(rung for rung in rungs if bounds.lower < rung < bounds.upper), float(bounds.upper))


def write_number(value: float) -> str:
    """A number with at most six digits, never in scientific notation: 0.00001 rather than 1e-05."""
    short = f"{value:.6g}"
    return f"{float(short):.11f}".rstrip("0").rstrip(".") if 1e-6 <= abs(value) < 1 else f"{float(short):g}"


def find_limits(info: FieldInfo, scale: Scale, most: float | None = None) -> tuple[str, float, float]:
    """What a sentence says of a number's bounds: the key of the message, the lower and the upper bound."""
    bounds = find_bounds(info)
    which = "open_low" if bounds.without_lower else "open_high" if bounds.without_upper else "closed"
    upper = bounds.upper if most is None else most
    return f"bounds.{which}", bounds.lower, scale.upper if isinstance(scale, Entry) else upper
