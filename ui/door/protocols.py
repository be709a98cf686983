"""What cannot be seen from ASGI: subclasses of uvicorn's protocols that bound what a connection may take, hold and wait.

uvicorn waits for the head of a request without end, joins the fragments of a WebSocket message under one limit for all routes, and
parses whatever has come in one go. Here a head has a deadline and a size, a body comes on or its connection ends, a message has the
size of its route, all that is held unread has a sum, and a socket has a number of frames a second.

`ProtocolGuard` puts these classes under the server that starts the app. Streamlit makes that server itself; but the app's lifespan
begins when the server's configuration is loaded, and before the first connection is taken.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import re
import socket
from asyncio import TimerHandle
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State

from dlcore.problems import Problem
from ui.assets import base_path
from ui.door import descriptors, logs
from ui.door.connections import LITTLE, Allowed, Connections, Why, never
from ui.door.memory import Memory
from ui.door.middleware import STREAM
from ui.messages import LANGUAGES, text

LIVE = "/api/live/"
#: The live channel's longest message is a `ready` of some 300 bytes.
LONGEST_LIVE = 4096
#: The page sends the state of all its widgets at once. The largest is the paste field of page Data: 1,000,000 characters as browsers
#: count them, in UTF-8 three bytes each at most (those of four bytes count twice). The rest is for all other widgets and the link.
LONGEST_STREAM = 4 << 20
LONGEST_OTHER = 4096

LARGEST_HEAD = 32 << 10  # bytes; browsers send some hundred, and with many cookies some thousand
MOST_LINES = 128  # of a head; as many as `websockets` allows
MOST_EARLY = 512 << 10  # Bytes of a next request that come before the present one is answered.

# A frame costs the loop up to 30 microseconds, however empty it is, and asyncio hands over 256 kB at once, which are 43,000 frames.
PIECE = 2048  # Bytes that are parsed in one go.
FRAMES_A_SECOND = 100.0  # A viewer sends one for each picture it has drawn, and one for each move of a slider.
MOST_FRAMES_SAVED = 200.0
CONTROL = 10.0  # Frames for which a ping or a pong counts: browsers send one in half a minute.
MESSAGE_OVERHEAD = 500  # Bytes that an unread message takes beside its content.

LONGEST_SEND = 30.0  # Seconds without a byte taken, until a client has stopped reading.
BETWEEN_SWEEPS = 1.0  # seconds

_BLANK_LINE = re.compile(rb"\n\r?\n")

logger = logging.getLogger(__name__)


# The server


class ProtocolGuard:
    """Middleware that passes everything on. When the server starts the app, its connections get the bounds of this file."""

    def __init__(self, app: ASGIApp, is_proxy: Callable[[str], bool] = never) -> None:
        self._app = app
        self._is_proxy = is_proxy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on."""
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        try:
            async with guarded(config_of(receive), self._is_proxy):
                await self._app(scope, receive, send)
        except (
            Problem
        ) as problem:  # A setting that is none: uvicorn would take any other end for an app without a lifespan.
            await send({"type": "lifespan.startup.failed", "message": str(problem)})


def config_of(receive: Receive) -> Config | None:
    """The configuration of the server that starts the app: `receive` is a method of uvicorn's lifespan, which has it."""
    found = getattr(getattr(receive, "__self__", None), "config", None)
    return found if isinstance(found, Config) else None


@asynccontextmanager
async def guarded(config: Config | None, is_proxy: Callable[[str], bool]) -> AsyncIterator[None]:
    """Bound this server's connections and its log, as long as it runs."""
    with logs.bounded(asyncio.get_running_loop()) as told:
        limit = descriptors.raise_limit()
        connections = Connections(Allowed.of_this_server(limit - descriptors.kept_free(limit)), is_proxy)
        if config is None or not install(config, connections):
            logger.error("Connections are not bounded: the app was not started by a uvicorn that this version knows.")
        elif config.backlog > descriptors.accepted_a_turn(limit):
            config.backlog = descriptors.accepted_a_turn(
                limit
            )  # asyncio accepts so many in one turn, and only then are they judged.
        sweeping = asyncio.create_task(_sweep(connections, told))
        try:
            yield
        finally:
            sweeping.cancel()


