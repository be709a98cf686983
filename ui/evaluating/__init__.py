"""The page Evaluate: its sections in display order. A visit to one loads that one alone.

A section is a module of this package with a function `section()` that draws it: one file and one line here.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module


def _section(module: str) -> Callable[[], None]:
    return lambda: import_module(f"{__name__}.{module}").section()


NAMES = ("scores", "curves", "examples", "warnings", "baselines", "growth", "seeds", "whatif", "predict", "report")
SECTIONS: dict[str, Callable[[], None]] = {name: _section(name) for name in NAMES}
