"""Tending: what a pool does at intervals: replace workers that hang, even out the load, pause and shelve runs that nobody watches."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from dlcore.datasets.held import HeldTables
from dlcore.limits import Limits
from dlcore.runs.server.crew import Crew
from dlcore.runs.server.entry import Entry
from dlcore.runs.server.moving import Moving
from dlcore.runs.server.request import Request
from dlcore.runs.server.sending import Sending

TABLES_EVERY = 1.0  # Seconds.
GONE = 5.0  # Seconds in which a reloaded page is back. A heavy run that nobody has watched for longer is paused.

_log = logging.getLogger(__name__)


class Tending:
    """Tends workers and runs at intervals, as short as the shortest of the limits needs."""

    def __init__(
        self,
        limits: Limits,
        lock: threading.RLock,
        crew: Crew,
        moving: Moving,
        sending: Sending,
        entries: dict[str, Entry],
        put_away: Callable[[Entry], None],
        tables: HeldTables,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = limits
        self._lock = lock
        self._crew = crew
        self._moving = moving
        self._sending = sending
        self._entries = entries
        self._put_away = put_away
        self._tables = tables
        self._clock = clock
        self._every = min(4.0, limits.pause_after, limits.end_after, limits.free_after, limits.hung_after) / 4
        self._looked = clock()
        self._looking = threading.Lock()
        self._threads = [
            threading.Thread(target=self._tend_again_and_again, name="reaper of runs", daemon=True),
            threading.Thread(target=self._tend_tables, name="keeper of tables", daemon=True),
        ]

    def start(self) -> None:
        """Start the threads, which end when the crew is told to stop."""
        self._looked = self._clock()
        for thread in self._threads:
            thread.start()

    def _tend_again_and_again(self) -> None:
        while not self._crew.stopping.wait(self._every):
            try:
                self.tend()
            except Exception:
                _log.exception("A look after the runs failed.")

    def _tend_tables(self) -> None:
        """Tend the held tables, in a thread of its own: if their disk hangs, workers and runs are still tended."""
        while not self._crew.stopping.wait(TABLES_EVERY):
            with self._lock:
                entries = sorted(self._entries.values(), key=lambda entry: -entry.touched)
            try:
                self._tables.look_after([(entry.recipe, entry.owner or entry.reader or "") for entry in entries])
            except Exception:
                _log.exception("A look after the tables failed.")
        self._tables.close()

    def tend(self) -> None:
        """Tend all workers and runs once."""
        now = self._clock()
        with self._looking:
            if now - self._looked >= self._every + self._limits.hung_after / 2:
                self._crew.forgive_silence()
            self._looked = now
            self._crew.check_workers()
        with self._lock:
            entries = list(self._entries.values())
            self._moving.balance()
        for entry in entries:
            with self._lock:
                if self._entries.get(entry.token) is entry and entry.waiting is None:
                    self._cull(entry, now)

    def _cull(self, entry: Entry, now: float) -> None:
        """Shelve a run whose session has ended or that nobody has watched for long; pause one that is not watched, a heavy one sooner."""
        limits = self._limits
        unseen = 0.0 if entry.listeners else now - entry.seen
        # A session that only lost its connection has released its run, too: a run that is watched stays.
        without_owner = 0.0 if entry.released is None else min(unseen, now - entry.released)
        if without_owner > limits.end_after or unseen > limits.free_after:
            self._put_away(entry)
        elif entry.status == "playing" and unseen > (
            min(limits.pause_after, GONE) if entry.heavy else limits.pause_after
        ):
            if entry.heavy and entry.resting is None:
                entry.resting = now
            self._sending.send(entry, Request({"do": "pause", "token": entry.token, "unseen": True}, b""))
