"""Folders of this user's own, below the cache, and files in them that nobody else can read and that are never half written."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
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
    """Make a folder that only this user can read. Raises OSError if it is somebody else's, as may happen in a temporary folder."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.getuid():
        raise PermissionError(0, "the folder belongs to somebody else")
    if found.st_mode & 0o077:
        folder.chmod(0o700)


def write_own(path: Path, *parts: bytes | memoryview) -> None:
    """Write a file aside, then rename it: a reader finds all of the new content, or all of the old. Raises OSError."""
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
    """Hold the folder's lock: nobody else who uses `alone` changes the folder in the `with` block. Yields the lock's descriptor.

    Raises OSError; TimeoutError if somebody else holds the lock for longer than `patience`.
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
        os.close(descriptor)  # This releases the lock, as the end of a process does.


def try_lock(descriptor: int, how: int) -> bool:
    """Whether the lock on this open file could be had without waiting."""
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def keep_once(path: Path, content: bytes) -> bytes:
    """Write a file unless it is there already, and return what stands in it: the same for all who do so at once. Raises OSError."""
    with suppress(FileNotFoundError):
        return _read_own(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")  # Two containers may have the same process id.
    try:
        with open(temporary, "wb", opener=_private) as file:
            file.write(content)
        with suppress(FileExistsError):
            path.hardlink_to(temporary)  # Unlike a renaming, it fails where somebody else was first.
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    return _read_own(path)


def _read_own(path: Path) -> bytes:
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        found = os.fstat(file.fileno())
        if found.st_uid != os.getuid():
            raise PermissionError(0, "the file belongs to somebody else")
        if found.st_mode & 0o077:
            os.fchmod(file.fileno(), 0o600)
        return file.read()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)
