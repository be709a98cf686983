"""The crew: the workers of a pool by number, started, checked and replaced. This module knows nothing of runs.

The common workers, 0 to `limits.workers` - 1, share all runs. A spare worker, already started (its imports alone take seconds),
replaces any that ends. Heavy workers have the numbers from `limits.workers` on; they are opened for heavy runs and closed without.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

from dlcore.limits import Limits
from dlcore.runs.places.links import Link, Places, Reply
from dlcore.wire import Header

STARVED = 6.0  # Factor on the allowed silence of a worker that had to wait for a processor, so does not hang.
LONGEST_SILENT_START = 120.0  # Seconds after which a worker that has not become ready is taken to hang.

_log = logging.getLogger(__name__)


class Crew:
    """Links to workers by number. Callers hold `lock`; callbacks come from the threads of links.

    `on_loss(number, token in hand, whether it hung)` is called, with the lock held, when a worker has ended and another one has
    taken its number.
    """

    def __init__(
        self,
        places: Places,
        limits: Limits,
        lock: threading.RLock,
        on_message: Callable[[Link, Header, bytes], None],
        on_loss: Callable[[int, str, bool], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.places = places
        self.links: dict[int, Link] = {}
        self.stopping = threading.Event()
        self.losses = 0
        self._limits = limits
        self._lock = lock
        self._message = on_message
        self._on_loss = on_loss
        self._clock = clock
        self._spare: Link | None = None
        self._since: dict[Link, float] = {}  # When each was opened or, later, became ready.
        self._pings: dict[Link, Future[Reply]] = {}
        self._held_up: dict[Link, float] = {}  # Seconds that each had waited for a processor when it was last pinged.
        self._hung: set[Link] = set()
        self._failed_starts = 0
        # When this process last resumed after standing still: workers' silence before that does not count.
        self._since_awake = clock()

    def start(self) -> None:
        """Start the workers in the background, one after the other, so that the first is ready as soon as possible."""
        # Shared workers usually run already, so links to all of them are opened at once.
        for number in range(self._limits.workers if self.places.shared else 1):
            self.links[number] = self._open(number)

    def stop(self) -> None:
        """End all workers."""
        self.stopping.set()
        with self._lock:
            links = self.everyone
        for link in links:
            link.close()
        for link in links:
            link.wait(2.0)

    @property
    def warm(self) -> bool:
        """Whether all common workers are ready, and the spare one too unless workers are shared, which have none."""
        spare = self.places.shared or (self._spare is not None and self._spare.ready.is_set())
        return len(self.common) == self._limits.workers and spare and all(link.ready.is_set() for link in self.everyone)

    @property
    def common(self) -> list[int]:
        """Numbers of the common workers."""
        return [number for number in self.links if number < self._limits.workers]

    @property
    def heavy(self) -> list[int]:
        """Numbers of the heavy workers."""
        return [number for number in self.links if number >= self._limits.workers]

    @property
    def everyone(self) -> list[Link]:
        """Links to all workers, the spare one included."""
        return [*self.links.values(), *([self._spare] if self._spare else [])]

    def open_one_more_heavy(self) -> int | None:
        """Open a heavy worker, or make the spare one heavy if it is ready; its number, None if there are as many as allowed."""
        may_be = range(self._limits.workers, self._limits.workers + self._limits.heavy_workers)
        free = [number for number in may_be if number not in self.links]
        if not free or self.places.shared:
            return None
        self.links[free[0]] = self._take_or_open(free[0], warm=True)
        self.links[free[0]].step_back(self._limits.low_niceness)
        self._open_next()
        return free[0]

    def dismiss(self, number: int) -> None:
        """End a worker that has no runs any more."""
        self.links.pop(number).close()

    def forgive_silence(self) -> None:
        """Note that this process itself stood still (a sleeping laptop, a stopped server): silence of workers before now does not count."""
        self._since_awake = self._clock()

    def check_workers(self) -> None:
        """Ping every worker, and kill those that have been silent for too long; others replace them."""
        now = self._clock()
        with self._lock:
            links = self.everyone
            heavy = {self.links[number] for number in self.heavy}
        for link in links:
            alone = now - max(self._since.get(link, now), self._since_awake)
            if not link.ready.is_set():
                patience, silent = LONGEST_SILENT_START, alone
            else:
                if link not in self._pings or self._pings[link].done():
                    self._held_up[link] = link.held_up
                    self._pings[link] = link.post({"do": "ping"})
                patience = self._limits.heavy_hung_after if link in heavy else self._limits.hung_after
                silent = min(link.longest_wait(), alone)
            if patience < silent < STARVED * patience:
                silent -= link.held_up - self._held_up.get(link, 0.0)
            if silent > patience and link not in self._hung:
                _log.warning("%s has not answered for %.0f s; it is replaced.", link.name, silent)
                self._hung.add(link)
                link.kill()

    # Inside

    def _open(self, number: int) -> Link:
        link = Link(self.places.open(number), self._on_message, self._on_end, self._clock)
        self._since[link] = self._clock()
        return link

    def _take_or_open(self, number: int, *, warm: bool = False) -> Link:
        spare = self._spare
        if spare is None or (warm and not spare.ready.is_set()):
            return self._open(number)
        self._spare = None
        return spare

    def _on_message(self, link: Link, header: Header, payload: bytes) -> None:
        if "ready" in header:
            self._failed_starts = 0
            self._since[link] = self._clock()
            self._open_next()
        self._message(link, header, payload)

    def _open_next(self) -> None:
        """Open the next missing common worker, and the spare one last. One at a time, so that the first is ready as soon as possible."""
        with self._lock:
            if self.stopping.is_set() or not all(link.ready.is_set() for link in self.everyone):
                return
            number = len(self.common)
            if number < self._limits.workers:
                self.links[number] = self._open(number)
                self.links[number].step_back(self._limits.niceness)
            elif self._spare is None and not self.places.shared:
                self._spare = self._open(self._limits.workers)
                self._spare.step_back(self._limits.niceness)

    def _on_end(self, link: Link) -> None:
        """Replace a worker that has ended, unless it was told to."""
        if self.stopping.is_set():
            return
        with self._lock:
            wanted = link in self.everyone
        if wanted:
            _log.warning("%s ended; another one takes its place.", link.name)
            self.losses += 1
            if not link.ready.is_set():
                self._failed_starts += 1
                if self.stopping.wait(min(2.0**self._failed_starts, 30.0)):
                    return
        with self._lock:
            hung = link in self._hung
            self._hung.discard(link)
            self._pings.pop(link, None)
            self._held_up.pop(link, None)
            self._since.pop(link, None)
            if link is self._spare:
                self._spare = None
            number = next((number for number, held in self.links.items() if held is link), None)
            if number is not None and not self.stopping.is_set():
                self.links[number] = self._take_or_open(number)
                if number in self.heavy:
                    self.links[number].step_back(self._limits.low_niceness)
                self._on_loss(number, link.in_hand, hung)
        self._open_next()
