"""The door of the served app: what other sites, made-up ids and forged headers get, and that the serving process calls nobody."""

from __future__ import annotations

import asyncio
import http.client
import re
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from unittest.mock import MagicMock

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.Common_pb2 import FileURLsResponse
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.web.server.starlette.starlette_app import create_streamlit_routes
from websockets.asyncio.client import connect
from websockets.typing import Origin

from benchmarks.server import Server, served
from benchmarks.student import Student
from tests.loops import run
from tests.patience import eventually
from ui.door import reachable, uploads
from ui.messages import text

pytestmark = pytest.mark.xdist_group("door_served")  # One server for most.
ROOT = Path(__file__).parent
PAGE = {"Accept": "text/html"}
NAMED = "http://lab.example"
BOUNDARY = "a-boundary-of-our-own"


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file in which a server writes down whom it would have called."""
    return tmp_path_factory.mktemp("calls") / "calls.txt"


@pytest.fixture(scope="module")
def server(calls: Path) -> Iterator[Server]:
    """Without a way out, behind a proxy for outgoing calls, as at a school; its closed sessions end soon."""
    no_way_out = {"PYTHONPATH": str(ROOT / "no_way_out"), "NO_WAY_OUT": str(calls)}
    proxy = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
    ttl = {"STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL": "3"}
    named = {"STREAMLIT_SERVER_CORS_ALLOWED_ORIGINS": NAMED}
    with served(DLCORE_WORKERS="1", DLCORE_UPLOADS_MB="64", **no_way_out, **proxy, **ttl, **named) as server:
        yield server


def ask(
    server: Server, path: str, method: str = "GET", body: bytes | None = None, **headers: str
) -> tuple[int, http.client.HTTPMessage, str]:
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)) as connection:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode(errors="replace")


async def status_of_socket(server: Server, origin: str, host: str | None = None) -> int:
    """101, or what a page's socket is refused with."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    lines = (
        f"GET {reachable.STREAM} HTTP/1.1", f"Host: {host or f'127.0.0.1:{server.port}'}", f"Origin: {origin}",
        "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: MDEyMzQ1Njc4OTAxMjM0NQ==",
    )  # fmt: skip
    writer.write("\r\n".join([*lines, "", ""]).encode())
    head = await asyncio.wait_for(reader.readuntil(b"\r\n"), 60)
    writer.close()
    return int(head.split()[1])


class Pupil(Student):
    """A student that knows its session, and can ask where a file may be brought."""

    session = ""

    def hear_page(self, content: bytes) -> None:
        message = ForwardMsg.FromString(content)
        match message.WhichOneof("type"):
            case "new_session":
                self.session = message.new_session.initialize.session_id
            case "file_urls_response":
                self.places.set_result(message.file_urls_response)
        super().hear_page(content)

    async def ask_where(self, *names: str) -> FileURLsResponse:
        self.places: asyncio.Future[FileURLsResponse] = asyncio.get_running_loop().create_future()
        message = BackMsg()
        message.file_urls_request.request_id = "which"
        message.file_urls_request.file_names.extend(names)
        self.say(message)
        return await asyncio.wait_for(self.places, 60)


@asynccontextmanager
async def pupil(server: Server) -> AsyncIterator[Pupil]:
    found = Pupil(server.port)
    await found.open()
    try:
        yield found
    finally:
        found.close()


async def bring(server: Server, path: str, size: int, cookie: str, token: str | None = None) -> int:
    """The status with which so many bytes are taken or not."""
    xsrf = re.search(r"_streamlit_xsrf=([^;]+)", ask(server, "/_stcore/health")[1]["set-cookie"])
    assert xsrf is not None
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="f"; filename="a.bin"\r\n\r\n'.encode()
    body = head + bytes(size) + f"\r\n--{BOUNDARY}--\r\n".encode()
    headers = {
        "Content_Type": f"multipart/form-data; boundary={BOUNDARY}", "X_Xsrftoken": token or xsrf[1],
        "Cookie": f"_streamlit_xsrf={xsrf[1]}; {cookie}",
    }  # fmt: skip
    return (await asyncio.to_thread(ask, server, path, "PUT", body, **headers))[0]


def uploaded_bytes(server: Server) -> int:
    """What Streamlit holds of uploads, as it says itself."""
    lines = ask(server, "/_stcore/metrics?families=cache_memory_bytes")[2].splitlines()
    return sum(int(float(line.split()[-1])) for line in lines if "UploadedFileManager" in line)


# The serving process calls nobody


