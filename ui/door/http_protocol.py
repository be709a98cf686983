"""uvicorn's HTTP connection with bounds: its head has a size and a deadline, its body comes on, and it is given one request at a time.

It reads along where heads and bodies end, so that the parser, h11's or httptools', never sees more than the present request.
"""

from __future__ import annotations

import asyncio
import functools
import re
import socket
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from ui.door.connections import LITTLE, Connections, Why
from ui.messages import LANGUAGES, text

LARGEST_HEAD = 32 << 10  # bytes; browsers send some hundred, and with many cookies some thousand
MOST_LINES = 128  # of a head; as many as `websockets` allows. h11 needs 10 microseconds for each.
LONGEST_SEND = 30.0  # Seconds without a byte taken, until a client has stopped reading.
#: What is overridden here.
METHODS = (
    "connection_made",
    "connection_lost",
    "data_received",
    "on_response_complete",
    "handle_websocket_upgrade",
)


_BLANK_LINE = re.compile(rb"\n\r?\n")


class Head:
    """A request's head as it comes: its size, its lines, its end."""

    def __init__(self) -> None:
        self.size = 0
        self._lines = 0
        self._seam = b""  # Its last bytes: the end may come in two pieces.

    @property
    def too_large(self) -> bool:
        """Whether it is larger than any that browsers send."""
        return self.size > LARGEST_HEAD or self._lines > MOST_LINES

    def take(self, data: bytes) -> int:
        """How many bytes of this belong to it."""
        found = _BLANK_LINE.search(self._seam + data if self._seam else data)
        end = found.end() - len(self._seam) if found else len(data)
        self.size += end
        self._lines += data.count(b"\n", 0, end)
        self._seam = b"" if found else (self._seam + data)[-2:]
        return end

    def clear(self) -> None:
        """Begin anew."""
        self.size = self._lines = 0


def bound_class(base: Any, connections: Connections) -> Any:
    """The class of uvicorn's HTTP connections, with the bounds of this file."""

    class GuardedHTTP(base):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            self._pending = b""  # What has come and was not given to the parser yet.
            self._head = Head()
            self._due = 0  # Bytes of the present request's body that have not come yet.
            self._received = 0
            self._told = 0  # Bytes that it was said to hold.
            self._refusal = ""  # The key of the sentence that says why there is no room.
            self._is_deaf = False  # Whatever comes now is dropped.

        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            hasten(transport)
            self._refusal = connections.join(self, self.client[0] if self.client else "")
            if self._refusal:
                connections.linger(self)

        def connection_lost(self, exc: Exception | None) -> None:
            connections.leave(self)
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            if self._is_deaf:
                return
            if self._refusal:  # Said now, as a browser takes no answer to what it has not asked.
                self._say(HTTPStatus.SERVICE_UNAVAILABLE, self._refusal)
                return
            self._received += len(data)
            self._pending = self._pending + data if self._pending else data
            self._go_on()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._go_on()

        def handle_websocket_upgrade(self, *event: Any) -> None:
            self._is_deaf = True  # From here on the connection is the WebSocket's.
            connections.leave(self)
            super().handle_websocket_upgrade(*event)

        # One request at a time

        def _go_on(self) -> None:
            while self._pending and not self._is_over:
                if self._due:
                    self._give_body()
                elif self._is_answering:
                    self.flow.pause_reading()  # uvicorn reads on when it has answered.
                    break
                else:
                    self._give_head()
            self._tell()

        @property
        def _is_over(self) -> bool:
            return self._is_deaf or self.transport.is_closing()

        @property
        def _is_answering(self) -> bool:
            return self.cycle is not None and not self.cycle.response_complete

        def _give_body(self) -> None:
            piece, self._pending = self._pending[: self._due], self._pending[self._due :]
            self._due -= len(piece)
            super().data_received(piece)

        def _give_head(self) -> None:
            begins = not self._head.size
            end = self._head.take(self._pending)
            if self._head.too_large:
                self._say(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "connection.large_head")
                return
            piece, self._pending = self._pending[:end], self._pending[end:]
            before = self.cycle
            super().data_received(piece)
            if self.cycle is not before:  # The head is whole, and the app at work.
                self._head.clear()
                self._read_length()
            elif begins and before is not None:
                connections.waits(self)  # for the rest of a further head; the time since the last answer does not count

        def _read_length(self) -> None:
            for name, value in self.headers:
                if name == b"content-length":
                    self._due = int(value)
                elif name == b"transfer-encoding":  # Chunks of a byte each would cost the loop as much as frames do.
                    self._say(HTTPStatus.LENGTH_REQUIRED, "connection.no_length")
                    return

        # What the others need to know

        def _tell(self) -> None:
            if self._is_deaf:
                return
            if self.transport.is_closing():
                connections.waits(self)  # until it has taken its last answer
                return
            if self._due:
                connections.receives(self)
            elif self._is_answering:
                connections.works(self)
            elif not self._head.size:
                connections.waits(self)
            size = self.holds()
            if size >= LITTLE or self._told:
                self._told = size
                connections.holds(self, size)

        def holds(self) -> int:
            """Bytes that have come and that nobody has read yet, and those that it has not taken yet."""
            unread = len(self._pending) + self._head.size + (len(self.cycle.body) if self.cycle is not None else 0)
            return unread + self.unsent()

        def unsent(self) -> int:
            """Bytes of an answer that it has not taken yet."""
            return self.transport.get_write_buffer_size()

        def received(self) -> int | None:
            """Bytes that have come so far; None while the app does not read."""
            return None if self.flow.read_paused else self._received

        # The end

        def end(self, why: Why) -> None:
            """Close it, with a sentence for those that had begun to send a request."""
            if why in (Why.SLOW_HEAD, Why.SLOW_BODY) and (self._head.size or self._due):
                self._say(HTTPStatus.REQUEST_TIMEOUT, "connection.slow")
            else:
                self.transport.abort()

        def _say(self, status: HTTPStatus, key: str) -> None:
            self._is_deaf = True
            self._pending = b""
            if self._is_answering:
                if self.cycle.response_started:
                    self.transport.abort()
                    return
                self.cycle.disconnected = True  # What the app says now is for nobody.
                self.cycle.message_event.set()
            self._unset_keepalive_if_required()
            self.transport.write(answer(status, key))
            if not self.transport.can_write_eof():
                self.transport.close()
                return
            # A socket that is closed while something comes in takes its last words back.
            self.transport.write_eof()
            self.flow.resume_reading()
            connections.linger(self)

    return GuardedHTTP


def hasten(transport: asyncio.BaseTransport) -> None:
    """Set two options on a connection.

    TCP_NODELAY: asyncio sets it only for sockets that were made with their protocol named, and Streamlit's is not: an answer
    of two writes then waits up to 40 ms for the other side's delayed acknowledgement. TCP_USER_TIMEOUT (Linux): the connection of
    a client that takes nothing for so long ends, and what waited for it is freed; without it that lasts until the client goes.
    """
    connection = transport.get_extra_info("socket")
    if connection is not None and connection.family != getattr(socket, "AF_UNIX", None):
        with suppress(OSError):  # It is gone again.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(LONGEST_SEND * 1000))


@functools.cache
def answer(status: HTTPStatus, key: str) -> bytes:
    """A whole answer: a sentence in each language, as nobody knows the reader's yet."""
    body = "".join(f"{text(language, key)}\n" for language in LANGUAGES).encode()
    head = f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: text/plain; charset=utf-8\r\n"
    return f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
