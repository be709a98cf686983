"""Load: how many runs each worker has, and by that which worker is to compute a run. It moves none."""

from __future__ import annotations

from dlcore.runs.server.crew import Crew
from dlcore.runs.server.entry import Entry


class Load:
    """Counts runs by worker. Whoever asks holds the pool's lock."""

    def __init__(self, crew: Crew, entries: dict[str, Entry]) -> None:
        self._crew = crew
        self._entries = entries

    def count_runs(self, workers: list[int]) -> dict[int, tuple[int, int]]:
        """By worker, how many runs play there and how many are there at all."""
        counts: dict[int, tuple[int, int]] = dict.fromkeys(workers, (0, 0))
        for entry in self._entries.values():
            if entry.worker in counts:
                playing, runs = counts[entry.worker]
                counts[entry.worker] = (playing + (entry.status == "playing"), runs + 1)
        return counts

    def only_ready(self, workers: list[int]) -> list[int]:
        """Those of these workers that have started."""
        return [number for number in workers if self._crew.links[number].ready.is_set()]

    def choose_emptiest(self, workers: list[int]) -> int:
        """Of these workers, the one with the fewest playing runs, and of such the one with the fewest runs."""
        counts = self.count_runs(workers)
        return min(workers, key=lambda worker: counts[worker])

    def choose_heavy(self) -> int | None:
        """A worker for one more heavy run: an empty or a new one if there may be one more, else the emptiest. None if there may be none."""
        ready = self.only_ready(self._crew.heavy)
        if not ready or self.count_runs(ready)[self.choose_emptiest(ready)][1]:
            number = self._crew.open_one_more_heavy()
            if number is not None and (not ready or self._crew.links[number].ready.is_set()):
                return number
        heavy = ready or self._crew.heavy
        return self.choose_emptiest(heavy) if heavy else None

    def assign_worker(self, entry: Entry) -> None:
        """Say where a new run begins. A heavy one that would hold others up waits for a worker for heavy runs to start, if need be."""
        entry.worker = self.choose_emptiest(self._crew.common)
        if entry.heavy and self.holds_others_up(entry):
            worker = self.choose_heavy()
            entry.worker = entry.worker if worker is None else worker

    def holds_others_up(self, entry: Entry) -> bool:
        """Whether this heavy run shares a common worker with a run that is played or watched."""
        return (
            entry.worker in self._crew.common
            and not self._crew.places.shared
            and any(
                other.worker == entry.worker and other is not entry and (other.listeners or other.status == "playing")
                for other in self._entries.values()
            )
        )
