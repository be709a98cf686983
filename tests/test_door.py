"""The door: the cookie that says whose browser it is, the identity that Streamlit is told, the first rerun."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from streamlit import config
from streamlit.proto.BackMsg_pb2 import BackMsg

from ui import door

MINE, ANOTHERS = "m" * 43, "a" * 43
PAGE = {"accept": "text/html,application/xhtml+xml"}


def run(coroutine: Any) -> Any:
    with ThreadPoolExecutor(1) as thread:  # A browser test in this process may have a loop of its own running.
        return thread.submit(asyncio.run, coroutine).result()


def ask(path: str, scheme: str = "http", **headers: str) -> list[str]:
    """The cookies that come with the answer."""
    routes = [
        Route("/", lambda request: HTMLResponse("<p>the page")),
        Route("/old", lambda request: Response(status_code=304)),
        Route("/data", lambda request: JSONResponse({})),
    ]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "GET", "scheme": scheme, "path": path, "headers": raw, "query_string": b""}
    run(door.Door(Starlette(routes=routes))(scope, receive, send))
    return [value.decode() for name, value in sent[0]["headers"] if name == b"set-cookie"]


def test_a_page_brings_a_cookie_that_no_script_and_no_other_site_can_use() -> None:
    (cookie,), (other,) = ask("/", **PAGE), ask("/", **PAGE)
    secret = cookie.split(";")[0].removeprefix(f"{door.COOKIE}=")
    assert door.owner_of({door.COOKIE: secret}) == secret
    assert len(secret) >= 43 and cookie.split(";")[0] != other.split(";")[0]
    assert {part.strip() for part in cookie.split(";")[1:]} == {"Path=/", "HttpOnly", "SameSite=Lax"}


def test_over_https_the_cookie_stays_on_https() -> None:
    assert ask("/", scheme="https", **PAGE)[0].endswith("; Secure")
    assert ask("/", x_forwarded_proto="https", **PAGE)[0].endswith("; Secure")


def test_a_browser_that_has_a_cookie_keeps_it_and_a_forged_one_is_replaced() -> None:
    assert ask("/", cookie=f"{door.COOKIE}={MINE}", **PAGE) == []
    assert len(ask("/", cookie=f"{door.COOKIE}=short", **PAGE)) == 1
    assert len(ask("/", cookie="other=1", **PAGE)) == 1


def test_a_page_that_the_browser_still_has_brings_one_too_and_nothing_else_does() -> None:
    assert len(ask("/old", **PAGE)) == 1
    assert ask("/data", **PAGE) == []
    assert ask("/") == []  # curl, or a script that fetches


@pytest.mark.parametrize("value", ["", "short", "x" * 65, "é" * 40, MINE + ";", " " + MINE])
def test_what_is_no_secret_of_ours_is_nobody(value: str) -> None:
    assert door.owner_of({door.COOKIE: value}) == ""
    assert door.owner_of({}) == ""


# Streamlit's socket


def stream(headers: dict[str, str], messages: list[bytes]) -> tuple[dict[str, str], list[bytes]]:
    """What Streamlit would see of a socket: its headers, and what came."""
    seen: dict[str, str] = {}
    heard: list[bytes] = []

    async def streamlit(scope: Any, receive: Any, send: Any) -> None:
        for name, value in scope["headers"]:
            assert name.decode() not in seen
            seen[name.decode()] = value.decode()
        for _ in messages:
            heard.append((await receive())["bytes"])

    waiting = iter(messages)

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.receive", "bytes": next(waiting)}

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    run(door.Door(streamlit)({"type": "websocket", "path": "/_stcore/stream", "headers": raw}, receive, None))  # type: ignore[arg-type]
    return seen, heard


def identity(**cookies: str) -> str:
    cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
    return stream({"cookie": cookie, "x-playground-owner": "forged"}, [])[0]["x-playground-owner"]


def test_streamlit_is_told_whose_socket_it_is_and_nobody_can_say_so_but_the_cookie() -> None:
    mine, anothers, nobodys = identity(playground_owner=MINE), identity(playground_owner=ANOTHERS), identity()
    assert len({mine, anothers, nobodys, "forged"}) == 4
    assert mine == identity(playground_owner=MINE)
    assert MINE not in mine
    assert config.get_option("server.trustedUserHeaders")["X-Playground-Owner"] == "owner"


def rerun(fragment: str) -> bytes:
    message = BackMsg()
    message.rerun_script.query_string = "lang=en"
    message.rerun_script.fragment_id = fragment
    return message.SerializeToString()


def test_the_first_rerun_of_a_socket_is_of_the_whole_script_and_later_ones_are_as_asked() -> None:
    other = BackMsg(stop_script=True).SerializeToString()
    heard = stream({}, [other, rerun("one"), rerun("two"), b"\xff no message"])[1]
    first = BackMsg.FromString(heard[1]).rerun_script
    assert (first.fragment_id, first.query_string) == ("", "lang=en")
    assert [heard[0], *heard[2:]] == [other, rerun("two"), b"\xff no message"]
