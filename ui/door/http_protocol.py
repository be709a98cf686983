"""uvicorn's HTTP connection with limits: on a request's head (size and time) and on its body (least speed); one request at a time.

It finds the ends of heads and bodies itself, so that the parser (h11 or httptools) is never given more than the present request.
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
MOST_LINES = 128  # of a head; as many as the library `websockets` allows. h11 needs 10 microseconds for each.
LONGEST_SEND = 30.0  # Seconds after which a client that takes no byte of an answer is disconnected.
#: Methods of uvicorn's class that are overridden or called here; a version without them is left as it is, see `install`.
METHODS = (
    "connection_made",
    "connection_lost",
    "data_received",
    "on_response_complete",
    "handle_websocket_upgrade",
)


_BLANK_LINE = re.compile(rb"\n\r?\n")


class Head:
    """A request's head while it arrives: counts bytes and lines, finds the end."""

    def __init__(self) -> None:
        self.size = 0
        self._lines = 0
        self._seam = b""  # The last bytes so far: the blank line that ends the head may arrive in two pieces.

    @property
    def too_large(self) -> bool:
        """Whether the head is larger than browsers ever send."""
        return self.size > LARGEST_HEAD or self._lines > MOST_LINES

    def take(self, data: bytes) -> int:
        """Count the bytes of `data` that belong to the head; returns their number."""
        found = _BLANK_LINE.search(self._seam + data if self._seam else data)
        end = found.end() - len(self._seam) if found else len(data)
        self.size += end
        self._lines += data.count(b"\n", 0, end)
        self._seam = b"" if found else (self._seam + data)[-2:]
        return end

    def clear(self) -> None:
        """Forget this head; the next one begins."""
        self.size = self._lines = 0


def bound_class(base: Any, connections: Connections) -> Any:
    """A subclass of `base`, uvicorn's class of HTTP connections, that keeps the limits of this file."""

    class GuardedHTTP(base):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            self._pending = b""  # Bytes received and not yet given to the parser.
            self._head = Head()
            self._due = 0  # Bytes of the present request's body that the parser still has to be given.
            self._received = 0
            self._told = 0  # Bytes held, as last reported to `connections`.
            self._refusal = ""  # Key of the message with which the first request is refused; "" if there is room.
            # True once the connection was refused or became a WebSocket: what arrives here is dropped.
            self._is_deaf = False

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
            if self._refusal:  # Only now: browsers ignore an answer that comes before their request.
                self._say(HTTPStatus.SERVICE_UNAVAILABLE, self._refusal)
                return
            self._received += len(data)
            self._pending = self._pending + data if self._pending else data
            self._go_on()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._go_on()

        def handle_websocket_upgrade(self, *event: Any) -> None:
            self._is_deaf = True  # The WebSocket's protocol object takes over the transport.
            connections.leave(self)
            super().handle_websocket_upgrade(*event)

        # One request at a time

        def _go_on(self) -> None:
            while self._pending and not self._is_over:
                if self._due:
                    self._give_body()
                elif self._is_answering:
                    self.flow.pause_reading()  # uvicorn resumes reading when it has answered.
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
            if self.cycle is not before:  # The head was complete: the parser has started the app on a new request.
                self._head.clear()
                self._read_length()
            elif begins and before is not None:
                connections.waits(self)  # The time limit for the rest of this head begins now, not at the last answer.

        def _read_length(self) -> None:
            for name, value in self.headers:
                if name == b"content-length":
                    self._due = int(value)
                elif name == b"transfer-encoding":  # Refused: chunks of a byte each are slow to parse.
                    self._say(HTTPStatus.LENGTH_REQUIRED, "connection.no_length")
                    return

        # What `connections` is told

        def _tell(self) -> None:
            if self._is_deaf:
                return
            if self.transport.is_closing():
                connections.waits(self)  # The connection closes once the client has taken its last answer.
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
            """Bytes received and not yet read by the app, and bytes of answers that the client has not taken yet."""
            unread = len(self._pending) + self._head.size + (len(self.cycle.body) if self.cycle is not None else 0)
            return unread + self.unsent()

        def unsent(self) -> int:
            """Bytes of an answer that the client has not taken yet."""
            return self.transport.get_write_buffer_size()

        def received(self) -> int | None:
            """Bytes received so far; None while the app has paused reading."""
            return None if self.flow.read_paused else self._received

        # The end

        def end(self, why: Why) -> None:
            """Close the connection; a client that was too slow with a request is answered with a sentence first."""
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
                # The app is told that the client has left: its answer would not be sent.
                self.cycle.disconnected = True
                self.cycle.message_event.set()
            self._unset_keepalive_if_required()
            self.transport.write(answer(status, key))
            if not self.transport.can_write_eof():
                self.transport.close()
                return
            # Only our half is closed: closing a socket while data arrive resets it, and the client would not get the answer.
            self.transport.write_eof()
            self.flow.resume_reading()
            connections.linger(self)

    return GuardedHTTP


def hasten(transport: asyncio.BaseTransport) -> None:
    """Set two options on a connection.

    TCP_NODELAY: asyncio sets it only for sockets created with an explicit protocol number, which Streamlit's is not; without it an
    answer of two writes waits up to 40 ms for the other side's delayed acknowledgement. TCP_USER_TIMEOUT (Linux): the connection of
    a client that takes nothing for LONGEST_SEND seconds ends, which frees what waited for it; else it would wait for ever.
    """
    connection = transport.get_extra_info("socket")
    if connection is not None and connection.family != getattr(socket, "AF_UNIX", None):
        with suppress(OSError):  # The client may have closed the socket already.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(LONGEST_SEND * 1000))


@functools.cache
def answer(status: HTTPStatus, key: str) -> bytes:
    """A complete HTTP answer with a sentence in every language, as the reader's is not known before the head is parsed."""
    body = "".join(f"{text(language, key)}\n" for language in LANGUAGES).encode()
    head = f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: text/plain; charset=utf-8\r\n"
    return f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
