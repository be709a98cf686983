"""What a WebSocket may send and hold, below ASGI: judged by the `websockets` client and by plain sockets."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator

import pytest
from streamlit import config
from websockets.sync.client import ClientConnection

from tests.house import (
    BINARY,
    CONTINUATION,
    HANDSHAKE,
    PARSERS,
    PATIENCE,
    PING,
    TEXT,
    House,
    code_of,
    frame,
    get,
    houses,
    put,
    watch,
)
from tests.patience import eventually
from ui.data.bring import LONGEST_TEXT
from ui.door import websocket_protocol
from ui.door.websocket_protocol import LONGEST_LIVE, LONGEST_OTHER, LONGEST_STREAM


@pytest.fixture(params=PARSERS)
def parser(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def opened(parser: str) -> Iterator[Callable[..., House]]:
    with houses(parser) as make:
        yield make


@pytest.fixture
def house(opened: Callable[..., House]) -> House:
    return opened()


@pytest.mark.parametrize(
    ("path", "longest"),
    [
        ("/_stcore/stream", LONGEST_STREAM),
        ("/api/live/token", LONGEST_LIVE),
        ("/api/live/token?a=1", LONGEST_LIVE),
        ("/elsewhere", LONGEST_OTHER),
        ("/elsewhere/_stcore/stream", LONGEST_OTHER),
    ],
)
@pytest.mark.parametrize("base", ["", "/under/a/path"])
def test_a_message_has_the_size_of_its_route(house: House, path: str, longest: int, base: str) -> None:
    before = config.get_option("server.baseUrlPath")
    config.set_option("server.baseUrlPath", base)
    try:
        with watch(house, base + path) as viewer:
            viewer.send(b"x" * longest)
            assert viewer.recv(timeout=PATIENCE) == str(longest)
            viewer.socket.sendall(struct.pack("!BBQ", 130, 255, longest + 1) + bytes(4))
            assert code_of(viewer) == 1009
    finally:
        config.set_option("server.baseUrlPath", before)


def test_the_paste_field_fits_into_a_message_of_the_page() -> None:
    # Browsers count UTF-16 units: a character of three bytes is one, of four bytes two.
    longest = max(len(character.encode()) / (len(character.encode("utf-16-le")) / 2) for character in "aé数😀")
    assert LONGEST_TEXT * longest + 1_000_000 <= LONGEST_STREAM


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
        assert house.figure("held_bytes") <= 512 << 10
        end.socket.shutdown(socket.SHUT_RDWR)
        flood.join()


def _pour(end: socket.socket, block: bytes) -> None:
    with contextlib.suppress(OSError):
        for _ in range(10_000):
            end.send(block)


def test_who_has_sent_too_many_frames_is_heard_later(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket_protocol, "FRAMES_A_SECOND", 10_000.0)
    with watch(house) as viewer:
        for number in range(1, 4):
            viewer.socket.sendall(frame(PING) * 300)
            viewer.send(b"x" * number)
            assert viewer.recv(timeout=PATIENCE) == str(number)


def test_while_the_app_reads_nothing_no_more_than_a_piece_is_made_messages(house: House) -> None:
    house.reads.clear()
    with watch(house) as viewer:
        viewer.socket.sendall(frame(BINARY, b"x" * 1000) * 100)
        assert eventually(lambda: house.figure("held_bytes") > 1000, PATIENCE)
        assert max(connection.queue.qsize() for connection in house.server_connections()) <= 3
        house.reads.set()
        assert [viewer.recv(timeout=PATIENCE) for _ in range(100)] == ["1000"] * 100


def test_what_is_sent_before_the_handshake_is_answered_does_no_harm(house: House) -> None:
    with house.plug(get("/_stcore/stream", HANDSHAKE) + frame(TEXT, b"early")) as end:
        assert b" 101 " in end.head()
        end.send(frame(TEXT, b"late!!"))
        assert eventually(lambda: 6 in house.heard, PATIENCE)


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
