"""Whose script runs next: a few at a time, and of those who wait, that of whoever has had least of late.

A limit for each owner does not help against somebody with many cookies. Here they come after everybody else: somebody who moves a
slider now and then waits for one script to end, however many there are that ask without pause. A part of a page comes before a whole
one, which takes some ten times longer, and where somebody asks for parts, one slot is theirs: so a slider answers while a class arrives.
Parts begin one after the other: of two that compute at once, both end when the second would have ended anyway. Once a whole page has
waited long enough, parts and pages take turns.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

AT_ONCE = 2  # Scripts: they share one interpreter, so more of them end no sooner; while one waits for a worker the other goes on.
# Seconds after which a script no longer holds up the next if it waits for something else than this process ...
GLANCE = 0.1
BUSY = 0.7  # ... which then uses less than this share of a processor, ...
LONGEST = 0.5  # ... and in any case.
PARTS_OF_LATE = (
    1.0  # Seconds after somebody has asked for a part of a page, in which whole pages leave a slot to parts.
)
ALONE = 0.05  # Seconds in which a part that has begun has no other part beside it; one that takes longer may wait for a worker.
LONG_ENOUGH = 1.5  # Seconds after which a whole page has waited as long as it should.
OF_LATE = 10.0  # Seconds in which two thirds of what somebody has had are forgotten.
MOST_NAMES = 10_000


class Turn:
    """A turn that somebody's script has, until `end` is called."""

    def __init__(self, turns: Turns, part: bool) -> None:
        self._turns: Turns | None = turns
        self._part = part
        self._began = time.monotonic()
        self._glance()
        self._alone = asyncio.get_running_loop().call_later(ALONE, turns.another_part) if part else None

    def _glance(self) -> None:
        """Look in a moment whether it computes: more scripts at once would only make all of them last longer."""
        self._at, self._used = time.monotonic(), time.process_time()
        self._timer = asyncio.get_running_loop().call_later(GLANCE, self._look)

    def _look(self) -> None:
        now, used = time.monotonic(), time.process_time()
        if now - self._began < LONGEST and used - self._used > BUSY * (now - self._at):
            self._glance()
        else:
            self.end()

    def end(self) -> None:
        if self._turns is not None:
            turns, self._turns = self._turns, None
            self._timer.cancel()
            if self._alone is not None:
                self._alone.cancel()
            turns.has_ended(self._part)


@dataclass(frozen=True)
class Asked:
    """A wish for a turn: whose, for a part of a page or for a whole one, and since when."""

    name: str
    part: bool
    since: float


class Turns:
    """Who runs and who waits; to be used on the event loop."""

    def __init__(self, at_once: int = AT_ONCE, clock: Callable[[], float] = time.monotonic) -> None:
        self._at_once = at_once
        self._clock = clock
        self._running = self._pages = 0  # Turns that somebody has, and those of them for whole pages.
        self._waiting: dict[asyncio.Future[None], Asked] = {}
        #: Cleared while a part of a page is in its first moment: it has no other part beside it, and whole pages stand aside (aside.py).
        self.no_part = threading.Event()
        self.no_part.set()
        self._part_asked = -math.inf  # When somebody last asked for a part of a page.
        self._gave_part = False  # The last one who waited got a turn for a part of a page.
        self._had: OrderedDict[str, tuple[float, float]] = OrderedDict()  # how much, and when that was so

    async def begin(self, name: str, *, part: bool = False) -> Turn:
        """Wait for a turn, for a part of a page or for a whole one."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[turn] = Asked(name, part, self._clock())
        if part:
            self._part_asked = self._clock()
        self._pass_on()
        try:
            await turn
        except asyncio.CancelledError:
            if self._waiting.pop(turn, None) is None:
                self.has_ended(part)  # It had come already.
            raise
        self._had[name] = (self.had(name) + 1, self._clock())
        self._had.move_to_end(name)
        if len(self._had) > MOST_NAMES:
            self._had.popitem(last=False)
        return Turn(self, part)

    def had(self, name: str) -> float:
        """How many turns this owner has had of late."""
        amount, at = self._had.get(name, (0.0, 0.0))
        return amount * math.exp((at - self._clock()) / OF_LATE)

    def has_ended(self, part: bool) -> None:
        """Somebody's turn for a part of a page, or for a whole one: the next one begins."""
        self._running -= 1
        self._pages -= not part
        if part:
            self.no_part.set()
        self._pass_on()

    def another_part(self) -> None:
        """The part of a page that has begun takes longer than most: another one may begin beside it."""
        self.no_part.set()
        self._pass_on()

    def _pass_on(self) -> None:
        while self._running < self._at_once and (turn := self._next()) is not None:
            part = self._waiting.pop(turn).part
            self._gave_part = part
            self._running += 1
            self._pages += not part
            if part:
                self.no_part.clear()
            turn.set_result(None)

    def _next(self) -> asyncio.Future[None] | None:
        """Of those who may begin now."""
        reserved = self._pages > 0 and self._clock() - self._part_asked < PARTS_OF_LATE
        waiting = {
            turn: asked
            for turn, asked in self._waiting.items()
            # Those done are about to leave.
            if not turn.done() and (self.no_part.is_set() if asked.part else not reserved)
        }
        had = {name: self.had(name) for name in {asked.name for asked in waiting.values()}}
        late = self._clock() - LONG_ENOUGH
        page = self._gave_part and any(not asked.part and asked.since <= late for asked in waiting.values())
        return min(waiting, key=lambda one: (waiting[one].part is page, had[waiting[one].name]), default=None)
