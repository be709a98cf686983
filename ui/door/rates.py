"""How much of something somebody may do: so often a second, and so many at once. Both remember a bounded number of names."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

ROUNDING = 1e-6  # seconds
MOST_NAMES = 10_000  # Beyond it, whoever has done nothing for longest is forgotten, and begins anew.


class Rates:
    """A token bucket for each name: `burst` at once, then `rate` a second."""

    def __init__(self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval = 1 / rate
        self._depth = burst / rate  # Seconds in which an empty bucket is full again.
        self._clock = clock
        self._spent: OrderedDict[str, float] = OrderedDict()  # Up to which moment each name's tokens are spent.

    def take(self, name: str) -> float:
        """Take a token, of those to come if there is none. Seconds until its time has come."""
        now = self._clock()
        spent = max(self._spent.get(name, 0.0), now - self._depth) + self._interval
        self._keep(name, spent)
        return max(0.0, spent - now)

    def try_to_take(self, name: str) -> float:
        """Take a token if there is one, and return 0; else the seconds until there is one."""
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
    """How many of something each name has open; all who have no name share theirs."""

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
