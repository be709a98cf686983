"""Side processes of this one: started anew, or split off a process that has imported what they need (see nursery.py)."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, Protocol

from dlcore.side import step_back

ROOT = Path(__file__).resolve().parents[1]
#: Read by the libraries of whoever computes, when these are imported.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
NURSERY = (sys.executable, "-m", "dlcore.nursery")
#: Signs of a GPU. Where there is one, no process is forked: importing torch may use the GPU, and a process that used it cannot fork.
GPUS = ("/proc/driver/nvidia", "/dev/nvidiactl", "/dev/kfd", "/dev/dxg")

# Frames are often larger than the 64 kB of a usual pipe: their writer would have to wait for the reader.
PIPE_BYTES = 1 << 18

_log = logging.getLogger(__name__)


class Child(Protocol):
    """A process of ours."""

    @property
    def pid(self) -> int:
        """Its process id; 0 until it has one."""
        ...

    def wait_born(self) -> None:
        """Wait until it has a process id, or it is certain that it will have none."""
        ...

    def step_back(self, niceness: int) -> None:
        """Go on at this low priority, or begin at it."""
        ...

    def kill(self) -> None:
        """End it now, or as soon as it is there."""
        ...

    def wait(self, seconds: float | None = None) -> bool:
        """Whether it has ended, after so many seconds at most."""
        ...


class Started:
    """A child started by a command, with two descriptors as its standard input and output, and further ones that it inherits."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], source: int, output: int, *inherited: int
    ) -> None:
        self._process = subprocess.Popen(
            command, stdin=source, stdout=output, cwd=ROOT, env=environment, pass_fds=inherited
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_born(self) -> None:
        pass  # It has its process id from the start.

    def step_back(self, niceness: int) -> None:
        with suppress(OSError):
            step_back(niceness, self.pid)

    def kill(self) -> None:
        self._process.kill()

    def wait(self, seconds: float | None = None) -> bool:
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True


class Forked:
    """A child that a nursery splits off. Its process is known by a descriptor, which never means another process (pidfd_open(2))."""

    def __init__(self) -> None:
        self.pid = 0
        self._descriptor: int | None = None
        self._born = threading.Event()
        self._lock = threading.Lock()
        self._niceness = 0
        self._killed = False

    def __del__(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)

    def be_born(self, pid: int, descriptor: int | None) -> None:
        """The nursery has answered with the child's process id. Without a descriptor there is no such process, or it has ended."""
        with self._lock:
            self.pid, self._descriptor = pid, descriptor
            if self._killed:
                self._kill()
            elif self._niceness:
                self._step_back()
        self._born.set()

    def wait_born(self) -> None:
        self._born.wait()

    def step_back(self, niceness: int) -> None:
        with self._lock:
            self._niceness = max(self._niceness, niceness)
            self._step_back()

    def kill(self) -> None:
        with self._lock:
            self._killed = True
            self._kill()

    def wait(self, seconds: float | None = None) -> bool:
        if not self._born.wait(seconds):
            return False
        if self._descriptor is None:
            return True
        end = select.poll()  # There is something to be read from the descriptor when the process has ended.
        end.register(self._descriptor, select.POLLIN)
        return bool(end.poll(None if seconds is None else seconds * 1000))

    def _step_back(self) -> None:
        if self.pid:
            with suppress(OSError):
                step_back(self._niceness, self.pid)

    def _kill(self) -> None:
        if self._descriptor is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)


