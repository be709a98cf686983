"""Pace: when the next updates of a playing run are due, how many it may take, and how many a second it takes."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

from dlcore.problems import Problem
from dlcore.runs import DEFAULT_SPEED

FASTEST = 1_000_000.0
# Seconds. A fast run takes its updates in bunches, one a tick, so that the worker need not wake up for each update.
TICK = 0.005
LONGEST_DEBT = 0.1  # Seconds' worth of missed updates that a delayed run catches up on; the rest is dropped.
RATE_WINDOW = 1.0  # Seconds over which the rate of updates is measured.
NEVER = math.inf


class Pace:
    """The pace of one run. `speed` is in updates a second, None for as fast as possible. Times are those of `clock`."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.speed: float | None = DEFAULT_SPEED
        self.stop()

    def stop(self) -> None:
        """Forget updates missed so far and the measured rate."""
        self._next_update = self._ticked = self._clock()
        self._counted: deque[tuple[float, int]] = deque()

    def resume(self) -> None:
        """The next update is due at once."""
        self.stop()
        self._ticked -= TICK

    def set_speed(self, speed: object) -> None:
        """Set the speed, which applies at once. Raises Problem if it is not a number in the allowed range or None."""
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
        """When the next updates are due; 0 (always) for as fast as possible."""
        return 0.0 if self.speed is None else max(self._next_update, self._ticked + TICK)

    def tick(self) -> None:
        """Note that a slice of training begins."""
        self._ticked = self._clock()

    def count_allowed(self) -> float:
        """How many updates the present slice may take."""
        if self.speed is None:
            return NEVER
        now = self._ticked
        if now < self._next_update:
            return 0
        self._next_update = max(self._next_update, now - max(LONGEST_DEBT, 1 / self.speed))
        return int((now - self._next_update) * self.speed) + 1

    def spend(self, updates: int) -> None:
        """Note that so many updates were taken."""
        if self.speed is not None:
            self._next_update += updates / self.speed

    def count(self, step: int) -> None:
        """Note the run's present step, to measure the rate."""
        now = self._clock()
        self._counted.append((now, step))
        while len(self._counted) > 2 and now - self._counted[1][0] > RATE_WINDOW:
            self._counted.popleft()

    @property
    def updates_per_second(self) -> float:
        """The rate over about the last second; 0 before there is anything to measure."""
        if len(self._counted) < 2:
            return 0.0
        (start, first), (end, last) = self._counted[0], self._counted[-1]
        return (last - first) / max(end - start, 1e-6)
