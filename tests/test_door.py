"""The door: who is let in, what comes with the page, whose socket Streamlit is told it is, and what it gets to hear."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from streamlit import config
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.clock import Clock
from tests.loops import run
from ui import door
from ui.messages import text

MINE, ANOTHERS = door.new_secret(), door.new_secret()
PAGE = {"accept": "text/html,application/xhtml+xml"}
HOST = "127.0.0.1:8501"
PATHS = (
    "/", "/old", "/data", "/healthz", "/metrics", "/_stcore/metrics", "/_stcore/health", "/_stcore/host-config",
    "/_stcore/agent/mcp", "/_stcore/agent/interact", "/_stcore/agent/openapi.json", "/_stcore/script-health-check",
    "/_stcore/bidi-components/x/y.js", "/auth/login", "/auth/logout", "/oauth2callback", "/component/x/index.html",
    "/app/static/x.png", "/media/x.png", "/_stcore/upload_file/a/b", "/api/live/token/kept", "/api/live/token/changes",
)  # fmt: skip


@pytest.fixture
def setting() -> Iterator[Any]:
    before: dict[str, Any] = {}

    def set_option(name: str, value: Any) -> None:
        before.setdefault(name, config.get_option(name))
        config.set_option(name, value)

    yield set_option
    for name, value in before.items():
        config.set_option(name, value)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    cookies: list[str]
    text: str


class House:
    """A door, and behind it a few pages that say yes to everything."""

    def __init__(self, clock: Any = None) -> None:
        def answer(request: Any) -> Response:
            match request.url.path.removeprefix("/under/a/path"):
                case "/" | "":
                    return HTMLResponse("<p>the page")
                case "/old":
                    return Response(status_code=304)
            return JSONResponse({})

        methods = ["GET", "PUT", "POST", "DELETE", "OPTIONS"]
        inside = Starlette(routes=[Route(path, answer, methods=methods) for path in (*PATHS, "/{path:path}")])
        self._door = door.Door(inside, *([] if clock is None else [clock]))

    def ask(self, path: str = "/", method: str = "GET", peer: str = "127.0.0.1", **headers: str) -> Answer:
        """One request."""
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        named = {name.lower().replace("_", "-"): value for name, value in headers.items()}
        raw = [(name.encode(), value.encode()) for name, value in ({"host": HOST} | named).items()]
        scope = {
            "type": "http", "method": method, "scheme": "http", "path": path, "headers": raw, "query_string": b"",
            "client": (peer, 1), "server": ("127.0.0.1", 8501),
        }  # fmt: skip
        run(self._door(scope, receive, send))
        found = [(name.decode(), value.decode()) for name, value in sent[0]["headers"]]
        body = b"".join(message.get("body", b"") for message in sent[1:]).decode()
        return Answer(sent[0]["status"], dict(found), [value for name, value in found if name == "set-cookie"], body)


def secret_of(cookie: str) -> str:
    return cookie.split(";")[0].partition("=")[2]


# The cookie


def test_a_page_brings_a_cookie_and_each_browser_one_of_its_own() -> None:
    house = House()
    (cookie,), (other,) = house.ask(**PAGE).cookies, house.ask(**PAGE).cookies
    assert cookie.startswith(f"{door.COOKIE}=") and "; Path=/;" in cookie
    assert door.owner_of({door.COOKIE: secret_of(cookie)}) == secret_of(cookie) != secret_of(other)


def test_each_visit_renews_the_cookie_that_a_browser_has_and_a_forged_one_is_replaced() -> None:
    house = House()
    (again,) = house.ask(cookie=f"{door.COOKIE}={MINE}", **PAGE).cookies
    assert secret_of(again) == MINE and "Max-Age=2592000" in again
    for forged in ("short", "m" * 43, MINE[:-1]):
        (fresh,) = house.ask(cookie=f"{door.COOKIE}={forged}", **PAGE).cookies
        assert secret_of(fresh) not in (forged, MINE)
    assert len(house.ask(cookie="other=1", **PAGE).cookies) == 1


def test_a_page_that_the_browser_still_has_brings_one_too_and_nothing_else_does() -> None:
    house = House()
    assert len(house.ask("/old", **PAGE).cookies) == 1
    assert house.ask("/data", **PAGE).cookies == []
    assert house.ask().cookies == []  # curl, or a script that fetches


def test_under_a_path_the_cookie_is_for_that_path_and_over_https_for_all_with_its_prefix(
    setting: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting("server.baseUrlPath", "/under/a/path/")
    assert "; Path=/under/a/path;" in House().ask("/under/a/path", **PAGE).cookies[0]
    monkeypatch.setenv("DLCORE_PROXIES", "10.0.0.5")
    (cookie,) = House().ask("/under/a/path", peer="10.0.0.5", x_forwarded_proto="https", **PAGE).cookies
    assert cookie.startswith("__Host-playground_owner=") and "; Path=/;" in cookie and cookie.endswith("; Secure")


def test_https_is_certain_when_the_server_speaks_it_or_a_named_proxy_says_so(
    setting: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    https = {"x_forwarded_proto": "https", **PAGE}
    (claimed,) = House().ask(**https).cookies
    assert claimed.startswith(f"{door.COOKIE}=") and claimed.endswith("; Secure")
    monkeypatch.setenv("DLCORE_PROXIES", "10.0.0.5")
    assert House().ask(peer="10.0.0.5", **https).cookies[0].startswith(f"{door.SECURE_COOKIE}=")
    assert House().ask(peer="10.0.0.6", **https).cookies[0].startswith(f"{door.COOKIE}=")
    assert House().ask(peer="10.0.0.5", **PAGE).cookies[0].startswith(f"{door.COOKIE}=")
    setting("server.sslCertFile", "cert.pem")
    assert House().ask(**PAGE).cookies[0].startswith(f"{door.SECURE_COOKIE}=")


def test_over_https_a_cookie_of_the_other_name_makes_nobody_its_owner(setting: Any) -> None:
    setting("server.sslCertFile", "cert.pem")
    (fresh,) = House().ask(cookie=f"{door.COOKIE}={ANOTHERS}", **PAGE).cookies
    assert secret_of(fresh) != ANOTHERS
    (kept,) = House().ask(cookie=f"{door.SECURE_COOKIE}={MINE}; {door.COOKIE}={ANOTHERS}", **PAGE).cookies
    assert secret_of(kept) == MINE


# Newcomers


def test_more_newcomers_than_an_address_may_send_are_asked_to_wait_and_the_others_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DLCORE_NEWCOMERS_PER_MINUTE", "30")
    clock = Clock()
    house = House(clock)
    assert [house.ask(peer="1.2.3.4", **PAGE).status for _ in range(31)] == [200] * 30 + [429]
    refused = house.ask(peer="1.2.3.4", **PAGE)
    assert refused.cookies == [] and refused.headers["retry-after"] == "10"
    assert refused.headers["cache-control"] == "no-store"
    assert house.ask(peer="1.2.3.5", **PAGE).status == 200
    assert house.ask(peer="1.2.3.4", cookie=f"{door.COOKIE}={MINE}", **PAGE).status == 200
    assert house.ask("/data", peer="1.2.3.4").status == 200
    clock.now += 10
    assert [house.ask(peer="1.2.3.4", **PAGE).status for _ in range(6)] == [200] * 5 + [429]


def test_three_hundred_at_once_from_one_school_pass() -> None:
    house = House(Clock())
    assert {house.ask(peer="1.2.3.4", **PAGE).status for _ in range(300)} == {200}


def test_an_address_is_taken_from_a_header_only_when_a_named_proxy_sends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLCORE_NEWCOMERS_PER_MINUTE", "2")

    def statuses(house: House, peer: str) -> list[int]:
        return [house.ask(peer=peer, x_forwarded_for=f"6.6.6.{i}, 5.5.5.{i}", **PAGE).status for i in range(4)]

    assert statuses(House(Clock()), "127.0.0.1") == [200, 200, 429, 429]
    monkeypatch.setenv("DLCORE_PROXIES", "127.0.0.1")
    house = House(Clock())
    assert statuses(house, "127.0.0.1") == [200] * 4
    assert statuses(house, "127.0.0.2") == [200, 200, 429, 429]
    same_client = [house.ask(x_forwarded_for=f"6.6.6.{i}, 7.7.7.7", **PAGE).status for i in range(4)]
    assert same_client == [200, 200, 429, 429]


@pytest.mark.parametrize(("asked", "first", "second"), [("zh-CN,zh;q=0.9", "zh_CN", "en"), ("fr", "en", "zh_CN")])
def test_who_is_held_back_reads_one_sentence_in_both_languages_on_a_page_that_comes_again_by_itself(
    asked: str, first: str, second: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DLCORE_NEWCOMERS_PER_MINUTE", "1")
    house = House(Clock())
    house.ask(**PAGE)
    refused = house.ask(accept_language=asked, **PAGE)
    sentences = [html.unescape(words) for words in re.findall(r"<p lang[^>]*>(.*?)</p>", refused.text)]
    assert sentences == [text(language, "problem.newcomers", seconds=60) for language in (first, second)]
    assert f'<html lang="{first.replace("_", "-")}">' in refused.text
    assert '<meta http-equiv="refresh" content="60">' in refused.text and refused.headers["retry-after"] == "60"
    assert not re.search(r"<script|<link|src=|url\(", refused.text)  # It needs nothing else.


# Who may ask, and for what


def test_a_page_of_another_site_changes_nothing_here() -> None:
    house = House()
    for method in ("PUT", "POST", "DELETE"):
        for origin in ("http://evil.example", "null", "http://localhost:3000"):
            refused = house.ask("/data", method, origin=origin)
            assert (refused.status, refused.text.count("\n")) == (403, 1)
        assert house.ask("/data", method, origin=f"http://{HOST}").status == 200
        assert house.ask("/data", method).status == 200
    assert house.ask("/data", origin="http://evil.example").status == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8501", "127.0.0.1.evil.example", "", "<script>"])
def test_a_name_that_is_not_this_servers_gets_a_sentence_and_nothing_else(host: str) -> None:
    house = House()
    assert house.ask("/metrics", host=host).status == 403
    for path in ("/", "/data", "/_stcore/health"):
        refused = house.ask(path, host=host, origin=f"http://{host}", **PAGE)
        assert refused.status == 403 and refused.cookies == []
        assert "server.allowedHosts" in refused.text and "<script" not in refused.text
    assert house.ask("/data", host="localhost:8501").status == 200


@pytest.mark.parametrize("base", ["", "/under/a/path"])
def test_what_no_page_of_ours_asks_for_is_not_there(base: str, setting: Any) -> None:
    setting("server.baseUrlPath", base)
    house = House()
    unused = {path for path in PATHS if house.ask(f"{base}{path}").status == 404}
    assert unused == {
        "/_stcore/agent/mcp", "/_stcore/agent/interact", "/_stcore/agent/openapi.json", "/_stcore/script-health-check",
        "/_stcore/bidi-components/x/y.js", "/auth/login", "/auth/logout", "/oauth2callback", "/component/x/index.html",
        "/app/static/x.png",
    }  # fmt: skip
    assert house.ask(f"{base}/_stcore/agent/mcp", "POST").status == 404


@pytest.mark.parametrize("path", ["/healthz", "/metrics", "/_stcore/metrics"])
def test_instruments_are_for_programs_of_this_machine(path: str, monkeypatch: pytest.MonkeyPatch, setting: Any) -> None:
    setting("server.address", "0.0.0.0")
    house = House()
    for peer in ("127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"):
        assert house.ask(path, peer=peer).status == 200
    for peer in ("10.0.0.7", "192.168.1.20", "2001:db8::1", "::ffff:10.0.0.7", "unix"):
        refused = house.ask(path, peer=peer)
        assert refused.status == 403 and "DLCORE_METRICS=all" in refused.text and refused.text.count("\n") == 1
    for header in ("Forwarded", "X_Forwarded_For", "X_Forwarded_Proto", "X_Real_IP", "Via"):
        assert house.ask(path, **{header: "127.0.0.1"}).status == 403
    setting("server.allowedHosts", ["play.example"])  # A container asks for its own health, by its own name.
    assert house.ask(path).status == 200
    # A proxy on this machine that adds no header is told by the name that it passes on, ...
    assert house.ask(path, host="play.example").status == 403
    # ... or by the setting that names it.
    monkeypatch.setenv("DLCORE_PROXIES", "127.0.0.1")
    assert House().ask(path).status == 403
    monkeypatch.setenv("DLCORE_METRICS", "all")
    assert House().ask(path, peer="10.0.0.7", via="proxy").status == 200


# Sockets


class Socket:
    """One socket at the door: what the other side hears, what Streamlit sees of it, and what Streamlit hears."""

    def __init__(self, path: str = door.STREAM, **headers: str) -> None:
        self.path = path
        named = {name.lower().replace("_", "-"): value for name, value in headers.items()}
        self.headers = {"host": HOST} | named
        self.sent: list[dict[str, Any]] = []
        self.seen: dict[str, str] | None = None  # by Streamlit
        self.heard: list[bytes] = []

    def knock(self, *messages: bytes | str) -> Socket:
        """Come, say this, and go."""
        # A page speaks as soon as its socket is open.
        coming: list[dict[str, Any]] = [{"type": "websocket.connect"}]
        coming += [
            {"type": "websocket.receive", "bytes" if isinstance(one, bytes) else "text": one} for one in messages
        ]
        coming.append({"type": "websocket.disconnect", "code": 1001})

        async def receive() -> dict[str, Any]:
            return coming.pop(0)

        async def send(message: Any) -> None:
            self.sent.append(message)

        async def streamlit(scope: Any, receive: Any, send: Any) -> None:
            self.seen = {}
            for name, value in scope["headers"]:
                assert name.decode() not in self.seen
                self.seen[name.decode()] = value.decode()
            assert (await receive())["type"] == "websocket.connect"
            await send({"type": "websocket.accept", "subprotocol": "streamlit"})
            while (message := await receive())["type"] == "websocket.receive":
                self.heard.append(message["bytes"])
            self.end = message["code"]

        scope = {
            "type": "websocket", "path": self.path, "subprotocols": ["streamlit", "x"], "server": ("127.0.0.1", 8501),
            "headers": [(name.encode(), value.encode()) for name, value in self.headers.items()],
        }  # fmt: skip
        run(door.Door(streamlit)(scope, receive, send))
        return self

    @property
    def answers(self) -> list[ForwardMsg]:
        return [ForwardMsg.FromString(one["bytes"]) for one in self.sent if one["type"] == "websocket.send"]


def identity(cookie: str) -> str:
    seen = Socket(cookie=cookie, x_playground_owner="forged").knock(rerun()).seen
    assert seen is not None
    return seen["x-playground-owner"]


def test_streamlit_is_told_whose_socket_it_is_and_nobody_can_say_so_but_the_cookie() -> None:
    mine, anothers = identity(f"{door.COOKIE}={MINE}"), identity(f"{door.COOKIE}={ANOTHERS}")
    nobodys = identity("other=1")
    assert len({mine, anothers, nobodys, "forged"}) == 4
    assert mine == identity(f"a=1; {door.COOKIE}={MINE}")
    assert nobodys == identity(f"{door.COOKIE}={'m' * 43}")
    assert MINE not in mine and MINE.partition(".")[0] not in mine
    assert config.get_option("server.trustedUserHeaders")["X-Playground-Owner"] == "owner"


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost:3000", f"http://{HOST}.evil.example"]
)
def test_a_socket_of_another_site_never_reaches_streamlit(origin: str) -> None:
    page = Socket(origin=origin).knock()
    assert page.seen is None
    assert [one["type"] for one in page.sent] == ["websocket.close"]  # Before it is one: 403.
    canvas = Socket("/api/live/token", origin=origin).knock()
    assert canvas.seen is None
    assert [(one["type"], one.get("code")) for one in canvas.sent] == [
        ("websocket.accept", None),
        ("websocket.close", 4403),
    ]


def test_a_socket_that_asks_for_another_name_is_refused_even_with_its_own_origin() -> None:
    assert Socket(host="evil.example", origin="http://evil.example").knock().seen is None
    assert Socket("/api/live/token", host="evil.example", origin="http://evil.example").knock().seen is None


def test_streamlit_sees_an_origin_that_it_need_not_look_up(setting: Any) -> None:
    setting("server.corsAllowedOrigins", ["https://lab.example"])
    seen = Socket(origin="https://lab.example").knock(rerun()).seen
    assert seen is not None and seen["origin"] == f"https://{HOST}"
    seen = Socket().knock(rerun()).seen
    assert seen is not None and "origin" not in seen


@pytest.mark.parametrize("path", ["/", "/_stcore/agent/mcp", "/api/live/token/kept", "/api/live/", "/x/_stcore/stream"])
def test_there_are_two_kinds_of_sockets_and_no_other(path: str) -> None:
    assert Socket(path).knock().seen is None
    assert Socket().knock(rerun()).seen is not None
    assert Socket("/api/live/token").knock().seen is not None


def test_a_socket_that_says_nothing_begins_no_session() -> None:
    silent = Socket().knock()
    assert silent.seen is None
    assert silent.sent == [{"type": "websocket.accept", "subprotocol": "streamlit"}]
    assert [one["type"] for one in Socket().knock(rerun()).sent] == ["websocket.accept"]  # Once, for both.


def test_a_socket_that_stays_silent_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.door.stream.SILENT", 0.01)
    sent: list[dict[str, Any]] = []
    coming = [{"type": "websocket.connect"}]

    async def receive() -> dict[str, Any]:
        return coming.pop() if coming else await asyncio.Event().wait()  # type: ignore[return-value]

    async def send(message: Any) -> None:
        sent.append(message)

    async def streamlit(scope: Any, receive: Any, send: Any) -> None:
        pytest.fail("Streamlit has begun a session.")

    scope = {"type": "websocket", "path": door.STREAM, "headers": [(b"host", HOST.encode())], "subprotocols": []}
    run(door.Door(streamlit)(scope, receive, send))
    assert [message["type"] for message in sent] == ["websocket.accept", "websocket.close"]


def test_somebody_has_so_many_pages_open_and_then_reads_why_there_are_no_more() -> None:
    async def lesson() -> None:
        inside: list[asyncio.Event] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                await HTMLResponse("<p>the page")(scope, receive, send)
            else:
                inside.append(asyncio.Event())
                await inside[-1].wait()

        the_door = door.Door(app)

        async def knock(cookie: str, path: str = door.STREAM) -> list[Any]:
            sent: list[Any] = []

            coming = [{"type": "websocket.connect"}, {"type": "websocket.receive", "bytes": rerun()}]

            async def receive() -> dict[str, Any]:
                return coming.pop(0)

            async def send(message: Any) -> None:
                sent.append(message)

            kind = "websocket" if path == door.STREAM else "http"
            raw = [(b"host", HOST.encode()), (b"cookie", cookie.encode()), (b"accept", b"text/html")]
            scope = {"type": kind, "method": "GET", "path": path, "headers": raw, "subprotocols": ["streamlit"]}
            await the_door(scope, receive, send)
            return sent

        mine, anothers = f"{door.COOKIE}={MINE}", f"{door.COOKIE}={ANOTHERS}"
        pages = [asyncio.create_task(knock(mine)) for _ in range(24)]
        while len(inside) < 24:
            await asyncio.sleep(0)
        accepted, closed = await knock(mine)
        assert (accepted["type"], accepted["subprotocol"]) == ("websocket.accept", "streamlit")
        assert closed["code"] == door.FULL and len(closed["reason"].encode()) <= 123
        refused = await knock(mine, "/")
        assert refused[0]["status"] == 429
        assert html.escape(text("en", "problem.pages_full", limit=24)) in refused[1]["body"].decode()
        assert (await knock(anothers, "/"))[0]["status"] == 200
        assert (await knock("", "/"))[0]["status"] == 200
        strangers = [asyncio.create_task(knock("other=1")) for _ in range(48)]
        while len(inside) < 24 + 48:
            await asyncio.sleep(0)
        assert (await knock("forged=1"))[1]["code"] == door.FULL
        assert (await knock("", "/"))[0][
            "status"
        ] == 200  # A newcomer does not count among visitors without a cookie: the page brings one.
        inside[0].set()
        await pages[0]
        assert (await knock(mine, "/"))[0]["status"] == 200
        for event in inside:
            event.set()
        await asyncio.gather(*pages, *strangers)

    run(lesson())


# What Streamlit gets to hear


def rerun(fragment: str = "", query: str = "lang=en") -> bytes:
    message = BackMsg()
    message.rerun_script.query_string = query
    message.rerun_script.fragment_id = fragment
    return message.SerializeToString()


def operation(kind: str) -> bytes:
    message = BackMsg()
    message.backend_operation_request.request_id = "request 1"
    getattr(message.backend_operation_request, kind).SetInParent()
    return message.SerializeToString()


def test_the_first_rerun_of_a_socket_is_of_the_whole_script_and_later_ones_are_as_asked() -> None:
    stop = BackMsg(stop_script=True).SerializeToString()
    heard = Socket().knock(stop, rerun("one"), rerun("two")).heard
    first = BackMsg.FromString(heard[1]).rerun_script
    assert (first.fragment_id, first.query_string) == ("", "lang=en")
    assert [heard[0], *heard[2:]] == [stop, rerun("two")]


def pass_on(messages: list[bytes], streamlit: Any) -> None:
    """A page's socket says all this, and goes; `streamlit` is what is behind the door."""
    coming = [{"type": "websocket.connect"}, *({"type": "websocket.receive", "bytes": one} for one in messages)]
    coming.append({"type": "websocket.disconnect", "code": 1001})

    async def receive() -> Any:
        return coming.pop(0)

    async def send(message: Any) -> None:
        pass

    scope = {"type": "websocket", "path": door.STREAM, "headers": [(b"host", HOST.encode())], "subprotocols": []}
    run(door.Door(streamlit)(scope, receive, send))


