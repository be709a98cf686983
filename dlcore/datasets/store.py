"""The store: tables and pictures that people have uploaded, on disk, each under the digest of its content.

A recipe names its table by this digest, so that every process on this machine finds the same rows and a table that was
changed is another table. A file is the length of its facts (8 bytes), the facts (JSON) and the arrays one after the
other; its name is the first half of the SHA-256 of all that, which is checked when it is read. Knowing a digest gives no right to
read: a note beside the file says who may (ownership.py), and the person this process works for must be among them (rights.py).
room.py chooses what is deleted when the store is full; raw uploads are deleted after a day.

DLCORE_TABLES=/srv/tables DLCORE_TABLES_MB=8192 streamlit run app.py
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from dlcore import rights
from dlcore.datasets import ownership
from dlcore.datasets.ownership import Ownership
from dlcore.datasets.room import TABLE, UPLOAD, check_unused, list_items, make_room, remove
from dlcore.folders import LONGEST_WAIT, alone, cache_folder, make_own, write_own
from dlcore.problems import Problem

LARGEST_UPLOAD = 16 << 20
DEFAULT_MB = 2048
MOST_MB = 1_000_000
MEMORY = 128 << 20  # Bytes of tables that one process keeps in memory, beside the one in use.
DIGEST = re.compile(r"[0-9a-f]{32}")
TYPES = ("float64", "int64", "int32", "uint8")
LENGTH_BYTES = 8

Part = bytes | memoryview

#: Wall-clock time, to be compared with the times of files.
clock: Callable[[], float] = time.time


@dataclass(frozen=True)
class Stored:
    """What `put_table` was given; the arrays are read-only."""

    facts: dict[str, Any]
    arrays: dict[str, np.ndarray]

    @property
    def bytes(self) -> int:
        return sum(array.nbytes for array in self.arrays.values())


def folder() -> Path:
    """Where the store is: DLCORE_TABLES, else below this user's cache."""
    named = os.environ.get("DLCORE_TABLES", "").strip()
    return _expand(named) if named else cache_folder("tables", os.environ)


@lru_cache(maxsize=8)
def _expand(named: str) -> Path:
    return Path(named).expanduser()


def keep_upload(content: bytes, public: bool = False) -> str:
    """Keep a raw file for a day and return its digest; it belongs to the person this process works for. Raises Problem."""
    if len(content) > LARGEST_UPLOAD:
        raise Problem("upload_too_large", came=_megabytes(len(content)), limit=LARGEST_UPLOAD >> 20)
    return _write(UPLOAD, public, content)


def get_upload(digest: str) -> bytes:
    """The raw file of this digest. Raises Problem if it is gone or belongs to somebody else."""
    check_upload(digest)
    content = _read(digest, UPLOAD)
    if content is None:
        raise Problem("upload_gone")
    return content


def put_table(facts: dict[str, Any], arrays: dict[str, np.ndarray], public: bool = False) -> str:
    """Keep a table and return its digest; it belongs to the person this process works for. Raises Problem."""
    forms = [[name, array.dtype.name, list(array.shape)] for name, array in arrays.items()]
    assert all(kind in TYPES for _, kind, _ in forms), "arrays of plain numbers only"
    text = json.dumps({"facts": facts, "arrays": forms}, separators=(",", ":")).encode()
    text += b" " * (-len(text) % LENGTH_BYTES)  # Padded, so that the arrays begin at a multiple of their numbers' size.
    raw = [np.ascontiguousarray(array).reshape(-1).view(np.uint8).data for array in arrays.values()]
    return _write(TABLE, public, len(text).to_bytes(LENGTH_BYTES, "little"), text, *raw)


def get_table(digest: str, name: str = "") -> Stored:
    """The table of this digest; `name` is what people call it. Raises Problem if it is not here or may not be read."""
    check(digest, name)
    with _lock:
        known = _opened.get(digest)
        if known is not None:
            _opened.move_to_end(digest)
    if known is not None:
        _touch(_path(digest, TABLE))
        return known
    content = _read(digest, TABLE)
    if content is None:
        raise Problem("table_gone", name=name or digest)
    stored = _parse(content)
    with _lock:
        _opened[digest] = stored
        while len(_opened) > 1 and count_bytes_in_memory() > MEMORY:
            _opened.popitem(last=False)
    return stored


_opened: OrderedDict[str, Stored] = OrderedDict()


def count_bytes_in_memory() -> int:
    """Bytes of all tables that this process holds in memory."""
    return sum(stored.bytes for stored in _opened.values())


def empty_memory() -> None:
    """Forget the tables in memory: the next one is read from disk, as by a new process."""
    _opened.clear()


_lock = threading.Lock()


def _parse(content: bytes) -> Stored:
    length = int.from_bytes(content[:LENGTH_BYTES], "little")
    begin = LENGTH_BYTES + length
    head = json.loads(content[LENGTH_BYTES:begin])
    arrays = {}
    for name, kind, shape in head["arrays"]:
        count = int(np.prod(shape, dtype=np.int64))
        arrays[name] = np.frombuffer(content, dtype=kind, count=count, offset=begin).reshape(shape)
        begin += arrays[name].nbytes
    return Stored(head["facts"], arrays)


# Ownership


