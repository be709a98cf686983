"""Returns freed memory to the operating system.

The C library keeps freed memory for later use: a server that once held 64 MB of unfinished messages, or a large upload, would
otherwise keep most of it for good.
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable

from dlcore.runs.figures import resident_bytes

MUCH = 32 << 20  # Bytes above the least that the process ever held, from which trimming is tried.
LITTLE = 4 << 20  # If trimming returned no more than this, the next try waits longer.
BETWEEN, LONGEST = 10.0, 40.0  # seconds between two tries, at first and at most


def trim() -> None:
    """Return free memory to the system (glibc's malloc_trim, 1 to 40 ms); other C libraries do so by themselves."""
    found = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if found is not None:
        found(0)


def aside(do: Callable[[], None]) -> None:
    """Run the function in a thread of its own."""
    threading.Thread(target=do, daemon=True).start()


class Memory:
    """Watches this process's resident memory and trims it when much was freed."""

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
        """Trim if the pause is over and memory has grown by MUCH. Called once a second."""
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
        # Little was free, so most of the memory is in use: searching it again soon would be wasted time.
        self._pause = BETWEEN if before - self._resident() > LITTLE else min(2 * self._pause, LONGEST)
