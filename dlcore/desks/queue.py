"""The queue of the desks: which job may begin next, and which must give way when too much waits. It starts no process.

Whose turn it is (fair queueing, Nagle, 1987): jobs begin in rounds, in each of which everybody has one job at most. Who has
used up a budget of desk time comes after all others. Which job may begin: long ones have desks of their own beside the others;
of these, one is left to jobs that are quick, of owners who have nothing else there and something left of their budget.
"""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Callable

from dlcore.desks.budgets import Budgets
from dlcore.desks.job import Job
from dlcore.problems import Problem

MOST_OF_AN_OWNER = 4  # Jobs that wait: one for each file that a desk makes.
MOST_OF_NOBODY = 8  # The same of all who come without a cookie.
MOST_BYTES = 192 << 20  # Of all jobs that wait together.
SAVED, REFILL = 60.0, 0.1  # Desk time of an owner: seconds, and what is added each second.
SAVED_LONG, REFILL_LONG = 600.0, 0.5  # The same for long jobs.


class JobQueue:
    """Jobs that wait and jobs that are worked at. Whoever calls holds the lock of the desks."""

    def __init__(self, desks: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.waiting: list[Job] = []
        self.working: list[Job] = []
        self._desks = desks
        self._numbers = itertools.count()
        self._round = 0
        # Round of an owner's last job; forgotten once a later round has begun.
        self._round_of: dict[str, int] = {}
        self._short, self._long = Budgets(SAVED, REFILL, clock), Budgets(SAVED_LONG, REFILL_LONG, clock)

    @property
    def unfinished(self) -> list[Job]:
        return [*self.waiting, *self.working]

    def check(self, owner: str) -> None:
        """Raises Problem when this owner has as many jobs waiting as may be."""
        most = MOST_OF_AN_OWNER if owner else MOST_OF_NOBODY
        if sum(job.owner == owner for job in self.waiting) >= most:
            raise Problem("desk_busy", limit=most)

    def next_turn(self, owner: str) -> tuple[int, int]:
        """The `turn` of one more job of this owner: a round in which the owner has no other job."""
        rounds = [job.turn[0] for job in self.waiting if job.owner == owner]
        turn = max(self._round, self._round_of.get(owner, -1) + 1, max(rounds, default=-1) + 1)
        return turn, next(self._numbers)

    def choose_next(self) -> Job | None:
        """The job that may begin next."""
        return min(filter(self._may_begin, self.waiting), key=self._order, default=None)

    def begin(self, job: Job) -> None:
        """A waiting job is worked at from now on: a later one of its owner belongs to a later round."""
        self.waiting.remove(job)
        job.state, job.is_prompt = "working", self._is_prompt(job)
        self.working.append(job)
        self._round = max(self._round, job.turn[0])
        self._round_of[job.owner] = job.turn[0]
        self._round_of = {owner: turn for owner, turn in self._round_of.items() if turn >= self._round}

    def remove(self, job: Job) -> None:
        """Forget a job that has ended."""
        for jobs in (self.waiting, self.working):
            if job in jobs:
                jobs.remove(job)

    def count_ahead(self, job: Job) -> int:
        """Unfinished jobs that come before it, long ones or others as it is; 0 once it has begun."""
        if job not in self.waiting:
            return 0
        order = self._order(job)
        before = sum(self._order(other) < order for other in self.waiting if other.is_long == job.is_long)
        return before + sum(other.is_long == job.is_long for other in self.working)

    def job_to_give_way(self, job: Job) -> Job | None:
        """The newest job of whoever holds most of the queue, which must end so that this one has room; None when there is room.

        Raises Problem when nobody holds more than this job's owner would.
        """
        if sum(other.bytes for other in self.waiting) + job.bytes <= MOST_BYTES:
            return None
        held: Counter[str] = Counter()
        for other in self.waiting:
            held[other.owner] += other.bytes
        shares = {owner: (self._is_spent(owner, long=False), size) for owner, size in held.items()}
        greediest = max(shares, key=shares.__getitem__, default=job.owner)
        mine = self._is_spent(job.owner, long=False), held[job.owner] + job.bytes
        if shares.get(greediest, mine) <= mine:
            raise Problem("desks_full", limit=len(self.waiting))
        return [other for other in self.waiting if other.owner == greediest][-1]

    def charge(self, job: Job, seconds: float) -> None:
        """Take so many seconds from the budget of the job's owner."""
        self._budgets(job.is_long).charge(job.owner, seconds)

    def _order(self, job: Job) -> tuple[bool, int, int]:
        return (self._is_spent(job.owner, job.is_long), *job.turn)

    def _budgets(self, long: bool) -> Budgets:
        return self._long if long else self._short

    def _is_spent(self, owner: str, long: bool) -> bool:
        """Whether this owner's budget is used up."""
        return self._budgets(long).left(owner) <= 0

    def _may_begin(self, job: Job) -> bool:
        """Whether there is a desk for it beside the jobs that are worked at."""
        beside = [other for other in self.working if other.is_long == job.is_long]
        if job.is_long:
            return len(beside) < max(1, self._desks // 2)
        if len(beside) >= self._desks:
            return False
        return self._is_prompt(job) or sum(not other.is_prompt for other in beside) < max(1, self._desks - 1)

    def _is_prompt(self, job: Job) -> bool:
        """Whether it is soon over and its owner has no other job at work: one desk is always left free for such jobs."""
        has_another = any(other.owner == job.owner and not other.is_long for other in self.working)
        return job.work.kind == "quick" and not has_another and not self._is_spent(job.owner, long=False)
