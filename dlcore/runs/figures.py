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
    training_seconds          by worker, processor time since its start that went into training, with the scores of each epoch
    pictures_seconds          into what frames contain
    changes_seconds           into changes of recipes, commands and questions
    keeping_seconds           into states of runs for the pool, which outlive the worker
    pipe_seconds              into reading requests and writing answers, frames and states
    rest_seconds              into choosing whose turn it is, and all else
    p95_frame_delay_seconds   19 of 20 pictures of the last ten seconds were sent within this time after their viewer had
                              asked for one and there was something new to see; None when there were none
    memory_bytes              resident memory by worker
"""

from __future__ import annotations

import math
import os
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dlcore.wire import Header

REPORT_EVERY = 1.0
STALE = 3.0  # Seconds after which a worker's last report no longer counts: the worker is idle or has ended.
LOOK_BACK = 10.0  # Seconds over whose frames the 95th percentile is taken.
# Seconds. Delays are counted in a histogram from here on, each bin STEP times as wide: a percentile is at most a fifth too large.
FINEST = 0.001
STEP = 1.2
#: What a worker's processor time goes into.
OCCUPATIONS = ("training", "pictures", "changes", "keeping", "pipe", "rest")


class Second:
    """What a worker has done since its last report. All its calls come from the thread that made it, whose `processor` time counts."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, processor: Callable[[], float] = time.thread_time
    ) -> None:
        # True if there is something to report. True at first, so that an idle worker reports its memory once.
        self.stirred = True
        self._clock = clock
        self._processor = processor
        self._occupation, self._since = "rest", processor()
        self._begin()

    def _begin(self) -> None:
        self._began = self._clock()
        self.updates = 0
        self.frames = 0
        self.spent: dict[str, float] = dict.fromkeys(OCCUPATIONS, 0.0)
        self.delays: Counter[int] = Counter()

    @contextmanager
    def doing(self, occupation: str) -> Iterator[None]:
        """Count the block's processor time as spent on this; what it does of another kind, in a block of its own, counts as that only."""
        before = self._turn_to(occupation)
        try:
            yield
        finally:
            self._turn_to(before)

    def _turn_to(self, occupation: str) -> str:
        """Count the time until now; returns the occupation of that time."""
        now, before = self._processor(), self._occupation
        self.spent[before] += now - self._since
        self._occupation, self._since = occupation, now
        return before

    @property
    def due(self) -> float:
        return self._began + REPORT_EVERY if self.stirred else math.inf

    def count_updates(self, updates: int) -> None:
        self.updates += updates
        self.stirred = True

    def count_frame(self, delay: float) -> None:
        self.frames += 1
        self.delays[delay_to_step(delay)] += 1
        self.stirred = True

    def report(self) -> Header:
        """The report to send; counting begins anew."""
        self._turn_to(self._occupation)
        header = {
            "seconds": self._clock() - self._began,
            "updates": self.updates,
            "frames": self.frames,
            "spent": self.spent,
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
        # Of each worker, since its start.
        self._spent: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._delays: deque[tuple[float, Header]] = deque()

    def take(self, worker: str, second: Header) -> None:
        """Note the report of a worker."""
        now = self._clock()
        self._seconds[worker] = (now, second)
        self._spent[worker].update(second["spent"])
        self._delays.append((now, second["delays"]))
        while now - self._delays[0][0] > LOOK_BACK:
            self._delays.popleft()

    def sum_up(self, workers: Collection[str]) -> dict[str, Any]:
        """Rates of these workers together, over their last reports; the delay over LOOK_BACK; memory by worker."""
        now = self._clock()
        seconds = self._seconds = {worker: told for worker, told in self._seconds.items() if worker in workers}
        for gone in self._spent.keys() - set(workers):
            del self._spent[gone]
        fresh = [second for at, second in seconds.values() if now - at < STALE]
        delays: Counter[int] = Counter()
        for at, counts in list(self._delays):
            if now - at <= LOOK_BACK:
                delays.update({int(step): count for step, count in counts.items()})
        return {
            "updates_per_second": sum(second["updates"] / second["seconds"] for second in fresh),
            "frames_per_second": sum(second["frames"] / second["seconds"] for second in fresh),
            "training_share": _mean([second["spent"]["training"] / second["seconds"] for second in fresh]),
            "showing_share": _mean([second["spent"]["pictures"] / second["seconds"] for second in fresh]),
            "p95_frame_delay_seconds": percentile(delays, 0.95),
            "memory_bytes": {worker: second["memory"] for worker, (_, second) in seconds.items()},
            **{f"{on}_seconds": {worker: spent[on] for worker, spent in self._spent.items()} for on in OCCUPATIONS},
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
