"""Slow, rude and vanishing clients on the served app: a class mate's pictures go on, and nothing of them is left behind.

The witness is a student who plays and watches all the while; the others are told by the kernel's own counts and by `/metrics`.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import pytest
import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.typing import Origin, Subprotocol

from benchmarks.server import DIRECT, Server, megabytes, served
from benchmarks.student import Student, cookie_of_page
from tests.deaf import Deaf
from tests.patience import PATIENCE
from ui.messages import text

pytestmark = pytest.mark.xdist_group("faults_page")  # One server for all.


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    shelf = str(tmp_path_factory.mktemp("shelf"))
    short = {"DLCORE_END_AFTER": "1", "STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL": "2"}
    with served(DLCORE_WORKERS="1", DLCORE_SHELF=shelf, DLCORE_MAX_RUNS="500", **short) as server:
        yield server


def attend(server: Server, trouble: Callable[[Student], Awaitable[None]]) -> None:
    """A witness plays and watches while there is trouble; its pictures and its answers go on during it and after it."""

    async def lesson() -> None:
        async with student(server, playing=True) as witness:
            witness.watch(10)
            await until(lambda: len(witness.seen) > 5)
            before = witness.seen[-1]
            await trouble(witness)
            await witness.rerun()
            await witness.move("dataset.noise", 0.2)
            await pictures(witness, 3)
            assert witness.there
            assert witness.seen[-1][2] != before[2]  # It is still learning.
            assert not witness.notices

    with ThreadPoolExecutor(1) as thread:  # A browser test in this process may have a loop of its own running.
        thread.submit(asyncio.run, lesson()).result()


@asynccontextmanager
async def student(server: Server, playing: bool = False) -> AsyncIterator[Student]:
    """Somebody who comes, and leaves in good order."""
    found = Student(server.port, playing=playing)
    await found.open()
    try:
        yield found
    finally:
        found.close()
        await until(lambda: found.gone)


async def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        await asyncio.sleep(0.05)


async def pictures(witness: Student, more: int) -> None:
    """So many more come to it."""
    there = len(witness.seen)
    await until(lambda: len(witness.seen) >= there + more)


def figure(server: Server, name: str) -> float:
    with DIRECT.open(f"{server.url}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    return float(next(line.split()[-1] for line in lines if line.startswith(f"dlcore_{name} ")))


def threads(server: Server) -> int:
    return len(os.listdir(f"/proc/{server.pid}/task"))


def descriptors(server: Server) -> int:
    return len(os.listdir(f"/proc/{server.pid}/fd"))


def rerun() -> BackMsg:
    message = BackMsg()
    message.rerun_script.query_string = "lang=en"
    return message


def test_sixty_reruns_at_once_hold_up_nobody_else(server: Server) -> None:
    async def flood(witness: Student) -> None:
        async with student(server) as rude:
            before, counts = threads(server), []

            async def count() -> None:
                while True:
                    counts.append(threads(server))
                    await asyncio.sleep(0.005)

            counting = asyncio.create_task(count())
            for _ in range(60):
                rude.say(rerun())
            for noise in (0.3, 0.1, 0.3):
                await witness.rerun()
                await witness.move("dataset.noise", noise)
            await pictures(witness, 3)
            counting.cancel()
            assert max(counts) < before + 20
            await until(lambda: threads(server) <= before + 3)

    attend(server, flood)


def test_a_client_that_clears_the_caches_ends_nobodys_run(server: Server) -> None:
    async def clear(witness: Student) -> None:
        token = witness.token
        async with student(server) as rude:
            rude.say(BackMsg(clear_cache=True))
        # A run that was given up by then would be gone before the one that is left now.
        await until(lambda: figure(server, "runs") == 1)
        await witness.rerun()
        assert witness.token == token

    attend(server, clear)


def test_clients_that_stop_reading_cost_a_bounded_piece_of_memory(server: Server) -> None:
    async def stop_reading(witness: Student) -> None:
        before = megabytes(server.pid)
        deaf = [Deaf(f"127.0.0.1:{server.port}", witness.token) for _ in range(10)]
        try:
            there = len(witness.seen)
            for _ in range(150):
                for one in deaf:
                    one.ask()
                await asyncio.sleep(0.01)
            await until(lambda: len(witness.seen) >= there + 10)
            assert megabytes(server.pid) < before + 30
        finally:
            for one in deaf:
                one.socket.close()
        await until(lambda: figure(server, "viewers") == 1)

    attend(server, stop_reading)


def test_sockets_cut_in_the_middle_of_a_frame_leave_nothing_behind(server: Server) -> None:
    async def cut(witness: Student) -> None:
        before, there = descriptors(server), len(witness.seen)
        for _ in range(20):
            one = Deaf(f"127.0.0.1:{server.port}", witness.token)
            one.ask()
            heard = b""  # The handshake and a piece of the frame; the rest meets a reset.
            while not heard.partition(b"\r\n\r\n")[2]:
                heard += one.socket.recv(300)
                await asyncio.sleep(0)
            one.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            one.socket.close()
        await until(lambda: figure(server, "viewers") == 1 and descriptors(server) <= before + 2)
        await until(lambda: len(witness.seen) >= there + 3)

    attend(server, cut)


def test_two_hundred_sessions_opened_and_dropped_leave_no_run_thread_or_socket(server: Server) -> None:
    async def come_and_go(witness: Student) -> None:
        before, fds, there = threads(server), descriptors(server), len(witness.seen)
        for _ in range(20):
            students = [Student(server.port, playing=True) for _ in range(10)]
            await asyncio.gather(*(one.open() for one in students))
            for one in students:
                one.vanish()
        await until(lambda: figure(server, "sessions") == 1 and figure(server, "runs") == 1)
        assert len(witness.seen) >= there + 20
        # Streamlit keeps a session for a while, and each has an event loop. The door ends it though nobody comes any more.
        await until(lambda: descriptors(server) <= fds + 10)
        end = time.monotonic() + PATIENCE
        while threads(server) > before + 3:  # Those that read files are let go when another one is read.
            assert time.monotonic() < end, f"{threads(server)} threads"
            async with student(server):
                await asyncio.sleep(0.5)

    attend(server, come_and_go)


# A second client with another's session


async def page_of(
    server: Server, cookie: str, session: str = ""
) -> tuple[str, str, list[str], websockets.ClientConnection]:
    """Open the page as this browser: the session's id, the run's token, the sentences in boxes, the connection."""
    connection = await websockets.connect(
        f"ws://127.0.0.1:{server.port}/_stcore/stream",
        origin=Origin(server.url),
        subprotocols=[Subprotocol(name) for name in ("streamlit", "none", session) if name],
        additional_headers={"Cookie": cookie},
        max_size=None,
        proxy=None,
    )
    await connection.send(rerun().SerializeToString())
    return (*await heard(connection), connection)


async def heard(connection: websockets.ClientConnection) -> tuple[str, str, list[str]]:
    session, token, sentences = "", "", []
    while True:
        message = ForwardMsg.FromString(await asyncio.wait_for(connection.recv(decode=False), PATIENCE))
        kind = message.WhichOneof("type")
        if kind == "new_session":
            session = message.new_session.initialize.session_id
        elif kind == "delta" and message.delta.new_element.HasField("alert"):
            sentences.append(message.delta.new_element.alert.body.replace("\\", ""))
        elif kind == "delta" and message.delta.new_element.HasField("bidi_component"):
            raw = message.delta.new_element.bidi_component
            found = Student(0)
            found.learn(message.delta.new_element)
            token = found.token or token
            assert raw.json or raw.mixed.json
        elif kind == "script_finished":
            return session, token, sentences


def test_another_browser_with_my_session_gets_one_of_its_own_and_a_sentence_and_i_notice_nothing(
    server: Server,
) -> None:
    async def intrude(witness: Student) -> None:
        my_cookie, anothers = await cookie_of_page(server.port), await cookie_of_page(server.port)
        session, token, sentences, mine = await page_of(server, my_cookie)
        assert session and token and not sentences
        for cookie in (anothers, "none=1"):
            got, other, sentences, stranger = await page_of(server, cookie, session)
            assert got != session and other != token
            assert sentences == [text("en", "problem.not_yours")]
            await stranger.close()
        await mine.send(rerun().SerializeToString())  # I am still there, ...
        assert (await heard(mine))[1] == token
        again, same, sentences, back = await page_of(
            server, my_cookie, session
        )  # ... and my browser finds its way back.
        assert (again, same, sentences) == (session, token, [])
        await back.close()
        await mine.close()

    attend(server, intrude)
