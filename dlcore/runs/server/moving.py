"""Moving: a run goes on in another worker; requests for it wait meanwhile, so that its viewers notice a short pause at most.

There are two reasons. A heavy run, for which the others would have to wait, moves to a heavy worker, and back when it is heavy no
longer. And if one worker has more playing runs than another, one of them moves.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

from dlcore.runs.places.links import Reply
from dlcore.runs.server.crew import Crew
from dlcore.runs.server.entry import Entry
from dlcore.runs.server.load import Load
from dlcore.runs.server.sending import Sending
from dlcore.wire import Header

BALANCE_AFTER = 3.0  # Seconds that workers are unevenly loaded before a run moves.
UNEVEN = 2  # Difference in numbers of playing runs from which on the load is uneven.
SETTLED_FOR = 30.0  # Seconds that a run stays where it is after it refused to move, or was measured to be heavy.
EMPTY_FOR = 5.0  # Seconds after which a heavy worker without runs is ended.
MOST_UNDER_WAY = 2  # Runs that may move at once: the luggage of a large one may take 40 MB of this process's memory.


class Moving:
    """Moves runs to other workers. Callers hold the pool's lock."""

    def __init__(
        self,
        lock: threading.RLock,
        crew: Crew,
        entries: dict[str, Entry],
        sending: Sending,
        load: Load,
        post_create: Callable[[Entry, Header, bytes], Future[Reply]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.moved = 0
        self._under_way = 0  # Runs that are moving: told to leave their worker and not yet built in the next.
        self._clock = clock
        self._lock = lock
        self._crew = crew
        self._entries = entries
        self._sending = sending
        self._load = load
        self._post_create = post_create
        self._uneven_since: dict[bool, float] = {}  # Since when the heavy (True) or common (False) workers are uneven.
        self._empty_since: dict[int, float] = {}

    def move(self, entry: Entry, worker: int, *, gently: bool) -> None:
        """Move the run to that worker. `gently`: the worker refuses if the run would lose something by it, see luggage.py."""
        if entry.waiting is not None or self._crew.places.shared:
            return
        entry.waiting = []
        self._under_way += 1
        leave = {"do": "leave", "token": entry.token, "gently": gently}
        left = self._crew.links[entry.worker].post(leave)
        left.add_done_callback(lambda done: self._arrive(entry, worker, done))

    def _arrive(self, entry: Entry, worker: int, left: Future[Reply]) -> None:
        made: Future[Reply] | None = None
        with self._lock:
            header, content = left.result() if left.exception() is None else ({}, b"")
            if "luggage" not in header:
                entry.settled_until = self._clock() + SETTLED_FOR
            elif entry.token in self._entries:
                if worker in self._crew.links:
                    entry.worker = worker
                self.moved += 1
                made = self._post_create(entry, header, content)
        self._sending.send_waiting(entry)
        if made is None:
            self._has_ended()
        else:
            made.add_done_callback(lambda done: self._has_ended())

    def _has_ended(self) -> None:
        """Count one moving run less, and let waiting heavy runs move."""
        with self._lock:
            self._under_way -= 1
            self._part_all()

    def part(self, entry: Entry) -> None:
        """Move this heavy run to a heavy worker, if others have to wait for it and such a worker is ready."""
        if entry.waiting is None and self._under_way < MOST_UNDER_WAY and self._load.holds_others_up(entry):
            worker = self._load.choose_heavy()
            if worker is not None and self._crew.links[worker].ready.is_set():
                self.move(entry, worker, gently=False)

    def balance(self) -> None:
        """Move runs between heavy and common workers as they belong, and one run of each kind towards equal numbers of playing runs.

        Called about once a second.
        """
        now = self._clock()
        self._dismiss_empty(now)
        common, heavy = self._load.only_ready(self._crew.common), self._load.only_ready(self._crew.heavy)
        if not common or self._crew.places.shared:
            return
        self._part_all()
        for entry in list(self._entries.values()):
            if entry.heavy or entry.waiting is not None or now <= entry.settled_until:
                continue
            if entry.worker in self._crew.heavy and now > entry.apart_until and self._under_way < MOST_UNDER_WAY:
                self.move(entry, self._load.choose_emptiest(common), gently=True)
        for workers in (common, heavy):
            self._even_out(workers, now, workers is heavy)

    def _part_all(self) -> None:
        """Move the heavy runs that play or are watched away from common workers, up to MOST_UNDER_WAY at once."""
        now = self._clock()
        for entry in list(self._entries.values()):
            if entry.heavy and now > entry.settled_until and (entry.listeners or entry.status == "playing"):
                self.part(entry)

    def _even_out(self, workers: list[int], now: float, heavy: bool) -> None:
        load = self._load.count_runs(workers)
        fullest, emptiest = (choose(workers, key=lambda number: load[number], default=0) for choose in (max, min))
        if not workers or load[fullest][0] - load[emptiest][0] < UNEVEN:
            self._uneven_since.pop(heavy, None)
        elif now - self._uneven_since.setdefault(heavy, now) >= BALANCE_AFTER and self._under_way < MOST_UNDER_WAY:
            for entry in self._entries.values():
                if entry.worker == fullest and entry.status == "playing" and now > entry.settled_until:
                    self.move(entry, emptiest, gently=True)
                    return

    def _dismiss_empty(self, now: float) -> None:
        load = self._load.count_runs(self._load.only_ready(self._crew.heavy))
        self._empty_since = {
            number: self._empty_since.get(number, now) for number, (_, runs) in load.items() if not runs
        }
        for number, since in self._empty_since.items():
            if now - since > EMPTY_FOR:
                self._crew.dismiss(number)
