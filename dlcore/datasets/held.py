"""Held tables: the store deletes no table that a live run uses, even when another process needs the space.

Each table is held by a shared lock on its file. The server process has the lock, not the worker that computes the run: a worker
that dies is replaced within a second, and its runs must find their rows. When the server dies, the system releases its locks.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import lru_cache

from dlcore.datasets import store
from dlcore.datasets.room import TABLE
from dlcore.folders import try_lock
from dlcore.problems import Problem

OF_AN_OWNER = 0.25  # Largest share of the store that is held for the runs of one owner.
TIDY_EVERY = 600.0  # Seconds; without this, old files would stay until the next upload.
_DIGEST = re.compile(r"[0-9a-f]{32}")


class HeldTables:
    """Holds the tables that the runs of this process use."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._held: dict[str, int] = {}  # Descriptors of their files, by digest.
        self._tidy_at = 0.0

    def look_after(self, runs: Iterable[tuple[str, str]]) -> None:
        """Hold the tables that these runs use, and no others. A run is (recipe, owner's mark); the most recently used come first.

        The runs of one owner hold at most a fixed share of the store: otherwise a few people could leave no room for others.
        """
        named: set[str] = set()
        sizes: Counter[str] = Counter()
        most = store.most_bytes() * OF_AN_OWNER
        for recipe, owner in runs:
            digest = find_digest(recipe)
            if digest and digest not in named:
                size = _find_size(digest)
                if sizes[owner] + size <= most:
                    sizes[owner] += size
                    named.add(digest)
        for digest in self._held.keys() - named:
            os.close(self._held.pop(digest))
            with suppress(Problem):  # Another process has locked the folder: a later `tidy` deletes the file.
                store.drop_if_nobodys(digest)
        for digest in named:
            self._hold(digest)
        if self._clock() >= self._tidy_at:
            self._tidy_at = self._clock() + TIDY_EVERY
            with suppress(Problem):
                store.tidy()

    def close(self) -> None:
        """Release all tables."""
        while self._held:
            os.close(self._held.popitem()[1])

    def _hold(self, digest: str) -> None:
        path = store.folder() / f"{digest}{TABLE}"
        try:
            there = os.stat(path).st_ino
            if digest in self._held:
                if os.fstat(self._held[digest]).st_ino == there:
                    return
                os.close(self._held.pop(digest))  # The file was deleted and uploaded again: hold the new one.
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        except OSError:
            return  # The run goes on with the rows that it has in memory.
        if try_lock(descriptor, fcntl.LOCK_SH):
            self._held[digest] = descriptor
        else:
            os.close(descriptor)  # Another process is deleting the file.


def _find_size(digest: str) -> int:
    with suppress(OSError):
        return os.stat(store.folder() / f"{digest}{TABLE}").st_size
    return 0


def find_digest(recipe: str) -> str:
    """The digest of the table that a recipe uses; "" if it uses none."""
    return _find_digest(recipe) if '"digest"' in recipe else ""


@lru_cache(maxsize=512)  # Asked once a second for each run.
def _find_digest(recipe: str) -> str:
    with suppress(ValueError, KeyError, TypeError, AttributeError):
        digest = json.loads(recipe)["dataset"].get("digest", "")
        if _DIGEST.fullmatch(digest):
            return digest
    return ""
