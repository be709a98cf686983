"""Own time: how long a worker could have worked, by a clock that stands still while others have its processor."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class OwnTime:
    """Call it for the seconds. It goes on while there is nothing to do, and while work is done as far as the processor goes.

    Whoever shares something out by this time gives the same shares on a busy machine, on which a frame of half a millisecond may
    last half a second because other processes had the processor.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, processor: Callable[[], float] = time.thread_time
    ) -> None:
        self._clock = clock
        self._processor = processor
        self._lost = 0.0  # Seconds in which other processes had the processor, until now.
        self._began: tuple[float, float] | None = (
            None  # When the present work began, by both clocks; None without work.
        )

    def __call__(self) -> float:
        if self._began is None:
            return self._clock() - self._lost
        wall, used = self._began
        return wall - self._lost + self._processor() - used

    @contextmanager
    def working(self) -> Iterator[None]:
        """Mark the block as work: the time by which it lasts longer than it uses the processor does not count."""
        began = self._began = self._clock(), self._processor()
        try:
            yield
        finally:
            self._began = None
            self._lost += max(self._clock() - began[0] - (self._processor() - began[1]), 0.0)
