"""Own time: a worker's clock that stops while other processes have its processor."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class OwnTime:
    """Call it for the seconds: idle time by the clock, plus work by the processor time that it used.

    Shares given by this time are the same on a busy machine, where a frame that computes half a millisecond may last half a second
    because other processes had the processor.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, processor: Callable[[], float] = time.thread_time
    ) -> None:
        self._clock = clock
        self._processor = processor
        self._lost = 0.0  # Seconds so far in which work waited for the processor.
        # When the present work began, by clock and by processor time; None without work.
        self._began: tuple[float, float] | None = None

    def __call__(self) -> float:
        if self._began is None:
            return self._clock() - self._lost
        wall, used = self._began
        return wall - self._lost + self._processor() - used

    @contextmanager
    def working(self) -> Iterator[None]:
        """Mark the block as work: only the processor time that it uses counts."""
        began = self._began = self._clock(), self._processor()
        try:
            yield
        finally:
            self._began = None
            self._lost += max(self._clock() - began[0] - (self._processor() - began[1]), 0.0)
