"""Workers in processes of their own on this machine, the usual place (implements `Places` and `Place` of links.py)."""

from __future__ import annotations

import logging
import mmap
import os
import select
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

from dlcore.children import ONE_THREAD, begin
from dlcore.overtime import Queue
from dlcore.wire import Header, Unreadable, read_message, write_all

COMMAND = (sys.executable, "-m", "dlcore.runs.worker")
IN_HAND_BYTES = 64

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Processes:
    """Each worker is a process that runs this command; the usual one is forked from the nursery where that is possible."""

    command: Sequence[str] = COMMAND
    shared: bool = False

    def open(self, number: int) -> WorkerProcess:
        return WorkerProcess(self.command)


class WorkerProcess:
    """A worker process, reached by its standard input and output."""

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        environment = {**os.environ, **ONE_THREAD}
        become = "worker" if tuple(command) == COMMAND else None
        # Memory shared with the worker, into which it writes the token of the run that it works on: after a crash this tells
        # which run was the cause.
        with tempfile.TemporaryFile() as page:
            page.truncate(IN_HAND_BYTES)
            self._in_hand = mmap.mmap(page.fileno(), IN_HAND_BYTES)
            command = [*command, "--in-hand", str(page.fileno())]
            self._child, self._down, self._up = begin(become, command, environment, page.fileno())
        self._may_write = select.poll()
        self._may_write.register(self._down, select.POLLOUT)
        self._queue: Queue | None = None

    @property
    def name(self) -> str:
        return f"worker {self.pid}" if self.pid else "a new worker"

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def in_hand(self) -> str:
        return bytes(self._in_hand[:]).rstrip(b"\0").decode("ascii", "replace")

    @property
    def held_up(self) -> float:
        if self._queue is None and self.pid:
            self._queue = Queue(self.pid)
        return self._queue.seconds() if self._queue else 0.0

    def send(self, *parts: bytes) -> None:
        write_all(self._down.fileno(), *parts)

    def send_at_once(self, message: bytes) -> bool:
        # A pipe that may be written to takes so much without blocking, and takes it whole (POSIX).
        if len(message) > select.PIPE_BUF or not self._may_write.poll(0):
            return False
        os.write(self._down.fileno(), message)
        return True

    def receive(self) -> tuple[Header, bytes] | None:
        try:
            message = read_message(self._up)
        except Unreadable as error:
            _log.warning("What %s sent is no message, but %s: it is ended.", self.name, error)
            message = None
        if message is None:
            self._up.close()
            self._child.kill()
            self._child.wait()
        elif not self.pid:
            self._child.wait_born()  # Callers who see the worker's first message may ask for its process id.
        return message

    def leave(self) -> None:
        """Close the worker's input: a worker ends when its input does."""
        self._down.close()

    def step_back(self, niceness: int) -> None:
        self._child.step_back(niceness)

    def kill(self) -> None:
        self._child.kill()

    def wait(self, seconds: float) -> None:
        if not self._child.wait(seconds):
            self._child.kill()
            self._child.wait()
