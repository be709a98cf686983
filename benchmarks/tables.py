"""Markdown tables of results."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import NamedTuple

PACKAGES = ("torch", "numpy", "numba", "scikit-learn", "streamlit", "keras", "jax", "skorch", "lightning")


class Figure(NamedTuple):
    """One figure with its goal; `met` is None if it could not be measured."""

    figure: str
    goal: str
    measured: str
    met: bool | None


def at_least(figure: str, goal: float, value: float, goal_said: str, said: str, slack: float = 0.0) -> Figure:
    """A figure that is to be so large, to within `slack`; one that misses its goal says by how much."""
    met = value >= goal - slack
    return Figure(figure, goal_said, said if met else f"{said}: {1 - value / goal:.0%} short", met)


def at_most(figure: str, goal: float, value: float, goal_said: str, said: str) -> Figure:
    """A figure that is to be no larger; one that misses its goal says by how much."""
    met = value <= goal
    return Figure(figure, goal_said, said if met else f"{said}: {value / goal - 1:.0%} over", met)


def markdown(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; each cell is converted by `str`."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def goals(figures: Iterable[Figure]) -> str:
    """The table of figures that have a goal."""
    words = {True: "yes", False: "**no**", None: "-"}
    return markdown(Figure._fields, [(*figure[:3], words[figure.met]) for figure in figures])


def goals_in(text: str) -> list[str]:
    """The rows of all tables in a text that `goals` has made."""
    head = goals([])
    found: list[str] = []
    for block in text.split("\n\n"):
        if block.startswith(head):
            found += block[len(head) :].split("\n")[1:]
    return found


def joined_goals(texts: Iterable[str]) -> str:
    """One table of all goals in these texts."""
    return "\n".join([goals([]), *(row for text in texts for row in goals_in(text))])


def machine() -> str:
    """The machine and versions that figures were measured with; ratios hold elsewhere too, absolute numbers do not."""
    packages = ", ".join(f"{name} {_version(name)}" for name in PACKAGES)
    return f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}, {packages}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
