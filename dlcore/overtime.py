"""Time that a process waits for a free processor: a worker that is slow because of it has not hung."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


class Queue:
    """How long a process has waited in the system's queue for a processor, all of its threads together.

    In a Python process one thread computes at a time: where it waits for a processor, the others wait for it, asleep. The waiting
    of threads that have ended since an earlier look stays counted.
    """

    def __init__(self, pid: int) -> None:
        self._tasks = Path(f"/proc/{pid}/task")
        self._threads: dict[str, int] = {}  # {thread alive at the last look: nanoseconds it had waited}
        self._waited = 0

    def seconds(self) -> float:
        """Seconds waited so far; 0 where the system does not tell."""
        now: dict[str, int] = {}
        with suppress(OSError):
            for thread in self._tasks.iterdir():
                # Linux: nanoseconds on a processor, nanoseconds waiting for one, times.
                with suppress(OSError, IndexError):
                    now[thread.name] = int((thread / "schedstat").read_bytes().split()[1])
        self._waited += sum(max(0, waited - self._threads.get(name, 0)) for name, waited in now.items())
        self._threads = now
        return self._waited / 1e9
