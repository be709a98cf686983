"""What the page Playground remembers of one person; recipe and run are remembered by the session."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Playing:
    """How much of the page is drawn, and which actions of the canvas were answered."""

    furnished: bool = False  # True once all tabs of settings are drawn, not only the first
    drawing: bool = False  # True while the script draws the whole page, not one fragment
    #: The settings that the page itself chose last because they fit the data; None if it has chosen none.
    proposed: dict[str, Any] | None = None
    #: The canvas's last action that was answered, see acting.py.
    answered: dict[str, Any] = field(default_factory=lambda: {"by": None, "number": 0})
