"""Room: which files the store deletes when there is no space for a new one. The caller holds the folder's lock (see folders.py).

Files that nobody has used for a month go first. Then the owner who holds most gives way: raw files before tables, the least recently
used first. Nobody gives way to an owner who holds as much, and nobody may hold more than half of the store. A table that a live run
uses is never deleted (see held.py). A file with several owners counts for each of them in equal parts; it is deleted when the last
of them has given it up.

The wall clock may jump, so at most an hour is counted between two looks at the store: beyond that, files keep the age they had.
"""

from __future__ import annotations

import fcntl
import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from heapq import heapify, heappop, heappush, heapreplace
from pathlib import Path

from dlcore.datasets import ownership
from dlcore.folders import LOCK, try_lock
from dlcore.problems import Problem
from dlcore.rights import MACHINE, NOBODY

TABLE, UPLOAD = ".table", ".upload"
HOUR, DAY = 3_600.0, 86_400.0
UNUSED = 30 * DAY  # As long as a browser is recognised: after that, nobody may be left who can ask for the file.
JUST_USED = 10.0  # Seconds in which a new run may not have locked its table yet.
MOST_FILES = 20_000  # Small files are counted as larger than they are, so that at most so many fit into the store.
ONE_OWNERS_PART = 0.5


@dataclass
class Item:
    """A file of the store."""

    path: str
    size: int
    used: float  # When it was last used, corrected for jumps of the clock.
    owners: tuple[str, ...] = ()

    @property
    def raw(self) -> bool:
        return self.path.endswith(UPLOAD)


def list_items(home: Path, now: float) -> list[Item]:
    """All files of the store. Raw files that are too old and files that were left half written are deleted."""
    entries = {entry.name: entry for entry in os.scandir(home)}
    looked = os.stat(home / LOCK).st_mtime
    os.utime(home / LOCK, (now, now))
    items: list[Item] = []
    for name, entry in entries.items():
        with suppress(FileNotFoundError):
            if name.endswith(ownership.SUFFIX) and name.removesuffix(ownership.SUFFIX) not in entries:
                os.unlink(entry.path)
            if not name.startswith(".") and not name.endswith((TABLE, UPLOAD)):
                continue
            facts = entry.stat(follow_symlinks=False)
            used = find_time_of_use(facts.st_mtime, looked, now)
            if name.startswith("."):
                if now - used > HOUR:
                    os.unlink(entry.path)
                continue
            item = Item(entry.path, facts.st_size, used)
            if item.raw and now - used > DAY:
                remove(item.path)
                continue
            if used != facts.st_mtime:
                os.utime(entry.path, (used, used))
            items.append(item)
    return items


def find_time_of_use(used: float, looked: float, now: float) -> float:
    """When a file was last used, corrected for jumps of the clock since the last look at the store, at `looked`."""
    unbelieved = (now - looked) - min(max(now - looked, 0.0), HOUR)
    jumped_over = used <= looked + HOUR if unbelieved > 0 else not now - HOUR < used <= now
    if abs(unbelieved) > HOUR and jumped_over:
        used += unbelieved
    return min(used, now)


def make_room(home: Path, most: int, brings: int, whose: str, name: str, now: float) -> None:
    """Delete what is needed for a new file `name` of `brings` bytes, owned by `whose`. Raises Problem where too little may be deleted."""
    items = [item for item in list_items(home, now) if not item.path.endswith(name)]
    least = most // MOST_FILES
    brings = max(brings, least)
    total = sum(max(item.size, least) for item in items)
    own_most = most if whose == MACHINE else int(most * ONE_OWNERS_PART)
    if total + brings <= own_most:
        return
    for item in items:
        item.owners = ownership.read_ownership(item.path).owners
    _Room(items, least, whose, now).make(total + brings - most, brings - own_most, brings, own_most)


class _Room:
    """How many bytes each owner holds, and in which order their files are deleted."""

    def __init__(self, items: list[Item], least: int, whose: str, now: float) -> None:
        self._least, self._whose, self._now = least, whose, now
        self._held: defaultdict[str, float] = defaultdict(float)
        self._last_first: dict[str, list[Item]] = {}
        for item in sorted(items, key=self._turn, reverse=True):
            for owner in self._owners(item):
                self._held[owner] += self._part(item)
                self._last_first.setdefault(owner, []).append(item)
        #: A heap of owners: the first one gives way. An entry may be out of date; it is corrected when it comes to the top.
        self._first = [self._rank(owner) for owner in self._last_first]
        heapify(self._first)

    def make(self, missing: float, above: float, brings: int, own_most: int) -> None:
        """Free `missing` bytes. `above`: by how much the new file alone exceeds one owner's part of the store (below 0 if it does not)."""
        while True:
            too_much = self._held[self._whose] > 0 and self._held[self._whose] + above > 0
            if missing <= 0 and not too_much:
                return
            if too_much and not self._last_first.get(self._whose):
                raise Problem("store_share", came=f"{brings / (1 << 20):.1f}", limit=f"{own_most / (1 << 20):.1f}")
            owner = self._whose if too_much else self._who_gives_way()
            if owner is None:
                raise Problem("store_no_room", came=f"{brings / (1 << 20):.1f}")
            missing -= self._give_up(self._last_first[owner].pop(), owner)

    def _who_gives_way(self) -> str | None:
        """The owner whose next file is deleted; None if nobody has to give way."""

        while self._first:
            in_use, held, _, owner = self._first[0]
            if not self._last_first[owner]:
                heappop(self._first)
            elif (rank := self._rank(owner)) != self._first[0]:
                heapreplace(self._first, rank)
            else:
                may = owner == self._whose or not in_use or -held > self._held[self._whose]
                return owner if may else None
        return None

    def _rank(self, owner: str) -> tuple[bool, float, bool, str]:
        """Sort key of who gives way first: owners of files unused for a month, then those who hold most, of equals the newcomer."""
        return not self._is_unused(self._last_first[owner][-1]), -self._held[owner], owner != self._whose, owner

    def _give_up(self, item: Item, owner: str) -> float:
        """Let an owner give up a file. Returns the bytes freed: 0 if the file stays, because it has other owners or a live run uses it."""
        if not item.raw and self._now - item.used <= JUST_USED:
            return 0.0
        with check_unused(item.path) as free:
            if not free:
                return 0.0
            others = ownership.read_ownership(item.path).without_owner(owner)
            for each in self._owners(item):
                self._held[each] -= self._part(item)
            item.owners = others.owners
            if others.owners:
                ownership.write_ownership(item.path, others)
                for each in item.owners:
                    self._held[each] += self._part(item)
                    if self._last_first[each]:
                        heappush(self._first, self._rank(each))
                return 0.0
            remove(item.path)
        return max(item.size, self._least)

    def _turn(self, item: Item) -> tuple[bool, bool, float]:
        return not self._is_unused(item), not item.raw, item.used

    def _is_unused(self, item: Item) -> bool:
        return self._now - item.used > UNUSED

    def _owners(self, item: Item) -> tuple[str, ...]:
        return item.owners or (NOBODY,)

    def _part(self, item: Item) -> float:
        return max(item.size, self._least) / len(self._owners(item))


@contextmanager
def check_unused(path: str | Path) -> Iterator[bool]:
    """Whether no live run uses this file; inside the `with` block none can begin to."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        yield True
        return
    try:
        yield try_lock(descriptor, fcntl.LOCK_EX)
    finally:
        os.close(descriptor)


def remove(path: str | Path) -> None:
    """Delete a file and the note of its ownership."""
    for each in (path, ownership.find_path(path)):
        with suppress(FileNotFoundError):
            os.unlink(each)
