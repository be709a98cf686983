"""An entry: what the serving process knows of one run, wherever the run is computed."""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Callable
from dataclasses import InitVar, dataclass, field

from dlcore.problems import Problem
from dlcore.runs import DEFAULT_SPEED
from dlcore.runs.server.request import Request

Listener = Callable[[Problem], None]


@dataclass
class Entry:
    """What the server knows of one run. Points in time are on the pool's clock; `now` is when it began to be known."""

    token: str
    worker: int
    recipe: str
    device: str
    now: InitVar[float]
    owner: str = ""  # The mark of whom it belongs to. A run of nobody ("") is open to whoever knows its token.
    visitor: bool = (
        False  # Whether it belongs to a visitor who keeps no cookie. (Other runs of nobody are this program's own.)
    )
    status: str = "paused"
    speed: float | None = DEFAULT_SPEED
    step: int = 0
    epoch: int = 0
    state: bytes = b""
    shelved: bool = False  # Its state is on the shelf alone: there was no room for it here.
    life: int = 0
    strikes: int = 0  # How often in a row it took its worker down.
    alive: float = -math.inf  # When its worker last said something of it.
    weighed: str = ""  # The recipe that `heavy` speaks of.
    heavy: bool = False  # Whether it is so large that its steps or pictures hold others up.
    apart_until: float = -math.inf  # Until then it stays with the heavy runs, because it has held others up.
    settled_until: float = -math.inf  # Until then it is not moved.
    waiting: list[Request] | None = None  # Requests that wait while it moves to another worker.
    resting: float | None = None  # Since when it is paused only because its page had gone.
    released: float | None = None
    listeners: list[Listener] = field(default_factory=list)
    reader: str | None = (
        None  # The mark of whose tables it may read: its owner's, or that of a session without cookies.
    )
    born: float = field(init=False)  # In its worker.
    seen: float = field(init=False)  # When somebody last watched it, told it something or wanted to keep it.
    touched: float = field(init=False)  # When somebody last watched it or told it something, or it was made.

    def __post_init__(self, now: float) -> None:
        self.born = self.seen = self.touched = now
        self.reader = self.owner if self.reader is None else self.reader

    def facts(self) -> Facts:
        """What is known of it now."""
        return Facts(self.worker, self.life, self.status, self.step, len(self.listeners), self.owner)

    def standing(self) -> dict[str, object]:
        """Where it stood when it was last kept."""
        return {
            "recipe": self.recipe,
            "device": self.device,
            "status": self.status,
            "step": self.step,
            "epoch": self.epoch,
        }


@dataclass(frozen=True)
class Facts:
    """What can be asked of one run without asking its worker."""

    worker: int  # The number of the one that computes it.
    life: int  # How often it was brought back.
    status: str
    step: int  # As its worker last kept it.
    viewers: int
    owner: str  # The mark of whom it belongs to.


def mark_of(owner: str | None) -> str:
    """A hash of an owner's secret, by which it is known again; "" for nobody and for this program itself."""
    return hashlib.sha256(owner.encode()).hexdigest() if owner else ""


def check_mark(mark: str, owner: str | None) -> None:
    """Raises Problem unless the run is nobody's or this owner's."""
    if mark and not hmac.compare_digest(mark, mark_of(owner)):
        raise Problem("not_yours")
