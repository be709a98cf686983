"""Making: a run is built in its worker when it is new, when it has moved there, and when its worker was lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress

from dlcore.problems import Problem
from dlcore.runs.places.links import Reply, WorkerLost
from dlcore.runs.server.away import Away
from dlcore.runs.server.crew import Crew
from dlcore.runs.server.entry import Entry
from dlcore.runs.server.load import Load
from dlcore.runs.server.moving import SETTLED_FOR
from dlcore.runs.server.sending import Sending
from dlcore.wire import Header

LIVES = 3  # How often in a row a run's worker may crash or hang on it before the run is given up.
# Seconds: if a run was at work for longer than this before its worker was lost, counting starts anew.
SHORT_LIFE = 10.0


class Making:
    """Tells workers to build runs. Callers hold the pool's lock."""

    def __init__(
        self,
        lock: threading.RLock,
        crew: Crew,
        entries: dict[str, Entry],
        sending: Sending,
        load: Load,
        away: Away,
        patience: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lock = lock
        self._crew = crew
        self._entries = entries
        self._sending = sending
        self._load = load
        self._away = away
        self._patience = patience  # Seconds to wait for a state from the shelf.
        self._clock = clock

    def make(self, entry: Entry) -> None:
        """Let its worker build the run from the state last kept in memory."""
        standing = {"recipe": entry.recipe, "status": entry.status, "speed": entry.speed, "editor": entry.editor}
        self.post_create(entry, standing, entry.state)

    def post_create(self, entry: Entry, header: Header, content: bytes) -> Future[Reply]:
        """Let its worker build the run from `header` and `content`: a kept state, or luggage from another worker."""
        facts = {"device": entry.device, "life": entry.life, "owner": entry.owner, "reader": entry.reader}
        header = {name: value for name, value in header.items() if name not in ("id", "payload")}
        message = {**header, **facts, "do": "create", "token": entry.token}
        created = self._crew.links[entry.worker].post(message, content)
        created.add_done_callback(lambda future: self._end_creation(entry, "luggage" in header, future))
        return created

    def tell(self, entry: Entry, problem: Problem) -> None:
        """Send a problem to all viewers of the run. (The lock may be held or not.)"""
        with self._lock:
            listeners = list(entry.listeners)
        for listener in listeners:
            listener(problem)

    def make_again(self, number: int, in_hand: str, hung: bool) -> None:
        """Build all runs of a lost worker in the worker that has taken its number: watched ones first, then by size.

        `in_hand` is the token of the run that the lost worker was busy with; `hung`: the worker was killed because it hung.
        """
        lost = [entry for entry in self._entries.values() if entry.worker == number]
        for entry in sorted(lost, key=lambda entry: (not entry.listeners, len(entry.state))):
            self._bring_back(entry, in_hand == entry.token, hung)

    def _end_creation(self, entry: Entry, moved: bool, future: Future[Reply]) -> None:
        problem = None if future.cancelled() else future.exception()
        if not isinstance(problem, Problem) or isinstance(problem, WorkerLost):
            return
        self.tell(entry, problem)
        with self._lock:
            # A run that could not be unpacked after a move is built from its kept state.
            if moved and entry.token in self._entries:
                self._bring_back(entry, to_blame=False, hung=False)

    def _bring_back(self, entry: Entry, to_blame: bool, hung: bool) -> None:
        """Build a run anew and tell its viewers. Gives up a run that has been to blame for the loss of LIVES workers in a row."""
        now = self._clock()
        if to_blame:
            entry.strikes = entry.strikes + 1 if entry.alive - entry.born < SHORT_LIFE else 1
        if entry.strikes >= LIVES:
            del self._entries[entry.token]
            self.tell(entry, Problem("run_lost"))
            return
        if to_blame and (hung or entry.strikes > 1) and entry.worker in self._crew.common:
            # On a heavy worker it cannot harm the other runs again.
            worker = self._load.choose_heavy()
            entry.worker, entry.apart_until = (entry.worker if worker is None else worker), now + SETTLED_FOR
        entry.life += 1
        entry.born = now
        if entry.shelved and entry.waiting is None:
            entry.waiting = []
            threading.Thread(target=self._make_as_shelved, args=(entry,), name="from the shelf", daemon=True).start()
        else:
            self.make(entry)
            self.tell(entry, Problem("worker_restarted", step=entry.step))

    def _make_as_shelved(self, entry: Entry) -> None:
        """Build a run whose state is only on disk. It is read without the lock, as a disk may hang; requests for the run wait."""
        state = b""
        with suppress(Problem):
            state = self._away.find(entry.token, self._patience).state
        with self._lock:
            if self._entries.get(entry.token) is entry:
                entry.state = state
                if not state:  # The shelf had no room for it either: the run begins at step 0.
                    entry.step = entry.epoch = 0
                self.make(entry)
                self.tell(entry, Problem("worker_restarted", step=entry.step))
        self._sending.send_waiting(entry)
