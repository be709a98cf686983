"""Pace: how much the live channels of one owner may ask of this process, by however many sockets.

Whoever asks for more is read no faster: its messages wait in its own connections, and nobody else's wait behind them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

MESSAGES_A_SECOND = 200.0  # Of one owner: three canvases that draw sixty frames a second each.
OF_NOBODY = 3  # Times as many, of all together who keep no cookie: a class may sit in a frame of another site.
AT_ONCE = 0.5  # Seconds' worth of messages that may come together.
MOST_COMMANDS = 32  # Unanswered ones of an owner.


class Pace:
    """What the sockets of one owner share."""

    def __init__(self, messages_a_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.sockets = 0
        self.commands = asyncio.Semaphore(MOST_COMMANDS)
        self._between = 1 / messages_a_second
        self._clock = clock
        self._next = clock() - AT_ONCE

    @property
    def rested(self) -> bool:
        """Whether it can be forgotten: no socket is left, and a new pace would allow as much."""
        return not self.sockets and self._next <= self._clock() - AT_ONCE

    def take_turn(self) -> float:
        """One more message has come: the seconds until it may be looked at."""
        now = self._clock()
        self._next = max(self._next, now - AT_ONCE) + self._between
        return self._next - now


class Paces:
    """The pace of each owner, as long as there is something of it to remember."""

    def __init__(
        self, messages_a_second: float = MESSAGES_A_SECOND, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._messages_a_second = messages_a_second
        self._clock = clock
        self._known: dict[str, Pace] = {}

    def of(self, owner: str) -> Pace:
        """That of this owner; "" is nobody in particular. Whoever takes it counts itself among its sockets until it leaves."""
        for other in [other for other, pace in self._known.items() if pace.rested]:
            del self._known[other]
        if owner not in self._known:
            self._known[owner] = Pace(self._messages_a_second * (1 if owner else OF_NOBODY), self._clock)
        return self._known[owner]