def install(config: Config, connections: Connections) -> bool:
    """Let a loaded configuration make connections that tell these; False when its classes are not those that are known here."""
    if missing_names(config.http_protocol_class, config.ws_protocol_class):
        return False
    config.h11_max_incomplete_event_size = 2 * LARGEST_HEAD  # It is judged here, with a sentence.
    config.http_protocol_class = http_protocol(config.http_protocol_class, connections)
    config.ws_protocol_class = websocket_protocol(connections)
    return True


def missing_names(http: Any, websocket: Any) -> list[str]:
    """What these classes lack of that which is overridden here."""
    wanted = {http: HTTP_METHODS, websocket: WEBSOCKET_METHODS}
    missing = [
        f"{base}.{name}" for base, names in wanted.items() for name in names if not callable(getattr(base, name, None))
    ]
    return (
        missing
        if websocket is WebSocketsSansIOProtocol
        else [*missing, f"{websocket} is not {WebSocketsSansIOProtocol}"]
    )


async def _sweep(connections: Connections, told: logs.Bounded) -> None:
    memory = Memory()
    while True:
        await asyncio.sleep(BETWEEN_SWEEPS)
        try:
            connections.sweep()
            told.report()
            memory.look()
        except Exception:  # It must go on: nobody else ends what takes too long.
            logger.exception("Connections could not be looked through.")


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


# Requests

HTTP_METHODS = (
    "connection_made",
    "connection_lost",
    "data_received",
    "on_response_complete",
    "handle_websocket_upgrade",
)


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


def http_protocol(base: Any, connections: Connections) -> Any:
    """uvicorn's HTTP connection, h11's or httptools', with the bounds of this file: it is given one request at a time."""

    class GuardedHTTP(base):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            self._pending = b""  # What has come and was not given to the parser yet.
            self._head = Head()
            self._due = 0  # Bytes of the present request's body that have not come yet.
            self._received = 0
            self._told = 0  # Bytes that it was said to hold.
            self._refusal = ""  # The key of the sentence that says why there is no place.
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
                    if len(self._pending) > MOST_EARLY:
                        self.transport.abort()
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
            if self._is_over:
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
            """Bytes that have come and that nobody has read yet."""
            return len(self._pending) + self._head.size + (len(self.cycle.body) if self.cycle is not None else 0)

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


# WebSockets

WEBSOCKET_METHODS = (
    "connection_made", "connection_lost", "data_received", "handle_events", "handle_connect", "handle_cont",
    "send_receive_event_to_app", "receive", "handle_parser_exception",
)  # fmt: skip
OUT_OF_MEMORY, SILENT = 1013, 1008  # Close codes: try again later; against the rules.


def longest_message(path: str) -> int:
    """Bytes that a message to this route may have."""
    path = path.removeprefix(base_path())
    if path == STREAM:
        return LONGEST_STREAM
    return LONGEST_LIVE if path.startswith(LIVE) else LONGEST_OTHER


