"""The crew: the workers of a pool by number, seen to be alive. It knows nothing of runs.

The common workers, 0 to `limits.workers` - 1, share all runs. A spare one, warm already (its imports alone take seconds),
stands in for any that dies. Heavy ones, numbered from there on, come and go with the runs that need a worker to themselves.
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

STARVED = 6.0  # How many times longer a worker may take that gets no processor from other processes: it does not hang.
LONGEST_SILENT_START = 120.0  # Seconds after which a worker that has not begun to answer never will.

_log = logging.getLogger(__name__)


class Crew:
    """Links to workers by number. Whoever asks holds `lock`; the callbacks come from the workers' threads.

    `on_loss(number, token in hand, whether it hung)` is called with the lock held, when another worker has taken the place
    of one that ended.
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
        self._since: dict[Link, float] = {}  # When each was opened, or ready.
        self._pings: dict[Link, Future[Reply]] = {}
        self._held_up: dict[Link, float] = {}  # What each had waited for a processor, at its last ping.
        self._hung: set[Link] = set()
        self._failed_starts = 0
        self._since_awake = (
            clock()
        )  # When this process last stood still: silence before that is not the workers' fault.

    def start(self) -> None:
        """Open the workers in the background, one after the other, so that the first is ready soonest."""
        # Workers that we share with other servers run already, as a rule: all are opened at once.
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
        """All common workers are ready, and the spare one too where we keep one."""
        spare = self.places.shared or (self._spare is not None and self._spare.ready.is_set())
        return len(self.common) == self._limits.workers and spare and all(link.ready.is_set() for link in self.everyone)

    @property
    def common(self) -> list[int]:
        """Numbers of the workers that share all runs."""
        return [number for number in self.links if number < self._limits.workers]

    @property
    def heavy(self) -> list[int]:
        """Numbers of the workers for heavy runs."""
        return [number for number in self.links if number >= self._limits.workers]

    @property
    def everyone(self) -> list[Link]:
        """All workers, the spare one too."""
        return [*self.links.values(), *([self._spare] if self._spare else [])]

    def open_one_more_heavy(self) -> int | None:
        """The number of a new heavy worker, the spare one if it is warm; None when there are as many as there may be."""
        may_be = range(self._limits.workers, self._limits.workers + self._limits.heavy_workers)
        free = [number for number in may_be if number not in self.links]
        if not free or self.places.shared:
            return None
        self.links[free[0]] = self._take_or_open(free[0], warm=True)
        self.links[free[0]].step_back(self._limits.low_niceness)
        self._open_next()
        return free[0]

    def dismiss(self, number: int) -> None:
        """This worker holds no run any more, and ends."""
        self.links.pop(number).close()

    def forgive_silence(self) -> None:
        """This process stood still (a laptop that slept, a server that was stopped): no worker's silence counts from before now."""
        self._since_awake = self._clock()

    def check_workers(self) -> None:
        """Ask every worker for a sign of life, and end those that gave none for too long: others take their places."""
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
        """Open the next common worker that is wanted, and at last the spare one; one at a time, so that the first is ready soonest."""
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
        """A worker has ended: another one takes its place, unless it was told to go."""
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
