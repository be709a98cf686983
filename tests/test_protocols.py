"""What a connection may take, hold and wait, below ASGI: judged by plain sockets."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvicorn
from websockets.sync.client import connect

from benchmarks.server import ROOT
from tests.house import PARSERS, PATIENCE, House, Plug, code_of, get, houses, put, watch
from tests.loops import run
from tests.patience import eventually
from ui.door import protocols, websocket_protocol
from ui.door.connections import Allowed, Connections


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


# What is relied on


def test_uvicorn_and_websockets_have_what_is_overridden_and_read_here(parser: str) -> None:
    settings = uvicorn.Config(lambda: None, http=parser, ws="websockets-sansio", log_config=None, interface="asgi3")
    settings.load()
    assert protocols.missing_names(settings.http_protocol_class, settings.ws_protocol_class) == []
    state = uvicorn.server.ServerState()

    async def make() -> tuple[Any, Any]:
        http_connection = settings.http_protocol_class(settings, state, {})  # type: ignore[call-arg]
        return http_connection, settings.ws_protocol_class(settings, state, {})  # type: ignore[call-arg, misc]

    http_connection, websocket = run(make())
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
    assert not protocols.install(settings, Connections(Allowed()), 64)
    assert settings.http_protocol_class is before


def test_so_many_connections_are_accepted_in_one_turn_as_there_is_room_for(parser: str) -> None:
    for before, after in ((2048, 64), (8, 8)):
        settings = uvicorn.Config(
            lambda: None, ws="websockets-sansio", log_config=None, interface="asgi3", backlog=before
        )
        settings.load()
        assert protocols.install(settings, Connections(Allowed()), accepted_a_turn=64)
        assert settings.backlog == after


@pytest.mark.parametrize("variable", ["DLCORE_SOCKETS_MB", "DLCORE_PROXIES", "DLCORE_UPLOADS_MB"])
def test_a_server_with_a_setting_that_is_none_says_so_and_does_not_start(variable: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true", f"--server.port={port}"]
    ended = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, variable: "plenty"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ended.returncode != 0
    assert variable in ended.stderr and "plenty" in ended.stderr


def test_answers_leave_in_pieces_and_are_the_same() -> None:
    async def lesson() -> None:
        sent: list[dict[str, Any]] = []

        async def send(message: Any) -> None:
            sent.append(message)

        in_pieces = protocols.cut_answers(send)
        content = bytes(range(256)) * 1000
        await in_pieces({"type": "http.response.start", "status": 200})
        await in_pieces({"type": "http.response.body", "body": content, "more_body": True})
        await in_pieces({"type": "http.response.body", "body": content})
        await in_pieces({"type": "http.response.body"})
        bodies = sent[1:]
        assert b"".join(message.get("body", b"") for message in bodies) == 2 * content
        assert max(len(message.get("body", b"")) for message in bodies) <= protocols.PIECE
        assert [message.get("more_body", False) for message in bodies] == [True] * (len(bodies) - 2) + [False, False]

    run(lesson())


def test_under_another_server_the_app_runs_and_the_log_says_what_is_missing(caplog: pytest.LogCaptureFixture) -> None:
    ran = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        ran.append(scope["type"])

    async def receive() -> dict[str, Any]:
        return {"type": "lifespan.startup"}

    run(protocols.ProtocolGuard(app)({"type": "lifespan"}, receive, receive))  # type: ignore[arg-type]
    assert ran == ["lifespan"]
    assert "Connections are not bounded" in caplog.text


def test_the_real_app_runs_with_them(app_address: str) -> None:
    host, origin = app_address.removeprefix("http://"), app_address
    port = int(host.split(":")[1])
    with Plug(port) as half, Plug(port) as end:
        half.send(b"GET / HTTP/1.1\r\nHost: he")
        end.send(b"PUT / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
        assert end.answer()[0] == 411
        with connect(f"ws://{host}/_stcore/stream", origin=origin, proxy=None) as viewer:  # type: ignore[arg-type]
            viewer.socket.sendall(struct.pack("!BBQ", 130, 255, websocket_protocol.LONGEST_STREAM + 1) + bytes(4))
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


@pytest.mark.parametrize("cut", range(1, 5))
def test_a_body_is_not_taken_for_a_head_wherever_its_end_is_cut(house: House, cut: int) -> None:
    head, body = put(9000), b"a\n" * 4500
    with house.plug(head[:-cut]) as end:
        assert house.has_received(len(head) - cut)
        end.send(head[-cut:] + body)
        assert end.answer() == (200, "9000 bytes for /")


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
        assert 0 < house.figure("held_bytes") <= 512 << 10
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
        for _ in range(100):  # A socket that is closed while something comes in takes its last words back.
            end.send(b"1\r\na\r\n" * 1000)
        house.later(2.5)
        assert end.has_ended()
    assert house.knows(open=0, held_bytes=0)


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
