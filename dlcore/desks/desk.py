"""The desk: a process at which one job at a time is done that is too much for the server and no training: parse, fit, judge.

    python -m dlcore.desks.desk

Requests come on standard input, answers leave on standard output (see wire.py): {"do", "arguments", "reader"} and a payload, the
reader as the mark of whose tables may be read (see entry.py); then {"begun"}, from which on what is used is the job's, any number of
{"share", "partial"}, and at last {"result"} with a payload or {"problem": {"key", "values"}}. With "leaving" the answer is this
process' last: it has grown too large to be trusted with another job. It ends when its input does, whatever it does at the time.
"""

from __future__ import annotations

import json
import os
import queue
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from dlcore import rights
from dlcore.desks.jobs import JOBS
from dlcore.jobs import JobFunction
from dlcore.libraries import take_buffers
from dlcore.limits import Limits
from dlcore.side import as_problem, step_back, take_the_wires, volunteer_to_end
from dlcore.wire import Header, Unreadable, pack, read_message, write_all

PAUSE = 0.3  # Seconds without a request until the next piece of what is wanted soon is imported.
TELL_EVERY = 0.1  # Seconds at least between two reports of how far a job is.
TELL_RATE = 1_000_000  # Bytes a second at most of such reports: long partial results are sent more seldom.
MOST_ANSWERED = 256_000_000  # bytes
GROWN = 0.25  # Share of its memory that jobs may leave behind.


def import_what_jobs_need() -> Iterator[None]:
    """Import it a piece at each step, slowest last: a desk with nothing to do takes them one after the other before it is asked to."""
    import pandas  # noqa: F401

    yield
    import sklearn.compose

    yield
    import sklearn.metrics

    yield

    yield
    import torch  # noqa: F401

    yield

    yield
    import sklearn.ensemble  # noqa: F401

    yield
    import onnx  # noqa: F401
    import onnxscript  # noqa: F401

    yield


class Desk:
    """Does one job after the other, and imports in the pauses what later jobs will need."""

    def __init__(self, source: int, output: int, soon_wanted: Iterable[None]) -> None:
        self._source = source
        self._output = output
        self._requests: queue.SimpleQueue[tuple[Header, bytes]] = queue.SimpleQueue()
        self._soon_wanted = iter(soon_wanted)
        self._memory = Limits.from_environment().desk_mb << 20
        self._kept = 0  # Bytes that jobs have left behind.

    def serve(self) -> None:
        """Do jobs until the input ends."""
        threading.Thread(target=self._receive, name="requests", daemon=True).start()
        self._send({"ready": os.getpid()})
        pause: float | None = PAUSE
        while True:
            try:
                request = self._requests.get(timeout=pause)
            except queue.Empty:
                step_back(Limits.from_environment().low_niceness)
                try:
                    next(self._soon_wanted)
                except (
                    StopIteration,
                    ImportError,
                ):  # A job that needs what is missing fails with a message of its own.
                    pause = None
            else:
                self._answer(*request)

    def _receive(self) -> None:
        with os.fdopen(self._source, "rb") as wire, suppress(Unreadable):
            while (request := read_message(wire)) is not None:
                self._requests.put(request)
        # The input has ended: nobody waits for the present job, and there will be no other.
        os._exit(0)

    def _answer(self, header: Header, payload: bytes) -> None:
        before = private_bytes()
        try:
            # Imported at full priority, as somebody waits; the work itself shares the machine with those who train.
            job = function_of(header["do"])
            take_buffers()
            step_back(Limits.from_environment().low_niceness)
            self._send({"begun": True})
            before = private_bytes()
            limit_data(before + self._memory - self._kept)
            with rights.working_for(header.get("reader", rights.NOBODY)):
                result, content = job(header["arguments"], payload, Telling(self._send))
            if len(content) > MOST_ANSWERED:
                raise ValueError(f"the answer to {header['do']!r} has {len(content)} bytes")
            answer = {"result": result}
            json.dumps(answer)  # A result that is no JSON is a mistake of the job: it fails here, as the job's Problem.
        except BaseException as error:
            problem = as_problem(error, memory="job_out_of_memory")
            answer, content = {"problem": problem.to_dict()}, b""
        limit_data(resource.RLIM_INFINITY)
        self._kept += private_bytes() - before
        self._send({**answer, "leaving": self._kept > GROWN * self._memory}, content)

    def _send(self, header: Header, payload: bytes = b"") -> None:
        write_all(self._output, pack(header, payload), payload)


class Telling:
    """What a job calls to say how far it is; passed on at most as often as TELL_EVERY and TELL_RATE allow."""

    def __init__(self, send: Callable[[Header], None]) -> None:
        self._send = send
        self._next = 0.0

    def __call__(self, share: float, partial: dict[str, Any]) -> None:
        if time.monotonic() < self._next:
            return
        header = {"share": min(max(float(share), 0.0), 1.0), "partial": partial}
        length = len(pack(header))
        self._send(header)
        self._next = time.monotonic() + max(TELL_EVERY, length / TELL_RATE)


@cache
def function_of(do: str) -> JobFunction:
    """The function of a job, imported."""
    return JOBS[do].load()


def limit_data(most: int) -> None:
    """Let an allocation fail that would make this process' own memory larger than so many bytes."""
    # Not the address space, as for workers: it would count the libraries that a job imports as it goes.
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_DATA, (hard if most == resource.RLIM_INFINITY else most, hard))


def private_bytes() -> int:
    """Memory that is this process' own, used or not; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
    except OSError:
        return 0


def work(soon_wanted: Iterable[None] = ()) -> None:
    """Be a desk until the input ends, importing in the pauses what is wanted soon. Ends the process."""
    source, output = take_the_wires()
    rights.work_for_others()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which closes our input.
    volunteer_to_end()
    with suppress(BrokenPipeError):
        Desk(source, output, soon_wanted).serve()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    work(import_what_jobs_need())