def test_no_socket_and_no_request_makes_the_server_call_anybody(server: Server, calls: Path) -> None:
    async def attack() -> None:
        here = f"127.0.0.1:{server.port}"
        for origin in ("http://evil.example", "null", "http://localhost:1", "http://192.0.2.1", f"https://{here}.evil"):
            assert await status_of_socket(server, origin) == 403
            for method in ("GET", "OPTIONS", "PUT", "DELETE"):
                ask(server, "/_stcore/upload_file/a/b", method, Origin=origin)
        assert await status_of_socket(server, "http://evil.example", "evil.example") == 403
        assert await status_of_socket(server, f"http://{here}") == 101
        # A page that the settings name: Streamlit would look itself up before it looks at these.
        async with connect(f"ws://{here}{reachable.STREAM}", origin=Origin(NAMED), proxy=None) as socket:
            await socket.send(BackMsg(rerun_script=ClientState()).SerializeToString())
            assert ForwardMsg.FromString(await socket.recv(decode=False)).HasField("new_session")
        async with pupil(server) as somebody:
            for kind in ("load_git_info", "clear_cache", "debug_shutdown_runtime"):
                somebody.say(BackMsg(**{kind: True}))
            skills = BackMsg()
            skills.backend_operation_request.install_skills.SetInParent()
            somebody.say(skills)
            await somebody.rerun()

    run(attack())
    assert not calls.exists() or calls.read_text() == ""


def test_a_server_for_others_calls_nobody_at_its_start_either(tmp_path: Path) -> None:
    """With what stands in deploy/."""
    image = (ROOT.parent / "deploy" / "Dockerfile").read_text()
    settings = dict(re.findall(r"\b(STREAMLIT_[A-Z_]+)=(\S+)", image))
    calls = tmp_path / "calls.txt"
    hosted = {"STREAMLIT_SERVER_ADDRESS": "0.0.0.0", "DLCORE_NEWCOMERS_PER_MINUTE": "3", **settings}
    with served(DLCORE_WORKERS="1", PYTHONPATH=str(ROOT / "no_way_out"), NO_WAY_OUT=str(calls), **hosted) as server:
        assert run(status_of_socket(server, "http://evil.example")) == 403
        assert run(status_of_socket(server, "http://play.example", "play.example")) == 101
        assert not calls.exists() or calls.read_text() == ""
        # A program of this machine says whom it asks for. No setting names it, so it is counted by itself.
        statuses = [ask(server, "/", X_Forwarded_For=f"10.9.8.{i}", **PAGE)[0] for i in range(6)]
        assert statuses == [200] * 3 + [429] * 3


# Which addresses there are


def test_every_address_of_streamlit_is_one_that_our_pages_use_or_is_closed() -> None:
    used = {
        "/_stcore/health", "/_stcore/host-config", "/media/{file_id:path}", "/_stcore/upload_file/{session_id}/{file_id}",
        reachable.STREAM, "",
    }  # fmt: skip
    runtime = MagicMock()
    paths = {route.path for route in create_streamlit_routes(runtime)}  # type: ignore[attr-defined]
    asked = {path: re.sub(r"\{\w+(:path)?\}", "x", path) for path in paths - used}
    assert {path for path in asked if not reachable.UNUSED.fullmatch(asked[path])} == {"/_stcore/metrics"}
    assert used <= paths


# Uploads


def test_a_file_comes_in_once_by_the_browser_that_was_told_where(server: Server) -> None:
    async def lesson() -> None:
        async with pupil(server) as me, pupil(server) as another:
            before = uploaded_bytes(server)
            (place,) = (await me.ask_where("a.bin")).file_urls
            made_up = place.upload_url.replace(place.file_id, str(uuid.uuid4()))
            assert await bring(server, made_up, 1000, me.cookie) == 403
            assert await bring(server, place.upload_url, 1000, another.cookie) == 403
            assert await bring(server, place.upload_url, 1000, "none=1") == 403
            assert await bring(server, place.upload_url.replace(me.session, another.session), 1000, me.cookie) == 403
            assert await bring(server, place.upload_url, 1000, me.cookie, token="forged") == 403
            assert await bring(server, place.upload_url, 1000, me.cookie) == 204
            assert await bring(server, place.upload_url, 1000, me.cookie) == 403
            assert ask(server, place.delete_url, "DELETE", Cookie=another.cookie)[0] == 403
            # Streamlit counts anew every few seconds.
            assert await asyncio.to_thread(eventually, lambda: uploaded_bytes(server) == before + 1000)

    run(lesson())


def test_one_page_fills_its_share_and_another_one_still_comes_in(server: Server) -> None:
    async def lesson() -> None:
        async with pupil(server) as greedy, pupil(server) as other:
            places = (await greedy.ask_where(*["a.bin"] * 5)).file_urls
            statuses = [await bring(server, place.upload_url, 15_000_000, greedy.cookie) for place in places]
            assert statuses == [204, 204, 204, 503, 503]
            (place,) = (await other.ask_where("a.bin")).file_urls
            assert await bring(server, place.upload_url, 15_000_000, other.cookie) == 204
            many = await greedy.ask_where(*["a.bin"] * 101)
            assert many.error_msg == text("en", "problem.uploads_many", came=101, limit=100)

    run(lesson())


def test_a_session_that_was_left_lets_go_of_its_uploads_though_nobody_comes_after(server: Server) -> None:
    async def lesson() -> None:
        async with pupil(server) as leaving:
            (place,) = (await leaving.ask_where("a.bin")).file_urls
            assert await bring(server, place.upload_url, 5_000_000, leaving.cookie) == 204
            assert await asyncio.to_thread(eventually, lambda: uploaded_bytes(server) >= 5_000_000)

    run(lesson())
    # Sooner than what no page takes is let go anyway.
    assert eventually(lambda: uploaded_bytes(server) == 0, within=uploads.UNTAKEN - 5)
