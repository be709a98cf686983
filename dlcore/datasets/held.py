"""Held tables: files of the store that live runs name stay, whatever room is needed, whichever process needs it.

Each is held by a shared lock on its file. It belongs to the process that knows the runs, not to the worker that computes them: a worker
that dies is replaced within a second, and its runs must find their rows. A server that dies lets go of all, as the system does it.
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

OF_AN_OWNER = 0.25  # Of the store: so much is held for the runs of one owner.
TIDY_EVERY = 600.0  # Seconds; else what is too old would stay until somebody brings something.
_DIGEST = re.compile(r"[0-9a-f]{32}")


class HeldTables:
    """The tables that the runs of this process name."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._held: dict[str, int] = {}  # Descriptors of their files, by digest.
        self._tidy_at = 0.0

    def look_after(self, runs: Iterable[tuple[str, str]]) -> None:
        """Hold the tables that these runs name, and no others. A run is its recipe and its owner's mark; those touched last come first.

        The runs of one owner hold a part of the store at most: else a few people could leave no room to anybody.
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
            with suppress(Problem):  # It goes another time.
                store.drop_if_nobodys(digest)
        for digest in named:
            self._hold(digest)
        if self._clock() >= self._tidy_at:
            self._tidy_at = self._clock() + TIDY_EVERY
            with suppress(Problem):
                store.tidy()

    def close(self) -> None:
        """Hold none any more."""
        while self._held:
            os.close(self._held.popitem()[1])

    def _hold(self, digest: str) -> None:
        path = store.folder() / f"{digest}{TABLE}"
        try:
            there = os.stat(path).st_ino
            if digest in self._held:
                if os.fstat(self._held[digest]).st_ino == there:
                    return
                os.close(self._held.pop(digest))  # It was gone, and has been brought again.
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        except OSError:
            return  # The run goes on with the rows that it has in memory.
        if try_lock(descriptor, fcntl.LOCK_SH):
            self._held[digest] = descriptor
        else:
            os.close(descriptor)  # It is being taken off.


def _find_size(digest: str) -> int:
    with suppress(OSError):
        return os.stat(store.folder() / f"{digest}{TABLE}").st_size
    return 0


def find_digest(recipe: str) -> str:
    """Of the table that a recipe names; "" where it names none."""
    return _find_digest(recipe) if '"digest"' in recipe else ""


@lru_cache(maxsize=512)  # Asked once a second for each run.
def _find_digest(recipe: str) -> str:
    with suppress(ValueError, KeyError, TypeError, AttributeError):
        digest = json.loads(recipe)["dataset"].get("digest", "")
        if _DIGEST.fullmatch(digest):
            return digest
    return ""
