"""What the playground remembers of one person beside the recipe and the run, which belong to the session."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Playing:
    """How far the page is drawn, and what of the canvas is answered."""

    furnished: bool = False  # all tabs of settings are drawn, and not the first one alone
    drawing: bool = False  # the whole page is being drawn, and not one of its fragments
    following: bool = False  # the page waits until the canvas has drawn an edit
    #: The canvas's last action that was answered, see acting.py.
    answered: dict[str, Any] = field(default_factory=lambda: {"by": None, "number": 0})
