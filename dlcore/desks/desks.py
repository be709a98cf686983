"""Desks seen from the server: submit a job, get a `Job` at once, and its result when it is done. Nothing heavy happens here.

A desk is a process of its own (see desk.py) and a thread here that brings it one job after the other, in the order that queue.py
says. The processes are started when there is work for them and end when there has been none for a while.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dlcore.desks.job import NO_REQUEST, Job
from dlcore.desks.jobs import JOBS, Work
from dlcore.desks.process import COMMAND, DeskProcess
from dlcore.desks.queue import JobQueue
from dlcore.jobs import Answer
from dlcore.limits import Limits
from dlcore.problems import Problem
from dlcore.runs.server.crew import STARVED
from dlcore.runs.server.entry import mark_of
from dlcore.wire import pack

STARTING = 60.0  # Seconds that the process of a desk may take to start.
STAYS = 600.0  # Seconds without work after which the last desk closes.
OTHERS_STAY = 30.0  # The same for desks beside it.
LEFT_ALONE = 60.0  # Seconds after its page was left after which a job ends.
TEND_EVERY = 0.2  # Seconds.

_log = logging.getLogger(__name__)


@dataclass(eq=False)
class Desk:
    """One desk as the server knows it."""

    process: DeskProcess | None = None
    owner: str = ""  # Whose job its last one was.
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
        self._changed = threading.Condition()
        self._queue = JobQueue(self.limits.desks, clock)
        self._desks: dict[threading.Thread, Desk] = {}
        self._pages_left: dict[str, float] = {}  # By page, since when nobody has been at it.
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
            turn = self._queue.next_turn(owner)
            job = Job(do, self._works[do], request, owner, page, turn, self._count_ahead, self.end)
            while (other := self._queue.job_to_give_way(job)) is not None:
                self.end(other, Problem("job_gave_way"))
            self._queue.waiting.append(job)
            self._staff()
            self._changed.notify_all()
        return job

    def ask(
        self,
        do: str,
        payload: bytes = b"",
        *,
        patience: float | None = None,
        follow: Callable[[Job], None] | None = None,
        **arguments: Any,
    ) -> Answer:
        """Have a job done and wait for its answer, at most `patience` seconds; the arguments are those of `submit`.

        `follow` is given the job as it begins to wait, to see how far it is. Whoever stops waiting cancels it. Raises Problem when it
        fails, takes longer or too many wait.
        """
        job = self.submit(do, payload, **arguments)
        try:
            if follow is not None:
                follow(job)
            return job.result(patience)
        except TimeoutError:
            raise Problem("desk_late", limit=round(patience or 0)) from None
        finally:
            job.cancel()

    def check(self, owner: str) -> None:
        """Raises Problem when this owner has as many jobs waiting as may be: before anything large is fetched for one more."""
        with self._changed:
            if self._stopping:
                raise Problem("job_cancelled")
            self._queue.check(owner)

    def wake(self) -> None:
        """Open a desk if there is none: somebody will soon have something to do."""
        with self._changed:
            if not self._desks and not self._stopping:
                self._open()

    def release(self, page: str) -> None:
        """Nobody is at this page any more: its jobs end after a while, unless somebody comes back."""
        with self._changed:
            if any(job.page == page for job in self._queue.unfinished):
                self._pages_left.setdefault(page, self._clock())

    def hold(self, page: str) -> None:
        """Somebody is at this page."""
        with self._changed:
            self._pages_left.pop(page, None)

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
            for job in self._queue.unfinished:
                if now - self._pages_left.get(job.page, now) > LEFT_ALONE:
                    self.end(job, Problem("job_cancelled"))
                elif (limit := self._limit_passed(job)) is not None:
                    self.end(job, Problem(job.work.too_long, limit=round(limit)))
            for desk in self._desks.values():
                if desk.process is not None and not desk.process.ready:
                    # Time in which it got no processor does not count: it is slow, and does not hang.
                    waited = min(desk.process.held_up, (STARVED - 1) * STARTING)
                    if now - desk.process.born - waited > STARTING:
                        desk.process.kill()
            self._staff()  # Somebody's budget may have been refilled.
            pages = {job.page for job in self._queue.unfinished}
            self._pages_left = {page: since for page, since in self._pages_left.items() if page in pages}
            self._changed.notify_all()  # A desk may have been without work for long enough.

    def figures(self) -> dict[str, Any]:
        """What can be counted: desks, desks_free, jobs_waiting, jobs_working, jobs (ended so far), desks_lost, and memory by desk."""
        with self._changed:
            processes = [desk.process for desk in self._desks.values() if desk.process is not None]
            counts = {
                "desks": len(processes),
                "desks_free": sum(desk.free for desk in self._desks.values()),
                "jobs_waiting": len(self._queue.waiting),
                "jobs_working": len(self._queue.working),
                "jobs": self.finished,
                "desks_lost": self.lost,
            }
        return {**counts, "memory_bytes": {process.name: process.resident_bytes() for process in processes}}

    def stop(self) -> None:
        """End all jobs and close all desks; no process is left."""
        with self._changed:
            self._stopping = True
            for job in self._queue.unfinished:
                self.end(job, Problem("job_cancelled"))
            threads = list(self._desks)
            self._changed.notify_all()
        for thread in threads:
            thread.join(5.0)

    def _count_ahead(self, job: Job) -> int:
        with self._changed:
            return self._queue.count_ahead(job)

    def _limit_passed(self, job: Job) -> float | None:
        """The limit in seconds that the job has passed; None while it has passed none."""
        if job.sent is None:
            return None
        if job.used > job.work.processor:
            return job.work.processor
        return job.work.clock if self._clock() - job.sent > job.work.clock else None

    # The desks

    def _staff(self) -> None:
        """Open a desk if a job could begin and nobody is free. (Lock held.)"""
        if self._queue.choose_next() is not None and len(self._desks) == len(self._queue.working):
            self._open()

    def _open(self) -> None:
        """Open one desk, and begin to tend the desks if it is the first. (Lock held.)"""
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
                job = self._queue.choose_next()
                if job is not None and not self._is_for_another(job, desk):
                    self._queue.begin(job)
                    desk.free, desk.owner = False, job.owner
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
        """The thread of one desk: start its process at once, as somebody is about to need it, and bring it jobs."""
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
        """Start a new process for this desk, if the system has room for one."""
        try:
            desk.process = DeskProcess(self._command, self._clock)
        except OSError:
            _log.exception("No desk could be opened.")

    def _work(self, job: Job, process: DeskProcess) -> bool:
        """Have this process do the job; whether the process can be given another job."""
        with self._changed:
            if job.outcome is not None:
                return True  # It was cancelled before it began.
            job.process = process
        goes_on, answered = False, False
        try:
            if process.wait_ready():
                with self._changed:
                    job.sent = self._clock()
                    request, job.request = job.request, NO_REQUEST
                process.send(*request)
                if (answer := self._answer_of(job, process)) is not None:
                    outcome, leaving = answer
                    answered = self._settle(job, outcome)
                    goes_on = answered and not leaving
        except OSError:
            pass  # The process ended while the job was sent.
        except Exception:
            _log.exception("What %s sent about %r is no message.", process.name, job.do)
        used = process.processor_seconds() - job.processor_before if job.processor_before is not None else 0.0
        if job.work.waits and job.sent is not None:
            used = self._clock() - job.sent
        with self._changed:
            if job.outcome is None:
                _log.warning("%s ended while it worked at %r.", process.name, job.do)
                self.lost += 1
                self._settle(job, Problem("job_lost"))
            # A job whose process has ended pays for the start of the next one too.
            self._queue.charge(job, used if answered else used + process.started)
        return goes_on

    def _answer_of(self, job: Job, process: DeskProcess) -> tuple[Answer | Problem, bool] | None:
        """What came out, and whether the process leaves; None when it ended without an answer."""
        while (message := process.receive()) is not None:
            header, payload = message
            if "begun" in header:
                job.processor_before = process.processor_seconds()
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
        """Note what became of a job and tell those who wait; False if that was known before."""
        with self._changed:
            if job.outcome is not None:
                return False
            job.outcome = outcome
            if isinstance(outcome, Problem):
                job.state = "cancelled" if outcome.key == "job_cancelled" else "failed"
            else:
                job.state, job.share = "done", 1.0
            job.request, job.process = NO_REQUEST, None
            self._queue.remove(job)
            self.finished += 1
            self._changed.notify_all()
        job.ended.set()
        return True