def check(digest: str, name: str = "") -> None:
    """Raises Problem unless this process works for somebody who may read the table. Does not ask whether the table exists."""
    whom = rights.current_mark()
    if whom != rights.MACHINE and (refusal := find_ownership(digest).refusal(whom)) is not None:
        raise Problem(refusal, name=name or digest)


def check_upload(digest: str) -> None:
    """Raises Problem unless this process works for somebody who may read the raw file."""
    if find_ownership(digest, UPLOAD).refusal(rights.current_mark()) is not None:
        raise Problem("upload_gone")


def upload_is_public(digest: str) -> bool:
    """Whether everyone on this machine may read this raw file; a table made of it is public then too."""
    return find_ownership(digest, UPLOAD).everyone


def find_ownership(digest: str, suffix: str = TABLE) -> Ownership:
    """To whom a table, or with another suffix a raw file, belongs."""
    return ownership.read_ownership(_path(digest, suffix)) if DIGEST.fullmatch(digest) else ownership.NOBODYS


def is_kept(digest: str) -> bool:
    """Whether the store has the table of this digest."""
    return DIGEST.fullmatch(digest) is not None and _path(digest, TABLE).exists()


def change_ownership(digest: str, suffix: str, change: Callable[[Ownership], Ownership]) -> None:
    """Write down to whom a file belongs from now on; does nothing if that is unchanged or the file is gone. Raises Problem."""
    path = _path(digest, suffix)
    if not path.exists():
        return
    with _lock_folder():
        before = ownership.read_ownership(path)
        after = change(before)
        if after == before or not path.exists():
            return
        ownership.write_ownership(path, after)
        if not after.owners:
            _drop(path)


def disown(digest: str, suffix: str, mark: str) -> None:
    """Remove this owner of a file. A file without owners is deleted once no live run uses it. Raises Problem."""
    change_ownership(digest, suffix, lambda before: before.without_owner(mark))


def drop_if_nobodys(digest: str) -> None:
    """Delete a table without owners, which was kept only because live runs used it.

    Raises Problem, without waiting, if another process has locked the folder: the next `tidy` deletes the table.
    """
    path = _path(digest, TABLE)
    if _is_given_up(path):
        with _lock_folder(patience=0.0):
            _drop(path)


def tidy() -> None:
    """Delete raw files that are too old, and tables without owners. Raises Problem, without waiting, if another process has the lock."""
    if folder().exists():
        with _lock_folder(patience=0.0):
            for item in list_items(folder(), clock()):
                if _is_given_up(item.path):
                    _drop(item.path)


def _is_given_up(path: str | Path) -> bool:
    found = ownership.read_ownership(path)
    return found is not ownership.NOBODYS and not found.owners


def _drop(path: str | Path) -> None:
    with check_unused(path) as free:
        if free:
            remove(path)


# Files


@contextmanager
def _lock_folder(patience: float | None = None) -> Iterator[None]:
    """Hold the folder's lock; the folder is made if it is not there. Errors of the disk are raised as Problems."""
    home = folder()
    try:
        make_own(home)
        with alone(home, LONGEST_WAIT if patience is None else patience):
            yield
    except TimeoutError:
        raise Problem("store_busy") from None
    except OverflowError:
        raise Problem("store_full", detail="too many people have brought this file") from None
    except OSError as error:
        raise Problem("store_full", detail=(error.strerror or str(error)).lower()) from None


def _write(suffix: str, public: bool, *parts: Part) -> str:
    digest, whom = _digest(parts), rights.current_mark()
    size = sum(len(part) for part in parts)
    most = most_bytes()
    if size > most:
        raise Problem("store_too_small", came=_megabytes(size), limit=most >> 20)
    path = _path(digest, suffix)
    with _lock_folder():
        there = path.exists() and path.stat().st_size == size  # Of another size: only partly written.
        if there:
            _touch(path)
        else:
            make_room(path.parent, most, size, whom, path.name, clock())
        ownership.write_ownership(path, ownership.read_ownership(path).with_owner(whom, public))
        if not there:
            write_own(path, *parts)
    return digest


def _read(digest: str, suffix: str) -> bytes | None:
    """The file's bytes; None if it is missing, `digest` is no digest, or the content does not match it."""
    if not DIGEST.fullmatch(digest):
        return None
    path = _path(digest, suffix)
    try:
        content = path.read_bytes()
    except OSError:
        return None
    if _digest([content]) != digest:
        with suppress(OSError):
            path.unlink()
        return None
    _touch(path)
    return content


def _path(digest: str, suffix: str) -> Path:
    return folder() / f"{digest}{suffix}"


def _touch(path: Path) -> None:
    """Set the time of the file's last use to now."""
    with suppress(OSError):
        os.utime(path)


def _digest(parts: Sequence[Part]) -> str:
    whole = hashlib.sha256()
    for part in parts:
        whole.update(part)
    return whole.hexdigest()[:32]


def most_bytes() -> int:
    text = os.environ.get("DLCORE_TABLES_MB", "").strip()
    if not text:
        return DEFAULT_MB << 20
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST_MB:
        raise Problem("bad_setting", name="DLCORE_TABLES_MB", expected=f"a whole number from 1 to {MOST_MB}", came=text)
    return int(text) << 20


def _megabytes(size: int) -> str:
    return f"{size / (1 << 20):.1f}"
