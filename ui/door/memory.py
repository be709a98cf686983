"""Memory that this process has let go goes back to the machine.

The C library keeps what was freed for later: a server that has held 64 MB of unfinished messages once, or a large upload, would
keep most of it for good.
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable

from dlcore.runs.figures import resident_bytes

MUCH = 32 << 20  # Bytes above the least that the process ever held, from which it is worth looking for what is free.
LITTLE = 4 << 20  # If no more than this was free, the next look can wait longer.
BETWEEN, LONGEST = 10.0, 40.0  # seconds between two looks


def trim() -> None:
    """Give back what is free, which takes 1 to 40 ms. Only glibc can, and only there it is needed."""
    found = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if found is not None:
        found(0)


def aside(do: Callable[[], None]) -> None:
    """Run the function in a thread of its own."""
    threading.Thread(target=do, daemon=True).start()


class Memory:
    """What this process holds, looked at now and then."""

    def __init__(
        self,
        resident: Callable[[], int] = resident_bytes,
        trim: Callable[[], None] = trim,
        aside: Callable[[Callable[[], None]], None] = aside,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._resident = resident
        self._trim = trim
        self._aside = aside
        self._clock = clock
        self._looked = clock()
        self._pause = BETWEEN
        self._least = resident()

    def look(self) -> None:
        """Once a second: when it is time, give back what is free."""
        now = self._clock()
        if now - self._looked < self._pause:
            return
        self._looked = now
        resident = self._resident()
        self._least = min(self._least, resident)
        if resident - self._least > MUCH:
            self._aside(self._give_back)

    def _give_back(self) -> None:
        before = self._resident()
        self._trim()
        # What is in use must not be looked through again and again.
        self._pause = BETWEEN if before - self._resident() > LITTLE else min(2 * self._pause, LONGEST)
