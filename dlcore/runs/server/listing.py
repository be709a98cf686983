"""Listing: the runs of one person, in workers and on the shelf, with what was said about each and how it looked last.

A run is its own entry of the list: no second one is kept that could say something else.
"""

from __future__ import annotations

import concurrent.futures
import hashlib
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from dlcore.problems import Problem
from dlcore.runs.places.links import Reply
from dlcore.runs.server.away import Away
from dlcore.runs.server.entry import Entry
from dlcore.runs.server.label import Label
from dlcore.runs.server.request import Request
from dlcore.runs.server.shelf import Kept, Shelf
from dlcore.wire import Header

LONGEST_LOOK = 2.0  # Seconds that a list waits for the workers.


@dataclass(frozen=True)
class Listed:
    """One run of the list. `glance` is how it looked when it was last looked at (see glance.py); {} if it never was."""

    token: str
    recipe: str
    step: int
    epoch: int
    label: Label
    glance: dict[str, Any]
    life: int
    awake: bool  # in a worker


def find_place(run: Listed) -> tuple[float, str]:
    """What the list is sorted by: the oldest run is first."""
    return run.label.made, run.token


class Listing:
    """Finds, labels and looks at runs. Thread-safe; may wait for a disk."""

    def __init__(
        self, lock: threading.RLock, entries: dict[str, Entry], away: Away, shelf: Shelf, ask: Callable[..., Request]
    ) -> None:
        self._lock = lock
        self._entries = entries
        self._away = away
        self._shelf = shelf
        self._ask = ask

    def list_runs(self, mark: str) -> list[Listed]:
        """All runs of the person with this mark that are not deleted, the oldest first. Reads the disk.

        A visitor without a cookie has those only that are in workers: nobody could claim the others.
        """
        found = {header["token"]: _list_header(header) for header in self._shelf.list_headers(mark)}
        found |= {run.token: run for run in self.list_awake(mark)}
        runs = [run for run in found.values() if not run.label.deleted]
        return sorted(runs, key=find_place)

    def list_awake(self, mark: str) -> list[Listed]:
        """The runs of the person with this mark that are in workers."""
        with self._lock:
            return [_list_entry(entry) for entry in self._entries.values() if entry.reader == mark]

    def find(self, token: str) -> Listed:
        """This run, deleted or not. Raises Problem if there is none."""
        with self._lock:
            if (entry := self._entries.get(token)) is not None:
                return _list_entry(entry)
        kept = self._shelf.find(token)
        if kept is None:
            raise Problem("run_gone")
        return _list_header({**kept.header, "token": token})

    def label(self, token: str, **changes: Any) -> None:
        """Change what is said about a run; the shelf knows it too. Raises Problem if there is none."""
        with self._lock:
            entry = self._entries.get(token)
            if entry is not None:
                entry.label = replace(entry.label, **changes)
                if entry.state:
                    facts = {**entry.standing(), "speed": entry.speed, "editor": entry.editor}
                    self._away.keep(entry, facts, entry.state, now=True)
                if entry.state or not entry.shelved:
                    return  # What has no state yet goes to the shelf with its first one.
        kept = self._shelf.find(token)
        if kept is None:
            raise Problem("run_gone")
        label = replace(Label.from_dict(kept.header.get("label")), **changes)
        self._shelf.put(token, Kept({**kept.header, "label": label.to_dict()}, kept.state), now=True)

    def look(self, tokens: Iterable[str], patience: float = LONGEST_LOOK) -> None:
        """Let the workers of these runs say how they look now; what is in none, has not moved since, or takes longer, stays as it was."""
        asked: dict[Future[Reply], Entry] = {}
        with self._lock:
            entries = [entry for token in tokens if (entry := self._entries.get(token)) is not None]
            for entry in entries:
                if entry.glance.get("of") != _name_standing(entry):
                    asked[self._ask(entry.token, "glance").future] = entry
        done, _ = concurrent.futures.wait(asked, patience)
        for future in done:
            with suppress(Problem, CancelledError):
                asked[future].glance = future.result()[0] | {"of": _name_standing(asked[future])}


def _name_standing(entry: Entry) -> str:
    """A name of where the run stands: another one once it has moved or changed."""
    return hashlib.sha256(f"{entry.step} {entry.recipe}".encode()).hexdigest()[:16]


def _list_entry(entry: Entry) -> Listed:
    facts = entry.recipe, entry.step, entry.epoch, entry.label, entry.glance
    return Listed(entry.token, *facts, life=entry.life, awake=True)


def _list_header(header: Header) -> Listed:
    facts = header["recipe"], header["step"], header["epoch"], Label.from_dict(header.get("label"))
    return Listed(header["token"], *facts, header.get("glance") or {}, life=header["life"], awake=False)
