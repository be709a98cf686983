"""An entry: what the serving process knows of one run, wherever the run is computed."""

from __future__ import annotations

import hashlib
import hmac
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dlcore.problems import Problem
from dlcore.runs import DEFAULT_SPEED

if TYPE_CHECKING:
    from dlcore.runs.moving import Request

Listener = Callable[[Problem], None]


@dataclass
class Entry:
    """What is known here of one run."""

    token: str
    worker: int
    recipe: str
    device: str
    owner: str = ""  # The mark of whom it belongs to; nobody's run is open to whoever holds its token.
    status: str = "paused"
    speed: float | None = DEFAULT_SPEED
    step: int = 0
    epoch: int = 0
    state: bytes = b""
    life: int = 0
    strikes: int = 0  # How often in a row it took its worker down.
    born: float = field(default_factory=time.monotonic)  # In its worker.
    alive: float = 0.0  # When its worker last said something of it.
    heavy: float = -math.inf  # When a step of it last held up others.
    settled_until: float = 0.0  # Not to be moved before.
    waiting: list[Request] | None = None  # Requests that wait while it moves to another worker.
    seen: float = field(default_factory=time.monotonic)
    released: float | None = None
    listeners: list[Listener] = field(default_factory=list)
    reader: str = ""  # The mark of whose tables it may read: its owner's, or that of a session without cookies.

    def standing(self) -> dict[str, object]:
        """Where it stood when it was last kept."""
        return {
            "recipe": self.recipe,
            "device": self.device,
            "status": self.status,
            "step": self.step,
            "epoch": self.epoch,
        }


def mark_of(owner: str) -> str:
    """What is remembered of an owner's secret: enough to know it again, nothing to present. Nobody has no mark."""
    return hashlib.sha256(owner.encode()).hexdigest() if owner else ""


def check_mark(mark: str, owner: str) -> None:
    """Raises Problem unless the run is nobody's or this owner's."""
    if mark and not hmac.compare_digest(mark, mark_of(owner)):
        raise Problem("not_yours")
