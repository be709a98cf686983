"""The pool: starts workers, passes requests to runs, restores and shelves runs. Part of the serving process; imports no torch.

    pool = Pool(); pool.start()
    token = pool.create(experiment.to_json())
    pool.call(token, "play")

A token is an unguessable name of one run. A worker that ends is replaced at once by a spare one that has already started (imports
alone take seconds), and its runs are restored from the last states that it sent.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from dlcore.datasets.held import HeldTables
from dlcore.limits import Limits
from dlcore.problems import Problem
from dlcore.recipe import Recipe
from dlcore.recipes import recipe_from_json
from dlcore.runs.figures import Figures
from dlcore.runs.places.links import Link, Places, Reply, WorkerLost
from dlcore.runs.places.process import COMMAND, Processes
from dlcore.runs.server.away import Away
from dlcore.runs.server.crew import Crew
from dlcore.runs.server.entry import Entry, Facts, Listener, check_mark, mark_of
from dlcore.runs.server.finding import Finding
from dlcore.runs.server.listing import Listing
from dlcore.runs.server.load import Load
from dlcore.runs.server.making import Making
from dlcore.runs.server.moving import SETTLED_FOR, Moving
from dlcore.runs.server.request import Request
from dlcore.runs.server.room import choose_runs_to_put_away, choose_states_to_drop
from dlcore.runs.server.sending import Sending
from dlcore.runs.server.shelf import Shelf
from dlcore.runs.server.tending import Tending
from dlcore.wire import Header

__all__ = ["Listener", "Pool", "WorkerLost"]

MOST_KEPT_BYTES = 64 << 20  # Of all kept states in memory; beyond that, states of large runs are only on the shelf.
LONGEST_START = 30.0  # Seconds a caller waits for a worker that is still starting.


class Pool:
    """All workers and the runs in them. Thread-safe."""

    def __init__(
        self,
        workers: int | None = None,
        *,
        command: Sequence[str] = COMMAND,
        places: Places | None = None,
        timeout: float = 10.0,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        limits = limits or Limits.from_environment()
        self.limits = limits if workers is None else replace(limits, workers=workers)
        self.timeout = timeout
        self.shelf = Shelf(self.limits.shelf, self.limits.shelf_mb << 20)
        self._lock = threading.RLock()
        self._clock = clock
        self._entries: dict[str, Entry] = {}
        self._figures = Figures(clock)
        self._tables = HeldTables(clock)
        places = places or Processes(tuple(command))
        self._crew = Crew(places, self.limits, self._lock, self._on_message, self._on_loss, clock)
        self._away = Away(self.shelf, clock)
        self.listing = Listing(self._lock, self._entries, self._away, self.shelf, self.ask)
        self._load = Load(self._crew, self._entries)
        known = self._lock, self._crew, self._entries
        self._sending = Sending(*known)
        self._finding = Finding(*known, self._adopt, timeout)
        self._making = Making(*known, self._sending, self._load, self._away, timeout, clock)
        self._moving = Moving(*known, self._sending, self._load, self._making.post_create, clock)
        tended = self._crew, self._moving, self._sending, self._entries, self._put_away, self._tables
        self._tending = Tending(self.limits, self._lock, *tended, clock)
        self._started = False

    @property
    def keeps_runs(self) -> bool:
        """Whether a run that leaves its worker can come back."""
        return self.shelf.most_bytes > 0

    def start(self) -> None:
        """Start the workers in the background."""
        with self._lock:
            if self._started:
                return
            self._started = True
            self._crew.start()
            self._tending.start()
        atexit.register(self.stop)

    @property
    def warm(self) -> bool:
        """Whether all workers are ready, and the spare one too if there is one."""
        with self._lock:
            return self._crew.warm

    @property
    def devices(self) -> set[str]:
        """The devices on which its workers can compute, as far as they have said: cpu, cuda, mps."""
        with self._lock:
            return {device for link in self._crew.everyone for device in link.devices}

    @property
    def ready(self) -> bool:
        """Whether at least one worker is ready."""
        with self._lock:
            return any(link.ready.is_set() for link in self._crew.links.values())

    def stop(self) -> None:
        """End all workers; kept states stay on the shelf."""
        atexit.unregister(self.stop)
        self._crew.stop()
        with self._lock:
            self._entries.clear()
        self.shelf.close()

    # Runs

    def create(
        self,
        recipe: str,
        device: str = "auto",
        state: bytes = b"",
        owner: str | None = None,
        reader: str | None = None,
    ) -> str:
        """Start a new run of this recipe; returns its token without waiting. If building it fails, the first call to it raises.

        `state`, from the "fork" of another run, is where it begins. `owner` is its owner's secret: "" for a visitor without one, None for
        this program itself. `reader` is the mark of the person whose tables it may read, if not its owner's. Raises Problem if the class
        or the owner has as many runs as allowed and none of them can go to the shelf.
        """
        parsed = recipe_from_json(recipe)
        self.start()
        with self._lock:
            self._make_room(owner)
            token, facts = secrets.token_urlsafe(24), (parsed.to_json(), device, self._clock())
            entry = Entry(token, 0, *facts, mark_of(owner), visitor=owner == "", state=state, reader=reader)
            self._begin(entry, parsed)
        return entry.token

    def check_owner(self, token: str, owner: str) -> None:
        """Raise Problem if the run belongs to somebody else or does not exist."""
        with self._lock:
            check_mark(self._get_entry(token).owner, owner)

    def find_standing(self, token: str, owner: str | None = None) -> dict[str, Any]:
        """The run's {"recipe", "device", "status", "step", "epoch"}, now or when it was put on the shelf.

        Raises Problem if it belongs to somebody else or exists nowhere. May wait for a disk.
        """
        self.find(token)
        entry = self._entries.get(token) or self._away.find(token, self.timeout)
        check_mark(entry.owner, owner)
        return entry.standing()

    def revive(self, token: str, owner: str | None = None) -> dict[str, Any]:
        """Bring a run back from the shelf, paused and with its token; returns what `find_standing` does.

        A run that is in a worker goes on as it is.
        """
        self.start()
        self.find(token)
        entry = self._entries.get(token) or self._away.find(token, self.timeout)
        check_mark(entry.owner, owner)
        with self._lock:
            if (alive := self._entries.get(token)) is not None:
                entry = alive  # Another caller was faster.
            else:
                entry.visitor &= owner is not None
                self._make_room("" if entry.visitor else owner)
                entry.life += 1
                self._begin(entry, recipe_from_json(entry.recipe))
            entry.released, entry.seen = None, self._clock()
            return entry.standing()

    def figures(self) -> dict[str, Any]:
        """The present figures; figures.py explains each."""
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
            **self._figures.sum_up(workers),
        }

    def exists(self, token: str) -> bool:
        return token in self._entries

    def facts(self, token: str) -> Facts:
        """What is known of a run without asking its worker. Raises Problem if there is no such run."""
        with self._lock:
            return self._get_entry(token).facts()

    def link_of(self, token: str) -> Link:
        """The link to the run's worker. Raises Problem if there is no such run."""
        with self._lock:
            return self._crew.links[self._get_entry(token).worker]

    @property
    def links(self) -> list[Link]:
        """Links to all workers in the order of their numbers, the spare one last."""
        with self._lock:
            return self._crew.everyone

    def tend(self) -> None:
        """Kill workers that hang, move, pause and shelve runs, now; the same happens by itself at intervals."""
        self._tending.tend()

    def move(self, token: str, worker: int) -> None:
        """Move the run to the worker of this number, unless the run would lose something by it. Does not wait."""
        with self._lock:
            self._moving.move(self._get_entry(token), worker, gently=True)

    def find(self, token: str) -> bool:
        """Whether there is such a run here or, made by another server, on a shared worker; this pool then knows it from now on."""
        return self._finding.find(token)

    async def find_async(self, token: str) -> bool:
        """The same without blocking the event loop."""
        return await self._finding.find_async(token)

    def close(self, token: str) -> None:
        """End this run now and delete its kept state."""
        with self._lock:
            entry = self._entries.pop(token, None)
            if entry is not None:
                self._crew.links[entry.worker].post({"do": "close", "token": token})
        self._away.remove(token)

    def call(self, token: str, do: str, payload: bytes = b"", **arguments: object) -> Reply:
        """Send a request to the run's worker and wait for the reply. Raises the worker's Problem, or WorkerLost."""
        self.link_of(token).ready.wait(LONGEST_START)
        future = self.ask(token, do, payload, **arguments).future
        try:
            return future.result(self.timeout)
        except concurrent.futures.TimeoutError:
            future.cancel()
            raise Problem("worker_busy") from None

    async def call_async(self, token: str, do: str, payload: bytes = b"", **arguments: object) -> Reply:
        """The same without blocking the event loop and without a time limit; cancel it to stop waiting."""
        return await asyncio.wrap_future(self.ask(token, do, payload, **arguments).future)

    def expect_tables(self) -> None:
        """Let every worker import, in the background, what prepares tables, as somebody is about to train on one."""
        with self._lock:
            for link in self._crew.everyone:
                link.post({"do": "expect_tables"})

    # Leases

    def hold(self, token: str) -> None:
        """Note that the session that owns the run is alive."""
        with self._lock:
            entry = self._get_entry(token)
            entry.released = None
            entry.seen = self._clock()

    def release(self, token: str) -> None:
        """Note that the session has ended. The run is put on the shelf after a while unless it is held again."""
        with self._lock:
            if token in self._entries:
                self._entries[token].released = self._clock()

    @contextmanager
    def viewer(self, token: str, listener: Listener = lambda problem: None) -> Iterator[None]:
        """Count a viewer of the run for the time of the block. Problems of the run are passed to the listener, from another thread."""
        with self._lock:
            entry = self._get_entry(token)
            entry.listeners.append(listener)
            if entry.resting is not None and self._clock() - entry.resting < self.limits.pause_after:
                self._sending.send(entry, Request({"do": "play", "token": token}, b""))
            entry.resting = None
        try:
            yield
        finally:
            with self._lock:
                entry.listeners.remove(listener)
                entry.seen = entry.touched = self._clock()

    # Inside

    def _make_room(self, owner: str | None) -> None:
        """Put runs on the shelf until there is room for one more of this owner. Raises Problem if there can be none."""
        try:
            leaving = choose_runs_to_put_away(owner, self._entries.values(), self.limits, self._clock())
        except Problem:
            self._figures.refused += 1
            raise
        for entry in leaving:
            self._put_away(entry)
            self._figures.made_room += 1

    def _get_entry(self, token: str) -> Entry:
        if token not in self._entries:
            raise Problem("run_gone")
        return self._entries[token]

    def _put_away(self, entry: Entry) -> None:
        """Take the run out of its worker; its last state goes to the shelf."""
        del self._entries[entry.token]
        self._away.put(entry, self._crew.links[entry.worker])

    def _adopt(self, token: str, worker: int, answer: Reply) -> None:
        """Add an entry for a run that another server has made, from its worker's answer. (Lock held.)"""
        header, state = answer
        facts = header["recipe"], header["device"], self._clock(), header["owner"]
        life, reader = header["life"], header.get("reader")
        entry = Entry(token, worker, *facts, visitor=not header["owner"], life=life, reader=reader)
        self._entries[token] = entry
        self._remember(entry, header, state)

    def ask(self, token: str, do: str, payload: bytes = b"", **arguments: object) -> Request:
        """Send a request to the run's worker without waiting: its future ends with the reply. `withdraw` takes it back."""
        request = Request({"do": do, "token": token, **arguments}, payload)
        changed = None
        if do == "change" or "weighed" in arguments:  # See `_edit` in verbs.py.
            with suppress(Problem):  # The worker finds the same problem and answers with it.
                changed = recipe_from_json(str(arguments["recipe" if do == "change" else "weighed"]))
        with self._lock:
            entry = self._entries.get(token)
            if entry is None:
                request.future.set_exception(Problem("run_gone"))
                return request
            entry.seen = self._clock()
            if do != "frame":
                entry.touched, entry.resting = self._clock(), None
            if changed is not None:
                entry.weigh(changed)
                if entry.heavy:
                    self._moving.part(entry)
            self._sending.send(entry, request)
        return request

    def withdraw(self, request: Request) -> None:
        """Take back a request: its future ends with {"withdrawn": True} once no worker has it, unless the reply comes before."""
        with self._lock:
            self._sending.withdraw(self._entries.get(request.header["token"]), request)

    def _begin(self, entry: Entry, recipe: Recipe) -> None:
        """Let a worker build this run; a heavy one for which others would have to wait goes to a heavy worker."""
        entry.weigh(recipe)
        self._load.assign_worker(entry)
        self._entries[entry.token] = entry
        self._making.make(entry)

    def _on_message(self, link: Link, header: Header, payload: bytes) -> None:
        if "stats" in header:
            self._figures.take(link.name, header["stats"])
            return
        entry = self._entries.get(header.get("token") or header.get("kept") or header.get("heavy") or "")
        if entry is None:
            return
        if "notice" in header:
            self._making.tell(entry, Problem(header["notice"]["key"], **header["notice"]["values"]))
        with self._lock:
            if self._crew.links.get(entry.worker) is not link or entry.token not in self._entries:
                return  # News from a worker that the run has left.
            if "kept" in header:
                self._remember(entry, header, payload)
            elif "heavy" in header:
                entry.apart_until = self._clock() + SETTLED_FOR
                self._moving.part(entry)

    def _on_loss(self, number: int, in_hand: str, hung: bool) -> None:
        self._making.make_again(number, in_hand, hung)

    def _remember(self, entry: Entry, header: Header, state: bytes) -> None:
        # "same": the run was restored from the state that we have.
        state = entry.state if header.get("same") else state
        entry.take(header, state, self._clock())
        for other in choose_states_to_drop(self._entries.values(), MOST_KEPT_BYTES):
            other.state, other.shelved = b"", True
        if entry.recipe != entry.weighed:  # The run went back to a moment, or refused a change.
            with suppress(Problem):  # A shared worker may run another version of this program, with other recipes.
                entry.weigh(recipe_from_json(entry.recipe))
        if state or not header.get("same"):  # Otherwise the state is on the shelf already.
            self._away.keep(entry, header, state, now=header["status"] != "playing")
