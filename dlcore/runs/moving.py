"""Moving: a run goes on in another worker, and those who ask for it meanwhile notice a short pause at most.

It moves for one of two reasons. A heavy run, whose single step would hold up the others, goes to a worker of its own;
and where one worker has more runs to play than another, one changes over.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field

from dlcore.problems import Problem
from dlcore.runs.crew import Crew
from dlcore.runs.entry import Entry
from dlcore.runs.links import Reply
from dlcore.runs.wire import Header

BALANCE_AFTER = 3.0  # Seconds that workers are unevenly loaded before a run changes over.
UNEVEN = 2  # Playing runs that one worker has more than another.
SETTLED_FOR = (
    30.0  # Seconds that a run which has something to lose is left where it is, and a heavy one with the heavy.
)
EMPTY_FOR = 5.0  # Seconds until a heavy worker without a run is let go.


@dataclass(frozen=True)
class Request:
    """Something asked of a run, wherever it is by now."""

    header: Header
    payload: bytes
    future: Future[Reply] = field(default_factory=Future)

    def settle(self, answer: Future[Reply]) -> None:
        """Pass on what came."""
        try:
            error = answer.exception()
            if error is None:
                self.future.set_result(answer.result())
            else:
                self.future.set_exception(error)
        except InvalidStateError:
            pass  # Nobody waits for it any more.


class Moving:
    """Sends requests to runs, and runs to other workers. Whoever calls holds the pool's lock."""

    def __init__(
        self, lock: threading.RLock, crew: Crew, entries: dict[str, Entry], post_create: Callable[..., None]
    ) -> None:
        self.moved = 0
        self._lock = lock
        self._crew = crew
        self._entries = entries
        self._post_create = post_create
        self._uneven_since: float | None = None
        self._empty_since: dict[int, float] = {}

    # Requests

    def send(self, entry: Entry, request: Request) -> None:
        """Post it to the run's worker; while the run is on its way, it waits."""
        if entry.waiting is not None:
            entry.waiting.append(request)
            return
        answer = self._crew.links[entry.worker].post(request.header, request.payload)
        under_way = [answer]  # Emptied when it has come: two futures that know each other would stay with their frame.
        request.future.add_done_callback(lambda done: _cancel(under_way) if done.cancelled() else None)
        answer.add_done_callback(lambda done: self._answered(request, under_way, done))

    def _answered(self, request: Request, under_way: list[Future[Reply]], answer: Future[Reply]) -> None:
        under_way.clear()
        if answer.cancelled():
            return
        error = answer.exception()
        if not (isinstance(error, Problem) and error.key == "run_moved"):
            request.settle(answer)
            return
        with self._lock:  # It waited there for the run to move on, and waits elsewhere from now on.
            entry = self._entries.get(request.header["token"])
            if entry is not None:
                self.send(entry, request)
        if entry is None and not request.future.cancelled():
            request.future.set_exception(Problem("run_gone"))

    # Moves

    def move(self, entry: Entry, worker: int, *, gently: bool) -> None:
        """Let the run go on there. Gently: only if that takes nothing from it."""
        if entry.waiting is not None or self._crew.places.shared:
            return
        entry.waiting = []
        leave = {"do": "leave", "token": entry.token, "gently": gently}
        left = self._crew.links[entry.worker].post(leave)
        left.add_done_callback(lambda done: self._arrive(entry, worker, done))

    def _arrive(self, entry: Entry, worker: int, left: Future[Reply]) -> None:
        with self._lock:
            waiting, entry.waiting = entry.waiting or [], None
            header, content = left.result() if left.exception() is None else ({}, b"")
            if "luggage" not in header:
                entry.settled_until = time.monotonic() + SETTLED_FOR
            elif entry.token in self._entries:
                if worker in self._crew.links:
                    entry.worker = worker
                self.moved += 1
                self._post_create(entry, header, content)
            for request in waiting:
                if entry.token in self._entries:
                    self.send(entry, request)
        if entry.token not in self._entries:
            for request in waiting:
                if not request.future.cancelled():
                    request.future.set_exception(Problem("run_gone"))

    def emptiest(self, workers: list[int]) -> int:
        """Of these workers, the one with the fewest playing runs, and of such the one with the fewest runs."""
        load = self._load(workers)
        return min(workers, key=lambda worker: load[worker])

    def _load(self, workers: list[int]) -> dict[int, tuple[int, int]]:
        load: dict[int, tuple[int, int]] = dict.fromkeys(workers, (0, 0))
        for entry in self._entries.values():
            if entry.worker in load:
                playing, runs = load[entry.worker]
                load[entry.worker] = (playing + (entry.status == "playing"), runs + 1)
        return load

    def heavy_worker(self) -> int | None:
        """A worker for one more heavy run: an empty or a new one if there may be one more, else the emptiest."""
        heavy = self._crew.heavy
        if not heavy or self._load(heavy)[self.emptiest(heavy)][1]:
            number = self._crew.one_more_heavy()
            if number is not None:
                return number
        return self.emptiest(heavy) if heavy else None

    def found_heavy(self, entry: Entry) -> None:
        """It holds up others, or is about to. Alone it may stay where it is."""
        entry.heavy = time.monotonic()
        worker = self._out_of_the_way(entry)
        if worker is not None:
            if entry.token in self._entries:
                self.move(entry, worker, gently=False)
            else:
                entry.worker = worker

    def _out_of_the_way(self, entry: Entry) -> int | None:
        """The worker for this heavy run, if it is in somebody's way where it is."""
        others = [
            other
            for other in self._entries.values()
            if other.worker == entry.worker and other is not entry and (other.listeners or other.status == "playing")
        ]
        if entry.worker in self._crew.common and others and not self._crew.places.shared:
            worker = self.heavy_worker()
            if worker is not None and self._crew.links[worker].ready.is_set():
                return worker
        return None

    def balance(self) -> None:
        """One step towards the same number of playing runs on all workers. Called about once a second."""
        now = time.monotonic()
        self._dismiss_empty(now)
        common = [number for number in self._crew.common if self._crew.links[number].ready.is_set()]
        if not common or self._crew.places.shared:
            return
        for entry in list(self._entries.values()):
            was_heavy = entry.worker in self._crew.heavy and now - entry.heavy > SETTLED_FOR
            if was_heavy and entry.status == "playing" and now > entry.settled_until:
                self.move(entry, self.emptiest(common), gently=True)
        load = self._load(common)
        fullest, emptiest = max(common, key=lambda number: load[number]), self.emptiest(common)
        if load[fullest][0] - load[emptiest][0] < UNEVEN:
            self._uneven_since = None
            return
        if self._uneven_since is None:
            self._uneven_since = now
        if now - self._uneven_since >= BALANCE_AFTER:
            for entry in self._entries.values():
                if entry.worker == fullest and entry.status == "playing" and now > entry.settled_until:
                    self.move(entry, emptiest, gently=True)
                    return

    def _dismiss_empty(self, now: float) -> None:
        load = self._load([number for number in self._crew.heavy if self._crew.links[number].ready.is_set()])
        self._empty_since = {
            number: self._empty_since.get(number, now) for number, (_, runs) in load.items() if not runs
        }
        for number, since in self._empty_since.items():
            if now - since > EMPTY_FOR:
                self._crew.dismiss(number)


def _cancel(futures: list[Future[Reply]]) -> None:
    for future in list(futures):
        future.cancel()
