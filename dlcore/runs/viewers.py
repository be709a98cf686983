"""Viewers: who waits for a frame of which run, and whose turn it is.

A run that stands is shown as soon as it differs from what its viewer has drawn; runs that move are shown as their owners'
credit allows. Each frame is paid for with the time that it took, out of a credit that the owner of the run has for all
runs together: all owners earn FRAME_SHARE of the worker's own time (see owntime.py). What cannot wait is shown on credit,
up to ON_CREDIT; whoever owes more is shown when nobody else has anything to do here. So one viewer alone is never kept
waiting, fifteen are served evenly, and one who asks without end takes nothing from them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dlcore.runs.pace import NEVER
from dlcore.runs.run import Run
from dlcore.runs.shares import Credit

FRAME_SHARE = 0.4
MOST_CREDIT = 0.02  # Seconds of frames that quiet times save up.
ON_CREDIT = 0.25  # Seconds that frames which cannot wait may cost an owner beyond the credit.
MOST_DEBT = 1.0  # Seconds of frames that an owner has to make up for.
MOMENT_EVERY = 0.1  # Seconds between two answers to a viewer of a kept moment.
CALM_EVERY = 2.0  # The same for a viewer whose page is hidden.


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
        """When (by the clock) there is something to answer; NEVER while the viewer has seen it all."""
        if self.now:
            return 0.0
        wanted = (self.wants or {}).get("moment")
        moment = None if wanted is None else run.timeline.find(wanted)
        restless = self.structure != (run.structure if moment is None else moment.structure)
        if not restless and self.version == run.version:
            return NEVER
        if self.calm:
            return self.since + CALM_EVERY
        # The picture of a kept moment does not change; only the number of the present step beside it does.
        return 0.0 if restless or moment is None else self.since + MOMENT_EVERY

    def can_wait(self, run: Run) -> bool:
        """Whether this is one frame of many: the run moves, and the viewer knows its layout."""
        return run.moving and not self.now and self.structure is not None and self.structure == run.structure


@dataclass(frozen=True)
class Due:
    """A frame that could be shown now."""

    token: str
    owner: str
    frame: FrameRequest
    can_wait: bool


class Viewers:
    """Requests for frames of all runs of a worker, and what their owners may spend on them.

    `clock` says what is due, `own_time` how much is earned.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, own_time: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._waiting: dict[str, list[FrameRequest]] = {}
        self._owners: dict[str, str] = {}  # Of the runs that somebody waits for.
        self._shown: dict[str, float] = {}
        self._moved: dict[int, float] = {}  # By request, since when there has been something to answer.
        self._credit = Credit(FRAME_SHARE, MOST_CREDIT, MOST_DEBT, own_time)

    def add(self, token: str, owner: str, frame: FrameRequest) -> None:
        """Somebody waits for a frame of this run, which belongs to this owner."""
        self._waiting.setdefault(token, []).append(frame)
        self._owners[token] = owner

    def forget(self, identifier: int) -> bool:
        """Remove a request that nobody waits for any more; whether it was here."""
        self._moved.pop(identifier, None)
        for token, waiting in self._waiting.items():
            for frame in waiting:
                if frame.id == identifier:
                    self._take(token, frame)
                    return True
        return False

    def leave(self, token: str) -> list[FrameRequest]:
        """Remove a run that goes, and give the requests that waited for it."""
        self._shown.pop(token, None)
        self._owners.pop(token, None)
        left = self._waiting.pop(token, [])
        for frame in left:
            self._moved.pop(frame.id, None)
        return left

    def take_due(
        self, runs: Mapping[str, Run], seconds: float, at_work: Callable[[], Collection[str]]
    ) -> Iterator[tuple[str, FrameRequest]]:
        """Remove and give requests that are due, for so many seconds: those that cannot wait first, longest not shown first.

        `at_work` says for which owners there is something else to do here. Whoever draws a frame calls `charge` with its cost.
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
        # All owners owe too much: the one that owes least is served, unless other owners want something else done.
        least = max(urgent, key=lambda each: self._credit.of(each.owner))
        if not set(at_work()) - {least.owner}:
            yield self._show(least)

    def charge(self, token: str, frame: FrameRequest, cost: float) -> float:
        """Take the cost of a frame from its owner's credit; how long its viewer has waited since there was something to see."""
        self._credit.spend(self._owners.get(token, ""), cost)
        return self._clock() - self._moved.pop(frame.id, frame.since)

    def next_due(self, runs: Mapping[str, Run]) -> float:
        """When the next frame can be shown, unless a run moves before."""
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
