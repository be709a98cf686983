"""A job of a desk as the server sees it: what was asked, how far it is, and what came out."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from dlcore.desks.jobs import Work
from dlcore.desks.process import DeskProcess
from dlcore.jobs import Answer
from dlcore.problems import Problem

# Counted for each waiting job beside its payload: a full queue holds 384 jobs with small payloads.
BYTES_OF_A_JOB = 1 << 19
NO_REQUEST = b"", b""


@dataclass(eq=False)
class Job:
    """A job and what is known of it: `state` is waiting, working, done, failed or cancelled; `share` goes from 0 to 1."""

    do: str
    work: Work
    request: tuple[bytes, bytes]
    owner: str
    page: str
    turn: tuple[int, int]  # Its round, and how many jobs had been submitted before it.
    count_ahead: Callable[[Job], int]
    end: Callable[[Job, Problem], None]
    state: str = "waiting"
    share: float = 0.0
    partial: dict[str, Any] = field(default_factory=dict)
    is_prompt: bool = False  # Whether it began as one for which a desk is left free.
    process: DeskProcess | None = None
    sent: float | None = None  # When its process was given it.
    processor_before: float | None = None  # Processor seconds that its process had used when the job began.
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
        """Unfinished jobs that come before it: of the long ones if it is long, else of the others. 0 once it has begun."""
        return self.count_ahead(self)

    @property
    def used(self) -> float:
        """Processor seconds that it has used so far."""
        if self.process is None or self.processor_before is None:
            return 0.0
        return self.process.processor_seconds() - self.processor_before

    def cancel(self) -> None:
        """End it, as nobody wants its result any more; nothing happens if it has ended."""
        self.end(self, Problem("job_cancelled"))

    def result(self, timeout: float | None = None) -> Answer:
        """What came out, once it is done. Raises its Problem, and TimeoutError when it takes longer than the timeout."""
        if not self.ended.wait(timeout):
            raise TimeoutError(f"{self.do} is still {self.state}")
        if isinstance(self.outcome, Problem):
            raise Problem(self.outcome.key, **self.outcome.values)
        assert self.outcome is not None
        return self.outcome
