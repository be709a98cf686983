"""Folders of this user's own, below the cache, and files in them that nobody else can read and that are never half written."""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

LOCK = "lock"
LONGEST_WAIT = 10.0  # seconds for others who change the same folder: each takes milliseconds
GLANCE = 0.005


def cache_folder(name: str, environment: Mapping[str, str]) -> Path:
    """A folder of this user's own: below the cache if there is a home, else below the temporary folder."""
    cache = environment.get("XDG_CACHE_HOME") or (environment.get("HOME") and f"{environment['HOME']}/.cache")
    if cache and os.access(next(filter(Path.exists, [Path(cache), *Path(cache).parents])), os.W_OK):
        return Path(cache) / "dlcore" / name
    return Path(tempfile.gettempdir()) / f"dlcore-{name}-{os.getuid()}"


def make_own(folder: Path) -> None:
    """Made, ours, and nobody else's to read: in a temporary folder somebody could have made it first. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.getuid():
        raise PermissionError(0, "the folder belongs to somebody else")
    if found.st_mode & 0o077:
        folder.chmod(0o700)


def write_own(path: Path, *parts: bytes | memoryview) -> None:
    """Write a file aside, then rename it: whoever opens it finds the whole of it, or the one before. Raises OSError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(temporary, "wb", opener=_private) as file:
            for part in parts:
                file.write(part)
        temporary.replace(path)
    except OSError:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


@contextmanager
def alone(folder: Path, patience: float = LONGEST_WAIT) -> Iterator[int]:
    """No other process or thread that asks for this changes the folder meanwhile; gives the descriptor of its lock.

    Raises OSError; TimeoutError when another one stays at it.
    """
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        end = time.monotonic() + patience
        while not try_lock(descriptor, fcntl.LOCK_EX):
            if time.monotonic() > end:
                raise TimeoutError(errno.ETIMEDOUT, "another program is at it")
            time.sleep(GLANCE)
        yield descriptor
    finally:
        os.close(descriptor)  # And with it the lock, as when a process ends.


def try_lock(descriptor: int, how: int) -> bool:
    """Whether the lock on this open file could be had without waiting."""
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)
