"""What a connection may take, hold and wait, below ASGI: judged by plain sockets and by the `websockets` client."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvicorn
from streamlit import config as streamlit_config
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from benchmarks.server import served
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


class Clock:
    """A clock that stands until it is told."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


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
        assert protocols.install(settings, self.connections)
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


@pytest.fixture(params=PARSERS)
def parser(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def opened(parser: str) -> Iterator[Callable[..., House]]:
    houses: list[House] = []

    def make(is_proxy: Callable[[str], bool] = lambda address: False, **allowed: Any) -> House:
        houses.append(House(parser, Allowed(**allowed), is_proxy))
        return houses[-1]

    yield make
    for house in houses:
        house.close()


@pytest.fixture
def house(opened: Callable[..., House]) -> House:
    return opened()


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


# What is relied on


def test_uvicorn_and_websockets_have_what_is_overridden_and_read_here(parser: str) -> None:
    settings = uvicorn.Config(lambda: None, http=parser, ws="websockets-sansio", log_config=None, interface="asgi3")
    settings.load()
    assert protocols.missing_names(settings.http_protocol_class, settings.ws_protocol_class) == []
    state = uvicorn.server.ServerState()

    async def make() -> tuple[Any, Any]:
        http_connection = settings.http_protocol_class(settings, state, {})  # type: ignore[call-arg]
        return http_connection, settings.ws_protocol_class(settings, state, {})  # type: ignore[call-arg, misc]

    http_connection, websocket = asyncio.run(make())
    for name in ("cycle", "headers", "client", "flow", "transport", "_unset_keepalive_if_required"):
        assert hasattr(http_connection, name), f"uvicorn's {type(http_connection).__name__} no longer has {name}"
    for name in ("queue", "frames", "read_paused", "handshake_initiated", "conn", "client", "transport", "loop"):
        assert hasattr(websocket, name), f"uvicorn's {type(websocket).__name__} no longer has {name}"
    for name in ("reader", "events", "max_message_size", "state", "fail", "data_to_send"):
        assert hasattr(websocket.conn, name), f"websockets' {type(websocket.conn).__name__} no longer has {name}"
    assert isinstance(websocket.conn.reader.buffer, bytearray), "websockets keeps incomplete frames elsewhere now"
    assert settings.backlog > 0, "uvicorn no longer says how many connections are accepted in one turn"


def test_protocols_that_are_not_known_are_left_alone() -> None:
    settings = uvicorn.Config(lambda: None, http="h11", ws="none", log_config=None, interface="asgi3")
    settings.load()
    before = settings.http_protocol_class
    assert not protocols.install(settings, Connections(Allowed()))
    assert settings.http_protocol_class is before


def test_the_real_app_runs_with_them() -> None:
    with served() as server, Plug(server.port) as half:
        half.send(b"GET / HTTP/1.1\r\nHost: he")
        with Plug(server.port) as end:
            end.send(b"PUT / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
            assert end.answer()[0] == 411
        origin = f"http://127.0.0.1:{server.port}"
        with connect(f"ws://127.0.0.1:{server.port}/api/live/nobody", origin=origin, proxy=None) as viewer:  # type: ignore[arg-type]
            with contextlib.suppress(ConnectionClosed):  # It may be told first that there is no such run.
                viewer.send(b"x" * 5000)
            assert code_of(viewer) in (1009, 4404)
        with connect(f"ws://127.0.0.1:{server.port}/_stcore/stream", origin=origin, proxy=None) as viewer:  # type: ignore[arg-type]
            viewer.socket.sendall(struct.pack("!BBQ", 130, 255, protocols.LONGEST_STREAM + 1) + bytes(4))
            assert code_of(viewer) == 1009
        assert half.answer()[0] == 408  # after ten seconds


# Heads


@pytest.mark.parametrize("sent", [b"", b"G", b"GET / HTTP/1.1\r\nHost: he", b"GET / HTTP/1.1\r\nHost: here\r\n"])
def test_a_head_that_does_not_end_ends_its_connection(house: House, sent: bytes) -> None:
    with house.plug(sent) as end:
        assert house.knows(open=1, waiting=1) and house.has_received(len(sent))
        house.later(9.5)
        assert end.is_open
        house.later(0.6)
        # Browsers open connections in advance: an answer that nobody asked for would be taken for that of the next request.
        assert end.answer()[0] == (408 if sent else 0)
        assert house.knows(open=0, waiting=0, ended_slow_head=1)


def test_a_head_that_comes_byte_by_byte_gets_no_more_time(house: House) -> None:
    with house.plug() as end:
        for number, byte in enumerate(get()[:9]):
            end.send(bytes([byte]))
            assert house.has_received(number + 1)
            house.later(1.0)
        assert end.is_open
        house.later(1.1)
        assert end.answer()[0] == 408


def test_a_next_head_has_its_own_time_and_an_open_connection_none(house: House) -> None:
    with house.plug(get()) as end:
        assert end.answer() == (200, "0 bytes for /")
        assert house.knows(waiting=1)
        house.later(9.0)
        end.send(get("/second"))
        assert end.answer() == (200, "0 bytes for /second")
        assert house.knows(waiting=1)
        house.later(9.0)
        end.send(get("/third")[:20])
        assert house.has_received(len(get() + get("/second")) + 20)
        house.later(9.0)
        assert end.is_open
        house.later(1.1)
        assert end.answer()[0] == 408


def test_a_request_that_the_app_works_at_may_take_its_time(house: House) -> None:
    house.reads.clear()
    with house.plug(get()) as end:
        assert house.knows(open=1, waiting=0)
        house.later(1000.0)
        house.reads.set()
        assert end.answer() == (200, "0 bytes for /")


@pytest.mark.parametrize("piece", [1 << 20, 7001, 64])
@pytest.mark.parametrize(
    "head", [get(headers="a:\r\n" * 200), get(headers="a: b\r\n" + "c" * 70_000 + ": d\r\n"), get("/" + "x" * 70_000)]
)
def test_a_head_that_is_too_large_is_refused_with_a_sentence(house: House, head: bytes, piece: int) -> None:
    with house.plug() as end:
        with contextlib.suppress(ConnectionError):
            for start in range(0, len(head), piece):
                end.send(head[start : start + piece])
        status, said = end.answer()
        assert status == 431 and "cookies" in said and "Cookie" in said
        assert house.requests == 0


@pytest.mark.parametrize("piece", [1, 3, 1000])
def test_large_cookies_and_bodies_pass_however_they_are_cut(house: House, piece: int) -> None:
    body = b"\r\n\r\n" + b"\n" * 400 + b"x" * 100
    whole = get(headers=f"Cookie: {'c' * 6000}\r\n") + put(len(body), "/up") + body + get("/last")
    with house.plug() as end:
        end.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(whole), piece):
            end.send(whole[start : start + piece])
        assert end.answer() == (200, "0 bytes for /")
        assert end.answer() == (200, f"{len(body)} bytes for /up")
        assert end.answer() == (200, "0 bytes for /last")


def test_requests_that_come_early_are_answered_in_their_order(house: House) -> None:
    with house.plug(b"".join(get(f"/{number}") for number in range(200))) as end:
        assert [end.answer()[1] for _ in range(200)] == [f"0 bytes for /{number}" for number in range(200)]


def test_requests_that_come_early_without_end_are_not_kept(house: House) -> None:
    house.reads.clear()
    with house.plug(get()) as end:
        end.socket.settimeout(0.2)
        with contextlib.suppress(TimeoutError):
            for _ in range(10_000):
                end.send(get() * 1000)
        assert 0 < house.figure("held_bytes") <= protocols.MOST_EARLY
    house.reads.set()
    assert house.knows(open=0, held_bytes=0)


# Bodies


def test_an_upload_over_a_poor_line_passes(house: House) -> None:
    with house.plug(put(200_000)) as end:
        for number in range(1, 51):
            end.send(b"x" * 4000)
            assert house.has_received(number * 4000)
            house.later(1.0)
        assert end.answer() == (200, "200000 bytes for /")


def test_a_body_that_stops_coming_ends_its_connection(house: House) -> None:
    with house.plug(put(100_000) + b"x" * 50_000) as end:
        assert house.has_received(50_000)
        house.later(19.0)
        assert end.is_open
        house.later(1.5)
        assert end.answer()[0] == 408
        assert house.knows(open=0, ended_slow_body=1)


def test_a_body_that_drips_ends_its_connection(house: House) -> None:
    with house.plug(put(100_000) + b"x" * 5000) as end:
        assert house.knows(open=1, waiting=0)
        for _ in range(61):
            if house.figure("ended_slow_body"):
                break
            with contextlib.suppress(ConnectionError):
                end.send(b"x")
            house.later(1.0)
        assert house.figure("ended_slow_body") == 1
        assert end.answer()[0] == 408


def test_a_body_that_the_app_does_not_read_yet_has_time(house: House) -> None:
    house.reads.clear()
    size = 1 << 22
    with house.plug(put(size)) as end:
        sending = threading.Thread(target=end.send, args=(b"x" * size,))
        sending.start()
        assert eventually(lambda: house.figure("held_bytes") > 65_536, PATIENCE)
        house.later(100.0)
        house.later(100.0)
        house.reads.set()
        assert end.answer() == (200, f"{size} bytes for /")
        sending.join()


def test_what_is_answered_before_it_has_come_is_dropped_and_the_next_request_heard(house: House) -> None:
    with house.plug(put(100_000, "/early")) as end:
        assert end.answer() == (200, "0 bytes for /early")
        end.send(b"x" * 100_000 + get("/next"))
        assert end.answer() == (200, "0 bytes for /next")


def test_a_body_without_a_length_is_refused(house: House) -> None:
    # 40,000 chunks of a byte each would cost the loop more than a second.
    with house.plug(
        b"PUT / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 1000
    ) as end:
        status, said = end.answer()
        assert status == 411 and "Content-Length" in said
    assert house.knows(open=0, held_bytes=0)


# Messages


@pytest.mark.parametrize(
    ("path", "longest"),
    [
        ("/_stcore/stream", protocols.LONGEST_STREAM),
        ("/api/live/token", protocols.LONGEST_LIVE),
        ("/api/live/token?a=1", protocols.LONGEST_LIVE),
        ("/elsewhere", protocols.LONGEST_OTHER),
        ("/elsewhere/_stcore/stream", protocols.LONGEST_OTHER),
    ],
)
@pytest.mark.parametrize("base", ["", "/under/a/path"])
def test_a_message_has_the_size_of_its_route(house: House, path: str, longest: int, base: str) -> None:
    before = streamlit_config.get_option("server.baseUrlPath")
    streamlit_config.set_option("server.baseUrlPath", base)
    try:
        with watch(house, base + path) as viewer:
            viewer.send(b"x" * longest)
            assert viewer.recv(timeout=PATIENCE) == str(longest)
            viewer.socket.sendall(struct.pack("!BBQ", 130, 255, longest + 1) + bytes(4))
            assert code_of(viewer) == 1009
    finally:
        streamlit_config.set_option("server.baseUrlPath", before)


def test_the_paste_field_fits_into_a_message_of_the_page() -> None:
    from ui.data.bring import LONGEST_TEXT

    # Browsers count UTF-16 units: a character of three bytes is one, of four bytes two.
    longest = max(len(character.encode()) / (len(character.encode("utf-16-le")) / 2) for character in "aé数😀")
    assert LONGEST_TEXT * longest + 1_000_000 <= protocols.LONGEST_STREAM


def test_fragments_are_counted_as_they_come_and_joined(house: House) -> None:
    with watch(house, "/api/live/token") as viewer:
        viewer.send([b"x" * 1000, b"", b"y" * 3000])
        assert viewer.recv(timeout=PATIENCE) == "4000"
        viewer.send(["é" * 500, "", "数"])
        assert viewer.recv(timeout=PATIENCE) == "1003"
        with contextlib.suppress(ConnectionError):
            viewer.socket.sendall(frame(BINARY, b"x" * 4000, last=False) + frame(CONTINUATION, b"x" * 97, last=False))
        assert code_of(viewer) == 1009


def test_fragments_without_content_take_no_memory(house: House) -> None:
    with watch(house) as viewer:
        viewer.socket.sendall(frame(BINARY, b"x" * 100, last=False) + frame(CONTINUATION, last=False) * 150)
        assert house.has_received(106 + 150 * 6)
        assert [len(connection.frames) for connection in house.server_connections()] == [1]
        viewer.socket.sendall(frame(CONTINUATION, b"y"))
        assert viewer.recv(timeout=PATIENCE) == "101"
        assert house.knows(held_bytes=0)


@contextlib.contextmanager
def hoard(house: House, size: int) -> Iterator[ClientConnection]:
    """A viewer that has sent the beginning of a message."""
    before = house.figure("held_bytes")
    with watch(house) as viewer:
        viewer.socket.sendall(frame(BINARY, b"x" * size, last=False))
        assert eventually(lambda: house.figure("held_bytes") >= before + size or house.figure("ended_memory"), PATIENCE)
        yield viewer


def test_when_all_sockets_hold_too_much_those_that_hold_most_end(opened: Callable[..., House]) -> None:
    house = opened(sockets_mb=1)
    sizes = (2000, 200_000, 400_000, 400_001)
    with contextlib.ExitStack() as stack:
        viewers = {size: stack.enter_context(hoard(house, size)) for size in sizes}
        half = stack.enter_context(house.plug(put(300_000) + b"x" * 60_000))  # A body counts as well.
        viewers[100_000] = stack.enter_context(hoard(house, 100_000))
        assert house.knows(ended_memory=1, open=5)
        assert code_of(viewers.pop(400_001)) == 1013
        for size, viewer in viewers.items():
            viewer.socket.sendall(frame(CONTINUATION, b"y"))
            assert viewer.recv(timeout=PATIENCE) == str(size + 1)
        half.send(b"x" * 240_000)
        assert half.answer() == (200, "300000 bytes for /")
    assert house.knows(open=0, held_bytes=0)


def test_a_frame_that_is_not_whole_counts(opened: Callable[..., House]) -> None:
    house = opened(sockets_mb=1)
    with watch(house) as viewer:
        with contextlib.suppress(ConnectionError):
            viewer.socket.sendall(frame(BINARY, b"x" * 3_000_000)[:1_200_000])
        assert code_of(viewer) == 1013


def test_messages_that_the_app_has_not_read_count(opened: Callable[..., House]) -> None:
    house = opened(sockets_mb=1)
    house.reads.clear()
    with watch(house) as viewer, watch(house) as other:
        viewer.socket.sendall(frame(BINARY, b"x" * 900_000))
        assert eventually(lambda: house.figure("held_bytes") > 900_000, PATIENCE)
        other.socket.sendall(frame(BINARY, b"x" * 300_000))
        assert house.knows(ended_memory=1)
        house.reads.set()
        assert other.recv(timeout=PATIENCE) == "300000"
        assert house.knows(held_bytes=0)


def test_a_message_that_does_not_go_on_ends_its_socket(house: House) -> None:
    with hoard(house, 5000) as viewer, watch(house) as idle:
        house.later(1.0)
        house.later(21.0)
        assert code_of(viewer) == 1008
        idle.send(b"still here")
        assert idle.recv(timeout=PATIENCE) == "10"


@pytest.mark.parametrize(("kind", "reply"), [(frame(PING), 2), (frame(TEXT, b"a"), 3)])
def test_a_flood_of_small_frames_is_not_read(house: House, kind: bytes, reply: int) -> None:
    with house.plug(get("/_stcore/stream", HANDSHAKE)) as end:
        assert b" 101 " in end.head()
        flood = threading.Thread(target=_pour, args=(end.socket, kind * 4000))
        flood.start()
        for _ in range(20):
            with house.plug(get()) as other:
                assert other.answer() == (200, "0 bytes for /")
        # One piece is parsed at once; then comes what was saved, and a hundred a second.
        assert 0 < len(end.said()) / reply < 1000
        end.socket.shutdown(socket.SHUT_RDWR)
        flood.join()


def _pour(end: socket.socket, block: bytes) -> None:
    with contextlib.suppress(OSError):
        for _ in range(10_000):
            end.send(block)


def test_messages_one_after_the_other_arrive_all_and_in_their_order(house: House) -> None:
    sizes = [1, 3000, 0, 70_000, 5, 2048, 4096, *range(150)]
    with watch(house) as viewer:
        viewer.socket.sendall(b"".join(frame(BINARY, b"x" * size) for size in sizes))
        assert [int(viewer.recv(timeout=PATIENCE)) for _ in sizes] == sizes


def test_a_socket_that_never_answers_pings_is_closed(parser: str, opened: Callable[..., House]) -> None:
    house = opened()
    house.set_pings(0.05)
    with house.plug(get("/_stcore/stream", HANDSHAKE)) as end:
        heard = end.read()
        assert heard.endswith(b"\x88\x18\x03\xf3keepalive ping timeout")  # 1011
    assert house.knows(open=0)


def test_a_handshake_that_is_none_is_ended(house: House) -> None:
    for headers in ("", "Cookie: " + "c" * 9000 + "\r\n"):
        with house.plug(get("/_stcore/stream", f"Upgrade: websocket\r\nConnection: Upgrade\r\n{headers}")) as end:
            assert end.answer()[0] >= 400
            assert end.has_ended()
    assert house.knows(open=0)


# How many


def test_when_all_places_are_taken_those_that_wait_longest_go_first(opened: Callable[..., House]) -> None:
    house = opened(most=8, per_address=8)
    with contextlib.ExitStack() as stack:
        viewers = [stack.enter_context(watch(house)) for _ in range(2)]
        asked = stack.enter_context(house.plug(get()))
        assert asked.answer()[0] == 200
        assert house.knows(open=3, waiting=1)
        halves = []
        for number in range(5):
            halves.append(stack.enter_context(house.plug(b"GET")))
            assert house.knows(open=4 + number, waiting=2 + number)
        for number in range(3):
            with house.plug(get()) as newcomer:
                assert newcomer.answer()[0] == 200
                assert house.knows(ended_crowded=number + 1)
            assert house.knows(open=7)
            halves.append(stack.enter_context(house.plug(b"GET")))
            assert house.knows(open=8)
        assert asked.has_ended() and halves[0].has_ended() and halves[1].has_ended()
        assert all(half.is_open for half in halves[2:])
        for viewer in viewers:
            viewer.send(b"abc")
            assert viewer.recv(timeout=PATIENCE) == "3"


def test_a_newcomer_reads_that_there_is_no_place(opened: Callable[..., House]) -> None:
    house = opened(most=3, is_proxy=lambda address: True)
    with contextlib.ExitStack() as stack:
        viewers = [stack.enter_context(watch(house)) for _ in range(3)]
        for _ in range(50):
            with house.plug(get()) as newcomer:
                status, said = newcomer.answer()
                assert status == 503 and "no room" in said and "服务器" in said
        viewers.pop().close()
        assert house.knows(open=2)
        with house.plug(get()) as newcomer:
            assert newcomer.answer()[0] == 200
        assert house.knows(open=2, refused=50)


def test_newcomers_that_say_nothing_take_no_places_either(opened: Callable[..., House]) -> None:
    house = opened(most=2, per_address=2)
    with watch(house), watch(house), contextlib.ExitStack() as stack:
        silent = [stack.enter_context(house.plug()) for _ in range(100)]
        assert house.knows(open=2, refused=100)
        assert all(end.has_ended() for end in silent[:60])
        house.later(3.0)
        assert all(end.has_ended() for end in silent)


def test_one_address_has_half_of_all_places_and_a_proxy_all(opened: Callable[..., House]) -> None:
    house, behind = opened(most=8), opened(most=8, is_proxy=lambda address: address == "127.0.0.1")
    with contextlib.ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(watch(house))
        with house.plug(get()) as fifth:
            status, said = fifth.answer()
            assert status == 503 and "your address" in said
        other = stack.enter_context(house.plug(get(), "127.0.0.2"))
        assert other.answer()[0] == 200
        for _ in range(8):
            stack.enter_context(watch(behind))
        assert behind.figure("open") == 8


def test_an_address_at_its_limit_gives_up_what_waits_of_its_own(opened: Callable[..., House]) -> None:
    house = opened(most=100, per_address=2)
    with contextlib.ExitStack() as stack:
        other = stack.enter_context(house.plug(address="127.0.0.2"))
        assert house.knows(open=1)
        halves = [stack.enter_context(house.plug(b"G")) for _ in range(2)]
        assert house.knows(open=3)
        third = stack.enter_context(house.plug(get()))
        assert third.answer()[0] == 200
        assert halves[0].has_ended()
        assert halves[1].is_open and other.is_open


def test_answers_leave_at_once_and_who_takes_nothing_is_let_go(house: House) -> None:
    seen = []

    def look() -> None:
        for connection in house.server_connections():
            seen.append(connection.transport.get_extra_info("socket"))

    with house.plug():
        assert house.knows(open=1)
        house.on_loop(look)
        assert seen[0].getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            assert seen[0].getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000
