"""Limits on what the live channels of one owner may ask of this process, over all sockets together.

Messages beyond the limit are not read sooner: they wait in the owner's own connections, so nobody else waits behind them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

MESSAGES_A_SECOND = 200.0  # Of one owner: enough for three canvases that draw sixty frames a second each.
OF_NOBODY = 3  # Times as many for all without a cookie together: a class may use the page in a frame of another site.
AT_ONCE = 0.5  # Seconds' worth of messages that may come at once.
MOST_COMMANDS = 32  # Commands of one owner under way at once.


class Pace:
    """The limit that the sockets of one owner share."""

    def __init__(self, messages_a_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.sockets = 0
        self.commands = asyncio.Semaphore(MOST_COMMANDS)
        self._between = 1 / messages_a_second
        self._clock = clock
        self._next = clock() - AT_ONCE

    @property
    def rested(self) -> bool:
        """Whether this object can be dropped: no socket uses it, and a new one would allow no more."""
        return not self.sockets and self._next <= self._clock() - AT_ONCE

    def take_turn(self) -> float:
        """Count one more message; returns the seconds to wait before it is handled."""
        now = self._clock()
        self._next = max(self._next, now - AT_ONCE) + self._between
        return self._next - now


class Paces:
    """The pace of each owner; one that has nothing to remember is dropped."""

    def __init__(
        self, messages_a_second: float = MESSAGES_A_SECOND, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._messages_a_second = messages_a_second
        self._clock = clock
        self._known: dict[str, Pace] = {}

    def of(self, owner: str) -> Pace:
        """The pace of this owner, "" for all without a cookie. The caller adds its socket to `sockets` and takes it off in the end."""
        for other in [other for other, pace in self._known.items() if pace.rested]:
            del self._known[other]
        if owner not in self._known:
            self._known[owner] = Pace(self._messages_a_second * (1 if owner else OF_NOBODY), self._clock)
        return self._known[owner]
