"""The store: tables and pictures that people have brought, on disk, each under the digest of its content.

A recipe names its table by this digest, so that every process on this machine finds the same rows and a table that was
changed is another table. A file is the length of its facts (8 bytes), the facts (JSON) and the arrays one after the
other; its name is the first half of the SHA-256 of all that, which is checked when it is read. What was used least
lately goes first when there is no room; the raw file of an upload goes after a day.

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
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dlcore.folders import cache_folder, make_own, write_own
from dlcore.problems import Problem

LARGEST_UPLOAD = 16 << 20
DEFAULT_MB = 2048
MOST_MB = 1_000_000
MEMORY = 128 << 20  # Bytes of tables that one process holds opened, beside the one in hand.
DAY = 86_400.0  # So long the raw file of an upload is kept.
HOUR = 3_600.0  # After which a file that was half written is nobody's any more.
TABLE, UPLOAD = ".table", ".upload"
DIGEST = re.compile(r"[0-9a-f]{32}")
TYPES = ("float64", "int64", "int32", "uint8")
LENGTH_BYTES = 8

Part = bytes | memoryview


@dataclass(frozen=True)
class Stored:
    """What `put` was given; the arrays are read-only."""

    facts: dict[str, Any]
    arrays: dict[str, np.ndarray]

    @property
    def bytes(self) -> int:
        return sum(array.nbytes for array in self.arrays.values())


def folder() -> Path:
    """Where the store is: DLCORE_TABLES, else below this user's cache."""
    named = os.environ.get("DLCORE_TABLES", "").strip()
    return Path(named).expanduser() if named else cache_folder("tables", os.environ)


def keep_upload(content: bytes) -> str:
    """Keep a raw file for a day and give its digest. Raises Problem."""
    if len(content) > LARGEST_UPLOAD:
        raise Problem("upload_too_large", came=_megabytes(len(content)), limit=LARGEST_UPLOAD >> 20)
    return _write(UPLOAD, content)


def upload(digest: str) -> bytes:
    """The raw file again. Raises Problem when it is no longer there."""
    content = _read(digest, UPLOAD)
    if content is None:
        raise Problem("upload_gone")
    return content


def put(facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> str:
    """Keep a table, and give its digest. Raises Problem."""
    forms = [[name, array.dtype.name, list(array.shape)] for name, array in arrays.items()]
    assert all(kind in TYPES for _, kind, _ in forms), "arrays of plain numbers only"
    text = json.dumps({"facts": facts, "arrays": forms}, separators=(",", ":")).encode()
    text += b" " * (-len(text) % LENGTH_BYTES)  # So that the arrays begin where their numbers may stand.
    raw = [np.ascontiguousarray(array).reshape(-1).view(np.uint8).data for array in arrays.values()]
    return _write(TABLE, len(text).to_bytes(LENGTH_BYTES, "little"), text, *raw)


def get(digest: str, name: str = "") -> Stored:
    """The table of this digest; `name` is what people call it. Raises Problem when it is not kept here."""
    with _lock:
        known = _opened.get(digest)
        if known is not None:
            _opened.move_to_end(digest)
    if known is not None:
        _touch(folder() / f"{digest}{TABLE}")
        return known
    content = _read(digest, TABLE)
    if content is None:
        raise Problem("table_gone", name=name or digest)
    stored = _parsed(content)
    with _lock:
        _opened[digest] = stored
        while len(_opened) > 1 and sum(other.bytes for other in _opened.values()) > MEMORY:
            _opened.popitem(last=False)
    return stored


_opened: OrderedDict[str, Stored] = OrderedDict()
_lock = threading.Lock()


def _parsed(content: bytes) -> Stored:
    length = int.from_bytes(content[:LENGTH_BYTES], "little")
    begin = LENGTH_BYTES + length
    head = json.loads(content[LENGTH_BYTES:begin])
    arrays = {}
    for name, kind, shape in head["arrays"]:
        count = int(np.prod(shape, dtype=np.int64))
        arrays[name] = np.frombuffer(content, dtype=kind, count=count, offset=begin).reshape(shape)
        begin += arrays[name].nbytes
    return Stored(head["facts"], arrays)


# Files


def _write(suffix: str, *parts: Part) -> str:
    digest = _digest(parts)
    size = sum(len(part) for part in parts)
    most = _most_bytes()
    if size > most:
        raise Problem("store_too_small", came=_megabytes(size), limit=most >> 20)
    home = folder()
    path = home / f"{digest}{suffix}"
    try:
        make_own(home)
        _make_room(home, size, path.name)
        write_own(path, *parts)
    except OSError as error:
        raise Problem("store_full", detail=(error.strerror or str(error)).lower()) from None
    return digest


def _read(digest: str, suffix: str) -> bytes | None:
    """None when it is not there, not named so, or torn."""
    if not DIGEST.fullmatch(digest):
        return None
    path = folder() / f"{digest}{suffix}"
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


def _make_room(home: Path, size: int, name: str) -> None:
    """Take off what is too old, and what was used least lately until `size` more bytes fit."""
    now = time.time()
    kept: list[tuple[float, int, str]] = []
    for item in list(os.scandir(home)):
        with suppress(OSError):
            facts = item.stat(follow_symlinks=False)
            age = now - facts.st_mtime
            half_written = item.name.startswith(".")
            # An age below zero cannot be right: the clock has jumped.
            if not 0 <= age <= HOUR if half_written else not -HOUR <= age <= DAY and item.name.endswith(UPLOAD):
                os.unlink(item.path)
            elif item.name != name and item.name.endswith((TABLE, UPLOAD)):
                kept.append((facts.st_mtime, facts.st_size, item.path))
    taken = sum(each for _, each, _ in kept)
    for _, each, path in sorted(kept):
        if taken + size <= _most_bytes():
            return
        with suppress(FileNotFoundError):
            os.unlink(path)
        taken -= each


def _touch(path: Path) -> None:
    """Its last use is now."""
    with suppress(OSError):
        os.utime(path)


def _digest(parts: Sequence[Part]) -> str:
    whole = hashlib.sha256()
    for part in parts:
        whole.update(part)
    return whole.hexdigest()[:32]


def _most_bytes() -> int:
    text = os.environ.get("DLCORE_TABLES_MB", "").strip()
    if not text:
        return DEFAULT_MB << 20
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST_MB:
        raise Problem("bad_setting", name="DLCORE_TABLES_MB", expected=f"a whole number from 1 to {MOST_MB}", came=text)
    return int(text) << 20


def _megabytes(size: int) -> str:
    return f"{size / (1 << 20):.1f}"
