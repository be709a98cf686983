"""A cheap WebSocket client (RFC 6455): it keeps the beginning of a long message and only counts the rest.

The clients of a benchmark must leave the processors to the server: a frame of 40 kB takes this one some 30 microseconds.
"""

from __future__ import annotations

import asyncio
import base64
import os
import struct
from collections.abc import Callable
from typing import Any

BUFFER = bytearray(1 << 18)  # For received bytes; shared by all sockets, as they run in one thread.
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
LONGEST_HEAD = 14  # bytes before a message's content

Listener = Callable[[bytes], None]


class Socket(asyncio.BufferedProtocol):
    """One connection. `listener` gets each message, or its first `keep` bytes."""

    _transport: asyncio.WriteTransport

    def __init__(self, listener: Listener, keep: int | None = None) -> None:
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.bytes = 0  # that were sent and received since the handshake, heads of messages included
        self.code: int | None = None  # the close code; 1006: the connection was lost without one
        self._listener = listener
        self._keep = keep
        self._head = bytearray()
        self._content = bytearray()
        self._missing = 0  # bytes of the present message's content still to come
        self._opcode = 0
        self._shaking_hands = True

    @classmethod
    async def connect(
        cls,
        port: int,
        path: str,
        listener: Listener,
        keep: int | None = None,
        protocol: str | None = None,
        cookie: str = "",
    ) -> Socket:
        """Connect with the handshake that the server's own page would send."""
        self = cls(listener, keep)
        transport, _ = await asyncio.get_running_loop().create_connection(lambda: self, "127.0.0.1", port)
        self._transport = transport
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            f"Origin: http://127.0.0.1:{port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
            # Offered as browsers do; the server compresses only if its settings say so.
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
        ]
        lines += [f"Sec-WebSocket-Protocol: {protocol}"] if protocol else []
        lines += [f"Cookie: {cookie}"] if cookie else []
        transport.write("\r\n".join([*lines, "", ""]).encode())
        await self.opened
        return self

    async def answer(self, waiting: asyncio.Future[Any], seconds: float) -> Any:
        """The result of `waiting`. Raises ConnectionError if the server closes the socket first, TimeoutError after so many seconds."""
        await asyncio.wait((waiting, self.closed), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done() and self.closed.done():
            raise ConnectionError(f"the server hung up with {self.code} before it had answered")
        return await asyncio.wait_for(waiting, 0)

    def send(self, content: bytes, opcode: int = TEXT) -> None:
        """Send one complete message. Its mask is zero, which leaves the content as it is."""
        size = len(content)
        if size < 126:
            head = struct.pack("!BB", 128 | opcode, 128 | size)
        elif size < 1 << 16:
            head = struct.pack("!BBH", 128 | opcode, 128 | 126, size)
        else:
            head = struct.pack("!BBQ", 128 | opcode, 128 | 127, size)
        self.bytes += len(head) + 4 + size
        self._transport.write(head + bytes(4) + content)

    def close(self) -> None:
        """Close the socket."""
        self.send(struct.pack("!H", 1000), CLOSE)
        self._transport.close()

    def abort(self) -> None:
        """Drop the connection without a close frame."""
        self._transport.abort()

    # What asyncio tells

    def get_buffer(self, sizehint: int) -> bytearray:
        return BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        start = 0
        if self._shaking_hands:
            self._head += BUFFER[:nbytes]
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            start = nbytes - (len(self._head) - end - 4)
            self._shake(bytes(self._head[:end]))
            self._head.clear()
        self.bytes += nbytes - start
        while start < nbytes:
            start = self._read_content(start, nbytes) if self._missing else self._read_head(start, nbytes)

    def connection_lost(self, exc: Exception | None) -> None:
        self.code = self.code or 1006
        if not self.opened.done():
            self.opened.set_exception(exc or ConnectionError("the server hung up before it had answered"))
        if not self.closed.done():
            self.closed.set_result(None)

    def _shake(self, answer: bytes) -> None:
        self._shaking_hands = False
        status = answer.split(b"\r\n", 1)[0].decode()
        if " 101 " not in status:
            self.opened.set_exception(ConnectionError(f"the server would not open a WebSocket: {status}"))
        elif b"permessage-deflate" in answer:
            self.opened.set_exception(ConnectionError("the server compresses, which this client cannot read"))
        else:
            self.opened.set_result(None)

    def _read_head(self, start: int, end: int) -> int:
        had = len(self._head)
        self._head += BUFFER[start : min(end, start + LONGEST_HEAD - had)]
        size = _size_of_head(self._head)
        if len(self._head) < size:
            return end
        self._opcode = self._head[0] & 15
        length = self._head[1] & 127
        if length > 125:
            length = int.from_bytes(self._head[2:size])
        self._missing = length
        self._head.clear()
        if not length:
            self._take()
        return start + size - had

    def _read_content(self, start: int, end: int) -> int:
        piece = min(end - start, self._missing)
        wanted = piece if self._keep is None else min(piece, self._keep - len(self._content))
        self._content += memoryview(BUFFER)[start : start + wanted]
        self._missing -= piece
        if not self._missing:
            self._take()
        return start + piece

    def _take(self) -> None:
        content = bytes(self._content)
        self._content.clear()
        match self._opcode:
            case 1 | 2:
                self._listener(content)
            case 9:
                self.send(content, PONG)
            case 8:
                self.code = int.from_bytes(content[:2]) if content else 1005
                self._transport.close()


def _size_of_head(head: bytearray) -> int:
    if len(head) < 2:
        return 2
    return 2 + {126: 2, 127: 8}.get(head[1] & 127, 0)
