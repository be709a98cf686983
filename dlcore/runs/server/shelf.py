"""The shelf: the last kept state of each run on disk, so that it survives its worker, its session and its server.

One file for each run, in a folder that only this user can read; its name is a hash of the token, which is written only where it opens
nothing without the secret of the run's owner. A file is a SHA-256 of the rest, a header (JSON, as in messages) and the state. It is
written under another name and then renamed; one that is damaged all the same (power, disk) is recognised by the hash. One thread does
all the writing: neither training nor people wait for a disk, and if the disk is full, runs merely are not kept.

If there is no room, the owner who has most bytes, the new file included, loses the oldest files: so nobody loses a run to somebody who
has more. A file's header names its owner.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dlcore.folders import make_own, write_own
from dlcore.wire import Header, Unreadable, pack, read_header, unpack

WRITE_EVERY = 5.0  # Least seconds between two writes of a playing run.
DAY = 86_400.0  # Seconds that a run is kept.
HOUR = 3_600.0  # Seconds that a file is kept whose age is impossible, as after a jump of the wall clock.
LOOK_EVERY = 60.0  # Seconds between two searches for files that are too old.
SUM_BYTES = 32
SUFFIX = ".run"
LONGEST_LOOK = 2.0  # Seconds that a list waits for the first search of the folder.

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Kept:
    """All that restores a run, and its state.

    The header has "recipe", "device", "status", "speed", "step", "epoch", "editor", "owner", "reader", "life", "label", "glance"; and
    "token" where the run has an owner.
    """

    header: Header
    state: bytes

    def parts(self) -> tuple[bytes, ...]:
        """The parts of its file. They are not joined: copying a state of 25 MB would hold the interpreter for so long."""
        head = pack(self.header, self.state)
        digest = hashlib.sha256(head)
        digest.update(self.state)
        return digest.digest(), head, self.state

    @classmethod
    def from_bytes(cls, data: bytes) -> Kept | None:
        """The kept run in a file's bytes; None if the file is damaged."""
        body = memoryview(data)[SUM_BYTES:]
        if hashlib.sha256(body).digest() != data[:SUM_BYTES]:
            return None
        try:
            message = unpack(body)
        except Unreadable:  # The hash is right, but this program did not write the file.
            return None
        return None if message is None else cls(*message)


@dataclass
class File:
    """A file on the shelf. `until` is when it is deleted, by the monotonic clock, which nobody can set; `owner` is a mark."""

    size: int
    until: float
    owner: str


