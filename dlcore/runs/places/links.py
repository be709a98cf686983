"""A worker seen from the pool, wherever it lives: post a request, get a Future; nothing here waits on it.

The places where a worker can live (a thread, a process, an actor of a cluster) differ; the `Link` to one is the same.
What travels is plain bytes both ways, in the format of wire.py.

Two threads a worker: one sends what is queued, one receives what comes. A worker that hangs fills its queue and times
out its callers; it cannot freeze the serving process.
"""

from __future__ import annotations

import itertools
import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass
from typing import Any, Protocol

from dlcore.problems import Problem
from dlcore.wire import Header, pack

Reply = tuple[Header, bytes]

_log = logging.getLogger(__name__)

PATIENT = ("frame", "epoch")  # Verbs that are answered when the run has moved on, which may be never.


class Place(Protocol):
    """Where one worker lives, and the way there and back."""

    @property
    def name(self) -> str:
        """What the log calls the worker."""
        ...

    @property
    def pid(self) -> int:
        """Process id of the worker, on its own machine."""
        ...

    @property
    def in_hand(self) -> str:
        """Token of the run that the worker is busy with, or was when it died; empty where nobody can say."""
        ...

    @property
    def held_up(self) -> float:
        """Seconds that the worker has waited so far for others to leave it a processor; 0 where nobody can say."""
        ...

    def send(self, *parts: bytes) -> None:
        """Some messages down, whole ones. May block; raises OSError when the worker is gone."""
        ...

    def receive(self) -> tuple[Header, bytes] | None:
        """The next message up. Blocks; None when there will be no more: the worker has ended, we have left it, or it talks nonsense."""
        ...

    def leave(self) -> None:
        """No more messages down. A worker that nobody shares with us ends."""
        ...

    def step_back(self, niceness: int) -> None:
        """Go on at this low priority, from which there is no way back: others come first."""
        ...

    def kill(self) -> None:
        """End the worker now, whatever it does."""
        ...

    def wait(self, seconds: float) -> None:
        """After `leave`: give the worker this long to end by itself, then end it."""
        ...


class Places(Protocol):
    """A kind of place, of which the pool opens as many as it wants workers."""

    @property
    def shared(self) -> bool:
        """Other servers may hold links to the same workers, and runs of theirs live there."""
        ...

    def open(self, number: int) -> Place:
        """A place for the pool's worker of this number, which on shared places is the same worker for all servers.

        Returns at once, long before the worker is ready.
        """
        ...


class WorkerLost(Problem):
    """The worker went away before it answered; its runs are being brought back by a new one."""

    def __init__(self) -> None:
        super().__init__("worker_lost")


@dataclass(frozen=True)
class Pending:
    """A request that waits for its reply."""

    future: Future[Reply]
    verb: str
    since: float


class Link:
    """A worker's place, the two threads on the way there, and its unanswered requests."""

    def __init__(
        self,
        place: Place,
        on_message: Callable[[Link, Header, bytes], None],
        on_end: Callable[[Link], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.ready = threading.Event()
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
        """Token of the run that the worker is busy with, or was when it died."""
        return self._place.in_hand

    @property
    def held_up(self) -> float:
        """Seconds that the worker has waited so far for others to leave it a processor; 0 where nobody can say."""
        return self._place.held_up

    @property
    def unanswered(self) -> int:
        """Requests that the worker owes an answer."""
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
        self._outbox.put((pack({**header, "id": identifier}, payload), payload))
        return future

    def withdraw(self, future: Future[Reply]) -> None:
        """What was posted is wanted no more. Its Future ends as ever, or with {"withdrawn": True} once the worker has let go of it."""
        with self._lock:
            found = next((identifier for identifier, each in self._pending.items() if each.future is future), None)
        if found is not None:
            self._outbox.put((pack({"do": "forget", "request": found}), b""))

    def longest_wait(self) -> float:
        """Seconds without a word from the worker since something was asked that should be answered at once."""
        now = self._clock()
        with self._lock:
            oldest = max((now - p.since for p in self._pending.values() if p.verb not in PATIENT), default=0.0)
        return min(oldest, now - self._heard)

    def step_back(self, niceness: int) -> None:
        """Go on at this low priority: others come first."""
        self._place.step_back(niceness)

    def close(self) -> None:
        """Leave the worker, after what is queued. One that nobody shares with us ends."""
        self._outbox.put(None)

    def kill(self) -> None:
        self._place.kill()

    def wait(self, seconds: float) -> None:
        """Give the worker this long to end by itself, then end it. One that is still starting hears nothing yet."""
        self._place.wait(seconds if self.ready.is_set() else 0.0)

    def _settle(self, identifier: int, future: Future[Reply]) -> None:
        with self._lock:
            # A request whose caller has given up stays pending until the worker answers: so a worker that hangs is found out.
            pending = self._pending.get(identifier)
            if pending is not None and (not future.cancelled() or pending.verb in PATIENT):
                del self._pending[identifier]
        if future.cancelled():
            self._outbox.put((pack({"do": "forget", "request": identifier}), b""))

    def _send(self) -> None:
        try:
            while parts := self._take_queue():
                self._place.send(*parts)
        except OSError:
            pass  # The receiving thread sees the end of the worker and tells.
        finally:
            self._place.leave()

    def _take_queue(self) -> list[bytes]:
        """All that waits to be sent, once there is something; [] when it is time to leave."""
        parts: list[bytes] = []
        while not parts or not self._outbox.empty():
            message = self._outbox.get()
            if message is None:
                if parts:
                    self._outbox.put(None)  # These first.
                return parts
            parts += message
        return parts

    def _receive(self) -> None:
        try:
            while (message := self._place.receive()) is not None:
                self._heard = self._clock()
                self._deliver(*message)
        except Exception:
            # Below, callers are told that the worker is lost, and another worker takes over.
            _log.exception("What %s sent is no message of a worker: it is ended.", self.name)
            self._place.kill()
            while self._place.receive() is not None:
                pass
        with self._lock:
            self.ended = True
            left = list(self._pending.values())
        self._outbox.put(None)
        # First the new worker is opened, then callers are told: whoever asks again at once reaches it.
        self._on_end(self)
        for pending in left:
            _finish(pending.future, WorkerLost())

    def _deliver(self, header: Header, payload: bytes) -> None:
        if "id" not in header:
            if "ready" in header:
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
        pass  # Cancelled meanwhile: nobody waits for it.
