"""Limits on all connections of the server: their number, how slowly they may send, and the memory held for them.

This module knows no protocol. A connection reports what it does (it waits for a request, receives one, is being answered) and how
many bytes are held for it; one that breaks a limit is ended and told why. All calls come from the event loop: there are no locks.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Protocol

from dlcore.limits import numbers_set, setting
from ui.door.addresses import find_home

LITTLE = 1024  # Bytes up to which what is held for a connection is not counted.
# Share of the bytes allowed to which connections are ended, so that the next byte does not end one again.
AFTER_SHEDDING = 0.9
MOST_LINGERING = 32  # Refused connections that are open only until the client has read why.
LINGERING = 2.0  # Seconds that such a connection stays open.

logger = logging.getLogger(__name__)


class Why(Enum):
    """Why a connection ends."""

    SLOW_HEAD = auto()
    SLOW_BODY = auto()
    CROWDED = auto()  # There are too many connections, and this one only waited for a request.
    MEMORY = auto()  # Too many bytes are held for all connections together, and most for this one.
    TOLD = auto()  # The client has had time to read the refusal.


class Connection(Protocol):
    """A connection as this module sees it."""

    def end(self, why: Why) -> None:
        """Close it."""
        ...

    def holds(self) -> int:
        """Bytes held for the connection: received and not yet read by the app, or sent by the app and not yet taken by the client."""
        ...

    def unsent(self) -> int:
        """Bytes of an answer that the client has not taken yet."""
        ...

    def received(self) -> int | None:
        """Bytes received so far; None while the server has stopped reading, so that the client is not to blame for sending nothing."""
        ...


@dataclass(frozen=True)
class Allowed:
    """The limits: numbers of connections, bytes and seconds."""

    most: int = 4096  # Connections; the server derives it from its file descriptors.
    per_address: int = setting(
        "DLCORE_CONNECTIONS_PER_ADDRESS", 0, 0, 1_000_000
    )  # 0: half of `most`, as a whole school may share one address.
    sockets_mb: int = setting("DLCORE_SOCKETS_MB", 64, 1, 1_000_000)
    head_within: float = 10.0  # Seconds after which a connection with an incomplete request head is ended.
    # Seconds without any byte of an incomplete request or message after which its connection is ended.
    silence: float = 20.0
    slowest: float = 2000.0  # Bytes a second, on average, below which an incomplete request or message is too slow ...
    judged_over: float = 30.0  # ... over so many seconds.

    @classmethod
    def of_this_server(cls, most: int, environment: Mapping[str, str] = os.environ) -> Allowed:
        """The defaults, with the numbers that environment variables set. Raises Problem for a value that is not an allowed number."""
        return cls(most=most, **numbers_set(cls, environment))

    @property
    def of_one_address(self) -> int:
        """Connections that one address may have."""
        return min(self.per_address or self.most // 2, self.most)


@dataclass
class _Address:
    """The connections of one address."""

    open: int = 0
    waiting: dict[Connection, None] = field(default_factory=dict)  # The first has waited longest.


@dataclass
class _Progress:
    """How fast an incomplete request or message arrives."""

    since: float  # When the stretch of time began over which the speed is averaged.
    first: int  # Bytes received by then.
    changed: float  # When the last byte came.
    last: int  # Bytes received by then.


def never(address: str) -> bool:
    """False: no address is a proxy's."""
    return False


