"""Keeping: when the state of each run leaves its worker, so that the run outlives it.

A run that plays is kept once a second. One that was told something is kept before it answers, so that what was answered
survives the worker. Large states are kept more seldom: a command of some bytes must not send a state of 23 MB on its way each time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dlcore.runs.pace import NEVER
from dlcore.runs.run import Run
from dlcore.side import as_problem
from dlcore.wire import Header

KEEP_EVERY = 1.0  # Seconds at least between two kept states of a playing run.
KEEP_RATE = 1_000_000  # Bytes a second at most that are kept of a playing run.
OBEDIENT_KEEP_RATE = 32_000_000  # The same for states that are kept because the run was told something.
ALWAYS_KEPT = 100_000  # Bytes of a state that count for nothing there: so small a run, as those of a class are, is kept each time.


class Keeping:
    """What is sent of each run of a worker, and when."""

    def __init__(
        self, runs: Mapping[str, Run], send: Callable[[Header, bytes], None], clock: Callable[[], float]
    ) -> None:
        self._runs = runs
        self._send = send
        self._clock = clock
        self._again: dict[str, float] = {}  # When the state of a run that plays may be kept again.
        self._obedient: dict[str, float] = {}  # The same for a run that was told something.
        self._behind: set[str] = set()  # Runs that were told something too soon after they had been kept.

    def next_due(self) -> float:
        """When (by the clock) `keep_overdue` has something to keep; runs that play are kept between their slices instead."""
        return min((self._obedient[token] for token in self._behind), default=NEVER)

    def keep_overdue(self) -> None:
        """Keep the runs that were told something and could not be kept at once, and whose time has come."""
        for token in [token for token in self._behind if self._obedient[token] <= self._clock()]:
            self.keep(token)

    def keep_if_due(self, token: str) -> None:
        """Keep a run that has trained a little more, if it was last kept long enough ago."""
        if self._again.get(token, 0.0) <= self._clock():
            self.keep(token)

    def keep_before_answer(self, token: str) -> None:
        """Keep a run that has done what it was told, before anybody is told so; a large one, kept a moment ago, later."""
        if self._obedient.get(token, 0.0) <= self._clock():
            self.keep(token)
        else:
            self._behind.add(token)

    def note_restored(self, token: str, size: int) -> None:
        """Say where a run stands that was brought back: its state, of so many bytes, is known to the pool and not sent again."""
        self._space_out(token, size)
        self._send({"kept": token, **self._runs[token].facts, "same": True}, b"")

    def keep(self, token: str) -> None:
        """Send the state of this run now."""
        try:
            header, payload = self._runs[token].kept()
        except BaseException as error:
            as_problem(error)  # Logged. The state kept before stays the one to come back to.
            self._again[token] = self._obedient[token] = self._clock() + KEEP_EVERY
            return
        self._space_out(token, len(payload))
        self._send({"kept": token, **header}, payload)

    def forget(self, token: str) -> None:
        """The run is gone."""
        self._again.pop(token, None)
        self._obedient.pop(token, None)
        self._behind.discard(token)

    def _space_out(self, token: str, size: int) -> None:
        now = self._clock()
        self._again[token] = now + max(KEEP_EVERY, size / KEEP_RATE)
        self._obedient[token] = now + max(size - ALWAYS_KEPT, 0) / OBEDIENT_KEEP_RATE
        self._behind.discard(token)
