"""Workers in processes of their own, on this machine: the usual place (`Places` and `Place`, see links.py)."""

from __future__ import annotations

import logging
import mmap
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dlcore.overtime import Queue
from dlcore.side import step_back
from dlcore.wire import Header, Unreadable, read_message, write_all

ROOT = Path(__file__).resolve().parents[3]
COMMAND = (sys.executable, "-m", "dlcore.runs.worker")
IN_HAND_BYTES = 64
# With its neighbours a frame is more than the 64 kB of a pipe: it would wait for its reader to wake up.
PIPE_BYTES = 1 << 18

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Processes:
    """Each worker is a process that runs this command."""

    command: Sequence[str] = COMMAND
    shared: bool = False

    def open(self, number: int) -> WorkerProcess:
        return WorkerProcess(self.command)


class WorkerProcess:
    """A worker process, reached by its standard input and output."""

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        # A page of memory shared with the worker, where it writes the token of the run it has in hand: after a crash
        # it tells which run to blame.
        with tempfile.TemporaryFile() as page:
            page.truncate(IN_HAND_BYTES)
            self._in_hand = mmap.mmap(page.fileno(), IN_HAND_BYTES)
            self._process = subprocess.Popen(
                [*command, "--in-hand", str(page.fileno())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=-1,
                pipesize=PIPE_BYTES,
                cwd=ROOT,
                env={**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
                pass_fds=[page.fileno()],
            )
        self._queue = Queue(self.pid)

    @property
    def name(self) -> str:
        return f"worker {self.pid}"

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def in_hand(self) -> str:
        return bytes(self._in_hand[:]).rstrip(b"\0").decode("ascii", "replace")

    @property
    def held_up(self) -> float:
        return self._queue.seconds()

    def send(self, *parts: bytes) -> None:
        assert self._process.stdin is not None
        write_all(self._process.stdin.fileno(), *parts)

    def receive(self) -> tuple[Header, bytes] | None:
        assert self._process.stdout is not None
        try:
            message = read_message(self._process.stdout)
        except Unreadable as error:
            _log.warning("What %s sent is no message, but %s: it is ended.", self.name, error)
            message = None
        if message is None:
            self._process.stdout.close()
            self._process.kill()
            self._process.wait()
        return message

    def leave(self) -> None:
        """Close the worker's input, at whose end it ends."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def step_back(self, niceness: int) -> None:
        with suppress(OSError):
            step_back(niceness, self.pid)

    def kill(self) -> None:
        self._process.kill()

    def wait(self, seconds: float) -> None:
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