class Connections:
    """All connections of a server."""

    def __init__(
        self,
        allowed: Allowed,
        is_proxy: Callable[[str], bool] = never,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._allowed = allowed
        self._is_proxy = is_proxy  # All clients of a proxy share its address, so it has no limit of its own.
        self._clock = clock
        self._addresses: dict[str, _Address] = {}
        self._open: dict[Connection, tuple[str, _Address]] = {}
        # Since when each waits for a request; the first has waited longest.
        self._waiting: dict[Connection, float] = {}
        self._receiving: dict[Connection, _Progress] = {}
        self._lingering: dict[Connection, float] = {}
        self._sending: dict[
            Connection, tuple[float, int]
        ] = {}  # Waiting ones whose client still takes the last answer: since when the speed is averaged, and bytes left then.
        self._held: dict[Connection, int] = {}
        self._bytes = 0
        self._ended = dict.fromkeys(Why, 0)
        self._refused = 0

    def figures(self) -> dict[str, int]:
        """Counts for the metrics: connections open, waiting, refused and ended (by reason), and bytes held."""
        ended = {f"ended_{why.name.lower()}": number for why, number in self._ended.items() if why is not Why.TOLD}
        return {
            "open": len(self._open),
            "waiting": len(self._waiting),
            "held_bytes": self._bytes,
            "refused": self._refused,
            **ended,
        }

    # Coming and going

    def join(self, connection: Connection, host: str) -> str:
        """Count a new connection, which now waits for its request; returns "", or the key of the message that refuses it."""
        name = find_home(host)
        address = self._addresses.get(name) or _Address()
        capped = bool(host) and not self._is_proxy(host)
        if capped and address.open >= self._allowed.of_one_address and not self._make_room(address.waiting):
            return self._refuse("connection.many", f"{name} has {address.open}")
        if len(self._open) >= self._allowed.most and not self._make_room(self._waiting):
            return self._refuse("connection.full", f"there are {len(self._open)}")
        self._addresses[name] = address
        address.open += 1
        self._open[connection] = name, address
        self.waits(connection)
        return ""

    def leave(self, connection: Connection) -> None:
        """Forget a connection; nothing happens if it is not known."""
        self._lingering.pop(connection, None)
        self._bytes -= self._held.pop(connection, 0)
        if connection not in self._open:
            return
        self.works(connection)
        name, address = self._open.pop(connection)
        address.open -= 1
        if not address.open:
            self._addresses.pop(name, None)

    def linger(self, connection: Connection) -> None:
        """Keep a refused connection open, uncounted, for LINGERING seconds, so that the client can read the refusal."""
        self.leave(connection)
        if len(self._lingering) >= MOST_LINGERING:
            self._end(next(iter(self._lingering)), Why.TOLD)
        self._lingering[connection] = self._clock()

    def _refuse(self, key: str, there_are: str) -> str:
        self._refused += 1
        logger.warning("A connection is refused: %s, and none of them waits.", there_are)
        return key

    def _make_room(self, waiting: Mapping[Connection, object]) -> bool:
        """End the connection that has waited longest for a request; False if none waits."""
        for connection in waiting:
            logger.warning(
                "There are %d connections: the one that has waited longest for a request ends.", len(self._open)
            )
            self._end(connection, Why.CROWDED)
            return True
        return False

    def _end(self, connection: Connection, why: Why) -> None:
        self.leave(connection)
        self._ended[why] += 1
        connection.end(why)

    # What it does

    def waits(self, connection: Connection) -> None:
        """Note that the client must now send a request, or the rest of a request's head, in time."""
        if connection in self._open:
            self.works(connection)
            self._waiting[connection] = self._clock()
            self._open[connection][1].waiting[connection] = None

    def receives(self, connection: Connection) -> None:
        """Note that the client has sent part of a request's body or of a message: if the rest is too slow, the connection is ended."""
        if connection in self._open and connection not in self._receiving:
            self.works(connection)
            now, received = self._clock(), connection.received() or 0
            self._receiving[connection] = _Progress(now, received, now, received)

    def works(self, connection: Connection) -> None:
        """Note that nothing is expected of the client now: the server works, or a socket is idle between messages."""
        self._sending.pop(connection, None)
        if self._waiting.pop(connection, None) is not None:
            self._open[connection][1].waiting.pop(connection, None)
        self._receiving.pop(connection, None)

    # What it holds

    def holds(self, connection: Connection, size: int) -> None:
        """Note how many bytes are held for the connection. If the sum over all is too large, those with most are ended."""
        before = self._held.get(connection, 0)
        if size < LITTLE or connection not in self._open:
            if before:
                self._bytes -= self._held.pop(connection)
            return
        self._held[connection] = size
        self._bytes += size - before
        if self._bytes > self._allowed.sockets_mb << 20:
            self._shed()

    def _shed(self) -> None:
        # Connections report late that bytes were read: ask all of them again before any is ended.
        self._held = {connection: size for connection in self._held if (size := connection.holds()) >= LITTLE}
        self._bytes = sum(self._held.values())
        most = self._allowed.sockets_mb << 20
        if self._bytes <= most:
            return
        logger.warning(
            "Connections hold %.1f MB that nobody has read or taken: those with most of it end.",
            self._bytes / (1 << 20),
        )
        for connection in sorted(self._held, key=self._held.__getitem__, reverse=True):
            self._end(connection, Why.MEMORY)
            if self._bytes <= AFTER_SHEDDING * most:
                return

    # Time

    def sweep(self) -> None:
        """End the connections that have taken too long. Called once a second."""
        now = self._clock()
        for connection, since in list(self._waiting.items()):
            if now - since < self._allowed.head_within:
                break
            if not self._takes_its_answer(connection, now):
                self._end(connection, Why.SLOW_HEAD)
        for connection, progress in list(self._receiving.items()):
            if self._is_slow(connection.received(), progress, now):
                self._end(connection, Why.SLOW_BODY)
        for connection, since in list(self._lingering.items()):
            if now - since < LINGERING:
                break
            self._end(connection, Why.TOLD)

    def _takes_its_answer(self, connection: Connection, now: float) -> bool:
        """Whether the client is still taking the last answer, fast enough; its time for the next request begins when it has it all."""
        left = connection.unsent()
        if not left:
            took = connection in self._sending
            if took:
                self.waits(connection)
            return took
        since, before = self._sending.setdefault(connection, (now, left))
        if now - since < self._allowed.judged_over:
            return True
        self._sending[connection] = now, left
        return before - left >= self._allowed.slowest * (now - since)

    def _is_slow(self, received: int | None, progress: _Progress, now: float) -> bool:
        if received is None:  # The server has stopped reading: the client's speed is averaged anew once it reads on.
            progress.since = progress.changed = now
            progress.first = progress.last
            return False
        if received != progress.last:
            progress.changed, progress.last = now, received
        if now - progress.changed >= self._allowed.silence:
            return True
        if now - progress.since < self._allowed.judged_over:
            return False
        rate = (received - progress.first) / (now - progress.since)
        progress.since, progress.first = now, received
        return rate < self._allowed.slowest
