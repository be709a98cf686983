"""Fair shares of something scarce, as a worker's processor time. This module knows nothing of runs.

Whoever has had least is next. Time in which somebody wanted nothing is not saved up: on coming back they are next, but then share
equally, and do not keep the others out until they have caught up.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterable

HEAD_START = 0.02  # Seconds that somebody who comes back after a pause counts as having had less than the others.
NOTHING = 1e-9  # Seconds below which an amount is a rounding error and is not shared out.


class Turns:
    """The seconds that each of those who share has had."""

    def __init__(self) -> None:
        self._had: dict[str, float] = {}
        self._floor = 0.0  # The least that any of those who last wanted something has had.

    def update(self, wanting: Collection[str]) -> None:
        """Note who wants something now; the others save up nothing meanwhile."""
        floor = min(map(self._of, wanting), default=self._floor)
        if floor > self._floor:
            self._floor = floor
            if len(self._had) > 2 * len(
                wanting
            ):  # Whoever has had less than the floor counts like a newcomer and can be forgotten.
                self._had = {who: had for who, had in self._had.items() if had > floor - HEAD_START}

    def choose_least(self, among: Collection[str]) -> str:
        """The one of these who has had least."""
        return min(among, key=self._of)

    def drop_those_ahead(self, among: Iterable[str], others: Collection[str], lead: float) -> list[str]:
        """Those of `among` who have had at most `lead` seconds more than the one of `others` who has had least."""
        most = min(map(self._of, others), default=math.inf) + lead
        return [who for who in among if self._of(who) <= most]

    def spend(self, who: str, seconds: float) -> None:
        """Count seconds that this one has had."""
        self._had[who] = self._of(who) + seconds

    def _of(self, who: str) -> float:
        return max(self._had.get(who, 0.0), self._floor - HEAD_START)


class Credit:
    """Seconds that each owner may spend. All owners together earn `share` of the clock's time, in equal parts.

    An owner can save up to `most`, with which a newcomer starts; what somebody can no longer save goes to the others. So one owner alone
    earns all of it, and whoever spends little leaves the rest to those who need it. Nobody can owe more than `debt`.
    """

    def __init__(self, share: float, most: float, debt: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._share, self._most, self._debt = share, most, debt
        self._clock = clock
        self._earned = clock()
        self._short: dict[str, float] = {}  # The credit of owners who have less than `most`.

    def of(self, owner: str) -> float:
        """The seconds that the owner may spend now; negative if the owner owes time."""
        self._earn()
        return self._short.get(owner, self._most)

    def spend(self, owner: str, seconds: float) -> None:
        """Count seconds that the owner has spent."""
        self._short[owner] = max(self.of(owner) - seconds, -self._debt)

    def wait(self, owner: str, needed: float) -> float:
        """Seconds until the owner's credit can reach `needed`, if nobody else earns meanwhile."""
        return max(needed - self.of(owner), 0.0) / self._share

    def _earn(self) -> None:
        now = self._clock()
        pot = (now - self._earned) * self._share
        self._earned = now
        while pot > NOTHING and self._short:
            each = pot / len(self._short)
            for owner, credit in list(self._short.items()):
                taken = min(each, self._most - credit)
                pot -= taken
                if taken < each:
                    del self._short[owner]
                else:
                    self._short[owner] = credit + taken
