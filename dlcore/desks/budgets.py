"""Budgets of desk time: what each owner has left of a share that refills (token bucket, Turner, 1986)."""

from __future__ import annotations

import time
from collections.abc import Callable


class Budgets:
    """Seconds that owners have saved up: at most `saved`, refilled by `refill` a second. Debts end at the same sum below zero."""

    def __init__(self, saved: float, refill: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._saved = saved
        self._refill = refill
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}  # By owner: seconds left, and when that was so.

    def left(self, owner: str) -> float:
        """Seconds that this owner has; below zero for one who owes some."""
        if owner not in self._left:
            return self._saved
        left, since = self._left[owner]
        return min(self._saved, left + self._refill * (self._clock() - since))

    def charge(self, owner: str, seconds: float) -> None:
        """Take so many seconds from what this owner has."""
        self._left = {other: known for other, known in self._left.items() if self.left(other) < self._saved}
        self._left[owner] = max(-self._saved, self.left(owner) - seconds), self._clock()
