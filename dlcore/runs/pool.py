"""The pool: spawn workers, route requests, watch, bring back, cull. In the serving process; imports no torch.

    pool = Pool(); pool.start()
    token = pool.create(experiment.to_json())
    pool.call(token, "play")

A token is unguessable and names one run. A worker that dies is replaced at once by a spare one that is warm already
(its imports alone take seconds), and its runs come back from the last state it kept here.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import logging
import os
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field

from dlcore.experiment import Experiment
from dlcore.problems import Problem
from dlcore.runs import DEFAULT_SPEED
from dlcore.runs.process import Reply, WorkerLost, WorkerProcess
from dlcore.runs.wire import Header

__all__ = ["Listener", "Pool", "WorkerLost"]

Listener = Callable[[Problem], None]

COMMAND = (sys.executable, "-m", "dlcore.runs.worker")
MOST_WORKERS = 8
MOST_RUNS = 300
MOST_KEPT_BYTES = 256 << 20  # All kept states together; beyond it a large run comes back from its recipe.
LIVES = 3  # So often may a run take its worker down, each time within ...
SHORT_LIFE = 10.0  # ... seconds of having been brought back.
LONGEST_START = 30.0  # Seconds a caller waits for a worker that is still starting.

_log = logging.getLogger(__name__)


@dataclass
class Entry:
    """What is known here of one run."""

    token: str
    slot: int
    recipe: str
    device: str
    status: str = "paused"
    speed: float | None = DEFAULT_SPEED
    step: int = 0
    state: bytes = b""
    life: int = 0
    strikes: int = 0
    born: float = field(default_factory=time.monotonic)
    seen: float = field(default_factory=time.monotonic)
    released: float | None = None
    listeners: list[Listener] = field(default_factory=list)


class Pool:
    """Worker processes and the runs in them. Thread-safe."""

    def __init__(
        self,
        workers: int | None = None,
        *,
        max_runs: int | None = None,
        command: Sequence[str] = COMMAND,
        timeout: float = 10.0,
        pause_unseen_after: float = 60.0,
        close_released_after: float = 60.0,
        close_idle_after: float = 1800.0,
        kill_hung_after: float = 60.0,
    ) -> None:
        cores = min(os.cpu_count() or 1, MOST_WORKERS)
        self.workers = workers or int(os.environ.get("DLCORE_WORKERS", cores))
        self.max_runs = max_runs or int(os.environ.get("DLCORE_MAX_RUNS", MOST_RUNS))
        self.timeout = timeout
        self.pause_unseen_after = pause_unseen_after
        self.close_released_after = close_released_after
        self.close_idle_after = close_idle_after
        self.kill_hung_after = kill_hung_after
        self._command = tuple(command)
        self._lock = threading.RLock()
        self._slots: list[WorkerProcess] = []
        self._spare: WorkerProcess | None = None
        self._entries: dict[str, Entry] = {}
        self._failed_starts = 0
        self._stopping = threading.Event()
        self._reaper: threading.Thread | None = None

    def start(self) -> None:
        """Start the workers in the background, one after the other, so that the first is ready soonest."""
        with self._lock:
            if self._reaper is not None:
                return
            self._reaper = threading.Thread(target=self._reap, name="reaper of runs", daemon=True)
            self._slots.append(self._spawn())
            self._reaper.start()
        atexit.register(self.stop)

    @property
    def warm(self) -> bool:
        """All workers and the spare one are ready."""
        with self._lock:
            processes = [*self._slots, self._spare]
            return len(self._slots) == self.workers and all(p is not None and p.ready.is_set() for p in processes)

    def stop(self) -> None:
        """End all workers."""
        self._stopping.set()
        atexit.unregister(self.stop)
        with self._lock:
            processes = [*self._slots, *([self._spare] if self._spare else [])]
            self._entries.clear()
        for process in processes:
            process.close()
        for process in processes:
            process.wait(2.0)

    # Runs

    def create(self, recipe: str, device: str = "auto", state: bytes = b"") -> str:
        """A new run of this recipe; its token. Does not wait: what goes wrong later, the first call raises.

        With the state that another run's "fork" gave it goes on from there.
        """
        recipe = Experiment.from_json(recipe).to_json()
        self.start()
        with self._lock:
            if len(self._entries) >= self.max_runs:
                raise Problem("too_many_runs", limit=self.max_runs)
            entry = Entry(secrets.token_urlsafe(24), self._emptiest(), recipe, device, state=state)
            self._entries[entry.token] = entry
            self._post_create(entry)
        return entry.token

    def exists(self, token: str) -> bool:
        return token in self._entries

    def close(self, token: str) -> None:
        """End this run now."""
        with self._lock:
            entry = self._entries.pop(token, None)
            if entry is not None:
                self._slots[entry.slot].post({"do": "close", "token": token})

    def call(self, token: str, do: str, payload: bytes = b"", **arguments: object) -> Reply:
        """Ask the run's worker and wait for the reply; raises the worker's Problem, or WorkerLost."""
        self._process_of(token).ready.wait(LONGEST_START)
        future = self._submit(token, do, payload, arguments)
        try:
            return future.result(self.timeout)
        except concurrent.futures.TimeoutError:
            future.cancel()
            raise Problem("worker_busy") from None

    async def call_async(self, token: str, do: str, payload: bytes = b"", **arguments: object) -> Reply:
        """The same without holding up the event loop, for as long as it takes; cancel it to stop waiting."""
        return await asyncio.wrap_future(self._submit(token, do, payload, arguments))

    # Leases

    def hold(self, token: str) -> None:
        """The session that owns the run is alive."""
        with self._lock:
            entry = self._entry(token)
            entry.released = None
            entry.seen = time.monotonic()

    def release(self, token: str) -> None:
        """The session has ended. The run is closed after a grace, unless it is held again."""
        with self._lock:
            if token in self._entries:
                self._entries[token].released = time.monotonic()

    @contextmanager
    def viewer(self, token: str, listener: Listener = lambda problem: None) -> Iterator[None]:
        """Somebody looks at the run. The listener is told, from another thread, what there is to say about it."""
        with self._lock:
            entry = self._entry(token)
            entry.listeners.append(listener)
        try:
            yield
        finally:
            with self._lock:
                entry.listeners.remove(listener)
                entry.seen = time.monotonic()

    # Inside

    def _entry(self, token: str) -> Entry:
        if token not in self._entries:
            raise Problem("run_gone")
        return self._entries[token]

    def _process_of(self, token: str) -> WorkerProcess:
        with self._lock:
            return self._slots[self._entry(token).slot]

    def _submit(self, token: str, do: str, payload: bytes, arguments: dict[str, object]) -> Future[Reply]:
        with self._lock:
            entry = self._entry(token)
            entry.seen = time.monotonic()
            return self._slots[entry.slot].post({"do": do, "token": token, **arguments}, payload)

    def _emptiest(self) -> int:
        runs = [0] * len(self._slots)
        for entry in self._entries.values():
            runs[entry.slot] += 1
        return runs.index(min(runs))

    def _post_create(self, entry: Entry) -> None:
        created = self._slots[entry.slot].post(
            {
                "do": "create",
                "token": entry.token,
                "recipe": entry.recipe,
                "device": entry.device,
                "life": entry.life,
                "status": entry.status,
                "speed": entry.speed,
            },
            entry.state,
        )
        created.add_done_callback(lambda future: self._created(entry, future))

    def _created(self, entry: Entry, future: Future[Reply]) -> None:
        problem = None if future.cancelled() else future.exception()
        if isinstance(problem, Problem) and not isinstance(problem, WorkerLost):
            self._tell(entry, problem)

    def _tell(self, entry: Entry, problem: Problem) -> None:
        with self._lock:
            listeners = list(entry.listeners)
        for listener in listeners:
            listener(problem)

    def _spawn(self) -> WorkerProcess:
        return WorkerProcess(self._command, self._on_message, self._on_end)

    def _on_message(self, process: WorkerProcess, header: Header, payload: bytes) -> None:
        if "ready" in header:
            self._failed_starts = 0
            self._spawn_next()
        elif "notice" in header:
            entry = self._entries.get(header["token"])
            if entry is not None:
                self._tell(entry, Problem(header["notice"]["key"], **header["notice"]["values"]))
        elif "kept" in header:
            with self._lock:
                entry = self._entries.get(header["kept"])
                if entry is not None and self._slots[entry.slot] is process:
                    self._remember(entry, header, payload)

    def _remember(self, entry: Entry, header: Header, state: bytes) -> None:
        others = sum(len(other.state) for other in self._entries.values()) - len(entry.state)
        fits = others + len(state) <= MOST_KEPT_BYTES
        entry.recipe, entry.device = header["recipe"], header["device"]
        entry.status, entry.speed = header["status"], header["speed"]
        entry.state, entry.step = (state, header["step"]) if fits else (b"", 0)

    def _spawn_next(self) -> None:
        """The next worker that is wanted, and a spare at last. One at a time, so that the first is ready soonest."""
        with self._lock:
            if self._stopping.is_set():
                return
            if not all(process.ready.is_set() for process in self._slots):
                return
            if len(self._slots) < self.workers:
                self._slots.append(self._spawn())
                self._slots[-1].step_back()
            elif self._spare is None:
                self._spare = self._spawn()
                self._spare.step_back()

    def _on_end(self, process: WorkerProcess) -> None:
        """A worker has died: another one takes its place and its runs."""
        if self._stopping.is_set():
            return
        _log.warning("Worker %d ended; another one takes over its runs.", process.pid)
        if not process.ready.is_set():
            self._failed_starts += 1
            if self._stopping.wait(min(2.0**self._failed_starts, 30.0)):
                return
        with self._lock:
            if process is self._spare:
                self._spare = None
            elif not self._stopping.is_set():
                self._replace(process)
        self._spawn_next()

    def _replace(self, process: WorkerProcess) -> None:
        slot = self._slots.index(process)
        self._slots[slot], self._spare = self._spare or self._spawn(), None
        for entry in [entry for entry in self._entries.values() if entry.slot == slot]:
            self._tell(entry, self._bring_back(entry, process.in_hand == entry.token))

    def _bring_back(self, entry: Entry, to_blame: bool) -> Problem:
        """Post the run to its new worker, unless it kills one after the other; what to tell its viewers."""
        now = time.monotonic()
        if to_blame:
            entry.strikes = entry.strikes + 1 if now - entry.born < SHORT_LIFE else 1
        if entry.strikes >= LIVES:
            del self._entries[entry.token]
            return Problem("run_lost")
        entry.life += 1
        entry.born = now
        self._post_create(entry)
        return Problem("worker_restarted", step=entry.step)

    def _reap(self) -> None:
        shortest = min(self.pause_unseen_after, self.close_released_after, self.close_idle_after)
        while not self._stopping.wait(min(1.0, shortest / 4, self.kill_hung_after / 4)):
            now = time.monotonic()
            with self._lock:
                entries, processes = list(self._entries.values()), list(self._slots)
            for entry in entries:
                self._cull(entry, now)
            for process in processes:
                if process.ready.is_set() and process.longest_wait() > self.kill_hung_after:
                    _log.warning("Worker %d does not answer; it is replaced.", process.pid)
                    process.kill()

    def _cull(self, entry: Entry, now: float) -> None:
        """Close a run whose owner is gone; pause one that nobody looks at."""
        with self._lock:
            unseen = 0.0 if entry.listeners else now - entry.seen
            # A network blip releases a run too: as long as somebody looks at it, it stays.
            without_owner = 0.0 if entry.released is None else min(unseen, now - entry.released)
            if entry.token not in self._entries:
                return
            if without_owner > self.close_released_after or unseen > self.close_idle_after:
                self.close(entry.token)
            elif entry.status == "playing" and unseen > self.pause_unseen_after:
                self._slots[entry.slot].post({"do": "pause", "token": entry.token})
