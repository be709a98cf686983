"""Time that a process waits for others to leave it a processor: it is slow then, and not to blame."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


class Queue:
    """What a process has waited in the system's queue for a processor, all of its threads together.

    In a Python process one thread computes at a time: where it waits for a processor, the others wait for it, asleep. Threads that have
    ended since an earlier look count on.
    """

    def __init__(self, pid: int) -> None:
        self._tasks = Path(f"/proc/{pid}/task")
        self._threads: dict[str, int] = {}  # Nanoseconds of each that was alive at the last look.
        self._waited = 0

    def seconds(self) -> float:
        """So far; 0 where the system does not say."""
        now: dict[str, int] = {}
        with suppress(OSError):
            for thread in self._tasks.iterdir():
                # Linux: nanoseconds on a processor, nanoseconds waiting for one, times.
                with suppress(OSError, IndexError):
                    now[thread.name] = int((thread / "schedstat").read_bytes().split()[1])
        self._waited += sum(max(0, waited - self._threads.get(name, 0)) for name, waited in now.items())
        self._threads = now
        return self._waited / 1e9