def websocket_protocol(connections: Connections) -> Any:
    """uvicorn's WebSocket with the bounds of this file."""

    class GuardedWebSocket(WebSocketsSansIOProtocol):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            self._pending = memoryview(b"")  # What has come and was not parsed yet.
            self._received = 0
            self._unread = 0  # Bytes of the messages that the app has not taken yet.
            self._frames = MOST_FRAMES_SAVED  # How many more it may send now.
            self._counted = self.loop.time()
            self._rest: TimerHandle | None = None  # Until it may send more.
            self._begun = False  # A message has begun and is not whole.
            self._told = 0  # Bytes that it was said to hold.

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            connections.join(self, self.client[0] if self.client else "")  # Its request had the same place until now.
            connections.works(self)

        def connection_lost(self, exc: Exception | None) -> None:
            connections.leave(self)
            self._pending = memoryview(b"")
            if self._rest is not None:
                self._rest.cancel()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            if not self.handshake_initiated:
                self._shake_hands(data)
                return
            self._received += len(data)
            if len(data) <= PIECE and not self._pending and not self.read_paused and self._rest is None:
                super().data_received(data)  # as nearly always
                self._tell()
                return
            self._pending = memoryview(bytes(self._pending) + data if self._pending else data)
            self._go_on()

        def _shake_hands(self, head: bytes) -> None:
            super().data_received(head)
            if not self.handshake_initiated:  # It was none, and uvicorn would wait on without a word.
                self.transport.write(b"".join(self.conn.data_to_send()))
                self.transport.close()

        def handle_connect(self, event: Request) -> None:
            self.conn.max_message_size = longest_message(event.path.partition("?")[0])
            super().handle_connect(event)

        # Piece by piece, as many frames as it may send

        def _go_on(self) -> None:
            while self._pending and not self.read_paused and self._rest is None and not self.transport.is_closing():
                piece, self._pending = self._pending[:PIECE], self._pending[PIECE:]
                super().data_received(piece)  # type: ignore[arg-type]
            self._tell()

        def handle_events(self) -> None:
            now = self.loop.time()
            self._frames = min(MOST_FRAMES_SAVED, self._frames + (now - self._counted) * FRAMES_A_SECOND)
            self._counted = now
            for event in self.conn.events:
                self._frames -= (
                    CONTROL if isinstance(event, Frame) and event.opcode in (Opcode.PING, Opcode.PONG) else 1
                )
            if self._frames < 0 and self._rest is None:
                self._rest = self.loop.call_later(-self._frames / FRAMES_A_SECOND, self._rested)
                self.transport.pause_reading()
            super().handle_events()

        def _rested(self) -> None:
            self._rest = None
            self._go_on()
            if self._rest is None and not self.read_paused:
                self.transport.resume_reading()

        def handle_cont(self, event: Frame) -> None:
            # Joined as they come: of fragments without content there may be any number, and each would be kept.
            whole = self.frames[0]
            if not isinstance(whole, bytearray):
                whole = bytearray(whole)
            whole += event.data
            self.frames = [whole]  # type: ignore[list-item]
            if event.fin:
                self.frames = [bytes(whole)]
                self.send_receive_event_to_app()

        def send_receive_event_to_app(self) -> None:
            size, waiting = len(self.frames[0]) + MESSAGE_OVERHEAD, self.queue.qsize()
            super().send_receive_event_to_app()
            if self.queue.qsize() > waiting:
                self._unread += size

        async def receive(self) -> Any:
            message = await super().receive()
            if self.queue.empty():
                self._unread = 0
            self._go_on()
            if self._rest is not None:
                self.transport.pause_reading()  # uvicorn has just begun to read on.
            return message

        # What the others need to know

        def _tell(self) -> None:
            begun = bool(self.frames or self.conn.reader.buffer)
            if begun != self._begun:
                self._begun = begun
                (connections.receives if begun else connections.works)(self)
            size = self.holds()
            if size >= LITTLE or self._told:
                self._told = size
                connections.holds(self, size)

        def holds(self) -> int:
            """Bytes that have come and that nobody has read yet."""
            pending = len(self._pending.obj) if self._pending else 0  # type: ignore[arg-type]  # A view keeps the whole.
            return pending + len(self.conn.reader.buffer) + sum(map(len, self.frames)) + self._unread

        def received(self) -> int | None:
            """Bytes that have come so far; None while they are not read."""
            return None if self.read_paused or self._rest is not None else self._received

        # The end

        def end(self, why: Why) -> None:
            """Close it, with a code that says why."""
            self._pending = memoryview(b"")
            self.frames = []
            if self.conn.state is not State.OPEN:
                self.transport.abort()
                return
            if why is Why.MEMORY:
                self.conn.fail(OUT_OF_MEMORY, "the server holds too much unread; try again later")
            else:
                self.conn.fail(SILENT, "the rest of the message did not come")
            self.handle_parser_exception()

    return GuardedWebSocket
