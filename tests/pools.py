"""What the tests of pools share: a command whose workers compute nothing, a worker that stands still, a run that is brought back."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from dlcore.runs.places.links import Link
from dlcore.runs.server.pool import Pool, WorkerLost
from tests.patience import eventually

FAKE = (sys.executable, "-m", "tests.fake_worker")


@contextmanager
def standing_still(link: Link) -> Iterator[None]:
    """Meanwhile the worker hears everything and answers nothing."""
    pid = link.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):  # It was replaced meanwhile.
            os.kill(pid, signal.SIGCONT)


def answered(pool: Pool, token: str, do: str) -> dict[str, Any]:
    """What the run's worker says, as soon as there is one that does."""
    answers: list[dict[str, Any]] = []

    def asked() -> bool:
        with suppress(WorkerLost):
            answers.append(pool.call(token, do)[0])
        return bool(answers)

    assert eventually(asked)
    return answers[0]
