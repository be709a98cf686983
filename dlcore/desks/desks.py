"""Desks seen from the server: submit a job, get a `Job` at once, and its result when it is done. Nothing heavy happens here.

A desk is a process of its own (see desk.py) and a thread here that brings it one job after the other. The processes are
started when there is work for them and end when there has been none for a while.

Whose turn it is (fair queueing, Nagle, 1987): jobs begin in rounds, in each of which everybody has one job at most. Who has
used up a budget of desk time comes after all others. Which job may begin: long ones have desks of their own beside the others;
of these, one is left to jobs that are quick, of owners who have nothing else there and something left of their budget.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dlcore.desks.budgets import Budgets
from dlcore.desks.jobs import JOBS, Work
from dlcore.desks.process import COMMAND, DeskProcess
from dlcore.jobs import Answer
from dlcore.limits import Limits
from dlcore.problems import Problem
from dlcore.runs.server.crew import STARVED
from dlcore.runs.server.entry import mark_of
from dlcore.wire import pack

STARTING = 60.0  # Seconds that the process of a desk may take to start.
STAYS = 600.0  # Seconds without work after which the last desk closes, ...
OTHERS_STAY = 30.0  # ... and those beside it.
LEFT_ALONE = 60.0  # Seconds without its page after which a job ends.
TEND_EVERY = 0.2  # Seconds.
MOST_OF_AN_OWNER = 4  # Jobs that wait: one for each file that a desk makes.
MOST_OF_NOBODY = 8  # The same of all who come without a cookie.
MOST_BYTES = 192 << 20  # Of jobs that wait, payloads and ...
BYTES_OF_A_JOB = 1 << 19  # ... what is counted for each beside it: places for 384 jobs with little to carry.
SAVED, REFILL = 60.0, 0.1  # Desk time of an owner: seconds, and what is added each second.
SAVED_LONG, REFILL_LONG = 600.0, 0.5  # The same for long jobs.
NOTHING = b"", b""

_log = logging.getLogger(__name__)


@dataclass(eq=False)
class Job:
    """A job and what is known of it: `state` is waiting, working, done, failed or cancelled; `share` goes from 0 to 1."""

    desks: Desks
    place: tuple[int, int]  # Its round, and how many had come before it.
    do: str
    work: Work
    request: tuple[bytes, bytes]
    owner: str
    page: str
    state: str = "waiting"
    share: float = 0.0
    partial: dict[str, Any] = field(default_factory=dict)
    prompt: bool = False  # Whether it began as one for which a desk is left free.
    process: DeskProcess | None = None
    sent: float | None = None  # When its process was given it, and ...
    before: float | None = None  # ... how much processor time that had used when it began.
    outcome: Answer | Problem | None = None
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def is_long(self) -> bool:
        return self.work.kind == "long"

    @property
    def bytes(self) -> int:
        """What it counts for while it waits."""
        return BYTES_OF_A_JOB + sum(map(len, self.request))

    @property
    def ahead(self) -> int:
        """Jobs, long ones or others as this one is, that come before it."""
        return self.desks.ahead(self)

    @property
    def used(self) -> float:
        """Seconds of a processor that it has used so far."""
        if self.process is None or self.before is None:
            return 0.0
        return self.process.processor_seconds() - self.before

    def cancel(self) -> None:
        """It is not wanted any more: nobody works at it from now on."""
        self.desks.end(self, Problem("job_cancelled"))

    def result(self, timeout: float | None = None) -> Answer:
        """What came out, once it is done. Raises its Problem, and TimeoutError when it takes longer than the timeout."""
        if not self.ended.wait(timeout):
            raise TimeoutError(f"{self.do} is still {self.state}")
        if isinstance(self.outcome, Problem):
            raise Problem(self.outcome.key, **self.outcome.values)
        assert self.outcome is not None
        return self.outcome


@dataclass(eq=False)
class Desk:
    """What is known here of one desk."""

    process: DeskProcess | None = None
    owner: str = ""  # Whose job was its last one.
    free: bool = False


class Desks:
    """All desks of a server and the jobs that wait for them. Thread-safe."""

    def __init__(
        self,
        limits: Limits | None = None,
        command: tuple[str, ...] = COMMAND,
        works: Mapping[str, Work] = JOBS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits = limits or Limits.from_environment()
        self.lost = 0  # Processes that ended unasked.
        self.finished = 0
        self._command = command
        self._works = works
        self._clock = clock
        self._numbers = itertools.count()
        self._round = 0
        self._had_turn: dict[str, int] = {}  # Round of an owner's last job, while it matters.
        self._short, self._long = Budgets(SAVED, REFILL, clock), Budgets(SAVED_LONG, REFILL_LONG, clock)
        self._changed = threading.Condition()
        self._waiting: list[Job] = []
        self._working: list[Job] = []
        self._desks: dict[threading.Thread, Desk] = {}
        self._pages_left: dict[str, float] = {}  # Since when nobody has been at them.
        self._keeper: threading.Thread | None = None
        self._stopping = False

    def submit(
        self,
        do: str,
        payload: bytes = b"",
        *,
        owner: str = "",
        reader: str | None = None,
        page: str = "",
        **arguments: Any,
    ) -> Job:
        """Have a job done, of JOBS. Raises Problem when too many wait.

        `owner` is the secret of whose job it is, "" for all who have none; `reader` the mark of whose tables it may read, if
        that is another's; `page` names what `release` and `hold` speak of.
        """
        reader = mark_of(owner) if reader is None else reader
        request = pack({"do": do, "arguments": arguments, "reader": reader}, payload), payload
        with self._changed:
            self.check(owner)
            rounds = [job.place[0] for job in self._waiting if job.owner == owner]
            turn = max(self._round, self._had_turn.get(owner, -1) + 1, max(rounds, default=-1) + 1)
            job = Job(self, (turn, next(self._numbers)), do, self._works[do], request, owner, page)
            self._make_room(job)
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
        reader: str | None = None,
        page: str = "",
        patience: float | None = None,
        **arguments: Any,
    ) -> Answer:
        """Have a job done and wait for it, for so many seconds at most. Whoever stops waiting cancels it."""
        job = self.submit(do, payload, owner=owner, reader=reader, page=page, **arguments)
        try:
            return job.result(patience)
        except TimeoutError:
            raise Problem("desk_late", limit=round(patience or 0)) from None
        finally:
            job.cancel()

    def check(self, owner: str) -> None:
        """Raises Problem when this owner has as many jobs waiting as may be: before anything large is fetched for one more."""
        most = MOST_OF_AN_OWNER if owner else MOST_OF_NOBODY
        with self._changed:
            if self._stopping:
                raise Problem("job_cancelled")
            if sum(job.owner == owner for job in self._waiting) >= most:
                raise Problem("desk_busy", limit=most)

    def wake(self) -> None:
        """Open a desk if there is none: somebody will soon have something to do."""
        with self._changed:
            if not self._desks and not self._stopping:
                self._open()

    def release(self, page: str) -> None:
        """Nobody is at this page any more: its jobs end after a while, unless somebody comes back."""
        with self._changed:
            if any(job.page == page for job in (*self._waiting, *self._working)):
                self._pages_left.setdefault(page, self._clock())

    def hold(self, page: str) -> None:
        """Somebody is at this page."""
        with self._changed:
            self._pages_left.pop(page, None)

    def ahead(self, job: Job) -> int:
        """Unfinished jobs of its kind that come before it; 0 once it has begun."""
        with self._changed:
            if job not in self._waiting:
                return 0
            turn = self._turn(job)
            before = sum(self._turn(other) < turn for other in self._waiting if other.is_long == job.is_long)
            return before + sum(other.is_long == job.is_long for other in self._working)

    def end(self, job: Job, why: Problem) -> None:
        """End a job that has not ended, for this reason; the process that works at it ends too."""
        with self._changed:
            process = job.process
            if self._settle(job, why) and process is not None:
                process.kill()

    def tend(self) -> None:
        """End what has passed its limits, and what is left alone. Happens by itself, several times a second."""
        with self._changed:
            now = self._clock()
            for job in [*self._waiting, *self._working]:
                if now - self._pages_left.get(job.page, now) > LEFT_ALONE:
                    self.end(job, Problem("job_cancelled"))
                elif (limit := self._limit_passed(job)) is not None:
                    self.end(job, Problem(job.work.too_long, limit=round(limit)))
            for desk in self._desks.values():
                if desk.process is not None and not desk.process.ready:
                    # One that gets no processor is slow, and not to blame.
                    waited = min(desk.process.held_up, (STARVED - 1) * STARTING)
                    if now - desk.process.born - waited > STARTING:
                        desk.process.kill()
            self._staff()  # Somebody's budget may have been refilled.
            pages = {job.page for job in (*self._waiting, *self._working)}
            self._pages_left = {page: since for page, since in self._pages_left.items() if page in pages}
            self._changed.notify_all()  # A desk may have been without work for long enough.

    def figures(self) -> dict[str, Any]:
        """What can be counted: desks, desks_free, jobs_waiting, jobs_working, jobs (ended so far), desks_lost, and memory by desk."""
        with self._changed:
            processes = [desk.process for desk in self._desks.values() if desk.process is not None]
            counts = {
                "desks": len(processes),
                "desks_free": sum(desk.free for desk in self._desks.values()),
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
                self.end(job, Problem("job_cancelled"))
            threads = list(self._desks)
            self._changed.notify_all()
        for thread in threads:
            thread.join(5.0)

    # Whose turn it is; all with the lock held

    def _choose(self) -> Job | None:
        """The job that may begin next."""
        return min(filter(self._has_room, self._waiting), key=self._turn, default=None)

    def _turn(self, job: Job) -> tuple[bool, int, int]:
        return (self._is_spent(job.owner, job.is_long), *job.place)

    def _budgets(self, long: bool) -> Budgets:
        return self._long if long else self._short

    def _is_spent(self, owner: str, long: bool) -> bool:
        """Whether this owner's budget is used up."""
        return self._budgets(long).left(owner) <= 0

    def _has_room(self, job: Job) -> bool:
        """Whether this one may begin beside those that are worked at."""
        beside = [other for other in self._working if other.is_long == job.is_long]
        if job.is_long:
            return len(beside) < max(1, self.limits.desks // 2)
        if len(beside) >= self.limits.desks:
            return False
        return self._is_prompt(job) or sum(not other.prompt for other in beside) < max(1, self.limits.desks - 1)

    def _is_prompt(self, job: Job) -> bool:
        """Whether it will not hold up others for long: for such a one there is always a desk where nobody else's stands before it."""
        has_another = any(other.owner == job.owner and not other.is_long for other in self._working)
        return job.work.kind == "quick" and not has_another and not self._is_spent(job.owner, long=False)

    def _note_turn(self, job: Job) -> None:
        """This job begins: a later one of its owner belongs to a later round."""
        self._round = max(self._round, job.place[0])
        self._had_turn[job.owner] = job.place[0]
        self._had_turn = {owner: turn for owner, turn in self._had_turn.items() if turn >= self._round}

    def _make_room(self, job: Job) -> None:
        """Let the newest jobs of whoever holds most of the queue give way to this one. Raises Problem when nobody holds more."""
        while sum(other.bytes for other in self._waiting) + job.bytes > MOST_BYTES:
            held: Counter[str] = Counter()
            for other in self._waiting:
                held[other.owner] += other.bytes
            shares = {owner: (self._is_spent(owner, long=False), size) for owner, size in held.items()}
            greediest = max(shares, key=shares.__getitem__, default=job.owner)
            mine = self._is_spent(job.owner, long=False), held[job.owner] + job.bytes
            if shares.get(greediest, mine) <= mine:
                raise Problem("desks_full", limit=len(self._waiting))
            self.end([other for other in self._waiting if other.owner == greediest][-1], Problem("job_gave_way"))

    def _limit_passed(self, job: Job) -> float | None:
        """The seconds that it was allowed and has used up."""
        if job.sent is None:
            return None
        if job.used > job.work.processor:
            return job.work.processor
        return job.work.clock if self._clock() - job.sent > job.work.clock else None

    # The desks

    def _staff(self) -> None:
        """Open a desk if a job could begin and nobody is free. (Lock held.)"""
        if self._choose() is not None and len(self._desks) == len(self._working):
            self._open()

    def _open(self) -> None:
        """(Lock held.)"""
        thread = threading.Thread(target=self._serve, name="desk", daemon=True)
        self._desks[thread] = Desk()
        thread.start()
        if self._keeper is None:
            self._keeper = threading.Thread(target=self._keep, name="keeper of desks", daemon=True)
            self._keeper.start()

    def _keep(self) -> None:
        while True:
            time.sleep(TEND_EVERY)
            try:
                self.tend()
            except Exception:
                _log.exception("A look after the desks failed.")
            with self._changed:
                if not self._desks:
                    self._keeper = None
                    return

    def _next(self, desk: Desk) -> Job | None:
        """The next job for this desk, begun; None when it is to close: we stop, or there was none for a while."""
        since = self._clock()
        with self._changed:
            desk.free = True
            while not self._stopping:
                job = self._choose()
                if job is not None and not self._is_for_another(job, desk):
                    self._waiting.remove(job)
                    job.state, job.prompt = "working", self._is_prompt(job)
                    self._working.append(job)
                    desk.free, desk.owner = False, job.owner
                    self._note_turn(job)
                    self._staff()
                    self._changed.notify_all()
                    return job
                left = since + (STAYS if len(self._desks) == 1 else OTHERS_STAY) - self._clock()
                if left <= 0:
                    break
                self._changed.wait(left)
            del self._desks[threading.current_thread()]
            return None

    def _is_for_another(self, job: Job, desk: Desk) -> bool:
        """Whether another free desk did this owner's last job: it still holds the table that was read. (Lock held.)"""
        if not job.owner or desk.owner == job.owner:
            return False
        return any(other.free and other.owner == job.owner for other in self._desks.values())

    def _serve(self) -> None:
        """The thread of one desk. It begins with a process, as somebody is about to need it."""
        desk = self._desks[threading.current_thread()]
        self._begin(desk)
        while (job := self._next(desk)) is not None:
            if desk.process is not None and desk.process.ended:
                desk.process.close()
                desk.process = None
            if desk.process is None:
                self._begin(desk)
            if desk.process is None:
                self._settle(job, Problem("job_lost"))
            elif not self._work(job, desk.process):
                desk.process.close()
        if desk.process is not None:
            desk.process.close()

    def _begin(self, desk: Desk) -> None:
        """A new process for this desk, if the system has room for one."""
        try:
            desk.process = DeskProcess(self._command, self._clock)
        except OSError:
            _log.exception("No desk could be opened.")

    def _work(self, job: Job, process: DeskProcess) -> bool:
        """Have this process do the job; whether the process can be given another one."""
        with self._changed:
            if job.outcome is not None:
                return True  # Cancelled before it began.
            job.process = process
        goes_on, answered = False, False
        try:
            if process.wait_ready():
                with self._changed:
                    job.sent = self._clock()
                    request, job.request = job.request, NOTHING
                process.send(*request)
                if (answer := self._answer_of(job, process)) is not None:
                    outcome, leaving = answer
                    answered = self._settle(job, outcome)
                    goes_on = answered and not leaving
        except OSError:
            pass  # It ended while the job was sent.
        except Exception:
            _log.exception("What %s sent about %r is no message.", process.name, job.do)
        used = process.processor_seconds() - job.before if job.before is not None else 0.0
        if job.work.waits and job.sent is not None:
            used = self._clock() - job.sent
        with self._changed:
            if job.outcome is None:
                _log.warning("%s ended while it worked at %r.", process.name, job.do)
                self.lost += 1
                self._settle(job, Problem("job_lost"))
            # A job that has ended its process has another one started.
            self._budgets(job.is_long).charge(job.owner, used if answered else used + process.started)
        return goes_on

    def _answer_of(self, job: Job, process: DeskProcess) -> tuple[Answer | Problem, bool] | None:
        """What came out, and whether the process leaves; None when it ended without an answer."""
        while (message := process.receive()) is not None:
            header, payload = message
            if "begun" in header:
                job.before = process.processor_seconds()
                continue
            if "share" in header:
                job.share, job.partial = float(header["share"]), dict(header["partial"])
                continue
            problem, leaving = header.get("problem"), bool(header["leaving"])
            if problem is not None:
                return Problem(problem["key"], **problem["values"]), leaving
            return (dict(header["result"]), payload), leaving
        return None

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
            job.request, job.process = NOTHING, None
            for jobs in (self._waiting, self._working):
                if job in jobs:
                    jobs.remove(job)
            self.finished += 1
            self._changed.notify_all()
        job.ended.set()
        return True
