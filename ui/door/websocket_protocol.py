"""uvicorn's WebSocket with bounds: a message has the size of its route, and comes on; a socket has a number of frames a second.

uvicorn joins fragments under one limit for all routes, and parses whatever has come in one go.
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
#: The page sends the state of all its widgets at once. The largest is the paste field of page Data: 1,000,000 characters as browsers
#: count them, in UTF-8 three bytes each at most (those of four bytes count twice). The rest is for all other widgets and the link.
LONGEST_STREAM = 4 << 20
LONGEST_OTHER = 4096

# An empty frame costs the loop 5 to 30 microseconds, a ping most of all, and asyncio hands over 256 kB at once, which are 43,000 frames.
PIECE = 2048  # Bytes that are parsed in one go.
FRAMES_A_SECOND = 100.0  # A viewer sends one for each picture it has drawn, and one for each move of a slider.
MOST_FRAMES_SAVED = 200.0
RARE = 10.0  # Frames for which one counts that browsers hardly send: a ping, a pong, a small piece of a message.
MESSAGE_OVERHEAD = 500  # Bytes that an unread message takes beside its content.
OUT_OF_MEMORY, SILENT = 1013, 1008  # Close codes: try again later; against the rules.
#: What is overridden here.
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
    """The class of uvicorn's WebSockets, with the bounds of this file."""

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
            connections.join(
                self, self.client[0] if self.client else ""
            )  # Its request was counted in its stead until now.
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
            """Bytes that have come and that nobody has read yet, and those that it has not taken yet."""
            pending = len(self._pending.obj) if self._pending else 0  # type: ignore[arg-type]  # A view keeps the whole.
            return pending + len(self.conn.reader.buffer) + sum(map(len, self.frames)) + self._unread + self.unsent()

        def unsent(self) -> int:
            """Bytes that it has not taken yet."""
            return self.transport.get_write_buffer_size()

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