def test_a_menu_that_closes_as_its_page_is_left_does_not_bring_it_back() -> None:
    def widget(page: str) -> bytes:
        message = BackMsg()
        message.rerun_script.page_script_hash = page
        message.rerun_script.widget_states.widgets.add(id="menu").bool_value = False
        return message.SerializeToString()

    def link(page: str) -> bytes:
        message = BackMsg()
        message.rerun_script.page_script_hash = page
        return message.SerializeToString()

    def runs(page: str) -> list[bytes]:
        begun, shown, finished = ForwardMsg(), ForwardMsg(), ForwardMsg()
        begun.new_session.page_script_hash = shown.navigation.page_script_hash = page
        finished.script_finished = ForwardMsg.FINISHED_SUCCESSFULLY
        return [message.SerializeToString() for message in (begun, shown, finished)]

    # What comes, and what Streamlit does about it: None where it is not to hear it.
    lesson: list[tuple[bytes, list[bytes] | None]] = [
        (rerun(), runs("a")),
        (link("b"), runs("b")[:1]),
        (widget("a"), None),  # The menu's, before the page is there, ...
        (widget("b"), runs("b")),
        (widget("a"), None),  # ... and after it: the browser does not know yet.
        (link("b"), []),
        (link("a"), runs("a")),  # Back again.
        (widget("b"), None),
        (link("b"), []),
        (link("a"), runs("a")),  # Straight back, before anything has come.
        (widget("a"), []),
        (link("none"), runs("a")),  # There is no such page.
        (widget("a"), []),
    ]
    heard: list[bytes] = []
    answers = iter(said for _, said in lesson if said is not None)

    async def streamlit(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        while (message := await receive())["type"] == "websocket.receive":
            heard.append(message["bytes"])
            for said in next(answers):
                await send({"type": "websocket.send", "bytes": said})

    pass_on([asked for asked, _ in lesson], streamlit)
    expected = [asked for asked, said in lesson if said is not None]
    assert [BackMsg.FromString(one) for one in heard] == [BackMsg.FromString(one) for one in expected]


def test_a_link_that_was_stopped_before_its_page_began_leaves_the_page_as_it_was() -> None:
    def asked(page: str, *widgets: str) -> bytes:
        message = BackMsg()
        message.rerun_script.page_script_hash = page
        for name in widgets:
            message.rerun_script.widget_states.widgets.add(id=name).bool_value = True
        return message.SerializeToString()

    shown = ForwardMsg()
    shown.navigation.page_script_hash = "a"
    heard: list[bytes] = []

    async def streamlit(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        while (message := await receive())["type"] == "websocket.receive":
            heard.append(message["bytes"])
            await send({"type": "websocket.send", "bytes": shown.SerializeToString()})

    messages = [rerun(), asked("b"), BackMsg(stop_script=True).SerializeToString(), asked("a", "slider")]
    pass_on(messages, streamlit)
    assert [BackMsg.FromString(one) for one in heard] == [BackMsg.FromString(one) for one in messages]


def test_what_no_page_of_ours_sends_is_not_passed_on() -> None:
    kinds = {field.name for field in BackMsg.DESCRIPTOR.fields}
    assert kinds == {
        "clear_cache", "set_run_on_save", "stop_script", "rerun_script", "load_git_info", "debug_disconnect_websocket",
        "debug_shutdown_runtime", "file_urls_request", "app_heartbeat", "backend_operation_request",
    }  # fmt: skip
    refused = [
        BackMsg(**{kind: True}).SerializeToString()
        for kind in kinds - {"rerun_script", "stop_script", "file_urls_request", "backend_operation_request"}
    ]
    operations = [operation(kind) for kind in ("install_skills", "dismiss_skills_nudge", "dataframe_chunk")]
    socket = Socket().knock(*refused, BackMsg().SerializeToString(), *operations, operation("deferred_file"))
    assert socket.heard == [operation("deferred_file")]
    answers = [answer.backend_operation_response for answer in socket.answers]
    assert [(answer.request_id, bool(answer.error_msg)) for answer in answers] == [("request 1", True)] * 3


@pytest.mark.parametrize("message", [b"\xff no message", "text"])
def test_what_is_no_message_ends_the_socket_without_asking_streamlit(message: bytes | str) -> None:
    socket = Socket().knock(rerun(), message, rerun())
    assert len(socket.heard) == 1 and socket.end == 1002
    assert [one.get("code") for one in socket.sent] == [None, 1002]
