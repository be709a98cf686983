"""Workers in threads of this process, for tests and notebooks that do without further processes.

They share our interpreter and memory. So runs have no limit of memory, a crash ends this process too, workers have no lower priority,
and a step that hangs cannot be ended: its thread goes on for good.
"""

from __future__ import annotations

import logging
import mmap
import os
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from dlcore.wire import Header, Inbox, Unreadable, read_message, write_all

IN_HAND_BYTES = 64

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Threads:
    """The kind of place (`Places`) where each worker is a thread."""

    shared: bool = False

    def open(self, number: int) -> WorkerThread:
        return WorkerThread(number)


class WorkerThread:
    """A worker in a thread, reached by a pair of sockets: unlike pipes they can be shut down while a thread waits on them."""

    held_up = 0.0

    def __init__(self, number: int) -> None:
        self.name = f"worker thread {number}"
        self.pid = os.getpid()
        self._wire, theirs = socket.socketpair()
        self._news: IO[bytes] = self._wire.makefile("rb")
        self._in_hand = mmap.mmap(-1, IN_HAND_BYTES)
        self._thread = threading.Thread(target=self._serve, args=(theirs,), name=self.name, daemon=True)
        self._thread.start()

    @property
    def in_hand(self) -> str:
        return bytes(self._in_hand[:]).rstrip(b"\0").decode("ascii", "replace")

    def send(self, *parts: bytes) -> None:
        write_all(self._wire.fileno(), *parts)

    def send_at_once(self, message: bytes) -> bool:
        return False  # A socket may take a part of it only.

    def receive(self) -> tuple[Header, bytes] | None:
        try:
            message = read_message(self._news)
        except ConnectionResetError:
            message = None  # The worker ended before it had read all requests.
        except Unreadable as error:
            _log.warning("What %s sent is no message, but %s: it is ended.", self.name, error)
            message = None
        if message is None:
            self._news.close()
            self._wire.close()
        return message

    def leave(self) -> None:
        self._shut(socket.SHUT_WR)

    def step_back(self, niceness: int) -> None:
        """Do nothing: a thread has no priority of its own."""

    def kill(self) -> None:
        """Shut the sockets down: the worker ends as soon as it reads."""
        self._shut(socket.SHUT_RDWR)

    def wait(self, seconds: float) -> None:
        self._thread.join(seconds)
        self.kill()

    def _shut(self, how: int) -> None:
        with suppress(OSError):  # They may be shut down already.
            self._wire.shutdown(how)

    def _serve(self, wire: socket.socket) -> None:
        # Imported here, as it imports torch, which only processes that compute should load.
        from dlcore.runs.worker import Worker

        with wire, suppress(BrokenPipeError, ConnectionResetError):
            Worker(Inbox(wire.fileno()), wire.fileno(), self._in_hand).serve()
