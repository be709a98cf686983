"""Whose script runs next: a few at a time, and of those who wait, that of whoever has had least of late.

A limit for each owner does not help against somebody with many cookies. Here they come after everybody else: somebody who moves a
slider now and then waits for one script to end, however many there are that ask without pause.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable

AT_ONCE = 4  # Scripts: they share one interpreter, so more of them end no sooner.
LONGEST = (
    0.25  # Seconds after which a script no longer holds up the next: it waits for something else than this process.
)
OF_LATE = 10.0  # Seconds in which two thirds of what somebody has had are forgotten.
MOST_NAMES = 10_000


class Turn:
    """Somebody's script is running, until this is ended."""

    def __init__(self, turns: Turns) -> None:
        self._turns: Turns | None = turns
        self._timer = asyncio.get_running_loop().call_later(LONGEST, self.end)

    def end(self) -> None:
        if self._turns is not None:
            turns, self._turns = self._turns, None
            self._timer.cancel()
            turns.pass_on()


class Turns:
    """Who runs and who waits; to be used on the event loop."""

    def __init__(self, at_once: int = AT_ONCE, clock: Callable[[], float] = time.monotonic) -> None:
        self._free = at_once
        self._clock = clock
        self._waiting: dict[asyncio.Future[None], str] = {}
        self._had: OrderedDict[str, tuple[float, float]] = OrderedDict()  # how much, and when that was so

    async def begin(self, name: str) -> Turn:
        """Wait for a turn."""
        if self._free:
            self._free -= 1
        else:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting[turn] = name
            try:
                await turn
            except asyncio.CancelledError:
                if self._waiting.pop(turn, None) is None:
                    self.pass_on()  # It had come already.
                raise
        self._had[name] = (self.had(name) + 1, self._clock())
        self._had.move_to_end(name)
        if len(self._had) > MOST_NAMES:
            self._had.popitem(last=False)
        return Turn(self)

    def had(self, name: str) -> float:
        """How many turns somebody has had of late."""
        amount, at = self._had.get(name, (0.0, 0.0))
        return amount * math.exp((at - self._clock()) / OF_LATE)

    def pass_on(self) -> None:
        """A turn has ended: the next one begins."""
        waiting = {turn: name for turn, name in self._waiting.items() if not turn.done()}  # Others are about to leave.
        had = {name: self.had(name) for name in set(waiting.values())}
        turn = min(waiting, key=lambda one: had[waiting[one]], default=None)
        if turn is None:
            self._free += 1
        else:
            del self._waiting[turn]
            turn.set_result(None)
