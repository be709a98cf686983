"""Time that a process waits for others to leave it a processor: it is slow then, and not to blame."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from dlcore.runs.crew import STARVED


def held_up(pid: int) -> float:
    """Seconds that the process has waited so far for others to leave it a processor; 0 where the system does not say."""
    try:  # Linux: nanoseconds on a processor, nanoseconds waiting for one, times.
        return int(Path(f"/proc/{pid}/schedstat").read_bytes().split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0


class TimeLimit:
    """Calls `end` so many seconds after its start, unless it is cancelled; what the process is held up meanwhile does not count."""

    def __init__(
        self, seconds: float, pid: int, end: Callable[[], object], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds, self._pid, self._end, self._clock = seconds, pid, end, clock
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._cancelled = False

    def start(self) -> None:
        """Its time begins."""
        self._begin, self._before = self._clock(), held_up(self._pid)
        self._wait(self._seconds)

    def cancel(self) -> None:
        """It is done in time."""
        with self._lock:
            self._cancelled = True
            if self._timer is not None:
                self._timer.cancel()

    def _wait(self, seconds: float) -> None:
        with self._lock:
            if not self._cancelled:
                self._timer = threading.Timer(seconds, self._look)
                self._timer.daemon = True
                self._timer.start()

    def _look(self) -> None:
        waited = min(held_up(self._pid) - self._before, (STARVED - 1) * self._seconds)
        left = self._begin + self._seconds + waited - self._clock()
        if left > 0:
            self._wait(max(left, 0.01))
        else:
            self._end()
