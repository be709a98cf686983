"""Shares: who is next, where several owners want what a worker has too little of. It knows nothing of runs.

Whoever has had least comes first. Nobody saves up for long: who wanted nothing for a while comes first when it comes back,
and does not keep the others out.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterable

HEAD_START = 0.02  # Seconds that one who wanted nothing for a while is behind the others when it comes back.
NOTHING = 1e-9  # Seconds: what is left of rounding is not shared out.


class Turns:
    """What each of those that share something has had of it, in seconds."""

    def __init__(self) -> None:
        self._had: dict[str, float] = {}
        self._floor = 0.0  # The least that any of those had who last wanted something.

    def update(self, wanting: Collection[str]) -> None:
        """Note who wants something now: whoever is not among them saves up nothing meanwhile."""
        floor = min(map(self._of, wanting), default=self._floor)
        if floor > self._floor:
            self._floor = floor
            if len(self._had) > 2 * len(
                wanting
            ):  # Who has had less than the floor counts like a newcomer: no need to remember.
                self._had = {who: had for who, had in self._had.items() if had > floor - HEAD_START}

    def choose_least(self, among: Collection[str]) -> str:
        """Of these, who has had least."""
        return min(among, key=self._of)

    def drop_those_ahead(self, among: Iterable[str], others: Collection[str], lead: float) -> list[str]:
        """Those who have had at most `lead` seconds more than the one of the others that has had least."""
        most = min(map(self._of, others), default=math.inf) + lead
        return [who for who in among if self._of(who) <= most]

    def spend(self, who: str, seconds: float) -> None:
        """Count so many seconds more for this one."""
        self._had[who] = self._of(who) + seconds

    def _of(self, who: str) -> float:
        return max(self._had.get(who, 0.0), self._floor - HEAD_START)


class Credit:
    """Seconds that each owner may spend. All together earn `share` of the clock: each as much, but for what it cannot save.

    Nobody saves more than `most`, which a newcomer has, and what somebody cannot save is earned by the others: so one
    owner alone earns all of it, and who spends little leaves what is left to who needs it. Nobody owes more than `debt`.
    """

    def __init__(self, share: float, most: float, debt: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._share, self._most, self._debt = share, most, debt
        self._clock = clock
        self._earned = clock()
        self._short: dict[str, float] = {}  # The credit of those that have less than the most.

    def of(self, owner: str) -> float:
        """What the owner may spend now; below 0 it owes."""
        self._earn()
        return self._short.get(owner, self._most)

    def spend(self, owner: str, seconds: float) -> None:
        """The owner has spent so much."""
        self._short[owner] = max(self.of(owner) - seconds, -self._debt)

    def wait(self, owner: str, needed: float) -> float:
        """Seconds until the owner can have so much, if nobody else earns anything."""
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
