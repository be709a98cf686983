"""Whose script runs next: AT_ONCE at a time, and of the owners who wait, the one who has had the fewest turns lately.

Somebody who moves a slider now and then so waits for one script to end, however many others ask without pause; a limit for each owner
would not help against somebody with many cookies. A part of a page (a fragment) goes before a whole page, which takes some ten times
longer, and while parts are asked for, whole pages leave one slot to them: so a slider answers while a class opens its pages. Parts
begin one after the other, since two that compute side by side both end about when the second would have ended in turn. Once a whole
page has waited LONG_ENOUGH, parts and pages alternate.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

# Scripts: they share one interpreter, so more gain nothing; two, so that one computes while the other waits for a worker.
AT_ONCE = 2
# Seconds between two checks of whether a script computes; if it only waits for something, its turn ends before the script does.
GLANCE = 0.1
BUSY = 0.7  # Share of a processor that this process must use for a script to count as computing.
LONGEST = 0.5  # Seconds after which a turn ends in any case.
# Seconds after the last request for a part of a page during which whole pages leave one slot to parts.
PARTS_OF_LATE = 1.0
# Seconds for which a part runs without another part beside it; one that takes longer probably waits for a worker.
ALONE = 0.05
LONG_ENOUGH = 1.5  # Seconds of waiting after which a whole page goes before every second part.
OF_LATE = 10.0  # Seconds in which the count of an owner's turns decays to a third.
MOST_NAMES = 10_000


class Turn:
    """The right of one script to run, until `end` is called, it only waits, or LONGEST is over."""

    def __init__(self, turns: Turns, part: bool) -> None:
        self._turns: Turns | None = turns
        self._part = part
        self._began = time.monotonic()
        self._glance()
        self._alone = asyncio.get_running_loop().call_later(ALONE, turns.another_part) if part else None

    def _glance(self) -> None:
        """Check after GLANCE whether the script computes; while it does, the next one has to wait, as both would only get slower."""
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
    """A request for a turn: whose it is, whether for a part of a page, and since when it waits."""

    name: str
    part: bool
    since: float


class Turns:
    """Gives turns to scripts. All calls come from the event loop."""

    def __init__(self, at_once: int = AT_ONCE, clock: Callable[[], float] = time.monotonic) -> None:
        self._at_once = at_once
        self._clock = clock
        self._running = self._pages = 0  # Turns given and not ended, and how many of them are for whole pages.
        self._waiting: dict[asyncio.Future[None], Asked] = {}
        #: Cleared for a part's first ALONE seconds: no other part begins, and scripts of whole pages pause (aside.py).
        self.no_part = threading.Event()
        self.no_part.set()
        self._part_asked = -math.inf  # When a part of a page was last asked for.
        self._gave_part = False  # Whether the last turn was given to a part of a page.
        # turns of each owner, decayed, and at what time
        self._had: OrderedDict[str, tuple[float, float]] = OrderedDict()

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
                self.has_ended(part)  # The turn had been given already: end it.
            raise
        self._had[name] = (self.had(name) + 1, self._clock())
        self._had.move_to_end(name)
        if len(self._had) > MOST_NAMES:
            self._had.popitem(last=False)
        return Turn(self, part)

    def had(self, name: str) -> float:
        """How many turns this owner has had lately; older ones count less."""
        amount, at = self._had.get(name, (0.0, 0.0))
        return amount * math.exp((at - self._clock()) / OF_LATE)

    def has_ended(self, part: bool) -> None:
        """Note that a turn has ended, for a part of a page or a whole one, and give the next."""
        self._running -= 1
        self._pages -= not part
        if part:
            self.no_part.set()
        self._pass_on()

    def another_part(self) -> None:
        """Allow another part to begin beside the one that has run for ALONE seconds."""
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
        """The waiting request to be given a turn now; None if none may begin."""
        reserved = self._pages > 0 and self._clock() - self._part_asked < PARTS_OF_LATE
        waiting = {
            turn: asked
            for turn, asked in self._waiting.items()
            # Cancelled requests are done, and remove themselves.
            if not turn.done() and (self.no_part.is_set() if asked.part else not reserved)
        }
        had = {name: self.had(name) for name in {asked.name for asked in waiting.values()}}
        late = self._clock() - LONG_ENOUGH
        page = self._gave_part and any(not asked.part and asked.since <= late for asked in waiting.values())
        return min(waiting, key=lambda one: (waiting[one].part is page, had[waiting[one].name]), default=None)
