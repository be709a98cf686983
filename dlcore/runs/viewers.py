"""Viewers: who waits for a frame of which run, and whose turn it is.

A run that stands is shown as soon as it differs from what its viewer has drawn. Runs that move share FRAME_SHARE of the
worker's time: each frame is paid for with the time that it took, out of a credit that grows with the clock, and who was
shown longest ago comes first. So one viewer alone is never kept waiting, and fifteen are served evenly.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dlcore.runs.run import NEVER, Run

FRAME_SHARE = 0.4
MOST_CREDIT = 0.02  # Seconds of frames that quiet times save up.
MOST_DEBT = 0.5  # Seconds of frames that were due at once, for which the others make up.
LOOK_BACK_EVERY = 0.1  # Seconds between two answers to a viewer of a kept moment.
CALM_EVERY = 2.0  # The same for one whose page is hidden.


@dataclass(frozen=True)
class FrameRequest:
    """A viewer that waits for something other than what it has drawn."""

    id: int
    version: int | None
    structure: int | None
    history: int
    moments: int | None = None
    now: bool = False  # Even if nothing has changed: the viewer wants to see something else.
    wants: dict[str, Any] | None = None
    calm: bool = False  # Nobody sees the page.
    since: float = field(default_factory=time.monotonic)

    def due(self, run: Run) -> float:
        """When (`time.monotonic`) there is something to answer; NEVER while the viewer has seen it all."""
        if self.now:
            return 0.0
        wanted = (self.wants or {}).get("moment")
        moment = None if wanted is None else run.timeline.find(wanted)
        restless = self.structure != (run.structure if moment is None else moment.structure)
        if not restless and self.version == run.version:
            return NEVER
        if self.calm:
            return self.since + CALM_EVERY
        # What is looked at in the past stands still; only the number beside it moves.
        return 0.0 if restless or moment is None else self.since + LOOK_BACK_EVERY

    def can_wait(self, run: Run) -> bool:
        """Whether this is one frame of many: the run moves, and the viewer knows its layout."""
        return run.moving and not self.now and self.structure is not None and self.structure == run.structure


class Viewers:
    """Requests for frames of all runs of a worker, and the credit for those that can wait."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[FrameRequest]] = {}
        self._shown: dict[str, float] = {}
        self._moved: dict[int, float] = {}  # Since when each has had something to see.
        self._credit = 0.0
        self._credited = time.monotonic()

    def add(self, token: str, frame: FrameRequest) -> None:
        self._waiting.setdefault(token, []).append(frame)

    def forget(self, identifier: int) -> None:
        """Nobody waits for this any more."""
        for waiting in self._waiting.values():
            waiting[:] = [frame for frame in waiting if frame.id != identifier]
        self._moved.pop(identifier, None)

    def leave(self, token: str) -> list[FrameRequest]:
        """The run goes; who waited for it."""
        self._shown.pop(token, None)
        left = self._waiting.pop(token, [])
        for frame in left:
            self._moved.pop(frame.id, None)
        return left

    def at_once(self, token: str, run: Run) -> Iterator[FrameRequest]:
        """Frames of this run that are due and cannot wait."""
        for frame in self._due(token, run, time.monotonic()):
            if not frame.can_wait(run):
                yield self._take(token, frame)

    def in_turn(self, runs: Mapping[str, Run], seconds: float) -> Iterator[tuple[str, FrameRequest]]:
        """Frames that are due, longest not shown first, for so long and while there is credit. `paid` comes after each."""
        now = time.monotonic()
        due = {token: self._due(token, runs[token], now) for token in self._waiting if token in runs}
        order = sorted(
            (token for token, frames in due.items() if frames), key=lambda token: self._shown.get(token, 0.0)
        )
        for token in order:
            if self._affords() < 0 or time.monotonic() > now + seconds:
                return
            self._shown[token] = time.monotonic()
            for frame in due[token]:
                yield token, self._take(token, frame)

    def paid(self, frame: FrameRequest, cost: float) -> float:
        """This frame took so long; how long its viewer has waited since there was something to see."""
        self._credit = max(self._affords() - cost, -MOST_DEBT)
        return time.monotonic() - self._moved.pop(frame.id, frame.since)

    def next_due(self, runs: Mapping[str, Run]) -> float:
        """When the next frame can be shown, unless a run moves before."""
        now = time.monotonic()
        times = [frame.due(runs[token]) for token, frames in self._waiting.items() if token in runs for frame in frames]
        soonest = min(times, default=NEVER)
        return soonest if soonest > now or self._affords() >= 0 else now - self._credit / FRAME_SHARE

    def _affords(self) -> float:
        now = time.monotonic()
        self._credit = min(self._credit + (now - self._credited) * FRAME_SHARE, MOST_CREDIT)
        self._credited = now
        return self._credit

    def _due(self, token: str, run: Run, now: float) -> list[FrameRequest]:
        found = []
        for frame in self._waiting.get(token, ()):
            at = frame.due(run)
            if at <= now:
                self._moved.setdefault(frame.id, now)
                found.append(frame)
        return found

    def _take(self, token: str, frame: FrameRequest) -> FrameRequest:
        self._waiting[token].remove(frame)
        if not self._waiting[token]:
            del self._waiting[token]
        return frame
