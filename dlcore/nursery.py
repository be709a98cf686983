"""The nursery: a process that has imported what workers and desks need, and splits one off itself whenever one is wanted.

    python -m dlcore.nursery DESCRIPTOR

Importing torch, numba and scikit-learn takes a processor for six seconds and hundreds of megabytes. What is forked from here takes
neither: it is ready in a moment, and what was imported is memory that all share.

The descriptor is one end of a socket that keeps messages apart (SOCK_SEQPACKET). A request is {"become", "environment"} (JSON) with
descriptors: standard input, output and error, and for a worker the page that names the run in hand. The answer is {"pid"} with a
pidfd; {"pid": 0} without one if there is no such process any more. The nursery ends when the other end of the socket is closed; what
was split off lives on.

As it forks, no thread may run here and nothing may touch a GPU: children.py asks it only where there is none.
"""

from __future__ import annotations

import gc

if __name__ == "__main__":
    gc.disable()  # Until all is imported: the collector would look through a million objects that stay, a tenth of all the time.

import json
import os
import signal
import socket
import sys
import threading
import traceback
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

from dlcore.desks import desk
from dlcore.engines import compiled
from dlcore.runs import starting, worker
from dlcore.side import volunteer_to_end

BECOME = {"worker": worker.work, "desk": desk.work}
MOST_DESCRIPTORS = 4  # That come with one request.
LONGEST_REQUEST = 1 << 20  # bytes
PAUSE = 1.0  # Seconds without a request until there is time to import what will be wanted soon.


class Nursery:
    """What has been imported by now for all who will be split off."""

    def __init__(self, requests: socket.socket) -> None:
        self._requests = requests
        self._has_kernels = False
        self._soon_wanted = desk.import_what_jobs_need()
        self._pause: float | None = PAUSE

    def serve(self) -> None:
        """Split off a process for each request, until the other end of the socket is closed."""
        self._prepare()
        while True:
            self._requests.settimeout(self._pause)
            try:
                request, descriptors, _, _ = socket.recv_fds(self._requests, LONGEST_REQUEST, MOST_DESCRIPTORS)
            except TimeoutError:
                self._import_next()
                continue
            if not request:
                return
            self._prepare()
            self._split_off(json.loads(request), descriptors)

    def _prepare(self) -> None:
        """Load the kernels once this machine has compiled them."""
        if self._has_kernels or not compiled.is_compiled():
            return
        compiled.import_numba_alone()
        compiled.begin()
        for thread in threading.enumerate():
            if thread is not threading.current_thread():
                thread.join()
        starting.warm_up()
        self._has_kernels = True
        gc.freeze()

    def _import_next(self) -> None:
        try:
            next(self._soon_wanted)
        except (StopIteration, ImportError):  # A missing library is reported where it is needed.
            self._pause = None
        _collect()

    def _split_off(self, request: dict[str, Any], descriptors: list[int]) -> None:
        child = os.fork()
        if child == 0:
            self._requests.close()
            _become(request, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        try:
            watch = os.pidfd_open(child)
        except OSError:  # The child has ended already; the reader of its output notices that.
            socket.send_fds(self._requests, [b'{"pid": 0}'], [])
            return
        socket.send_fds(self._requests, [json.dumps({"pid": child}).encode()], [watch])
        os.close(watch)


def _collect() -> None:
    """Free what nobody needs, and keep the collectors of split-off processes from touching the rest, so that its memory stays shared."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def _become(request: dict[str, Any], descriptors: list[int]) -> None:
    """Runs in the process that was split off: be the worker or desk that was asked for. Never returns."""
    try:
        gc.enable()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for standard, descriptor in enumerate(descriptors[:3]):
            os.dup2(descriptor, standard)
            os.close(descriptor)
        with suppress(OSError):
            Path("/proc/self/comm").write_text(
                f"dlcore {request['become']}"
            )  # For ps and top: the command line is still ours.
        os.environ.clear()
        os.environ.update(request["environment"])
        BECOME[request["become"]](*descriptors[3:])
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(1)


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which closes our socket.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # The system forgets children that end: nobody here waits for them.
    # Python warns of a thread of pyarrow's allocator, which is safe when a process forks (jemalloc's prefork and postfork).
    warnings.filterwarnings("ignore", "This process .* is multi-threaded")
    volunteer_to_end()
    starting.begin_alone()
    with socket.socket(fileno=int(sys.argv[1])) as requests, suppress(BrokenPipeError):
        Nursery(requests).serve()


if __name__ == "__main__":
    main()
