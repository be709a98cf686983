"""Connections: how many there are, which of them wait, what is held in memory for them, and which end when there is no more room.

This module knows no protocol. A connection tells what it does (it waits for a request, receives one, works at one) and what it
holds; when it has to go, it is told why. All of it happens on the loop of the server: there are no locks.
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

LITTLE = 1024  # Bytes that every connection may hold without being counted.
AFTER_SHEDDING = 0.9  # Of the bytes allowed: so far goes shedding, so that not each further byte calls for it.
MOST_LINGERING = 32  # Connections that are being told why they end.
LINGERING = 2.0  # Seconds they have to read it.

logger = logging.getLogger(__name__)


class Why(Enum):
    """Why a connection ends."""

    SLOW_HEAD = auto()
    SLOW_BODY = auto()
    CROWDED = auto()  # Others need its room, and it only waits.
    MEMORY = auto()  # All connections together hold too much, and it holds most.
    TOLD = auto()  # It has had its time to read why.


class Connection(Protocol):
    """A connection as this module sees it."""

    def end(self, why: Why) -> None:
        """Close it."""
        ...

    def holds(self) -> int:
        """Bytes that have come and that nobody has read yet, and those that it has not taken yet."""
        ...

    def unsent(self) -> int:
        """Bytes of an answer that it has not taken yet."""
        ...

    def received(self) -> int | None:
        """Bytes that have come so far; None while it is the server that does not read."""
        ...


@dataclass(frozen=True)
class Allowed:
    """Numbers of connections, bytes and seconds."""

    most: int = 4096  # Connections; from the number of descriptors, see `of_this_server`.
    per_address: int = setting(
        "DLCORE_CONNECTIONS_PER_ADDRESS", 0, 0, 1_000_000
    )  # 0: half of all. A school is one address.
    sockets_mb: int = setting("DLCORE_SOCKETS_MB", 64, 1, 1_000_000)
    head_within: float = 10.0  # A request's head is whole in so many seconds, or its connection ends.
    silence: float = 20.0  # So long the rest of a request, or of a message, may not come at all ...
    slowest: float = 2000.0  # ... and then it comes at so many bytes a second at least,
    judged_over: float = 30.0  # on the average of so many seconds.

    @classmethod
    def of_this_server(cls, most: int, environment: Mapping[str, str] = os.environ) -> Allowed:
        """The defaults, but for what the environment says. Raises Problem for a value that is no such number."""
        return cls(most=most, **numbers_set(cls, environment))

    @property
    def of_one_address(self) -> int:
        """Connections that one address may have."""
        return min(self.per_address or self.most // 2, self.most)


@dataclass
class _Address:
    """Who has connections."""

    open: int = 0
    waiting: dict[Connection, None] = field(default_factory=dict)  # The first has waited longest.


@dataclass
class _Progress:
    """How what is being received comes on."""

    since: float  # The beginning of the present stretch ...
    first: int  # ... and what had come by then.
    changed: float  # When something came last, ...
    last: int  # ... and what had come by then.


def never(address: str) -> bool:
    """No address is a proxy's."""
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
        self._is_proxy = is_proxy  # Whoever comes through a proxy has its address.
        self._clock = clock
        self._addresses: dict[str, _Address] = {}
        self._open: dict[Connection, tuple[str, _Address]] = {}
        self._waiting: dict[Connection, float] = {}  # Since when. The first has waited longest.
        self._receiving: dict[Connection, _Progress] = {}
        self._lingering: dict[Connection, float] = {}
        self._sending: dict[
            Connection, tuple[float, int]
        ] = {}  # Those that wait and take an answer: since when, and what was left then.
        self._held: dict[Connection, int] = {}
        self._bytes = 0
        self._ended = dict.fromkeys(Why, 0)
        self._refused = 0

    def figures(self) -> dict[str, int]:
        """Connections that are open, that wait, and bytes held now; those refused and ended so far."""
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
        """Count a new connection, which waits for its request from now on. "", or the key of the message why there is no room."""
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
        """Let a connection that is being told why it ends stay for a moment to read that. It counts no more."""
        self.leave(connection)
        if len(self._lingering) >= MOST_LINGERING:
            self._end(next(iter(self._lingering)), Why.TOLD)
        self._lingering[connection] = self._clock()

    def _refuse(self, key: str, there_are: str) -> str:
        self._refused += 1
        logger.warning("A connection is refused: %s, and none of them waits.", there_are)
        return key

    def _make_room(self, waiting: Mapping[Connection, object]) -> bool:
        """End the one that has waited longest; False if none waits."""
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
        """Note that from now on the connection has to send a request, or the rest of its head."""
        if connection in self._open:
            self.works(connection)
            self._waiting[connection] = self._clock()
            self._open[connection][1].waiting[connection] = None

    def receives(self, connection: Connection) -> None:
        """Note that the connection has begun to send something: if that does not come on, it ends."""
        if connection in self._open and connection not in self._receiving:
            self.works(connection)
            now, received = self._clock(), connection.received() or 0
            self._receiving[connection] = _Progress(now, received, now, received)

    def works(self, connection: Connection) -> None:
        """Note that the connection need not send anything now: it is the server's turn."""
        self._sending.pop(connection, None)
        if self._waiting.pop(connection, None) is not None:
            self._open[connection][1].waiting.pop(connection, None)
        self._receiving.pop(connection, None)

    # What it holds

    def holds(self, connection: Connection, size: int) -> None:
        """Note how many bytes are held for the connection. When all together hold too much, those that hold most end."""
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
        # What was read meanwhile is told late by some.
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
        """Once a second: end what has taken too long."""
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
        """Whether it is still busy with the last answer, and fast enough: its time for a request begins after that."""
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
        if received is None:  # It is the server that does not read: a new stretch begins when it does.
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
