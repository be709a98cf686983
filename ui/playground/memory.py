"""What the page Playground remembers of one person; recipe and run are remembered by the session."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Playing:
    """Which actions of the canvas were answered, and what its status line has to say."""

    #: The canvas's last action that was answered, see acting.py.
    answered: dict[str, Any] = field(default_factory=lambda: {"by": None, "number": 0})
    #: What the page has told last, for the status line: {"number": of the notice, from 1 on, "words"}.
    notices: tuple[dict[str, Any], ...] = ()
    told: int = 0  # notices so far
