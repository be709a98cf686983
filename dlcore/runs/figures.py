"""Figures: what can be counted of a class, without a token or a name in it.

A worker adds up a second (`Second`) and sends it; the server keeps the newest of each and sum_up them up (`Figures`).
`Pool.figures()` gives all of it:

    runs, max_runs            runs that live, and how many may
    playing                   of them, those that train
    viewers                   open live channels
    workers                   worker processes that are ready, heavy ones and the spare one included
    restarts                  workers that ended unasked since the start
    moved                     times that a run changed over to another worker
    refused                   newcomers for whom there was no room
    made_room                 runs that went to the shelf to make room for another one
    shelved_bytes             kept runs on disk
    shelf_failures            times that one could not be written
    updates_per_second        optimization steps, of all runs together, over the last second
    frames_per_second         pictures sent, likewise
    training_share            of the workers' time, what training took (0-1; the mean of those that have something to do)
    showing_share             likewise, what pictures took
    p95_frame_delay_seconds   19 of 20 pictures of the last ten seconds were sent within this time after their viewer had
                              asked for one and there was something new to see; None when there were none
    memory_bytes              resident memory by worker
"""

from __future__ import annotations

import math
import os
import time
from collections import Counter, deque
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from dlcore.wire import Header

REPORT_EVERY = 1.0
STALE = 3.0  # Seconds after which a worker's last report counts no more: it has nothing to do, or it has ended.
LOOK_BACK = 10.0  # Seconds whose frames the 95th percentile is taken of.
FINEST = 0.001  # Delays are counted in steps that grow by STEP from here: an answer is at most a fifth too large.
STEP = 1.2


class Second:
    """What a worker has done since it last told."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.stirred = True  # Whether anything was counted since the last report. True at first: the memory of an idle worker is news.
        self._clock = clock
        self._begin()

    def _begin(self) -> None:
        self._began = self._clock()
        self.updates = 0
        self.frames = 0
        self.training = 0.0
        self.showing = 0.0
        self.delays: Counter[int] = Counter()

    @property
    def due(self) -> float:
        return self._began + REPORT_EVERY if self.stirred else math.inf

    def count_updates(self, updates: int, seconds: float) -> None:
        self.updates += updates
        self.training += seconds
        self.stirred = True

    def count_frame(self, seconds: float, delay: float) -> None:
        self.frames += 1
        self.showing += seconds
        self.delays[delay_to_step(delay)] += 1
        self.stirred = True

    def report(self) -> Header:
        """What to send; another second begins."""
        header = {
            "seconds": self._clock() - self._began,
            "updates": self.updates,
            "frames": self.frames,
            "training": self.training,
            "showing": self.showing,
            "delays": dict(self.delays),
            "memory": resident_bytes(),
        }
        self.stirred = False
        self._begin()
        return header


class Figures:
    """The newest seconds of all workers, and what has been counted since the start."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.refused = 0  # Newcomers for whom there was no room.
        self.made_room = 0  # Runs that went to the shelf so that a newcomer had room.
        self._seconds: dict[str, tuple[float, Header]] = {}
        self._delays: deque[tuple[float, Header]] = deque()

    def take(self, worker: str, second: Header) -> None:
        """Note the report of a worker."""
        now = self._clock()
        self._seconds[worker] = (now, second)
        self._delays.append((now, second["delays"]))
        while now - self._delays[0][0] > LOOK_BACK:
            self._delays.popleft()

    def sum_up(self, workers: Collection[str]) -> dict[str, Any]:
        """Rates of these workers together, over their last second; the delay over LOOK_BACK; memory by worker."""
        now = self._clock()
        seconds = self._seconds = {worker: told for worker, told in self._seconds.items() if worker in workers}
        fresh = [second for at, second in seconds.values() if now - at < STALE]
        delays: Counter[int] = Counter()
        for at, counts in list(self._delays):
            if now - at <= LOOK_BACK:
                delays.update({int(step): count for step, count in counts.items()})
        return {
            "updates_per_second": sum(second["updates"] / second["seconds"] for second in fresh),
            "frames_per_second": sum(second["frames"] / second["seconds"] for second in fresh),
            "training_share": _mean([second["training"] / second["seconds"] for second in fresh]),
            "showing_share": _mean([second["showing"] / second["seconds"] for second in fresh]),
            "p95_frame_delay_seconds": percentile(delays, 0.95),
            "memory_bytes": {worker: second["memory"] for worker, (_, second) in seconds.items()},
            "refused": self.refused,
            "made_room": self.made_room,
        }


def delay_to_step(delay: float) -> int:
    """The step of a delay: 0 up to FINEST, then one more each time it grows by STEP."""
    return max(0, math.ceil(math.log(max(delay, FINEST) / FINEST, STEP)))


def percentile(steps: Counter[int], share: float) -> float | None:
    """Seconds within which this share of the counted delays lies; None when there are none."""
    left = share * steps.total()
    for step in sorted(steps):
        left -= steps[step]
        if left <= 0:
            return FINEST * STEP**step
    return None


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def resident_bytes() -> int:
    """Memory of this process that is in use and not swapped out; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
