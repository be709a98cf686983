"""Desks seen from the server: submit a job, get a `Job` at once, and its result when it is done. Nothing heavy happens here.

A desk is a process of its own (see desk.py) and a thread here that brings it one job after the other. The processes are
started when there is work for them and end when there has been none for a while. Long jobs leave a desk to the quick ones;
where there is one desk only, a second one opens.

Whose turn it is (fair queueing, Nagle, 1987): jobs begin in rounds, in each of which everybody has one job at most.
"""

from __future__ import annotations

import itertools
import logging
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dlcore.problems import Problem
from dlcore.runs.entry import mark_of
from dlcore.runs.limits import Limits
from dlcore.runs.wire import Header, pack, read_message, write_all

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "dlcore.runs.desk")
STARTING = 60.0  # Seconds that the process of a desk may take to start.
STAYS = 600.0  # Seconds without work after which the last desk closes, ...
OTHERS_STAY = 30.0  # ... and those beside it.
MOST_OF_AN_OWNER = 2  # Jobs that wait.
MOST_WAITING = 100
Answer = tuple[Header, bytes]

_log = logging.getLogger(__name__)


@dataclass(eq=False)
class Job:
    """A job and what is known of it: `state` is waiting, working, done, failed or cancelled; `share` goes from 0 to 1."""

    desks: Desks
    place: tuple[int, int]  # Its round, and how many had come before it.
    do: str
    request: tuple[bytes, bytes]
    owner: str
    seconds: float
    long: bool
    state: str = "waiting"
    share: float = 0.0
    partial: dict[str, Any] = field(default_factory=dict)
    process: DeskProcess | None = None
    outcome: Answer | Problem | None = None
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def ahead(self) -> int:
        """Jobs, long ones or quick ones as this one is, that come before it."""
        return self.desks.ahead(self)

    def cancel(self) -> None:
        """It is not wanted any more: nobody works at it from now on."""
        self.desks.end(self, "job_cancelled")

    def result(self, timeout: float | None = None) -> Answer:
        """What came out, once it is done. Raises its Problem, and TimeoutError when it takes longer than the timeout."""
        if not self.ended.wait(timeout):
            raise TimeoutError(f"{self.do} is still {self.state}")
        if isinstance(self.outcome, Problem):
            raise Problem(self.outcome.key, **self.outcome.values)
        assert self.outcome is not None
        return self.outcome


