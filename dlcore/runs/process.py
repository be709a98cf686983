"""A worker process seen from the serving process: post a request, get a Future; nothing here waits on a pipe.

Two threads a worker: one writes what is queued, one reads what comes. A worker that hangs fills its queue and times
out its callers; it cannot freeze the serving process.
"""

from __future__ import annotations

import itertools
import mmap
import os
import queue
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dlcore.problems import Problem
from dlcore.runs import NICENESS
from dlcore.runs.wire import Header, pack, read_message, write_all

Reply = tuple[Header, bytes]

ROOT = Path(__file__).resolve().parents[2]
IN_HAND_BYTES = 64
PATIENT = ("frame", "epoch")  # Verbs that are answered when the run has moved on, which may be never.


class WorkerLost(Problem):
    """The worker went away before it answered; its runs are being brought back by a new one."""

    def __init__(self) -> None:
        super().__init__("worker_lost")


@dataclass(frozen=True)
class Pending:
    """A request that waits for its reply."""

    future: Future[Reply]
    verb: str
    since: float = field(default_factory=time.monotonic)


class WorkerProcess:
    """A worker process, its two threads and its unanswered requests."""

    def __init__(
        self,
        command: Sequence[str],
        on_message: Callable[[WorkerProcess, Header, bytes], None],
        on_end: Callable[[WorkerProcess], None],
    ) -> None:
        self.ready = threading.Event()
        self.ended = False
        self._on_message = on_message
        self._on_end = on_end
        self._pending: dict[int, Pending] = {}
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._outbox: queue.SimpleQueue[tuple[bytes, bytes] | None] = queue.SimpleQueue()
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
                cwd=ROOT,
                env={**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
                pass_fds=[page.fileno()],
            )
        for target in (self._write, self._read):
            threading.Thread(target=target, name=f"worker {self.pid}", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def in_hand(self) -> str:
        """Token of the run that the worker is busy with, or was when it died."""
        return bytes(self._in_hand[:]).rstrip(b"\0").decode("ascii", "replace")

    def post(self, header: Header, payload: bytes = b"") -> Future[Reply]:
        """Queue a request. Its Future ends with the reply, with the worker's Problem, or with WorkerLost."""
        future: Future[Reply] = Future()
        identifier = next(self._ids)
        with self._lock:
            if self.ended:
                future.set_exception(WorkerLost())
                return future
            self._pending[identifier] = Pending(future, header["do"])
        future.add_done_callback(lambda done: self._settle(identifier, done))
        self._outbox.put((pack({**header, "id": identifier}, payload), payload))
        return future

    def longest_wait(self) -> float:
        """Seconds that the oldest request has waited which should have been answered at once."""
        now = time.monotonic()
        with self._lock:
            return max((now - p.since for p in self._pending.values() if p.verb not in PATIENT), default=0.0)

    def step_back(self) -> None:
        """Start at low priority: nobody waits for this one, and others are at work."""
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, self.pid, NICENESS)

    def close(self) -> None:
        """Ask the worker to end, by closing its input."""
        self._outbox.put(None)

    def kill(self) -> None:
        self._process.kill()

    def wait(self, seconds: float) -> None:
        """Give the worker this long to end by itself, then end it. One that is still starting hears nothing yet."""
        try:
            self._process.wait(seconds if self.ready.is_set() else 0.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _settle(self, identifier: int, future: Future[Reply]) -> None:
        with self._lock:
            # An answer that came too late for its caller is still owed: that is how a worker that hangs is found out.
            pending = self._pending.get(identifier)
            if pending is not None and (not future.cancelled() or pending.verb in PATIENT):
                del self._pending[identifier]
        if future.cancelled():
            self._outbox.put((pack({"do": "forget", "request": identifier}), b""))

    def _write(self) -> None:
        assert self._process.stdin is not None
        try:
            while (message := self._outbox.get()) is not None:
                write_all(self._process.stdin.fileno(), *message)
        except OSError:
            pass  # The reader sees the end of the worker and tells.
        finally:
            self._process.stdin.close()

    def _read(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        with stream:
            while (message := read_message(stream)) is not None:
                self._deliver(*message)
        self._process.kill()
        self._process.wait()
        with self._lock:
            self.ended = True
            left = list(self._pending.values())
        self._outbox.put(None)
        # First the new worker, then the news: whoever asks again at once finds it.
        self._on_end(self)
        for pending in left:
            _finish(pending.future, WorkerLost())

    def _deliver(self, header: Header, payload: bytes) -> None:
        if "id" not in header:
            if "ready" in header:
                self.ready.set()
            self._on_message(self, header, payload)
            return
        with self._lock:
            pending = self._pending.pop(header["id"], None)
        if pending is None:
            return
        problem: dict[str, Any] | None = header.get("problem")
        if problem is None:
            _finish(pending.future, (header, payload))
        else:
            _finish(pending.future, Problem(problem["key"], **problem["values"]))


def _finish(future: Future[Reply], outcome: Reply | Problem) -> None:
    try:
        if isinstance(outcome, Problem):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
    except InvalidStateError:
        pass  # Cancelled meanwhile: nobody waits for it.
