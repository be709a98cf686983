"""Clients that write what they like and ignore what comes back, and a count of what they have sent. For the attacks in attackers.py."""

from __future__ import annotations

import asyncio
import base64
import os
import struct
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from streamlit.proto.BackMsg_pb2 import BackMsg

STREAM = "/_stcore/stream"
CONTINUATION = 0
PIECE = 1 << 16  # bytes that are written at a time


@dataclass
class Sent:
    """What an attack has sent."""

    connections: int = 0
    messages: int = 0
    bytes: int = 0


SENT = Sent()


class Client(asyncio.Protocol):
    """A connection that writes and ignores what comes back. It writes no faster than the other side reads."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.lost = False
        self.answered = asyncio.Event()  # Set once something has come back, or the connection is lost.
        self._may_write = asyncio.Event()
        self._may_write.set()

    @classmethod
    async def connect(cls, port: int) -> Client:
        """Connect. Raises ConnectionError if nothing listens."""
        transport, client = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        client.transport = transport
        SENT.connections += 1
        return client

    async def write(self, content: bytes) -> None:
        """Write the content, a piece at a time; returns early if the connection is lost."""
        for start in range(0, len(content), PIECE):
            await self._may_write.wait()
            if self.lost:
                return
            piece = content[start : start + PIECE]
            self.transport.write(piece)
            SENT.bytes += len(piece)
        SENT.messages += 1

    def close(self) -> None:
        self.transport.close()

    def pause_writing(self) -> None:
        self._may_write.clear()

    def resume_writing(self) -> None:
        self._may_write.set()

    def data_received(self, data: bytes) -> None:
        self.answered.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        self.answered.set()
        self._may_write.set()


def handshake(port: int, path: str, cookie: str = "", origin: str | None = None) -> bytes:
    """The head of the HTTP request that opens a WebSocket."""
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [
        f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {key}", f"Origin: {origin or f'http://127.0.0.1:{port}'}",
    ]  # fmt: skip
    lines += ["Sec-WebSocket-Protocol: streamlit"] if path.endswith(STREAM) else []
    lines += [f"Cookie: {cookie}"] if cookie else []
    return "\r\n".join([*lines, "", ""]).encode()


def frame(content: bytes, opcode: int, final: bool = True) -> bytes:
    """One frame (RFC 6455). Its mask is zero, which leaves the content as it is."""
    size, first = len(content), (128 if final else 0) | opcode
    if size < 126:
        head = struct.pack("!BB", first, 128 | size)
    elif size < 1 << 16:
        head = struct.pack("!BBH", first, 128 | 126, size)
    else:
        head = struct.pack("!BBQ", first, 128 | 127, size)
    return head + bytes(4) + content


def rerun(query: str = "lang=en") -> bytes:
    """Streamlit's message that asks for the whole page."""
    message = BackMsg()
    message.rerun_script.query_string = query
    return message.SerializeToString()


async def websocket(port: int, path: str, cookie: str = "", origin: str | None = None) -> Client:
    """A client whose handshake has been answered, perhaps with a refusal."""
    client = await Client.connect(port)
    await client.write(handshake(port, path, cookie, origin))
    await client.answered.wait()
    return client


async def repeat_paced(times: int, a_second: float, act: Callable[[int], Awaitable[object]]) -> None:
    """Call `act` so many times, so often a second, each in a task of its own; a lost connection is no error."""
    begin = time.monotonic()
    tasks = []
    for number in range(times):
        await asyncio.sleep(max(begin + number / a_second - time.monotonic(), 0))
        tasks.append(asyncio.create_task(try_to(act(number))))
    await asyncio.gather(*tasks)


async def try_to(act: Awaitable[object]) -> None:
    with suppress(ConnectionError, OSError, TimeoutError, asyncio.IncompleteReadError, IndexError, KeyError):
        await act


async def flood(clients: list[Client], content: bytes, seconds: float, a_second: float) -> None:
    """Let each client write the content so often a second, as far as the server reads it."""
    end = time.monotonic() + seconds

    async def pour(client: Client) -> None:
        while not client.lost and (now := time.monotonic()) < end:
            await client.write(content)
            await asyncio.sleep(max(now + 1 / a_second - time.monotonic(), 0))

    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.gather(*map(pour, clients))