class Desks:
    """All desks of a server and the jobs that wait for them. Thread-safe."""

    def __init__(self, limits: Limits | None = None, command: tuple[str, ...] = COMMAND) -> None:
        self.limits = limits or Limits.from_environment()
        self.lost = 0  # Processes that ended unasked.
        self.finished = 0
        self._command = command
        self._numbers = itertools.count()
        self._round = 0
        self._had_turn: dict[str, int] = {}  # Round of an owner's last job, while it matters.
        self._changed = threading.Condition()
        self._waiting: list[Job] = []
        self._working: list[Job] = []
        self._threads: dict[threading.Thread, DeskProcess | None] = {}
        self._stopping = False

    def submit(
        self,
        do: str,
        payload: bytes = b"",
        *,
        owner: str = "",
        seconds: float = 60.0,
        long: bool = False,
        **arguments: Any,
    ) -> Job:
        """Have a job done, of JOBS, within so many seconds from its beginning. Raises Problem when too many wait."""
        request = pack({"do": do, "arguments": arguments, "owner": mark_of(owner)}, payload), payload
        with self._changed:
            if self._stopping:
                raise Problem("job_cancelled")
            rounds = [job.place[0] for job in self._waiting if job.owner == owner]
            if len(rounds) >= MOST_OF_AN_OWNER:
                raise Problem("desk_busy", limit=MOST_OF_AN_OWNER)
            if len(self._waiting) >= MOST_WAITING:
                raise Problem("desks_full", limit=MOST_WAITING)
            turn = max(self._round, self._had_turn.get(owner, -1) + 1, max(rounds, default=-1) + 1)
            job = Job(self, (turn, next(self._numbers)), do, request, owner, seconds, long)
            self._waiting.append(job)
            self._staff()
            self._changed.notify_all()
        return job

    def ask(
        self,
        do: str,
        payload: bytes = b"",
        *,
        owner: str = "",
        seconds: float = 60.0,
        long: bool = False,
        **arguments: Any,
    ) -> Answer:
        """Have a job done and wait for it. Whoever stops waiting cancels it."""
        job = self.submit(do, payload, owner=owner, seconds=seconds, long=long, **arguments)
        try:
            return job.result()
        finally:
            job.cancel()

    def wake(self) -> None:
        """Open a desk if there is none: somebody will soon have something to do."""
        with self._changed:
            if not self._threads and not self._stopping:
                self._open()

    def ahead(self, job: Job) -> int:
        """Unfinished jobs of its kind that come before it; 0 once it has begun."""
        with self._changed:
            if job not in self._waiting:
                return 0
            before = sum(other.place < job.place for other in self._waiting if other.long == job.long)
            return before + sum(other.long == job.long for other in self._working)

    def end(self, job: Job, why: str) -> None:
        """End a job that has not ended, for this reason; the process that works at it ends too."""
        with self._changed:
            process = job.process
            if self._settle(job, Problem(why)) and process is not None:
                process.kill()

    def figures(self) -> dict[str, Any]:
        """What can be counted: desks, jobs_waiting, jobs_working, jobs (ended so far), desks_lost, and memory by desk."""
        with self._changed:
            processes = [process for process in self._threads.values() if process is not None]
            counts = {
                "desks": len(processes),
                "jobs_waiting": len(self._waiting),
                "jobs_working": len(self._working),
                "jobs": self.finished,
                "desks_lost": self.lost,
            }
        return {**counts, "memory_bytes": {process.name: process.resident_bytes() for process in processes}}

    def stop(self) -> None:
        """End all jobs and close all desks; no process is left."""
        with self._changed:
            self._stopping = True
            for job in [*self._waiting, *self._working]:
                self.end(job, "job_cancelled")
            threads = list(self._threads)
            self._changed.notify_all()
        for thread in threads:
            thread.join(5.0)

    # Inside; those that say so with the lock held

    def _choose(self) -> Job | None:
        """The job that may begin next. (Lock held.)"""
        may_begin = {long: self._has_room(long) for long in (False, True)}
        return min((job for job in self._waiting if may_begin[job.long]), key=lambda job: job.place, default=None)

    def _note_turn(self, job: Job) -> None:
        """This job begins: a later one of its owner belongs to a later round. (Lock held.)"""
        self._round = max(self._round, job.place[0])
        self._had_turn[job.owner] = job.place[0]
        self._had_turn = {owner: turn for owner, turn in self._had_turn.items() if turn >= self._round}

    def _has_room(self, long: bool) -> bool:
        """Whether one more, long or quick, may be worked at. (Lock held.)"""
        most = self.limits.desks
        longs = sum(job.long for job in self._working) + long
        return longs <= max(1, most - 1) and len(self._working) + 1 <= max(most, longs + 1)

    def _staff(self) -> None:
        """Open a desk if a job could begin and nobody is free. (Lock held.)"""
        if self._choose() is not None and len(self._threads) == len(self._working):
            self._open()

    def _open(self) -> None:
        thread = threading.Thread(target=self._serve, name="desk", daemon=True)
        self._threads[thread] = None
        thread.start()

    def _next(self) -> Job | None:
        """The next job for this thread, begun; None when it is to close: we stop, or there was none for a while."""
        since = time.monotonic()
        with self._changed:
            while not self._stopping:
                if (job := self._choose()) is not None:
                    self._waiting.remove(job)
                    self._working.append(job)
                    job.state = "working"
                    self._note_turn(job)
                    self._staff()
                    return job
                left = since + (STAYS if len(self._threads) == 1 else OTHERS_STAY) - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            del self._threads[threading.current_thread()]
            return None

    def _serve(self) -> None:
        """The thread of one desk. It begins with a process, as somebody is about to need it."""
        process = self._begin()
        while (job := self._next()) is not None:
            if process is not None and process.ended:
                process.close()
                process = None
            process = process or self._begin()
            if process is None:
                self._settle(job, Problem("job_lost"))
            elif not self._work(job, process):
                process.close()
        if process is not None:
            process.close()

    def _begin(self) -> DeskProcess | None:
        """A new process for this thread; None where the system has no room for one."""
        try:
            process = DeskProcess(self._command)
        except OSError:
            _log.exception("No desk could be opened.")
            return None
        with self._changed:
            self._threads[threading.current_thread()] = process
        return process

    def _work(self, job: Job, process: DeskProcess) -> bool:
        """Have this process do the job; whether the process can be given another one."""
        with self._changed:
            if job.outcome is not None:
                return True  # Cancelled before it began.
            job.process = process
        limit = threading.Timer(job.seconds, self.end, (job, "job_too_long"))
        try:
            if process.wait_ready():
                limit.start()
                process.send(*job.request)
                while (message := process.receive()) is not None:
                    header, payload = message
                    if "share" in header:
                        job.share, job.partial = header["share"], header["partial"]
                        continue
                    problem = header.get("problem")
                    outcome = (
                        (header["result"], payload) if problem is None else Problem(problem["key"], **problem["values"])
                    )
                    return self._settle(job, outcome) and not header["leaving"]
        except OSError:
            pass  # It ended while the job was sent.
        finally:
            limit.cancel()
        if self._settle(job, Problem("job_lost")):
            _log.warning("%s ended while it worked at %r.", process.name, job.do)
            with self._changed:
                self.lost += 1
        return False

    def _settle(self, job: Job, outcome: Answer | Problem) -> bool:
        """What became of a job is known; False if it was known before."""
        with self._changed:
            if job.outcome is not None:
                return False
            job.outcome = outcome
            if isinstance(outcome, Problem):
                job.state = "cancelled" if outcome.key == "job_cancelled" else "failed"
            else:
                job.state, job.share = "done", 1.0
            job.request, job.process = (b"", b""), None
            for jobs in (self._waiting, self._working):
                if job in jobs:
                    jobs.remove(job)
            self.finished += 1
            self._changed.notify_all()
        job.ended.set()
        return True


class DeskProcess:
    """The process of a desk, reached by its standard input and output."""

    def __init__(self, command: tuple[str, ...]) -> None:
        self._ready = False
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )

    @property
    def name(self) -> str:
        return f"desk {self._process.pid}"

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def wait_ready(self) -> bool:
        """Whether it has started; it has its time for that."""
        if not self._ready:
            limit = threading.Timer(STARTING, self.kill)
            limit.start()
            self._ready = self.receive() is not None
            limit.cancel()
        return self._ready

    def send(self, *parts: bytes) -> None:
        assert self._process.stdin is not None
        write_all(self._process.stdin.fileno(), *parts)

    def receive(self) -> tuple[Header, bytes] | None:
        """The next message; None when there will be no more."""
        assert self._process.stdout is not None
        return read_message(self._process.stdout)

    def kill(self) -> None:
        self._process.kill()

    def close(self) -> None:
        """End it: nothing is in hand there. Returns when it has ended."""
        self.kill()
        self._process.wait()
        for pipe in filter(None, (self._process.stdin, self._process.stdout)):
            pipe.close()

    def resident_bytes(self) -> int:
        """Memory that is in use and not swapped out; 0 where the system does not say."""
        try:
            return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except (OSError, IndexError):
            return 0
