"""The process of a desk, seen from the server: reached by its standard input and output."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from dlcore.children import ONE_THREAD, begin
from dlcore.overtime import Queue
from dlcore.wire import Header, read_message, write_all

COMMAND = (sys.executable, "-m", "dlcore.desks.desk")
#: Which fields of /proc/PID/stat, behind the name, are processor time: its own and that of processes it has waited for (proc(5)).
PROCESSOR_TIME = slice(11, 15)
SAYS_PROCESSOR_TIME = Path("/proc/self/stat").exists()


class DeskProcess:
    """A process that does one job after the other."""

    def __init__(self, command: tuple[str, ...], clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.born = clock()
        self.ready = False
        self._used = 0.0
        self.started = 0.0  # Seconds of a processor that it took to start.
        self._queue: Queue | None = None
        environment = {**os.environ, **ONE_THREAD}
        become = "desk" if command == COMMAND else None
        self._child, self._down, self._up = begin(become, command, environment)

    @property
    def name(self) -> str:
        return f"desk {self.pid}"

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def held_up(self) -> float:
        """Seconds that it has waited so far for others to leave it a processor; 0 where the system does not say."""
        if self._queue is None and self.pid:
            self._queue = Queue(self.pid)
        return self._queue.seconds() if self._queue else 0.0

    @property
    def ended(self) -> bool:
        return self._child.wait(0)

    def wait_ready(self) -> bool:
        """Whether it has started."""
        if not self.ready and self.receive() is not None:
            self._child.wait_born()
            self.ready, self.started = True, self.processor_seconds()
        return self.ready

    def send(self, *parts: bytes) -> None:
        write_all(self._down.fileno(), *parts)

    def receive(self) -> tuple[Header, bytes] | None:
        """The next message; None when there will be no more. Raises whatever a message raises that is none."""
        return read_message(self._up)

    def kill(self) -> None:
        self._child.kill()

    def close(self) -> None:
        """End it: nothing is in hand there. Returns when it has ended."""
        self.kill()
        self._child.wait()
        self._down.close()
        self._up.close()

    def processor_seconds(self) -> float:
        """Processor time that it has used, also once it has ended; where the system does not say, the time that has passed."""
        if not SAYS_PROCESSOR_TIME:
            return self._clock() - self.born
        with suppress(OSError, ValueError):
            fields = Path(f"/proc/{self.pid}/stat").read_bytes().rpartition(b")")[2].split()
            self._used = sum(map(int, fields[PROCESSOR_TIME])) / os.sysconf("SC_CLK_TCK")
        return self._used

    def resident_bytes(self) -> int:
        """Memory that is in use and not swapped out; 0 where the system does not say."""
        try:
            return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except (OSError, IndexError):
            return 0
