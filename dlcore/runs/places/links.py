"""Links: how the pool talks to a worker. Posting a request returns a Future at once; no caller waits for the worker.

The places where a worker can live (a thread, a process, an actor of a cluster) differ; the `Link` to it is the same.
Messages are bytes both ways, in the format of wire.py.

A link has two threads: one sends queued requests, one receives. If a worker hangs, its queue grows and its callers time
out, but the serving process goes on.
"""

from __future__ import annotations

import itertools
import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from dlcore.problems import Problem
from dlcore.wire import Header, pack

Reply = tuple[Header, bytes]

_log = logging.getLogger(__name__)

PATIENT = ("frame", "epoch")  # Verbs that are answered only when the run has trained further, which may be never.


class Place(Protocol):
    """Where one worker lives; sends and receives its messages."""

    @property
    def name(self) -> str:
        """The worker's name in the log."""
        ...

    @property
    def pid(self) -> int:
        """Process id of the worker, on its own machine."""
        ...

    @property
    def in_hand(self) -> str:
        """Token of the run that the worker is busy with, or was when it ended; "" if unknown."""
        ...

    @property
    def held_up(self) -> float:
        """Seconds so far that the worker was ready to run but other processes had the processors; 0 if unknown."""
        ...

    def send(self, *parts: bytes) -> None:
        """Send complete messages to the worker. May block; raises OSError if the worker has ended."""
        ...

    def send_at_once(self, message: bytes) -> bool:
        """Send a complete message if that takes no waiting; whether it was sent. Raises OSError if the worker has ended."""
        ...

    def receive(self) -> tuple[Header, bytes] | None:
        """The worker's next message. Blocks; None if no more will come: the worker has ended, was left, or sent an unreadable message."""
        ...

    def leave(self) -> None:
        """Send no more messages. The worker ends, unless other servers share it."""
        ...

    def step_back(self, niceness: int) -> None:
        """Lower the worker's priority to this niceness, for good."""
        ...

    def kill(self) -> None:
        """End the worker at once."""
        ...

    def wait(self, seconds: float) -> None:
        """After `leave`: wait so long for the worker to end by itself, then kill it."""
        ...


class Places(Protocol):
    """A kind of place; the pool opens one for each worker."""

    @property
    def shared(self) -> bool:
        """Whether other servers use the same workers, so that their runs are there too."""
        ...

    def open(self, number: int) -> Place:
        """Open the place of the worker with this number; where places are shared, that is the same worker for all servers.

        Returns at once, long before the worker is ready.
        """
        ...


class WorkerLost(Problem):
    """The worker ended before it answered; a new one is restoring its runs."""

    def __init__(self) -> None:
        super().__init__("worker_lost")


@dataclass(frozen=True)
class Pending:
    """A request that waits for its reply."""

    future: Future[Reply]
    verb: str
    since: float


