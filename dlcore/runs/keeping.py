"""Keeping: when the state of each run leaves its worker, so that the run outlives it.

A run that plays is kept once a second. One that was told something is kept before it answers, so that what was answered
survives the worker. Large states are kept more seldom: a command of some bytes must not send a state of 23 MB on its way each time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dlcore.runs.run import NEVER, Run
from dlcore.side import as_problem
from dlcore.wire import Header

KEEP_EVERY = 1.0  # Seconds between two kept states of a playing run, and ...
KEEP_RATE = 1_000_000  # ... bytes a second at most.
OBEDIENT_KEEP_RATE = 32_000_000  # The same for what is kept because the run was told something, ...
ALWAYS_KEPT = 100_000  # ... beyond so many bytes, as the runs of a class have.


class Keeping:
    """What is sent of each run of a worker, and when."""

    def __init__(
        self, runs: Mapping[str, Run], send: Callable[[Header, bytes], None], clock: Callable[[], float]
    ) -> None:
        self._runs = runs
        self._send = send
        self._clock = clock
        self._again: dict[str, float] = {}  # When the state of a run that plays is kept again, ...
        self._obedient: dict[str, float] = {}  # ... and from when on that of one which was told something.
        self._behind: set[str] = set()  # These were told something before that.

    def next_due(self) -> float:
        """When one is to be kept that was told something; those that play are kept between their slices."""
        return min((self._obedient[token] for token in self._behind), default=NEVER)

    def catch_up(self) -> None:
        """Keep those whose time has come."""
        for token in [token for token in self._behind if self._obedient[token] <= self._clock()]:
            self.keep(token)

    def while_playing(self, token: str) -> None:
        """It has trained a little more."""
        if self._again.get(token, 0.0) <= self._clock():
            self.keep(token)

    def before_answering(self, token: str) -> None:
        """It has done what it was told."""
        if self._obedient.get(token, 0.0) <= self._clock():
            self.keep(token)
        else:
            self._behind.add(token)

    def as_it_came(self, token: str, size: int) -> None:
        """It was brought back: its state, of so many bytes, need not travel again."""
        self._space_out(token, size)
        self._send({"kept": token, **self._runs[token].facts, "same": True}, b"")

    def keep(self, token: str) -> None:
        """Now."""
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
