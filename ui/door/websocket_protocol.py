"""uvicorn's WebSocket with limits: on a message's size, by its route, and its least speed; on the frames a second of a socket.

By itself uvicorn has one size limit for all routes, and parses in one go whatever has arrived.
"""

from __future__ import annotations

import asyncio
from asyncio import TimerHandle
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State

from ui.assets import base_path
from ui.door.connections import LITTLE, Connections, Why
from ui.door.reachable import STREAM

LIVE = "/api/live/"
#: The live channel's longest message is a `ready` of some 300 bytes.
LONGEST_LIVE = 4096
#: Bytes. The page sends the state of all its widgets at once. The largest is the paste field of page Data: 1,000,000 UTF-16 units, each
#: at most three bytes in UTF-8 (a character of four bytes is two units). The rest is for all other widgets and the link.
LONGEST_STREAM = 4 << 20
LONGEST_OTHER = 4096

# An empty frame takes the event loop 5 to 30 microseconds, a ping most, and asyncio hands over 256 kB at once: up to 43,000 frames.
PIECE = 2048  # Bytes that are parsed in one go.
FRAMES_A_SECOND = 100.0  # A viewer sends a frame for each picture it has drawn and for each move of a slider.
MOST_FRAMES_SAVED = 200.0
RARE = 10.0  # Frames as which one counts that browsers hardly ever send: a ping, a pong, a small fragment.
MESSAGE_OVERHEAD = 500  # Bytes that an unread message takes beyond its content.
OUT_OF_MEMORY, SILENT = 1013, 1008  # Close codes: try again later; policy violation.
#: Methods of uvicorn's class that are overridden or called here; a version without them is left as it is, see `install`.
METHODS = (
    "connection_made", "connection_lost", "data_received", "handle_events", "handle_connect", "handle_cont",
    "send_receive_event_to_app", "receive", "handle_parser_exception",
)  # fmt: skip


def longest_message(path: str) -> int:
    """Bytes that a message to this route may have."""
    path = path.removeprefix(base_path())
    if path == STREAM:
        return LONGEST_STREAM
    return LONGEST_LIVE if path.startswith(LIVE) else LONGEST_OTHER


def _is_rare(frame: Frame) -> bool:
    if frame.opcode is Opcode.CONT:
        return len(frame.data) < LITTLE
    return frame.opcode in (Opcode.PING, Opcode.PONG)


def bound_class(connections: Connections) -> Any:
    """A subclass of uvicorn's class of WebSockets that keeps the limits of this file."""

    class GuardedWebSocket(WebSocketsSansIOProtocol):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            self._pending = memoryview(b"")  # Bytes received and not parsed yet.
            self._received = 0
            self._unread = 0  # Bytes of the messages that the app has not taken yet.
            self._frames = MOST_FRAMES_SAVED  # Frames that the client may send now; below 0 reading pauses.
            self._counted = self.loop.time()
            self._rest: TimerHandle | None = None  # While reading pauses: the timer at whose end it resumes.
            self._begun = False  # True while a message is incomplete.
            self._told = 0  # Bytes held, as last reported to `connections`.

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            connections.join(
                self, self.client[0] if self.client else ""
            )  # Until now it was counted as an HTTP connection.
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
                super().data_received(data)  # The usual case: a small message, and nothing waits.
                self._tell()
                return
            self._pending = memoryview(bytes(self._pending) + data if self._pending else data)
            self._go_on()

        def _shake_hands(self, head: bytes) -> None:
            super().data_received(head)
            if not self.handshake_initiated:  # Not a valid handshake; uvicorn alone would go on waiting.
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
                self._frames -= RARE if isinstance(event, Frame) and _is_rare(event) else 1
            if self._frames < 0 and self._rest is None:
                self._rest = self.loop.call_later(-self._frames / FRAMES_A_SECOND, self._end_rest)
                self.transport.pause_reading()
            super().handle_events()

        def _end_rest(self) -> None:
            self._rest = None
            self._go_on()
            if self._rest is None and not self.read_paused:
                self.transport.resume_reading()

        def handle_cont(self, event: Frame) -> None:
            # Fragments are joined as they arrive: kept in a list, empty ones would take memory without counting as bytes.
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
                self.transport.pause_reading()  # uvicorn has just resumed reading.
            return message

        # What `connections` is told

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
            """Bytes received and not yet read by the app, and bytes that the client has not taken yet."""
            # The view keeps all its bytes alive.
            pending = len(self._pending.obj) if self._pending else 0  # type: ignore[arg-type]
            return pending + len(self.conn.reader.buffer) + sum(map(len, self.frames)) + self._unread + self.unsent()

        def unsent(self) -> int:
            """Bytes that the client has not taken yet."""
            return self.transport.get_write_buffer_size()

        def received(self) -> int | None:
            """Bytes received so far; None while reading is paused."""
            return None if self.read_paused or self._rest is not None else self._received

        # The end

        def end(self, why: Why) -> None:
            """Close the socket with a code that says why."""
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