class Link:
    """The connection to a worker: its place, the two threads that send and receive, and the unanswered requests."""

    def __init__(
        self,
        place: Place,
        on_message: Callable[[Link, Header, bytes], None],
        on_end: Callable[[Link], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.ready = threading.Event()
        self.devices: tuple[str, ...] = ("cpu",)  # Those that the worker has; known once it is ready.
        self.ended = False
        self._place = place
        self._on_message = on_message
        self._on_end = on_end
        self._pending: dict[int, Pending] = {}
        self._ids = itertools.count(1)
        self._clock = clock
        self._heard = clock()
        self._lock = threading.Lock()
        self._outbox: queue.SimpleQueue[tuple[bytes, bytes] | None] = queue.SimpleQueue()
        self._queued = 0  # Messages that are in the outbox, or that the thread is sending.
        self._posting = threading.Lock()  # Held to send at once, and to queue: messages keep their order.
        for target in (self._send, self._receive):
            threading.Thread(target=target, name=self.name, daemon=True).start()

    @property
    def name(self) -> str:
        return self._place.name

    @property
    def pid(self) -> int:
        return self._place.pid

    @property
    def in_hand(self) -> str:
        """Token of the run that the worker is busy with, or was when it ended."""
        return self._place.in_hand

    @property
    def held_up(self) -> float:
        """Seconds so far that the worker was ready to run but other processes had the processors; 0 if unknown."""
        return self._place.held_up

    @property
    def unanswered(self) -> int:
        """The number of unanswered requests."""
        with self._lock:
            return len(self._pending)

    def post(self, header: Header, payload: bytes = b"") -> Future[Reply]:
        """Queue a request. Its Future ends with the reply, with the worker's Problem, or with WorkerLost."""
        future: Future[Reply] = Future()
        identifier = next(self._ids)
        with self._lock:
            if self.ended:
                future.set_exception(WorkerLost())
                return future
            self._pending[identifier] = Pending(future, header["do"], self._clock())
        future.add_done_callback(lambda done: self._settle(identifier, done))
        self._dispatch(pack({**header, "id": identifier}, payload), payload)
        return future

    def _dispatch(self, head: bytes, payload: bytes = b"") -> None:
        """Send a message at once where that takes no waiting, which spares waking a thread for each frame; else queue it."""
        with self._posting:
            if not self._queued:
                with suppress(OSError):  # The receiving thread notices the worker's end.
                    if self._place.send_at_once(head + payload):
                        return
            self._queued += 1
            self._outbox.put((head, payload))

    def withdraw(self, future: Future[Reply]) -> None:
        """Withdraw a request. Its Future ends with the reply if that came before, else with {"withdrawn": True} from the worker."""
        with self._lock:
            found = next((identifier for identifier, each in self._pending.items() if each.future is future), None)
        if found is not None:
            self._dispatch(pack({"do": "forget", "request": found}))

    def longest_wait(self) -> float:
        """Seconds for which the worker has sent nothing while it owed an answer to a request that needs no waiting."""
        now = self._clock()
        with self._lock:
            oldest = max((now - p.since for p in self._pending.values() if p.verb not in PATIENT), default=0.0)
        return min(oldest, now - self._heard)

    def step_back(self, niceness: int) -> None:
        """Lower the worker's priority to this niceness."""
        self._place.step_back(niceness)

    def close(self) -> None:
        """Send what is queued, then leave the worker, which ends unless other servers share it."""
        self._leave()

    def _leave(self) -> None:
        """Let the sending thread end once it has sent what is queued."""
        with self._posting:
            self._queued += 1  # From now on nothing is sent at once.
            self._outbox.put(None)

    def kill(self) -> None:
        self._place.kill()

    def wait(self, seconds: float) -> None:
        """Wait so long for the worker to end by itself, then kill it. One still starting is killed at once, as it reads no input yet."""
        self._place.wait(seconds if self.ready.is_set() else 0.0)

    def _settle(self, identifier: int, future: Future[Reply]) -> None:
        with self._lock:
            # A cancelled request stays pending until the worker answers, so that `longest_wait` notices a worker that hangs.
            pending = self._pending.get(identifier)
            if pending is not None and (not future.cancelled() or pending.verb in PATIENT):
                del self._pending[identifier]
        if future.cancelled():
            self._dispatch(pack({"do": "forget", "request": identifier}))

    def _send(self) -> None:
        try:
            while parts := self._take_queue():
                self._place.send(*parts)
                with self._posting:
                    self._queued -= len(parts) // 2
        except OSError:
            pass  # The receiving thread notices the worker's end and reports it.
        finally:
            self._place.leave()

    def _take_queue(self) -> list[bytes]:
        """Wait for something to send; all that is queued by then, [] when it is time to leave."""
        parts: list[bytes] = []
        while not parts or not self._outbox.empty():
            message = self._outbox.get()
            if message is None:
                if parts:
                    self._outbox.put(None)  # Leave after these messages.
                return parts
            parts += message
        return parts

    def _receive(self) -> None:
        try:
            while (message := self._place.receive()) is not None:
                self._heard = self._clock()
                self._deliver(*message)
        except Exception:
            # Below, another worker replaces this one, and callers get WorkerLost.
            _log.exception("What %s sent is no message of a worker: it is ended.", self.name)
            self._place.kill()
            while self._place.receive() is not None:
                pass
        with self._lock:
            self.ended = True
            left = list(self._pending.values())
        self._leave()
        # The new worker is opened before callers get their error: one who asks again at once then reaches the new worker.
        self._on_end(self)
        for pending in left:
            _finish(pending.future, WorkerLost())

    def _deliver(self, header: Header, payload: bytes) -> None:
        if "id" not in header:
            if "ready" in header:
                self.devices = tuple(header.get("devices", self.devices))
                self.ready.set()
            self._on_message(self, header, payload)
            return
        problem: dict[str, Any] | None = header.get("problem")
        outcome = (header, payload) if problem is None else Problem(problem["key"], **problem["values"])
        with self._lock:
            pending = self._pending.pop(header["id"], None)
        if pending is not None:
            _finish(pending.future, outcome)


def _finish(future: Future[Reply], outcome: Reply | Problem) -> None:
    try:
        if isinstance(outcome, Problem):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
    except InvalidStateError:
        pass  # The caller has cancelled it.