class Shelf:
    """Kept states on disk, at most `most_bytes` in all, each for a day. Thread-safe; its thread starts with the first write."""

    def __init__(
        self,
        folder: Path,
        most_bytes: int,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.folder = folder
        self.most_bytes = most_bytes
        self.failures = 0
        self._clock = clock
        self._wall_clock = wall_clock  # The clock of files' times; it may jump.
        self._files: dict[str, File] = {}
        self._waiting: dict[str, Kept | None] = {}  # By name, what is to be written; None: to be deleted.
        self._due: dict[str, float] = {}  # By name, when to do that.
        self._written: dict[str, float] = {}  # By name, when it was last done.
        self._failing = False
        self._closing = False
        self._change = threading.Condition()
        self._searched = threading.Event()  # Set once its folder was searched.
        self._thread: threading.Thread | None = None

    @property
    def bytes(self) -> int:
        """Bytes on disk, as far as known."""
        with self._change:
            return sum(file.size for file in self._files.values())

    @property
    def waiting(self) -> int:
        """The number of files still to be written or deleted."""
        with self._change:
            return len(self._waiting)

    def put(self, token: str, kept: Kept, *, now: bool = False) -> None:
        """Write this in place of the state before: `now`, or at least WRITE_EVERY seconds after the last write."""
        name = name_of(token)
        last = self._written.get(name)
        self._enqueue(name, kept, 0.0 if now or last is None else last + WRITE_EVERY)

    def remove(self, token: str) -> None:
        """Delete the run's file."""
        self._enqueue(name_of(token), None, 0.0)

    def find(self, token: str) -> Kept | None:
        """The kept run; None if there is none or it is too old or damaged."""
        name = name_of(token)
        with self._change:
            if name in self._waiting:
                return self._waiting[name]
            file = self._files.get(name)
            if file is not None and file.until < self._clock():
                return None
        path = self.folder / name
        try:
            data = path.read_bytes()
        except OSError:
            return None
        kept = Kept.from_bytes(data)
        if kept is None:
            _log.warning("A kept run was torn, and is dropped: %s.", path)
            self._enqueue(name, None, 0.0)
        return kept

    def list_headers(self, owner: str) -> list[Header]:
        """The headers of all runs of the owner with this mark; [] for "". Reads the disk, but no state."""
        if not owner or self.most_bytes == 0:
            return []
        with self._change:
            self._start()
        self._searched.wait(LONGEST_LOOK)
        with self._change:
            waiting, now = dict(self._waiting), self._clock()
            names = [name for name, file in self._files.items() if file.owner == owner and file.until >= now]
        headers = [kept.header for kept in waiting.values() if kept is not None]
        headers += [_read_header(self.folder / name) for name in names if name not in waiting]
        return [header for header in headers if _owner_of(header) == owner and header.get("token")]

    def close(self, seconds: float = 5.0) -> None:
        """Write what is still waiting, and end the thread."""
        with self._change:
            self._closing = True
            self._change.notify()
        if self._thread is not None:
            self._thread.join(seconds)

    # Its thread

    def _enqueue(self, name: str, kept: Kept | None, due: float) -> None:
        with self._change:
            if self.most_bytes == 0 or self._closing:
                return
            self._waiting[name] = kept
            self._due[name] = min(due, self._due.get(name, due))
            self._start()
            self._change.notify()

    def _start(self) -> None:
        if self._thread is None and not self._closing:
            self._thread = threading.Thread(target=self._serve, name="shelf of runs", daemon=True)
            self._thread.start()

    def _serve(self) -> None:
        look_at = 0.0
        while True:
            if self._clock() >= look_at:
                self._drop_old()
                self._searched.set()
                look_at = self._clock() + LOOK_EVERY
            with self._change:
                name = min(self._due, key=self._due.__getitem__, default=None)
                if name is None and self._closing:
                    return
                due = look_at if name is None else min(self._due[name], look_at)
                pause = due - self._clock()
                if pause > 0 and not (self._closing and name is not None):
                    self._change.wait(pause)
                    continue
                if name is None:
                    continue
                del self._due[name]
                kept = self._waiting[name]
            self._settle(name, kept)

    def _settle(self, name: str, kept: Kept | None) -> None:
        """Write or delete the file. If a newer state was put meanwhile, that one stays waiting."""
        try:
            if kept is None:
                self._drop(name)
            else:
                self._write(name, kept)
            self._failing = False
        except (OSError, MemoryError) as error:
            self.failures += 1
            if not self._failing:  # A full disk stays full for long: logged once.
                why = getattr(error, "strerror", None) or type(error).__name__
                _log.warning("Runs cannot be kept in %s: %s. They go on without.", self.folder, why)
            self._failing = True
        self._written[name] = self._clock()
        with self._change:
            if self._waiting.get(name) is kept and name not in self._due:
                del self._waiting[name]

    def _write(self, name: str, kept: Kept) -> None:
        parts = kept.parts()
        file = File(sum(map(len, parts)), self._clock() + DAY, _owner_of(kept.header))
        make_own(self.folder)
        others = self._choose_to_drop(name, file)
        if others is None:
            self._drop(name)  # Deleted, too: the old file would restore the run as it was long ago.
            return
        for other in others:
            self._drop(other)
        write_own(self.folder / name, *parts)
        with self._change:
            self._files[name] = file

    def _choose_to_drop(self, name: str, file: File) -> list[str] | None:
        """The files to delete so that this one fits; None if its own owner has most bytes and no other file left: it is not written."""
        with self._change:
            files = {other: known for other, known in self._files.items() if other != name}
        left = sum(known.size for known in files.values()) + file.size - self.most_bytes
        if left <= 0:
            return []
        held: defaultdict[str, int] = defaultdict(int, {file.owner: file.size})
        oldest_last: defaultdict[str, list[str]] = defaultdict(list)
        for other in sorted(files, key=lambda other: files[other].until, reverse=True):
            held[files[other].owner] += files[other].size
            oldest_last[files[other].owner].append(other)
        taken: list[str] = []
        while left > 0:
            owner = max(held, key=lambda owner: (held[owner], owner == file.owner))
            if not oldest_last[owner]:
                return None
            taken.append(oldest_last[owner].pop())
            held[owner] -= files[taken[-1]].size
            left -= files[taken[-1]].size
        return taken

    def _drop_old(self) -> None:
        """Take note of files that other servers wrote into the folder, and delete those that are too old."""
        now, clock = self._clock(), self._wall_clock()
        found: dict[str, File] = {}
        with suppress(OSError):
            for item in list(os.scandir(self.folder)):
                with suppress(OSError):
                    facts = item.stat(follow_symlinks=False)
                    age = clock - facts.st_mtime
                    if not item.name.endswith(SUFFIX):
                        if item.name.startswith(".") and not 0 <= age <= HOUR:
                            os.unlink(item.path)  # An unfinished file of a server that was killed.
                        continue
                    known = self._files.get(item.name)
                    if known is None:
                        left = DAY - age if 0 <= age <= DAY else HOUR
                        known = File(facts.st_size, now + left, _read_owner(Path(item.path)))
                    found[item.name] = File(facts.st_size, known.until, known.owner)
        with self._change:
            self._files = found
            self._written = {name: at for name, at in self._written.items() if now - at < WRITE_EVERY}
        for name in [name for name, file in found.items() if file.until < now]:
            with suppress(OSError):
                self._drop(name)

    def _drop(self, name: str) -> None:
        (self.folder / name).unlink(missing_ok=True)
        with self._change:
            self._files.pop(name, None)


def name_of(token: str) -> str:
    """The name of a run's file, which does not reveal its token."""
    return hashlib.sha256(token.encode()).hexdigest() + SUFFIX


def _read_owner(path: Path) -> str:
    """The owner of the run in this file."""
    return _owner_of(_read_header(path))


def _read_header(path: Path) -> Header:
    """The header of this file, {} if it has none. The state is not read: all states after a restart would be hundreds of megabytes."""
    with suppress(OSError, ValueError), open(path, "rb") as file:
        file.seek(SUM_BYTES)
        return read_header(file) or {}
    return {}


def _owner_of(header: object) -> str:
    """The mark of the owner in a header; "" if it names none, which counts as one owner too."""
    return str(header.get("owner") or "") if isinstance(header, dict) else ""
