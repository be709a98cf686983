"""A server with the guarded protocols whose clock stands still, and plain sockets to it."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.clock import Clock
from tests.patience import eventually
from ui.door import protocols
from ui.door.connections import Allowed, Connections

PATIENCE = 30.0  # Seconds: a machine that runs tests may be busy.
PARSERS = ["h11", *(["httptools"] if importlib.util.find_spec("httptools") else [])]
TEXT, BINARY, CONTINUATION, PING = 1, 2, 0, 9
HANDSHAKE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MTIzNDU2Nzg5MDEyMzQ1Ng==\r\n"
)


class House:
    """A server with the guarded protocols, its clock, and an app that reads when it is told to."""

    def __init__(self, parser: str, allowed: Allowed, is_proxy: Callable[[str], bool]) -> None:
        self.clock = Clock()
        self.connections = Connections(allowed, is_proxy, self.clock)
        self.reads = threading.Event()  # Until then the app reads nothing of what it is sent.
        self.reads.set()
        self.requests = 0
        self.heard: list[int] = []  # The sizes of the messages that the app has read.
        settings = uvicorn.Config(
            self._app, http=parser, ws="websockets-sansio", lifespan="off", interface="asgi3", log_config=None, log_level="critical"
        )  # fmt: skip
        settings.timeout_keep_alive = 3600  # Only what is tested here ends a connection.
        settings.load()
        assert protocols.install(settings, self.connections, accepted_a_turn=64)
        self._server = uvicorn.Server(settings)
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
        self.port = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert eventually(lambda: self._server.started, PATIENCE)

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            self._loop = runner.get_loop()
            runner.run(self._server.serve(sockets=[self._listening]))

    def close(self) -> None:
        self.reads.set()
        self._server.should_exit = self._server.force_exit = True
        self._thread.join()
        self._listening.close()

    def later(self, seconds: float) -> None:
        """Let time go by, and a sweep come."""
        self.on_loop(lambda: setattr(self.clock, "now", self.clock.now + seconds))
        self.on_loop(self.connections.sweep)

    def on_loop(self, do: Callable[[], Any]) -> Any:
        async def call() -> Any:
            return do()

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(PATIENCE)

    def figure(self, name: str) -> int:
        return self.on_loop(self.connections.figures)[name]

    def plug(self, sent: bytes = b"", address: str = "127.0.0.1") -> Plug:
        """A connection to it that has sent this."""
        end = Plug(self.port, address)
        end.send(sent)
        return end

    def knows(self, **figures: int) -> bool:
        """Whether it comes to count this."""
        return eventually(lambda: figures.items() <= self.on_loop(self.connections.figures).items(), PATIENCE)

    def set_pings(self, seconds: float) -> None:
        """Ask sockets so often whether they are there, and wait so long for an answer."""
        self._server.config.ws_ping_interval = self._server.config.ws_ping_timeout = seconds

    def server_connections(self) -> list[Any]:
        return list(self._server.server_state.connections)

    def has_received(self, size: int) -> bool:
        """Whether so many bytes of requests or messages come in, of all its connections."""
        return eventually(
            lambda: self.on_loop(lambda: sum(c.received() or 0 for c in self.server_connections())) >= size
        )

    # The app

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await self._socket(receive, send)
            return
        self.requests += 1
        body = 0
        if scope["path"] != "/early":
            body = await self._body(receive)
        content = f"{body} bytes for {scope['path']}".encode()
        headers = [(b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    async def _body(self, receive: Any) -> int:
        size = 0
        while True:
            await self._may_read()
            message = await receive()
            size += len(message.get("body", b""))
            if not message.get("more_body"):
                return size

    async def _socket(self, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "websocket.connect"
        await send({"type": "websocket.accept"})
        while True:
            await self._may_read()
            message = await receive()
            if message["type"] != "websocket.receive":
                return
            content = message.get("bytes") or (message.get("text") or "").encode()
            self.heard.append(len(content))
            await send({"type": "websocket.send", "text": str(len(content))})

    async def _may_read(self) -> None:
        while not self.reads.is_set():
            await asyncio.sleep(0.005)


def get(path: str = "/", headers: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: here\r\n{headers}\r\n".encode()


def put(size: int, path: str = "/") -> bytes:
    return f"PUT {path} HTTP/1.1\r\nHost: here\r\nContent-Length: {size}\r\n\r\n".encode()


class Plug:
    """A client's end of a connection."""

    def __init__(self, port: int, address: str = "127.0.0.1") -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE, (address, 0))
        self._file = self.socket.makefile("rb")

    def __enter__(self) -> Plug:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self.socket.close()

    def send(self, sent: bytes) -> None:
        self.socket.sendall(sent)

    def answer(self) -> tuple[int, str]:
        """Status and body of the next answer; (0, "") when the server hung up without one."""
        with contextlib.suppress(ConnectionError):
            head = list(iter(lambda: self._file.readline().strip().lower(), b""))
            if head:
                length = dict(line.split(b": ") for line in head[1:])[b"content-length"]
                return int(head[0].split()[1]), self._file.read(int(length)).decode()
        return 0, ""

    def read(self) -> bytes:
        """What the server says until it closes this connection."""
        return self._file.read()

    def head(self) -> bytes:
        """The head of the next answer."""
        return b"".join(iter(self._file.readline, b"\r\n"))

    def said(self) -> bytes:
        """What the server has said so far."""
        said = b""
        self.socket.settimeout(0.05)
        with contextlib.suppress(TimeoutError):
            while piece := self.socket.recv(1 << 16):
                said += piece
        self.socket.settimeout(PATIENCE)
        return said

    def has_ended(self) -> bool:
        """Whether the server closes this connection; what it has to say is dropped."""
        with contextlib.suppress(ConnectionError):
            self.read()
        return True

    @property
    def is_open(self) -> bool:
        """Whether the server has neither said a word nor closed it."""
        self.socket.settimeout(0.02)
        try:
            return self.socket.recv(1) is None
        except TimeoutError:
            return True
        except ConnectionError:
            return False
        finally:
            self.socket.settimeout(PATIENCE)


def watch(house: House, path: str = "/_stcore/stream") -> ClientConnection:
    return connect(
        f"ws://127.0.0.1:{house.port}{path}", proxy=None, max_size=None, ping_interval=None, compression=None
    )


def frame(opcode: int, content: bytes = b"", last: bool = True) -> bytes:
    """As a client sends it. Its mask is zero, which leaves the content as it is."""
    size = len(content)
    first = opcode | (128 if last else 0)
    if size < 126:
        return struct.pack("!BB", first, 128 | size) + bytes(4) + content
    return struct.pack("!BBQ", first, 255, size) + bytes(4) + content


def code_of(viewer: ClientConnection) -> int | None:
    """With which the server closes."""
    try:
        while True:
            viewer.recv(timeout=PATIENCE)
    except ConnectionClosed as closed:
        return closed.rcvd and closed.rcvd.code


@contextlib.contextmanager
def houses(parser: str) -> Iterator[Callable[..., House]]:
    """Opens houses with what they allow, and closes them."""
    found: list[House] = []

    def make(is_proxy: Callable[[str], bool] = lambda address: False, **allowed: Any) -> House:
        found.append(House(parser, Allowed(**allowed), is_proxy))
        return found[-1]

    yield make
    for house in found:
        house.close()
