"""Away: runs that are on the shelf (on disk) and in no worker, or on their way there."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable
from concurrent.futures import Future

from dlcore.problems import Problem
from dlcore.runs.places.links import Link, Reply
from dlcore.runs.server.entry import Entry
from dlcore.runs.server.label import Label
from dlcore.runs.server.shelf import Kept, Shelf
from dlcore.wire import Header


class Away:
    """Puts runs on the shelf and finds them there."""

    def __init__(self, shelf: Shelf, clock: Callable[[], float]) -> None:
        self._shelf = shelf
        self._clock = clock
        self._leaving: dict[str, Future[None]] = {}  # Runs whose last state is on its way from the worker to the shelf.

    def keep(self, entry: Entry, header: Header, state: bytes, *, now: bool) -> None:
        """Write this state of a run to the shelf, soon or `now`; the run stays in its worker."""
        facts = {name: header.get(name) for name in ("recipe", "device", "status", "speed", "step", "editor")}
        facts |= {"epoch": header.get("epoch", 0), "owner": entry.owner, "reader": entry.reader, "life": entry.life}
        facts |= {"label": entry.label.to_dict(), "glance": entry.glance}
        if entry.owner:  # Of no use without the owner's secret, which is written nowhere.
            facts["token"] = entry.token
        self._shelf.put(entry.token, Kept(facts, state), now=now)

    def put(self, entry: Entry, link: Link) -> None:
        """Close the run in its worker; the worker answers with the last state, which goes to the shelf."""
        self._leaving[entry.token] = left = Future[None]()
        closed = link.post({"do": "close", "token": entry.token, "keep": True, "unseen": True})
        closed.add_done_callback(lambda done: self._has_left(entry, left, done))

    def remove(self, token: str) -> None:
        """Delete the run from the shelf, also if it is still on its way there."""
        self._leaving.pop(token, None)
        self._shelf.remove(token)

    def find(self, token: str, patience: float) -> Entry:
        """A run on the shelf, as an entry; waits up to `patience` seconds for one on its way there. Raises Problem if there is none.

        Reads the disk, which may hang: the caller must hold no lock.
        """
        leaving = self._leaving.get(token)
        if leaving is not None:
            concurrent.futures.wait([leaving], patience)
        found = self._shelf.find(token)
        if found is None:
            raise Problem("run_gone")
        header = found.header
        facts = header["recipe"], header["device"], self._clock(), header["owner"]
        reader = header.get("reader")
        entry = Entry(token, 0, *facts, visitor=not header["owner"], state=found.state, reader=reader)
        entry.speed, entry.step, entry.epoch, entry.life = (header[name] for name in ("speed", "step", "epoch", "life"))
        entry.label, entry.glance = Label.from_dict(header.get("label")), header.get("glance") or {}
        entry.editor = header.get("editor") or {}  # The file of an earlier version has none.
        return entry

    def _has_left(self, entry: Entry, left: Future[None], closed: Future[Reply]) -> None:
        header, state = closed.result() if closed.exception() is None else ({}, b"")
        # Not so if the run was removed meanwhile, or was revived and is leaving again.
        if self._leaving.get(entry.token) is left:
            # Not so if its worker was lost: then the last kept state has been on the shelf before.
            if "recipe" in header:
                entry.glance = header.get("glance") or entry.glance
                self.keep(entry, header, state, now=True)
            self._leaving.pop(entry.token, None)
        left.set_result(None)
