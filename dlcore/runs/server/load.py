"""Load: how many runs each worker has, and by that the choice of a worker for a run. It moves none."""

from __future__ import annotations

from dlcore.runs.server.crew import Crew
from dlcore.runs.server.entry import Entry


class Load:
    """Counts runs by worker. Callers hold the pool's lock."""

    def __init__(self, crew: Crew, entries: dict[str, Entry]) -> None:
        self._crew = crew
        self._entries = entries

    def count_runs(self, workers: list[int]) -> dict[int, tuple[int, int]]:
        """By worker, the numbers of playing runs and of all runs."""
        counts: dict[int, tuple[int, int]] = dict.fromkeys(workers, (0, 0))
        for entry in self._entries.values():
            if entry.worker in counts:
                playing, runs = counts[entry.worker]
                counts[entry.worker] = (playing + (entry.status == "playing"), runs + 1)
        return counts

    def only_ready(self, workers: list[int]) -> list[int]:
        """Those of these workers that are ready."""
        return [number for number in workers if self._crew.links[number].ready.is_set()]

    def choose_emptiest(self, workers: list[int]) -> int:
        """The worker with the fewest playing runs, and among equals the fewest runs."""
        counts = self.count_runs(workers)
        return min(workers, key=lambda worker: counts[worker])

    def choose_heavy(self) -> int | None:
        """A heavy worker for one more run: an empty one, else a new one if allowed, else the emptiest. None if there may be none."""
        ready = self.only_ready(self._crew.heavy)
        if not ready or self.count_runs(ready)[self.choose_emptiest(ready)][1]:
            number = self._crew.open_one_more_heavy()
            if number is not None and (not ready or self._crew.links[number].ready.is_set()):
                return number
        heavy = ready or self._crew.heavy
        return self.choose_emptiest(heavy) if heavy else None

    def assign_worker(self, entry: Entry) -> None:
        """Choose the worker of a new run. A heavy run that would make others wait gets a heavy worker, even one that still has to start."""
        entry.worker = self.choose_emptiest(self._crew.common)
        if entry.heavy and self.holds_others_up(entry):
            worker = self.choose_heavy()
            entry.worker = entry.worker if worker is None else worker

    def holds_others_up(self, entry: Entry) -> bool:
        """Whether this heavy run is on a common worker together with a run that plays or is watched."""
        return (
            entry.worker in self._crew.common
            and not self._crew.places.shared
            and any(
                other.worker == entry.worker and other is not entry and (other.listeners or other.status == "playing")
                for other in self._entries.values()
            )
        )
