"""Figures: counts and rates of all runs together, without a token or a name.

A worker counts for a second (`Second`) and sends the counts; the server sums up the newest of each worker (`Figures`).
`Pool.figures()` gives all of it:

    runs, max_runs            runs in memory, and how many there may be
    playing                   of them, those that train
    viewers                   open live channels
    workers                   worker processes that are ready, heavy ones and the spare one included
    restarts                  workers that crashed or hung since the start
    moved                     times that a run moved to another worker
    refused                   new runs refused for lack of room
    made_room                 runs put on the shelf to make room for another one
    shelved_bytes             kept runs on disk
    shelf_failures            times that a kept run could not be written
    updates_per_second        optimization steps, of all runs together, over the last second
    frames_per_second         pictures sent, likewise
    training_share            share of the workers' time that training took (0-1; mean over the workers that were not idle)
    showing_share             share that pictures took, likewise
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
STALE = 3.0  # Seconds after which a worker's last report no longer counts: the worker is idle or has ended.
LOOK_BACK = 10.0  # Seconds over whose frames the 95th percentile is taken.
# Seconds. Delays are counted in a histogram from here on, each bin STEP times as wide: a percentile is at most a fifth too large.
FINEST = 0.001
STEP = 1.2


class Second:
    """What a worker has done since its last report."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        # True if there is something to report. True at first, so that an idle worker reports its memory once.
        self.stirred = True
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
        """The report to send; counting begins anew."""
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
    """The newest report of each worker, and the server's own counts since the start."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.refused = 0  # New runs refused for lack of room.
        self.made_room = 0  # Runs put on the shelf to make room for another one.
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
        """Rates of these workers together, over their last reports; the delay over LOOK_BACK; memory by worker."""
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
    """The number of a delay's bin: 0 up to FINEST, then one more for each factor STEP."""
    return max(0, math.ceil(math.log(max(delay, FINEST) / FINEST, STEP)))


def percentile(steps: Counter[int], share: float) -> float | None:
    """The delay in seconds that this share of the counted ones does not exceed; None if there are none."""
    left = share * steps.total()
    for step in sorted(steps):
        left -= steps[step]
        if left <= 0:
            return FINEST * STEP**step
    return None


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def resident_bytes() -> int:
    """Resident memory of this process in bytes; 0 on a system that does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
