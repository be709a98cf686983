"""Viewers: requests for frames, and which of them is served next.

Frames cost time. Each owner has a credit of time for the frames of all its runs; all owners together earn FRAME_SHARE of the worker's
own time (see owntime.py). A frame of a run that trains waits while its owner owes time. A frame that cannot wait, as the
run is paused or the viewer wants something new, may make the owner owe up to ON_CREDIT; an owner who owes more is served when no other
owner has anything to do here. So one viewer alone never waits, fifteen are served evenly, and one who asks without end takes nothing
from the others.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dlcore.runs.frames import Held
from dlcore.runs.pace import NEVER
from dlcore.runs.run import Run
from dlcore.runs.shares import Credit
from dlcore.wire import Header

FRAME_SHARE = 0.4
MOST_CREDIT = 0.02  # Seconds that an owner can save.
ON_CREDIT = 0.25  # Seconds that an owner may owe for frames that cannot wait.
MOST_DEBT = 1.0  # Most seconds that an owner owes; what a frame costs beyond that is forgotten.
MOMENT_EVERY = 0.1  # Seconds between two frames for a viewer that looks at a moment.


@dataclass(frozen=True)
class FrameRequest:
    """A viewer's request for a frame that differs from what it has drawn."""

    id: int
    version: int | None
    structure: int | None
    history: int | None
    moments: int | None = None
    now: bool = False  # Answer even if the run has not changed: the viewer wants something else of it.
    wants: dict[str, Any] | None = None
    recipe: int | None = None  # Version of the recipe that the viewer knows.
    slim: bool = False  # The viewer paints by itself, and keeps what does not change.
    frame: int | None = None  # Number of its latest slim frame.
    since: float = field(default_factory=time.monotonic)

    @classmethod
    def of(cls, header: Header, since: float) -> FrameRequest:
        """The request in this message, which came at this time of the worker's clock."""
        seen = header.get("version"), header.get("structure"), header.get("history", 0)
        more = header.get("moments"), bool(header.get("now")), header.get("wants")
        slim = bool(header.get("slim")), header.get("frame")
        return cls(header["id"], *seen, *more, header.get("recipe"), *slim, since)

    @property
    def held(self) -> Held:
        """What the viewer has already."""
        known = self.version, self.structure, self.history, self.moments, self.recipe
        return Held(*known, slim=self.slim, frame=self.frame)

    def due(self, run: Run) -> float:
        """When (by the clock) the request is to be answered; NEVER while the viewer has the newest version."""
        if self.now:
            return 0.0
        wanted = (self.wants or {}).get("moment")
        moment = None if wanted is None else run.timeline.find(wanted)
        restless = self.structure != (run.structure if moment is None else moment.structure)
        if not restless and self.version == run.version:
            return NEVER
        # The picture of a moment does not change, only the number of the run's present step beside it.
        return 0.0 if restless or moment is None else self.since + MOMENT_EVERY

    def can_wait(self, run: Run) -> bool:
        """Whether this frame is one of many: the run trains, and the viewer knows its layout."""
        return run.moving and not self.now and self.structure is not None and self.structure == run.structure


@dataclass(frozen=True)
class Due:
    """A request that could be answered now."""

    token: str
    owner: str
    frame: FrameRequest
    can_wait: bool


class Viewers:
    """The requests for frames of all runs of a worker, and their owners' credit.

    Requests are due by `clock`; credit is earned by `own_time`.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, own_time: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._waiting: dict[str, list[FrameRequest]] = {}
        self._owners: dict[str, str] = {}  # Owners of the runs with requests.
        self._shown: dict[str, float] = {}
        self._moved: dict[int, float] = {}  # By request, since when it could have been answered.
        self._credit = Credit(FRAME_SHARE, MOST_CREDIT, MOST_DEBT, own_time)

    def add(self, token: str, owner: str, frame: FrameRequest) -> None:
        """Add a request for a frame of this owner's run."""
        self._waiting.setdefault(token, []).append(frame)
        self._owners[token] = owner

    def forget(self, identifier: int) -> bool:
        """Remove a request that was withdrawn; whether it was here."""
        self._moved.pop(identifier, None)
        for token, waiting in self._waiting.items():
            for frame in waiting:
                if frame.id == identifier:
                    self._take(token, frame)
                    return True
        return False

    def leave(self, token: str) -> list[FrameRequest]:
        """Forget a run that leaves the worker; returns the requests for it."""
        self._shown.pop(token, None)
        self._owners.pop(token, None)
        left = self._waiting.pop(token, [])
        for frame in left:
            self._moved.pop(frame.id, None)
        return left

    def take_due(
        self, runs: Mapping[str, Run], seconds: float, at_work: Callable[[], Collection[str]]
    ) -> Iterator[tuple[str, FrameRequest]]:
        """Remove and yield due requests for so many seconds: first those that cannot wait, and of these the run not shown for longest.

        `at_work` gives the owners with training or requests to do. The caller answers each request and calls `charge` with its cost.
        """
        end = self._clock() + seconds
        due = self._due(runs)
        due.sort(key=lambda each: (each.can_wait, self._shown.get(each.token, 0.0)))
        showed = False
        for each in due:
            if self._credit.of(each.owner) >= (0.0 if each.can_wait else -ON_CREDIT):
                yield self._show(each)
                showed = True
                if self._clock() > end:
                    return
        urgent = [each for each in due if not each.can_wait]
        if showed or not urgent:
            return
        # All owners owe too much: serve the one who owes least, unless other owners have something else to do.
        least = max(urgent, key=lambda each: self._credit.of(each.owner))
        if not set(at_work()) - {least.owner}:
            yield self._show(least)

    def charge(self, token: str, frame: FrameRequest, cost: float) -> float:
        """Take the cost of a frame from its owner's credit; returns how long the viewer has waited since it could have been answered."""
        self._credit.spend(self._owners.get(token, ""), cost)
        return self._clock() - self._moved.pop(frame.id, frame.since)

    def next_due(self, runs: Mapping[str, Run]) -> float:
        """When the next request can be answered, unless a run changes before."""
        now, soonest = self._clock(), NEVER
        for token, frames in self._waiting.items():
            if token in runs:
                for frame in frames:
                    at = frame.due(runs[token])
                    if at <= now and frame.can_wait(runs[token]):
                        at = now + self._credit.wait(self._owners[token], 0.0)
                    soonest = min(soonest, at)
        return soonest

    def _due(self, runs: Mapping[str, Run]) -> list[Due]:
        now, found = self._clock(), []
        for token, frames in self._waiting.items():
            if (run := runs.get(token)) is None:
                continue
            for frame in frames:
                if frame.due(run) <= now:
                    self._moved.setdefault(frame.id, now)
                    found.append(Due(token, self._owners[token], frame, frame.can_wait(run)))
        return found

    def _show(self, due: Due) -> tuple[str, FrameRequest]:
        self._shown[due.token] = self._clock()
        self._take(due.token, due.frame)
        return due.token, due.frame

    def _take(self, token: str, frame: FrameRequest) -> None:
        self._waiting[token].remove(frame)
        if not self._waiting[token]:
            del self._waiting[token]
