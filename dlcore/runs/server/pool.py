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
from dlcore.runs.server.load import Load
from dlcore.runs.server.making import Making
from dlcore.runs.server.moving import SETTLED_FOR, Moving
from dlcore.runs.server.request import Request
from dlcore.runs.server.room import choose_runs_to_put_away, choose_states_to_drop
from dlcore.runs.server.sending import Sending
from dlcore.runs.server.shelf import Shelf
from dlcore.runs.server.tending import Tending
from dlcore.runs.weight import is_heavy
from dlcore.wire import Header

__all__ = ["Listener", "Pool", "WorkerLost"]

MOST_KEPT_BYTES = 64 << 20  # Of all kept states together; beyond it those of large runs are on the shelf alone.
LONGEST_START = 30.0  # Seconds a caller waits for a worker that is still starting.


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
        self._load = Load(self._crew, self._entries)
        known = self._lock, self._crew, self._entries
        self._sending = Sending(*known)
        self._finding = Finding(*known, self._adopt, timeout)
        self._making = Making(*known, self._sending, self._load, self._away, timeout, clock)
        self._moving = Moving(*known, self._sending, self._load, self._making.post_create, clock)
        tended = self._crew, self._moving, self._sending, self._entries, self._put_away, self._tables
        self._tending = Tending(self.limits, self._lock, *tended, clock)
        self._started = False

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
        self,
        recipe: str,
        device: str = "auto",
        state: bytes = b"",
        owner: str | None = None,
        reader: str | None = None,
    ) -> str:
        """A new run of this recipe; its token. Does not wait: what goes wrong later, the first call raises.

        With the state that another run's "fork" gave it goes on from there. `owner` is a secret of whom it belongs to: "" is a
        visitor who has none, None this program itself; `reader` the mark of whose tables it may read, if that is another's.
        Raises Problem when the class or the owner has as many runs as it may, and none of them can go to the shelf.
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
        """Raises Problem when the run is another's, or is not."""
        with self._lock:
            check_mark(self._get_entry(token).owner, owner)

    def find_standing(self, token: str, owner: str | None = None) -> dict[str, Any]:
        """Where the run stands, or stood when it was put on the shelf: {"recipe", "device", "status", "step", "epoch"}.

        Raises Problem when it is another's, or gone for good. May wait for a disk.
        """
        self.find(token)
        entry = self._entries.get(token) or self._away.find(token, self.timeout)
        check_mark(entry.owner, owner)
        return entry.standing()

    def revive(self, token: str, owner: str | None = None) -> dict[str, Any]:
        """Let a run from the shelf live again, paused, under its old token; where it stands, as `find_standing` gives it.

        A run that lives still goes on.
        """
        self.start()
        self.find(token)
        entry = self._entries.get(token) or self._away.find(token, self.timeout)
        check_mark(entry.owner, owner)
        with self._lock:
            if (alive := self._entries.get(token)) is not None:
                entry = alive  # Another caller has revived it meanwhile.
            else:
                entry.visitor &= owner is not None
                self._make_room("" if entry.visitor else owner)
                entry.life += 1
                self._begin(entry, recipe_from_json(entry.recipe))
            entry.released, entry.seen = None, self._clock()
            return entry.standing()

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
            **self._figures.sum_up(workers),
        }

    def exists(self, token: str) -> bool:
        return token in self._entries

    def facts(self, token: str) -> Facts:
        """What is known of a run here. Raises Problem when there is none."""
        with self._lock:
            return self._get_entry(token).facts()

    def link_of(self, token: str) -> Link:
        """The link to the worker that computes the run. Raises Problem when there is none."""
        with self._lock:
            return self._crew.links[self._get_entry(token).worker]

    @property
    def links(self) -> list[Link]:
        """Links to all workers by their numbers, and to the spare one at last."""
        with self._lock:
            return self._crew.everyone

    def tend(self) -> None:
        """Tend workers and runs now, as happens by itself again and again: end workers that hang, move and pause runs."""
        self._tending.tend()

    def move(self, token: str, worker: int) -> None:
        """Let the run go on in the worker of this number, unless that would take something from it. Does not wait."""
        with self._lock:
            self._moving.move(self._get_entry(token), worker, gently=True)

    def find(self, token: str) -> bool:
        """Whether the run is here, or on a worker that we share with other servers: then it is ours too from now on."""
        return self._finding.find(token)

    async def find_async(self, token: str) -> bool:
        """The same without holding up the event loop."""
        return await self._finding.find_async(token)

    def close(self, token: str) -> None:
        """End this run now, for good."""
        self._end(token)
        self._away.remove(token)

    def call(self, token: str, do: str, payload: bytes = b"", **arguments: object) -> Reply:
        """Ask the run's worker and wait for the reply; raises the worker's Problem, or WorkerLost."""
        self.link_of(token).ready.wait(LONGEST_START)
        future = self.ask(token, do, payload, **arguments).future
        try:
            return future.result(self.timeout)
        except concurrent.futures.TimeoutError:
            future.cancel()
            raise Problem("worker_busy") from None

    async def call_async(self, token: str, do: str, payload: bytes = b"", **arguments: object) -> Reply:
        """The same without holding up the event loop, for as long as it takes; cancel it to stop waiting."""
        return await asyncio.wrap_future(self.ask(token, do, payload, **arguments).future)

    def expect_tables(self) -> None:
        """Somebody is about to train on a table: what prepares one is imported in every worker, while they go on."""
        with self._lock:
            for link in self._crew.everyone:
                link.post({"do": "expect_tables"})

    # Leases

    def hold(self, token: str) -> None:
        """The session that owns the run is alive."""
        with self._lock:
            entry = self._get_entry(token)
            entry.released = None
            entry.seen = self._clock()

    def release(self, token: str) -> None:
        """The session has ended. The run is closed after a grace, unless it is held again."""
        with self._lock:
            if token in self._entries:
                self._entries[token].released = self._clock()

    @contextmanager
    def viewer(self, token: str, listener: Listener = lambda problem: None) -> Iterator[None]:
        """Somebody looks at the run. The listener is told, from another thread, what there is to say about it."""
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
        """For one more run of this owner. Raises Problem when there is none."""
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

    def _end(self, token: str) -> None:
        with self._lock:
            entry = self._entries.pop(token, None)
            if entry is not None:
                self._crew.links[entry.worker].post({"do": "close", "token": token})

    def _put_away(self, entry: Entry) -> None:
        """Take the run out of memory, with all that it has learned by now on the shelf."""
        del self._entries[entry.token]
        self._away.put(entry, self._crew.links[entry.worker])

    def _adopt(self, token: str, worker: int, answer: Reply) -> None:
        """Enter a run that another server has made, as its worker knows it. (Lock held.)"""
        header, state = answer
        facts = header["recipe"], header["device"], self._clock(), header["owner"]
        life, reader = header["life"], header.get("reader")
        entry = Entry(token, worker, *facts, visitor=not header["owner"], life=life, reader=reader)
        self._entries[token] = entry
        self._remember(entry, header, state)

    def ask(self, token: str, do: str, payload: bytes = b"", **arguments: object) -> Request:
        """Ask the run's worker without waiting: the request's future ends with the reply. Who wants it no more may `withdraw` it."""
        request = Request({"do": do, "token": token, **arguments}, payload)
        changed = None
        if do == "change":
            with suppress(Problem):  # The worker answers with it.
                changed = recipe_from_json(str(arguments["recipe"]))
        with self._lock:
            entry = self._entries.get(token)
            if entry is None:
                request.future.set_exception(Problem("run_gone"))
                return request
            entry.seen = self._clock()
            if do != "frame":
                entry.touched, entry.resting = self._clock(), None
            if changed is not None:
                self._weigh(entry, changed)
                if entry.heavy:
                    self._moving.part(entry)
            self._sending.send(entry, request)
        return request

    def withdraw(self, request: Request) -> None:
        """Take back a request: its future ends with {"withdrawn": True} once no worker has it in hand, unless the reply came before."""
        with self._lock:
            self._sending.withdraw(self._entries.get(request.header["token"]), request)

    def _weigh(self, entry: Entry, recipe: Recipe) -> None:
        entry.weighed, entry.heavy = recipe.to_json(), is_heavy(recipe)

    def _begin(self, entry: Entry, recipe: Recipe) -> None:
        """Let a worker make this run; a heavy one that would hold others up goes to a worker for heavy runs."""
        self._weigh(entry, recipe)
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
                return  # The run has moved to another worker meanwhile.
            if "kept" in header:
                self._remember(entry, header, payload)
            elif "heavy" in header:
                entry.apart_until = self._clock() + SETTLED_FOR
                self._moving.part(entry)

    def _on_loss(self, number: int, in_hand: str, hung: bool) -> None:
        self._making.make_again(number, in_hand, hung)

    def _remember(self, entry: Entry, header: Header, state: bytes) -> None:
        state = (
            entry.state if header.get("same") else state
        )  # "same": the run was brought back, and stands as we knew it.
        entry.recipe, entry.device = header["recipe"], header["device"]
        entry.status, entry.speed = header["status"], header["speed"]
        entry.alive = self._clock()
        entry.state, entry.step, entry.epoch = state, header["step"], header.get("epoch", 0)
        entry.shelved = entry.shelved and not state
        for other in choose_states_to_drop(self._entries.values(), MOST_KEPT_BYTES):
            other.state, other.shelved = b"", True
        if entry.recipe != entry.weighed:  # The run went back to another moment, or could not change as it was told to.
            with suppress(Problem):  # The worker may be of another version of this program, with other recipes.
                self._weigh(entry, recipe_from_json(entry.recipe))
        if state or not header.get("same"):  # Else the shelf has the state, and we only know that it stands the same.
            self._away.keep(entry, header, state, now=header["status"] != "playing")