class Nursery:
    """The process that others are split from, seen from the server. It is started when it is first wanted, and again if it was lost."""

    def __init__(self) -> None:
        self.pid = 0  # Of the latest nursery process; 0 before the first.
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._unborn: deque[Forked] = deque()

    def begin(self, environment: Mapping[str, str]) -> None:
        """Start it, if it has not started: what it imports takes seconds, in which others can do something else."""
        with self._lock:
            if self._socket is None:
                self._start(environment)

    def close(self) -> None:
        """End it; what was split off lives on."""
        with self._lock:
            if self._socket is not None:
                self._socket.shutdown(socket.SHUT_RDWR)

    def fork(self, become: str, environment: Mapping[str, str], source: int, output: int, *inherited: int) -> Forked:
        """Ask for a "worker" or a "desk" with these descriptors; the answer is not waited for. Raises OSError where it cannot be asked."""
        request = json.dumps({"become": become, "environment": dict(environment)}).encode()
        descriptors = [source, output, 2, *inherited]
        child = Forked()
        with self._lock:
            for _ in range(2):
                ours = self._socket or self._start(environment)
                self._unborn.append(child)
                try:
                    socket.send_fds(ours, [request], descriptors)
                    return child
                except OSError as error:
                    self._unborn.remove(child)  # No answer will come for it: the next one is another child's.
                    if not isinstance(error, BrokenPipeError | ConnectionResetError):
                        raise
                    self._socket = None  # The nursery has ended, and the listening thread has not noted it yet.
            raise ConnectionError("the process that others are split from does not stay")

    def _start(self, environment: Mapping[str, str]) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            process = subprocess.Popen(
                [*NURSERY, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=2,
                cwd=ROOT,
                env={**environment, **ONE_THREAD},
                pass_fds=[theirs.fileno()],
            )
        self.pid, self._socket, self._unborn = process.pid, ours, deque()
        threading.Thread(
            target=self._hear, args=(ours, self._unborn, process), name="hears of children", daemon=True
        ).start()
        return ours

    def _hear(self, ours: socket.socket, unborn: deque[Forked], process: subprocess.Popen[bytes]) -> None:
        """Take the nursery's answers, which come in the order of the requests, until it ends."""
        with ours, suppress(ConnectionError):
            while True:
                answer, descriptors, _, _ = socket.recv_fds(ours, 1 << 10, 1)
                if not answer:
                    break
                unborn.popleft().be_born(json.loads(answer)["pid"], next(iter(descriptors), None))
        with self._lock:
            if self._socket is ours:
                self._socket = None
            lost = list(unborn)
        for child in lost:
            child.be_born(0, None)
        process.wait()


def begin(
    become: str | None, command: Sequence[str], environment: Mapping[str, str], *inherited: int
) -> tuple[Child, IO[bytes], IO[bytes]]:
    """A new child, its standard input and its standard output.

    It is split off if `become` names a kind that the nursery knows; where that is impossible, its command is started. Raises OSError.
    """
    source, down = _pipe()
    up, output = _pipe()
    try:
        child = _child(become, command, environment, source, output, *inherited)
    except BaseException:
        os.close(down)
        os.close(up)
        raise
    finally:
        os.close(source)
        os.close(output)
    return child, os.fdopen(down, "wb"), os.fdopen(up, "rb")


def _child(
    become: str | None,
    command: Sequence[str],
    environment: Mapping[str, str],
    source: int,
    output: int,
    *inherited: int,
) -> Child:
    if become is not None and (ours := nursery()) is not None:
        try:
            return ours.fork(become, environment, source, output, *inherited)
        except OSError:
            _log.warning("A process could not be split off; it is started anew.", exc_info=True)
    return Started(command, environment, source, output, *inherited)


def _pipe() -> tuple[int, int]:
    """The descriptors of a new pipe: to read from, and to write to."""
    reading, writing = os.pipe()
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with suppress(OSError):  # Beyond the user's limit the pipe keeps its size.
            fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    return reading, writing


@cache
def nursery() -> Nursery | None:
    """The nursery of this process; None where the system cannot split off processes, or they may use a GPU."""
    return Nursery() if _can_split() else None


def _can_split() -> bool:
    if sys.platform != "linux" or any(Path(path).exists() for path in GPUS):
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:  # An old kernel, or a sandbox that forbids it.
        return False
    return True
