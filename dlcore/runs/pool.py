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
import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from dlcore.datasets.held import HeldTables
from dlcore.experiment import Experiment
from dlcore.problems import Problem
from dlcore.runs.crew import Crew
from dlcore.runs.entry import Entry, Listener, check_mark, mark_of
from dlcore.runs.figures import Figures
from dlcore.runs.limits import Limits
from dlcore.runs.links import Link, Places, Reply, WorkerLost
from dlcore.runs.moving import Moving, Request
from dlcore.runs.process import COMMAND, Processes
from dlcore.runs.shelf import Kept, Shelf
from dlcore.runs.weight import HEAVY, longest_act
from dlcore.runs.wire import Header

__all__ = ["Listener", "Pool", "WorkerLost"]

MOST_KEPT_BYTES = 256 << 20  # All kept states together; beyond it a large run comes back from its recipe.
LIVES = 3  # So often may a run take its worker down, each time within ...
SHORT_LIFE = 10.0  # ... seconds of having been brought back.
LONGEST_START = 30.0  # Seconds a caller waits for a worker that is still starting.

_log = logging.getLogger(__name__)


class Pool:
    """Workers, wherever they live, and the runs in them. Thread-safe."""

    def __init__(
        self,
        workers: int | None = None,
        *,
        command: Sequence[str] = COMMAND,
        places: Places | None = None,
        timeout: float = 10.0,
        limits: Limits | None = None,
    ) -> None:
        limits = limits or Limits.from_environment()
        self.limits = limits if workers is None else replace(limits, workers=workers)
        self.timeout = timeout
        self.shelf = Shelf(self.limits.shelf, self.limits.shelf_mb << 20)
        self._lock = threading.RLock()
        self._entries: dict[str, Entry] = {}
        self._figures = Figures()
        self._tables = HeldTables()
        places = places or Processes(tuple(command))
        self._crew = Crew(places, self.limits, self._lock, self._on_message, self._on_loss)
        self._moving = Moving(self._lock, self._crew, self._entries, self._post_create)
        self._reaper: threading.Thread | None = None

    def start(self) -> None:
        """Start the workers in the background."""
        with self._lock:
            if self._reaper is not None:
                return
            self._reaper = threading.Thread(target=self._reap, name="reaper of runs", daemon=True)
            self._crew.start()
            self._reaper.start()
        atexit.register(self.stop)

    @property
    def warm(self) -> bool:
        """All workers are ready, and the spare one too where we keep one."""
        with self._lock:
            return self._crew.warm

    @property
    def ready(self) -> bool:
        """At least one worker is ready."""
        with self._lock:
            return any(link.ready.is_set() for link in self._crew.links.values())

    def stop(self) -> None:
        """End all workers; what is kept of their runs stays on the shelf."""
        atexit.unregister(self.stop)
        self._crew.stop()
        with self._lock:
            self._entries.clear()
        self.shelf.close()

    # Runs

    def create(
        self, recipe: str, device: str = "auto", state: bytes = b"", owner: str = "", reader: str | None = None
    ) -> str:
        """A new run of this recipe; its token. Does not wait: what goes wrong later, the first call raises.

        With the state that another run's "fork" gave it goes on from there. `owner` is a secret of whom it belongs to, `reader` the mark
        of whose tables it may read, if that is another's.
        Raises Problem when the class or the owner has as many runs as it may.
        """
        experiment = Experiment.from_json(recipe)
        self.start()
        with self._lock:
            self._admit(mark_of(owner))
            token, worker = secrets.token_urlsafe(24), self._emptiest()
            entry = Entry(token, worker, experiment.to_json(), device, mark_of(owner), state=state)
            entry.reader = entry.owner if reader is None else reader
            self._weigh(entry, experiment)
            self._entries[entry.token] = entry
            self._make(entry)
        return entry.token

    def check_owner(self, token: str, owner: str) -> None:
        """Raises Problem when the run is another's, or is not."""
        with self._lock:
            check_mark(self._entry(token).owner, owner)

    def kept(self, token: str, owner: str = "") -> dict[str, Any]:
        """Where the run stands, or stood when it was put on the shelf: {"recipe", "device", "status", "step", "epoch"}.

        Raises Problem when it is another's, or gone for good.
        """
        self.find(token)
        with self._lock:
            entry = self._entries.get(token) or self._from_shelf(token)
        check_mark(entry.owner, owner)
        return entry.standing()

    def revive(self, token: str, owner: str = "") -> dict[str, Any]:
        """The run lives again, paused, under its old token, if it does not live still; where it stands, as `kept` says."""
        self.start()
        self.find(token)
        with self._lock:
            entry = self._entries.get(token) or self._from_shelf(token)
            check_mark(entry.owner, owner)
            if token not in self._entries:
                self._admit(entry.owner)
                entry.life += 1
                self._weigh(entry, Experiment.from_json(entry.recipe))
                self._entries[token] = entry
                self._make(entry)
            entry.released, entry.seen = None, time.monotonic()
            return entry.standing()

    def _from_shelf(self, token: str) -> Entry:
        found = self.shelf.find(token)
        if found is None:
            raise Problem("run_gone")
        header = found.header
        entry = Entry(token, self._emptiest(), header["recipe"], header["device"], header["owner"], state=found.state)
        entry.speed, entry.step, entry.epoch, entry.life = (header[name] for name in ("speed", "step", "epoch", "life"))
        entry.reader = header.get("reader", entry.owner)
        return entry

    def figures(self) -> dict[str, Any]:
        """What there is to count, now; what each number means stands in figures.py."""
        with self._lock:
            entries = list(self._entries.values())
            workers = {link.name: link.ready.is_set() for link in self._crew.everyone}
        return {
            "runs": len(entries),
            "max_runs": self.limits.max_runs,
            "playing": sum(entry.status == "playing" for entry in entries),
            "viewers": sum(len(entry.listeners) for entry in entries),
            "workers": sum(workers.values()),
            "restarts": self._crew.losses,
            "moved": self._moving.moved,
            "shelved_bytes": self.shelf.bytes,
            "shelf_failures": self.shelf.failures,
            **self._figures.sums(workers),
        }

    def exists(self, token: str) -> bool:
        return token in self._entries

    def find(self, token: str) -> bool:
        """Whether the run is here, or on a worker that we share with other servers: then it is ours too from now on."""
        with self._lock:
            links = self._crew.links if self._crew.places.shared and token not in self._entries else {}
            asked = {number: link.post({"do": "holds", "token": token}) for number, link in links.items()}
            for number, future in asked.items():
                # In the thread that receives, so that no news of the run comes between.
                future.add_done_callback(lambda future, number=number: self._adopt(token, number, future))
        concurrent.futures.wait(asked.values(), self.timeout)
        for number, future in asked.items():
            if future.done():  # Whoever waits is woken before the callbacks are called.
                self._adopt(token, number, future)
        return token in self._entries

    def close(self, token: str) -> None:
        """End this run now, for good."""
        self.shelf.remove(token)
        self._end(token)

    def call(self, token: str, do: str, payload: bytes = b"", **arguments: object) -> Reply:
        """Ask the run's worker and wait for the reply; raises the worker's Problem, or WorkerLost."""
        self._link_of(token).ready.wait(LONGEST_START)
        future = self._submit(token, do, payload, arguments)
        try:
            return future.result(self.timeout)
        except concurrent.futures.TimeoutError:
            future.cancel()
            raise Problem("worker_busy") from None

    async def call_async(self, token: str, do: str, payload: bytes = b"", **arguments: object) -> Reply:
        """The same without holding up the event loop, for as long as it takes; cancel it to stop waiting."""
        return await asyncio.wrap_future(self._submit(token, do, payload, arguments))

    def expect_tables(self) -> None:
        """Somebody is about to train on a table: what prepares one is imported in every worker, while they go on."""
        with self._lock:
            for link in self._crew.everyone:
                link.post({"do": "expect_tables"})

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

    def _admit(self, mark: str) -> None:
        """Raises Problem when there is no room for one more run of this owner."""
        limits, runs = self.limits, len(self._entries)
        theirs = sum(entry.owner == mark for entry in self._entries.values()) if mark else 0
        if runs < limits.max_runs and theirs < limits.max_runs_per_owner:
            return
        self._figures.refused += 1
        if runs >= limits.max_runs:
            raise Problem("class_full", came=runs, limit=limits.max_runs)
        raise Problem("session_full", limit=limits.max_runs_per_owner)

    def _entry(self, token: str) -> Entry:
        if token not in self._entries:
            raise Problem("run_gone")
        return self._entries[token]

    def _end(self, token: str, **why: object) -> None:
        with self._lock:
            entry = self._entries.pop(token, None)
            if entry is not None:
                self._crew.links[entry.worker].post({"do": "close", "token": token, **why})

    def _adopt(self, token: str, worker: int, answer: Future[Reply]) -> None:
        """Hold a run that another server has made, as the worker knows it."""
        if answer.cancelled() or answer.exception() is not None:
            return
        header, state = answer.result()
        with self._lock:
            if token not in self._entries:
                entry = Entry(token, worker, header["recipe"], header["device"], header["owner"], life=header["life"])
                entry.reader = header.get("reader", entry.owner)
                self._entries[token] = entry
                self._remember(entry, header, state)

    def _link_of(self, token: str) -> Link:
        with self._lock:
            return self._crew.links[self._entry(token).worker]

    def _submit(self, token: str, do: str, payload: bytes, arguments: dict[str, object]) -> Future[Reply]:
        request = Request({"do": do, "token": token, **arguments}, payload)
        changed = None
        if do == "change":
            with suppress(Problem):  # Which is the worker's to say.
                changed = Experiment.from_json(str(arguments["recipe"]))
        with self._lock:
            entry = self._entry(token)
            entry.seen = time.monotonic()
            if changed is not None:
                self._weigh(entry, changed)
            self._moving.send(entry, request)
        return request.future

    def _weigh(self, entry: Entry, experiment: Experiment) -> None:
        """Where this will hold up others, let it begin out of their way."""
        if longest_act(experiment) > HEAVY:
            self._moving.found_heavy(entry)

    def _emptiest(self) -> int:
        return self._moving.emptiest(self._crew.common)

    def _post_create(self, entry: Entry, header: Header, content: bytes) -> None:
        """Let its worker make the run. It stands as `header` and `content` say: as kept, or with all its luggage."""
        facts = {"device": entry.device, "life": entry.life, "owner": entry.owner, "reader": entry.reader}
        header = {name: value for name, value in header.items() if name not in ("id", "payload")}
        message = {**header, **facts, "do": "create", "token": entry.token}
        created = self._crew.links[entry.worker].post(message, content)
        created.add_done_callback(lambda future: self._created(entry, "luggage" in header, future))

    def _make(self, entry: Entry) -> None:
        standing = {"recipe": entry.recipe, "status": entry.status, "speed": entry.speed}
        self._post_create(entry, standing, entry.state)

    def _created(self, entry: Entry, moved: bool, future: Future[Reply]) -> None:
        problem = None if future.cancelled() else future.exception()
        if not isinstance(problem, Problem) or isinstance(problem, WorkerLost):
            return
        self._tell(entry, problem)
        with self._lock:
            if moved and entry.token in self._entries:  # It did not survive the journey; what was kept before did.
                self._tell(entry, self._bring_back(entry, to_blame=False, hung=False))

    def _tell(self, entry: Entry, problem: Problem) -> None:
        with self._lock:
            listeners = list(entry.listeners)
        for listener in listeners:
            listener(problem)

    def _on_message(self, link: Link, header: Header, payload: bytes) -> None:
        if "stats" in header:
            self._figures.take(link.name, header["stats"])
            return
        entry = self._entries.get(header.get("token") or header.get("kept") or header.get("heavy") or "")
        if entry is None:
            return
        if "notice" in header:
            self._tell(entry, Problem(header["notice"]["key"], **header["notice"]["values"]))
        with self._lock:
            if self._crew.links.get(entry.worker) is not link or entry.token not in self._entries:
                return  # It has moved meanwhile.
            if "kept" in header:
                self._remember(entry, header, payload)
            elif "heavy" in header:
                self._moving.found_heavy(entry)

    def _remember(self, entry: Entry, header: Header, state: bytes) -> None:
        others = sum(len(other.state) for other in self._entries.values()) - len(entry.state)
        fits = others + len(state) <= MOST_KEPT_BYTES
        entry.recipe, entry.device = header["recipe"], header["device"]
        entry.status, entry.speed = header["status"], header["speed"]
        entry.alive = time.monotonic()
        entry.state, entry.step, entry.epoch = (state, header["step"], header.get("epoch", 0)) if fits else (b"", 0, 0)
        facts = {name: header.get(name) for name in ("recipe", "device", "status", "speed", "step")}
        facts |= {"epoch": header.get("epoch", 0), "owner": entry.owner, "reader": entry.reader, "life": entry.life}
        self.shelf.put(entry.token, Kept(facts, state), now=header["status"] != "playing")

    def _on_loss(self, number: int, in_hand: str, hung: bool) -> None:
        """Another worker has taken this number; it takes over the runs too."""
        for entry in [entry for entry in self._entries.values() if entry.worker == number]:
            self._tell(entry, self._bring_back(entry, in_hand == entry.token, hung))

    def _bring_back(self, entry: Entry, to_blame: bool, hung: bool) -> Problem:
        """Let its new worker make the run, unless it takes down one after the other; what to tell its viewers."""
        if to_blame:
            entry.strikes = entry.strikes + 1 if entry.alive - entry.born < SHORT_LIFE else 1
        if entry.strikes >= LIVES:
            del self._entries[entry.token]
            return Problem("run_lost")
        if to_blame and (hung or entry.strikes > 1) and entry.worker in self._crew.common:
            # Away from the others, whom it has held up or taken down.
            worker = self._moving.heavy_worker()
            entry.worker, entry.heavy = (entry.worker if worker is None else worker), time.monotonic()
        entry.life += 1
        entry.born = time.monotonic()
        self._make(entry)
        return Problem("worker_restarted", step=entry.step)

    def _reap(self) -> None:
        limits = self.limits
        shortest = min(4.0, limits.pause_after, limits.end_after, limits.free_after, limits.hung_after) / 4
        looked = time.monotonic()
        while not self._crew.stopping.wait(shortest):
            now = time.monotonic()
            try:
                # When it was us who stood still (a laptop that slept, a server that was stopped), nobody else is to blame.
                self._look_after(now, now - looked < shortest + limits.hung_after / 2)
            except Exception:
                _log.exception("A look after the runs failed.")
            looked = now
        self._tables.close()

    def _look_after(self, now: float, awake: bool) -> None:
        if awake:
            self._crew.look()
        with self._lock:
            entries = list(self._entries.values())
            self._moving.balance()
        for entry in entries:
            self._cull(entry, now)
        self._tables.look_after(entry.recipe for entry in entries)

    def _cull(self, entry: Entry, now: float) -> None:
        """Close a run whose owner is gone; pause one that nobody looks at."""
        with self._lock:
            unseen = 0.0 if entry.listeners else now - entry.seen
            # A network blip releases a run too: as long as somebody looks at it, it stays.
            without_owner = 0.0 if entry.released is None else min(unseen, now - entry.released)
            if entry.token not in self._entries:
                return
            if without_owner > self.limits.end_after or unseen > self.limits.free_after:
                self._end(entry.token, unseen=True)
            elif entry.status == "playing" and unseen > self.limits.pause_after:
                self._moving.send(entry, Request({"do": "pause", "token": entry.token, "unseen": True}, b""))
