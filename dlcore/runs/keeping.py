"""Keeping: when a worker sends the state of each run to the pool, so that the run survives the worker.

The state of a playing run is sent once a second. After a command it is sent before the answer, so that whatever was answered survives
the worker. Large states are sent less often: a command of some bytes must not send 23 MB each time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

from dlcore.runs.pace import NEVER
from dlcore.runs.run import Run
from dlcore.side import as_problem
from dlcore.wire import Header

KEEP_EVERY = 1.0  # Least seconds between two states sent of a playing run.
KEEP_RATE = 1_000_000  # Most bytes a second sent of a playing run.
OBEDIENT_KEEP_RATE = 32_000_000  # Most bytes a second sent after commands to a run.
# Bytes of a state that do not count towards that: a run as small as a class's is sent after each command.
ALWAYS_KEPT = 100_000


class Keeping:
    """Sends the states of a worker's runs when they are due."""

    def __init__(
        self,
        runs: Mapping[str, Run],
        send: Callable[[Header, bytes], None],
        doing: Callable[[str], AbstractContextManager[None]],
        clock: Callable[[], float],
    ) -> None:
        self._runs = runs
        self._send = send
        self._doing = doing
        self._clock = clock
        self._again: dict[str, float] = {}  # When the state of a playing run may be sent again.
        self._obedient: dict[str, float] = {}  # When the state may be sent again after a command.
        # Runs with a command not kept yet, as the last state was sent too short a time before.
        self._behind: set[str] = set()

    def next_due(self) -> float:
        """When (by the clock) `keep_overdue` has something to send. Playing runs are sent by `keep_if_due` between slices of training."""
        return min((self._obedient[token] for token in self._behind), default=NEVER)

    def keep_overdue(self) -> None:
        """Send the runs that could not be sent at once after a command and may be now."""
        for token in [token for token in self._behind if self._obedient[token] <= self._clock()]:
            self.keep(token)

    def keep_if_due(self, token: str) -> None:
        """Send a run that has trained further, if its last state was sent long enough ago."""
        if self._again.get(token, 0.0) <= self._clock():
            self.keep(token)

    def keep_before_answer(self, token: str) -> None:
        """Send a run that has carried out a command, before the command is answered; a large one sent shortly before is sent later."""
        if self._obedient.get(token, 0.0) <= self._clock():
            self.keep(token)
        else:
            self._behind.add(token)

    def note_restored(self, token: str, size: int) -> None:
        """Report a restored run to the pool without its state (`size` bytes), which the pool has."""
        self._space_out(token, size)
        self._send({"kept": token, **self._runs[token].facts, "same": True}, b"")

    def keep(self, token: str) -> None:
        """Send the state of this run now."""
        try:
            with self._doing("keeping"):
                header, payload = self._runs[token].kept()
        except BaseException as error:
            as_problem(error)  # Logs the error. The pool goes on with the state sent before.
            self._again[token] = self._obedient[token] = self._clock() + KEEP_EVERY
            return
        self._space_out(token, len(payload))
        self._send({"kept": token, **header}, payload)

    def forget(self, token: str) -> None:
        """Forget a run that has left this worker."""
        self._again.pop(token, None)
        self._obedient.pop(token, None)
        self._behind.discard(token)

    def _space_out(self, token: str, size: int) -> None:
        now = self._clock()
        self._again[token] = now + max(KEEP_EVERY, size / KEEP_RATE)
        self._obedient[token] = now + max(size - ALWAYS_KEPT, 0) / OBEDIENT_KEEP_RATE
        self._behind.discard(token)
