"""What the page Playground remembers of one person; recipe and run are remembered by the session."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Playing:
    """Which actions of the canvas were answered."""

    #: The canvas's last action that was answered, see acting.py.
    answered: dict[str, Any] = field(default_factory=lambda: {"by": None, "number": 0})
