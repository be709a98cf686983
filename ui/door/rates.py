"""Limits by name: `Rates` on how often a second, `Slots` on how many at once."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

ROUNDING = 1e-6  # seconds
# Names remembered; beyond that the one idle for longest is forgotten and begins with a full bucket.
MOST_NAMES = 10_000


class Rates:
    """A token bucket for each name: `burst` at once, then `rate` a second."""

    def __init__(self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval = 1 / rate
        self._depth = burst / rate  # Seconds in which an empty bucket refills.
        self._clock = clock
        self._spent: OrderedDict[str, float] = OrderedDict()  # Until what time each name's tokens are spent.

    def take(self, name: str) -> float:
        """Take a token, a future one if there is none now; returns the seconds until it is due."""
        now = self._clock()
        spent = max(self._spent.get(name, 0.0), now - self._depth) + self._interval
        self._keep(name, spent)
        return max(0.0, spent - now)

    def try_to_take(self, name: str) -> float:
        """Take a token if there is one and return 0; else take none and return the seconds until there is one."""
        now = self._clock()
        spent = max(self._spent.get(name, 0.0), now - self._depth) + self._interval
        if spent - now > ROUNDING:
            return spent - now
        self._keep(name, spent)
        return 0.0

    def _keep(self, name: str, spent: float) -> None:
        self._spent[name] = spent
        self._spent.move_to_end(name)
        if len(self._spent) > MOST_NAMES:
            self._spent.popitem(last=False)


class Slots:
    """Counts how many of something each name has open; all without a name ("") share one limit."""

    def __init__(self, most: int, most_of_nobody: int) -> None:
        self._most, self._most_of_nobody = most, most_of_nobody
        self._open: Counter[str] = Counter()

    def limit(self, name: str) -> int:
        return self._most if name else self._most_of_nobody

    def full(self, name: str) -> bool:
        return self._open[name] >= self.limit(name) if name in self._open else False

    @contextmanager
    def one(self, name: str) -> Iterator[None]:
        """Take a slot for the time of the block."""
        self._open[name] += 1
        try:
            yield
        finally:
            self._open[name] -= 1
            if not self._open[name]:
                del self._open[name]
