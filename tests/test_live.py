"""The live channel over a real socket: who may look, one frame at a time, notices, and the canvas's files."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from streamlit import config
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from dlcore.experiment import Experiment
from dlcore.problems import Problem
from dlcore.runs.server.pool import Pool
from dlcore.runs.server.request import Request
from tests.deaf import Deaf
from tests.fake_worker import DEADLY
from tests.patience import PATIENCE, eventually
from tests.pools import FAKE
from ui import assets, door, live, viewer
from ui.bundle import bundle
from ui.pace import Pace

BASE = "under/a/path"
READY = {"type": "ready", "version": None, "structure": None, "history": 0}


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    made = Pool(workers=1, command=FAKE, timeout=PATIENCE)
    made.start()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(live, "pool", lambda: made)
        yield made
    made.stop()


@pytest.fixture(scope="module")
def host(pool: Pool) -> Iterator[str]:
    before = config.get_option("server.baseUrlPath")
    config.set_option("server.baseUrlPath", f"/{BASE}/")
    app = Starlette(routes=live.routes(), middleware=[Middleware(door.Door)])
    app.middleware_stack = app.build_middleware_stack()  # While the path is what it is.
    config.set_option("server.baseUrlPath", before)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        settings = uvicorn.Config(app, ws="websockets-sansio", log_level="warning", lifespan="off")
        server = uvicorn.Server(settings)
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        port = listening.getsockname()[1]
        yield f"127.0.0.1:{port}"
        server.should_exit = True
        thread.join()


@pytest.fixture
def token(pool: Pool) -> str:
    return pool.create(Experiment().to_json())


def look(host: str, token: str, origin: str | None = "same", base: str = "", owner: str = "") -> ClientConnection:
    origin = f"http://{host}" if origin == "same" else origin
    headers = {"Cookie": f"{door.COOKIE}={owner}"} if owner else {}
    return connect(f"ws://{host}{base}/api/live/{token}", origin=origin, additional_headers=headers, proxy=None)  # type: ignore[arg-type]


def say(viewer: ClientConnection, message: object) -> None:
    viewer.send(json.dumps(message))


def command(viewer: ClientConnection, do: str, **value: object) -> None:
    say(viewer, {"type": "command", "do": do, **value})


def ready(viewer: ClientConnection, version: int | None) -> None:
    say(viewer, READY | {"version": version})


def close_code(viewer: ClientConnection) -> int | None:
    try:
        while True:
            viewer.recv(timeout=PATIENCE)
    except ConnectionClosed as closed:
        return closed.rcvd and closed.rcvd.code


def version_of(frame: str | bytes) -> int:
    assert isinstance(frame, bytes)
    return int(frame.removeprefix(b"frame "))


def test_an_unknown_token_is_told_that_the_run_is_gone(host: str) -> None:
    with look(host, "nobody") as viewer:
        assert json.loads(viewer.recv(timeout=PATIENCE)) == {"type": "gone"}
        assert close_code(viewer) == 4404


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:1", "null", "http://[", ""])
def test_a_page_of_another_server_is_refused(host: str, token: str, origin: str) -> None:
    with look(host, token, origin) as viewer:
        assert close_code(viewer) == 4403


def test_an_origin_that_the_settings_name_may_look(host: str, token: str) -> None:
    before = config.get_option("server.corsAllowedOrigins")
    config.set_option("server.corsAllowedOrigins", ["https://lab.example"])
    try:
        with look(host, token, "https://lab.example") as viewer:
            ready(viewer, None)
            version_of(viewer.recv(timeout=PATIENCE))
    finally:
        config.set_option("server.corsAllowedOrigins", before)


@pytest.mark.parametrize(
    "message",
    [
        "",
        "no json",
        "[" * 4000,
        "[]",
        "1",
        '{"type": "ready", "version": "1"}',
        '{"type": "ready", "version": true}',
        '{"type": "ready", "history": -1}',
        '{"type": "ready", "history": 1e400}',
        '{"type": "ready", "structure": 99999999999999999999}',
        '{"type": "command", "do": "checkpoint"}',
        '{"type": "command", "do": ["play"]}',
        '{"type": "command", "do": "speed", "value": {}}',
        '{"type": "command", "do": "set", "value": 1}',
        '{"type": "command", "do": "set", "value": {"address": "0", "unit": 0, "input": 0, "value": 1}}',
        '{"type": "command", "do": "set", "value": {"structure": 1, "address": true, "unit": 0, "input": 0, "value": 1}}',
        '{"type": "command", "do": "set", "value": {"structure": 1, "address": 0, "unit": 0, "input": 0, "value": 1}}',
        '{"type": "command", "do": "set", "value": {"structure": 1, "address": "-1", "unit": 0, "input": 0, "value": 1}}',
        '{"type": "command", "do": "set", "value": {"structure": 1, "address": "2.", "unit": 0, "input": 0, "value": 1}}',
        '{"type": "command", "do": "set", "value": {"structure": 1, "address": "x", "unit": 0, "input": 0, "value": 1}}',
        '{"type": "command", "do": "set", "value": {"structure": 1, "address": "'
        + "0." * 100
        + '0", "unit": 0, "value": 1}}',
        '{"type": "command", "do": "set", "value": {"structure": 1, "address": "0", "unit": 0, "input": 0, "value": [1]}}',
        '{"type": "command", "do": "set", "value": {"structure": 1, "address": "0", "unit": -1, "input": 0, "value": 1}}',
        '{"type": "command", "do": "freeze", "value": {"structure": 1, "address": "0", "unit": 0, "input": "b", "on": true}}',
        '{"type": "command", "do": "silence", "value": {"structure": 1, "address": "0", "unit": 0, "on": 1}}',
        '{"type": "command", "do": "set", "value": {"structure": 1, "address": "0", "value": "' + "x" * 5000 + '"}}',
        '{"type": "command", "do": "pause", "value": {}}',
        '{"type": "command", "do": "jump"}',
        '{"type": "command", "do": "rewind", "value": "3"}',
        '{"type": "command", "do": "edit", "value": "add_unit"}',
        '{"type": "ready", "now": 1}',
        '{"type": "ready", "slim": null}',
        '{"type": "ready", "slim": true, "frame": -1}',
        '{"type": "ready", "moments": -1}',
        '{"type": "ready", "wants": []}',
        '{"type": "ready", "wants": {"gradients": 1}}',
        '{"type": "ready", "wants": {"probe": {"split": "all", "row": 0}}}',
        '{"type": "ready", "wants": {"probe": {"split": ["train"], "row": 0}}}',
        '{"type": "ready", "wants": {"probe": {"split": "train", "row": 1.5}}}',
        '{"type": "ready", "wants": {"moment": "1"}}',
        '{"type": "ready", "x": "' + "x" * 5000 + '"}',
        b"bytes",
    ],
)
def test_a_message_that_is_none_closes_the_socket(host: str, token: str, message: str | bytes) -> None:
    with look(host, token) as viewer:
        viewer.send(message)
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                viewer.recv(timeout=PATIENCE)
    told = closed.value.rcvd
    assert told is not None
    assert told.code == 4400
    assert told.reason.startswith('Expected {"type": "ready" or "command"')


def test_a_viewer_gets_the_next_frame_that_differs_from_the_one_it_holds(host: str, token: str) -> None:
    with look(host, token) as viewer:
        ready(viewer, None)
        first = version_of(viewer.recv(timeout=PATIENCE))
        ready(viewer, first)
        command(viewer, "step")  # Obeyed while the request for a frame is held.
        assert version_of(viewer.recv(timeout=PATIENCE)) == first + 1


def test_an_edit_that_makes_a_run_heavy_is_asked_for_again_with_what_it_weighs(
    host: str, token: str, pool: Pool
) -> None:
    changed = Experiment(seed=5).to_json()
    with look(host, token) as viewer:
        ready(viewer, None)
        first = version_of(viewer.recv(timeout=PATIENCE))
        ready(viewer, first)
        command(viewer, "edit", value={"recipe": changed})
        assert version_of(viewer.recv(timeout=PATIENCE)) == first + 1
    assert pool.find_standing(token)["recipe"] == changed


def test_a_viewer_that_wants_to_see_something_else_is_answered_at_once(host: str, token: str) -> None:
    with look(host, token) as viewer:
        ready(viewer, None)
        first = version_of(viewer.recv(timeout=PATIENCE))
        ready(viewer, first)  # The run has not changed, so this request waits, ...
        wants = {"gradients": True, "histograms": False, "probe": {"split": "test", "row": 3}, "moment": None}
        say(viewer, READY | {"version": first, "moments": 4, "now": True, "wants": wants})
        assert version_of(viewer.recv(timeout=PATIENCE)) == first  # ... and the one with "now" replaces it.
        command(viewer, "step")
        ready(viewer, first)
        assert version_of(viewer.recv(timeout=PATIENCE)) == first + 1
        ready(viewer, first + 1)
        command(viewer, "step")
        assert version_of(viewer.recv(timeout=PATIENCE)) == first + 2  # Each was answered once.


@pytest.mark.parametrize("weight", [0.5, -3, "abc", None, True, float("inf")])
def test_a_typed_weight_goes_to_the_worker_whatever_was_typed(host: str, token: str, weight: object) -> None:
    with look(host, token) as viewer:
        ready(viewer, None)
        first = version_of(viewer.recv(timeout=PATIENCE))
        ready(viewer, first)
        command(viewer, "set", value={"structure": 1, "address": "0", "unit": 0, "input": None, "value": weight})
        assert version_of(viewer.recv(timeout=PATIENCE)) == first + 1


def test_a_slow_viewer_never_has_more_than_one_frame_under_way(host: str, token: str, pool: Pool) -> None:
    with look(host, token) as viewer:
        ready(viewer, None)
        held = version_of(viewer.recv(timeout=PATIENCE))
        for _ in range(5):
            ready(viewer, held)
        command(viewer, "step")  # Read after the five requests, and before the steps that follow.
        version_of(viewer.recv(timeout=PATIENCE))
        for _ in range(19):
            pool.call(token, "step")
        ready(viewer, held)  # What was sent before this would come before its answer.
        assert version_of(viewer.recv(timeout=PATIENCE)) == held + 20


def test_several_viewers_see_the_same_run(host: str, token: str) -> None:
    with look(host, token) as one, look(host, token) as other:
        for viewer in (one, other):
            ready(viewer, None)
            held = version_of(viewer.recv(timeout=PATIENCE))
            ready(viewer, held)
        command(one, "step")
        assert [version_of(viewer.recv(timeout=PATIENCE)) for viewer in (one, other)] == [held + 1] * 2


def test_a_viewer_that_leaves_takes_its_request_along(host: str, token: str, pool: Pool) -> None:
    with look(host, token) as viewer:
        ready(viewer, None)
        ready(viewer, version_of(viewer.recv(timeout=PATIENCE)))
        assert eventually(lambda: pool.facts(token).viewers)
    assert eventually(lambda: not pool.facts(token).viewers and not pool.link_of(token).unanswered)


def test_viewers_are_told_when_a_worker_was_lost_and_go_on(host: str, token: str, pool: Pool) -> None:
    with look(host, token) as viewer:
        command(viewer, "step")
        held = None
        while held != 1:  # The step may be asked for after the first frame.
            ready(viewer, held)
            held = version_of(viewer.recv(timeout=PATIENCE))
        ready(viewer, held)
        assert eventually(lambda: pool.warm)
        os.kill(pool.link_of(token).pid, signal.SIGKILL)
        notice = json.loads(viewer.recv(timeout=PATIENCE))
        assert (notice["type"], notice["key"]) == ("notice", "worker_restarted")
        assert version_of(viewer.recv(timeout=PATIENCE)) == 1000


def test_viewers_of_a_run_that_was_given_up_are_told_and_let_go(host: str, pool: Pool) -> None:
    token = pool.create(Experiment(seed=DEADLY).to_json())
    with look(host, token) as viewer:
        ready(viewer, None)
        ready(viewer, version_of(viewer.recv(timeout=PATIENCE)))
        command(viewer, "play")
        messages = []
        while not messages or messages[-1]["type"] != "gone":
            messages.append(json.loads(viewer.recv(timeout=PATIENCE)))
        assert {"type": "notice", "key": "run_lost", "values": {}} in messages
        assert close_code(viewer) == 4404


def test_viewers_of_a_run_that_is_closed_are_let_go(host: str, token: str, pool: Pool) -> None:
    with look(host, token) as viewer:
        ready(viewer, None)
        ready(viewer, version_of(viewer.recv(timeout=PATIENCE)))
        assert eventually(lambda: pool.facts(token).viewers)
        pool.close(token)
        assert json.loads(viewer.recv(timeout=PATIENCE)) == {"type": "gone"}
        assert close_code(viewer) == 4404


def test_the_routes_are_there_under_the_base_path_too(host: str, token: str) -> None:
    with look(host, token, base=f"/{BASE}") as viewer:
        ready(viewer, None)
        version_of(viewer.recv(timeout=PATIENCE))
    with get(host, f"/{BASE}/api/assets/x/canvas/bundle.js") as response:
        assert response.status == 200


def test_a_run_is_shown_to_the_browser_that_made_it_and_to_no_other(host: str, pool: Pool) -> None:
    mine, anothers = door.new_secret(), door.new_secret()
    token = pool.create(Experiment().to_json(), owner=mine)
    for stranger in (anothers, "", "forged", "m" * 43):
        with look(host, token, owner=stranger) as viewer:
            with suppress(ConnectionClosed):
                command(viewer, "play")
            notice = json.loads(viewer.recv(timeout=PATIENCE))
            assert (notice["type"], notice["key"]) == ("notice", "not_yours")
            assert close_code(viewer) == 4401
    assert pool.facts(token).status == "paused"
    with look(host, token, owner=mine) as viewer:
        ready(viewer, None)
        version_of(viewer.recv(timeout=PATIENCE))


def test_a_run_of_nobody_is_shown_to_whoever_holds_its_token(host: str, token: str) -> None:
    for owner in ("", door.new_secret()):
        with look(host, token, owner=owner) as viewer:
            ready(viewer, None)
            version_of(viewer.recv(timeout=PATIENCE))


def test_only_its_own_browser_learns_where_a_run_stands_and_only_while_no_other_tab_has_it(
    host: str, pool: Pool
) -> None:
    owner = door.new_secret()
    mine, anothers = ({"Cookie": f"{door.COOKIE}={secret}"} for secret in (owner, door.new_secret()))
    token = pool.create(Experiment().to_json(), owner=owner)
    path = f"/api/live/{token}/kept"
    with get(host, path, **mine) as response:
        assert response.status == 200 and response.headers["cache-control"] == "no-store"
        assert json.loads(response.read()) == {"step": 0, "epoch": 0}
    for headers in (anothers, {}):
        with get(host, path, **headers) as response:
            assert (response.status, response.read()) == (204, b"")
    with get(host, "/api/live/nobody/kept", **mine) as response:
        assert response.status == 204
    with look(host, token, owner=owner) as viewer:
        ready(viewer, None)
        version_of(viewer.recv(timeout=PATIENCE))
        with get(host, path, **mine) as response:
            assert response.status == 204


def test_a_viewer_that_stops_reading_is_let_go_and_others_see_on(
    host: str, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viewer, "LONGEST_SEND", 0.5)
    large, token = b"frame 0" + bytes(1 << 19), pool.create(Experiment().to_json())

    def large_frame(*arguments: object, **values: object) -> Request:
        asked = Request({"token": token}, b"")
        asked.future.set_result(({}, large))
        return asked

    before = live.stuck()
    with look(host, token) as other:
        slow = Deaf(host, token)
        with monkeypatch.context() as patched:
            patched.setattr(Pool, "ask", large_frame)
            assert eventually(lambda: pool.facts(token).viewers == 2)
            assert eventually(lambda: slow.ask() or pool.facts(token).viewers == 1)
        ready(other, None)
        version_of(other.recv(timeout=PATIENCE))
        assert live.stuck() == before + 1
        slow.socket.close()


def test_notices_that_nobody_reads_do_not_pile_up() -> None:
    async def fill() -> int:
        unread = viewer.Viewer(None, "token", "", None, Pace(200.0))  # type: ignore[arg-type]
        for step in range(1000):
            unread.tell(Problem("worker_restarted", step=step))
        kept = [unread.unsent.get_nowait().values["step"] for _ in range(unread.unsent.qsize())]
        assert kept == list(range(1000))[-len(kept) :]  # the newest
        return len(kept)

    with ThreadPoolExecutor(1) as thread:  # A browser test in this process may have a loop of its own running.
        assert thread.submit(asyncio.run, fill()).result() == viewer.MOST_NOTICES


# Files


@contextmanager
def get(host: str, path: str, **headers: str) -> Iterator[http.client.HTTPResponse]:
    with closing(http.client.HTTPConnection(host, timeout=PATIENCE)) as connection:
        connection.request("GET", path, headers=headers)
        yield connection.getresponse()


def test_scripts_have_their_type_and_may_be_kept_for_ever_under_their_version(host: str) -> None:
    for folder in assets.FOLDERS:
        with get(host, f"/api/assets/{assets.asset_version()}/{folder}/bundle.js") as response:
            assert response.status == 200
            assert response.headers["content-type"].startswith("text/javascript")
            assert "immutable" in response.headers["cache-control"]
            assert response.read().decode() == bundle(assets.UI / folder / f"{folder}.js")
    with get(host, "/api/assets/older/canvas/bundle.js") as response:
        assert response.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "name",
    [
        "__init__.py",
        "canvas.html",
        "../live.py",
        "..%2flive.py",
        "network/../../live.py",
        "network%2f..%2f..%2flive.py",
        "%2e%2e/live.py",
        "%2fetc%2fpasswd",
        "..%5clive.py",
        "bundle.js%00.css",
        "canvas.js%0a",
        "canvas.js",
        "network/network.js",
        "missing.js",
        "",
    ],
)
def test_nothing_but_the_bundle_is_served(host: str, name: str) -> None:
    with get(host, f"/api/assets/x/canvas/{name}") as response:
        assert response.status == 404


def test_plotly_comes_from_the_installed_package_compressed_when_asked(host: str) -> None:
    path = f"/api/assets/{assets.asset_version()}/plotly.min.js"
    with get(host, path) as response:
        plain = response.read()
    with get(host, path, **{"Accept-Encoding": "gzip, br"}) as response:
        assert response.headers["content-encoding"] == "gzip"
        assert response.headers["content-type"].startswith("text/javascript")
        assert gzip.decompress(response.read()) == plain
    assert b"plotly.js v" in plain[:200]
