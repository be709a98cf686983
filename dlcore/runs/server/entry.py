"""An entry: what the serving process knows of one run, wherever the run is computed."""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Callable
from dataclasses import InitVar, dataclass, field
from typing import Any

from dlcore.problems import Problem
from dlcore.recipe import Recipe
from dlcore.runs import DEFAULT_SPEED
from dlcore.runs.server.label import Label
from dlcore.runs.server.request import Request
from dlcore.runs.weight import is_heavy
from dlcore.wire import Header

Listener = Callable[[Problem], None]


@dataclass
class Entry:
    """What the server knows of one run. Times are by the pool's clock; `now` is when the entry is made."""

    token: str
    worker: int
    recipe: str
    device: str
    now: InitVar[float]
    owner: str = ""  # The mark (a hash) of its owner. A run without one ("") is open to whoever knows its token.
    # Whether it belongs to a visitor without a cookie. (Any other run without an owner is this program's own.)
    visitor: bool = False
    status: str = "paused"
    speed: float | None = DEFAULT_SPEED
    step: int = 0
    epoch: int = 0
    editor: dict[str, Any] = field(default_factory=dict)  # What its editor remembers, see Kind.editor.
    state: bytes = b""
    shelved: bool = False  # True if its state is only on the shelf, as there was no room for it in memory.
    life: int = 0
    strikes: int = 0  # How often in a row its worker crashed or hung while working on it.
    alive: float = -math.inf  # When its worker last sent its state.
    weighed: str = ""  # The recipe for which `heavy` was estimated.
    heavy: bool = False  # Whether its steps or pictures take so long that other runs have to wait.
    apart_until: float = -math.inf  # Until then it stays on a heavy worker, as it was measured to be heavy.
    settled_until: float = -math.inf  # Until then it is not moved.
    waiting: list[Request] | None = None  # Requests that wait while it moves to another worker; None while it does not.
    resting: float | None = None  # Since when it is paused only because its page was closed.
    released: float | None = None
    listeners: list[Listener] = field(default_factory=list)
    # The mark of the person whose tables it may read: its owner, or a session without cookies.
    reader: str | None = None
    label: Label = field(default_factory=Label)
    glance: dict[str, Any] = field(default_factory=dict)  # How it looked when it was last looked at, see glance.py.
    born: float = field(init=False)  # When it was made in its present worker.
    seen: float = field(init=False)  # When it was last watched, asked for anything, or held by its session.
    touched: float = field(init=False)  # When it was made, last watched or last commanded.

    def __post_init__(self, now: float) -> None:
        self.born = self.seen = self.touched = now
        self.reader = self.owner if self.reader is None else self.reader

    def take(self, kept: Header, state: bytes, now: float) -> None:
        """Note what its worker has sent, to be kept if the worker should be lost."""
        self.recipe, self.device, self.status, self.speed = (
            kept[name] for name in ("recipe", "device", "status", "speed")
        )
        self.step, self.epoch, self.editor = kept["step"], kept.get("epoch", 0), kept.get("editor") or {}
        self.state, self.shelved, self.alive = state, self.shelved and not state, now

    def weigh(self, recipe: Recipe) -> None:
        """Estimate whether the run is heavy with this recipe."""
        self.weighed, self.heavy = recipe.to_json(), is_heavy(recipe)

    def facts(self) -> Facts:
        """What is known of the run now."""
        return Facts(self.worker, self.life, self.status, self.step, len(self.listeners), self.owner)

    def standing(self) -> dict[str, object]:
        """The run's recipe, device and progress when its state was last sent."""
        return {
            "recipe": self.recipe,
            "device": self.device,
            "status": self.status,
            "step": self.step,
            "epoch": self.epoch,
        }


@dataclass(frozen=True)
class Facts:
    """What is known of a run without asking its worker."""

    worker: int  # The number of its worker.
    life: int  # How often it was restored.
    status: str
    step: int  # When its state was last sent.
    viewers: int
    owner: str  # The mark of its owner.


def mark_of(owner: str | None) -> str:
    """The mark of an owner: a hash of the secret, by which the owner is recognised; "" for visitors without one and for this program."""
    return hashlib.sha256(owner.encode()).hexdigest() if owner else ""


def check_mark(mark: str, owner: str | None) -> None:
    """Raise Problem if the run with this owner's mark belongs to somebody else."""
    if mark and not hmac.compare_digest(mark, mark_of(owner)):
        raise Problem("not_yours")
