"""When the next moment of a playing run is due: at the time line's spacing in epochs, and not twice within a blink."""

from __future__ import annotations

import math
from collections.abc import Callable

# Seconds. Keeping a moment takes as long as several epochs of a tiny network, and nobody can tell apart what lies closer together.
BLINK = 0.05


class NextMoment:
    """`epoch` is the one at whose end it is due. Times are those of `clock`."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.epoch = self._kept_epoch = 0
        self._kept_at = -math.inf

    def note_kept(self, epoch: int, next_epoch: int) -> None:
        """A moment was kept at this epoch; the time line wants the next one at the end of another."""
        # It keeps none of a very large network: then it is asked again after the next epoch, not at each step.
        self.epoch = max(next_epoch, epoch + 1)
        self._kept_epoch, self._kept_at = epoch, self._clock()

    def is_due(self, epoch: int) -> bool:
        """Whether it is to be kept now; within a blink of the last one it is put off by as many epochs as are likely to fill the blink."""
        if epoch < self.epoch:
            return False
        passed, seconds = epoch - self._kept_epoch, self._clock() - self._kept_at
        if seconds >= BLINK:
            return True
        left = passed * (BLINK / seconds - 1) if seconds > 0 else math.inf
        self.epoch = epoch + max(
            1, math.ceil(min(left, passed))
        )  # At most doubled, as the first epochs may be the slow ones.
        return False
