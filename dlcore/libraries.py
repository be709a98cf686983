"""Libraries that are imported when they are first needed, in a process whose memory is limited.

Their memory does not count as that of the run that happens to need them first. If memory is short, an import fails with errors that do
not mention memory, or worse: compiled code that finds no BLAS ends the process, and so does OpenBLAS when it gets no buffer for its
first large product, after trying for a long time.
"""

from __future__ import annotations

import importlib
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import numpy as np

_LARGE = 256  # Rows and columns of a product for which OpenBLAS takes its buffer. 128 are enough, 100 are not.

#: {limit: index of the size that it limits in /proc/self/statm}: the whole address space, and the data of this process.
_LIMITED = {resource.RLIMIT_AS: 0, resource.RLIMIT_DATA: 5}


class _Room:
    """How many threads are importing now, and the memory limits that are lifted meanwhile."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._lifted: dict[int, tuple[int, int]] = {}  # The limit, and what was in use.

    def enter(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside > 1:
                return
            for limit in _LIMITED:
                soft, hard = resource.getrlimit(limit)
                if soft != resource.RLIM_INFINITY:
                    self._lifted[limit] = soft, _measure_used(limit)
                    resource.setrlimit(limit, (hard, hard))

    def leave(self) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside:
                return
            for limit, (soft, before) in self._lifted.items():
                hard = resource.getrlimit(limit)[1]
                wanted = soft + max(_measure_used(limit) - before, 0)
                with suppress(ValueError, OSError):
                    resource.setrlimit(limit, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
            self._lifted.clear()


_room = _Room()


@contextmanager
def room_for_libraries() -> Iterator[None]:
    """Import inside this `with` block: memory is not limited there, and what the libraries take is added to the limit afterwards."""
    _room.enter()
    try:
        yield
    finally:
        _room.leave()


@cache
def take_buffers() -> None:
    """Let NumPy take the buffer for its products now. Call it before memory is limited."""
    square = np.ones((_LARGE, _LARGE))
    np.dot(square, square)


@cache
def fetch_blas() -> None:
    """Load BLAS, with which compiled code multiplies large matrices, before it does so by itself at the first one."""
    with room_for_libraries():
        importlib.import_module("scipy.linalg.cython_blas")
        square = np.ones((_LARGE, _LARGE))
        importlib.import_module("scipy.linalg.blas").dgemm(1.0, square, square)


def _measure_used(limit: int) -> int:
    try:
        return int(Path("/proc/self/statm").read_text().split()[_LIMITED[limit]]) * resource.getpagesize()
    except OSError:
        return 0
