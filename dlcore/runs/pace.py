"""Pace: when a playing run is due for its next updates, how many it may take, and how many a second it took."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

from dlcore.problems import Problem
from dlcore.runs import DEFAULT_SPEED

FASTEST = 1_000_000.0
TICK = 0.005  # Fast runs take their updates in bunches, one a tick: a worker must not wake for each of them.
LONGEST_DEBT = 0.1  # Seconds of updates a run that was held up may catch up on; the rest is forgotten.
RATE_WINDOW = 1.0  # Seconds over which updates are counted.
NEVER = math.inf


class Pace:
    """The pace of one run. `speed` is in updates a second; None is as fast as it goes. Times are those of `clock`."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.speed: float | None = DEFAULT_SPEED
        self.stop()

    def stop(self) -> None:
        """Nothing is due for what was missed meanwhile."""
        self._next_update = self._ticked = self._clock()
        self._counted: deque[tuple[float, int]] = deque()

    def resume(self) -> None:
        """The next update is due at once."""
        self.stop()
        self._ticked -= TICK

    def set_speed(self, speed: object) -> None:
        """Take another speed, at once. Raises Problem for one that is none."""
        if speed is not None and (
            not isinstance(speed, (int, float)) or isinstance(speed, bool) or not 1 <= speed <= FASTEST
        ):
            raise Problem("bad_speed", limit=int(FASTEST), came=str(speed))
        self.speed = None if speed is None else float(speed)
        now = self._clock()
        self._next_update = now if speed is None else min(self._next_update, now + 1 / float(speed))
        self._counted.clear()

    @property
    def due(self) -> float:
        """When the next updates may be taken; 0 as fast as it goes."""
        return 0.0 if self.speed is None else max(self._next_update, self._ticked + TICK)

    def tick(self) -> None:
        """A slice of training begins."""
        self._ticked = self._clock()

    def count_allowed(self) -> float:
        """How many updates may be taken in the slice that has begun."""
        if self.speed is None:
            return NEVER
        now = self._ticked
        if now < self._next_update:
            return 0
        self._next_update = max(self._next_update, now - max(LONGEST_DEBT, 1 / self.speed))
        return int((now - self._next_update) * self.speed) + 1

    def spend(self, updates: int) -> None:
        """So many of them were taken."""
        if self.speed is not None:
            self._next_update += updates / self.speed

    def count(self, step: int) -> None:
        """The run has come to this step."""
        now = self._clock()
        self._counted.append((now, step))
        while len(self._counted) > 2 and now - self._counted[1][0] > RATE_WINDOW:
            self._counted.popleft()

    @property
    def updates_per_second(self) -> float:
        """Measured over about the last second; 0 before there is anything to measure."""
        if len(self._counted) < 2:
            return 0.0
        (start, first), (end, last) = self._counted[0], self._counted[-1]
        return (last - first) / max(end - start, 1e-6)
