"""Refusals: one sentence for the reader, on a page that loads no other file and, where it may help, reloads by itself."""

from __future__ import annotations

import html
import math

from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from dlcore.problems import Problem
from ui.messages import LANGUAGES, find_language, sentence, text

FULL, FOREIGN_ORIGIN = 4429, 4403  # Close codes.
REFUSED = 4400

PAGE = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
{again}<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --paper: #fff; --ink: #17262b; --quiet: #5b6b70; --line: #d5dfdd }}
@media (prefers-color-scheme: dark) {{ :root {{ --paper: #11181b; --ink: #e6eeee; --quiet: #93a3a8; --line: #33434a }} }}
body {{ margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--paper); color: var(--ink);
  font: 17px/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif }}
main {{ max-width: 34rem; margin: 1.5rem; padding: 1.5rem 2rem; border: 1px solid var(--line); border-radius: .6rem }}
h1 {{ margin: 0 0 .75rem; font-size: 1.25rem; line-height: 1.3 }}
p {{ margin: 0; overflow-wrap: anywhere }}
p + p {{ margin-top: .75rem; color: var(--quiet) }}
</style>
</head>
<body><main><h1>{title}</h1>{sentences}</main></body>
</html>
"""


def make_refusal(scope: Scope, problem: Problem, status: int, again: float | None = None) -> Response:
    """The answer that refuses a request: a page if one was asked for, in all languages, the reader's first; else plain text.

    `again`: seconds after which trying again may succeed.
    """
    seconds = None if again is None else math.ceil(again)
    headers = {"Cache-Control": "no-store"} | ({} if seconds is None else {"Retry-After": str(seconds)})
    if not wants_page(scope):
        return PlainTextResponse(f"{problem}\n", status, headers)
    first = find_language(HTTPConnection(scope).headers.get("accept-language")) or "en"
    languages = sorted(LANGUAGES, key=lambda language: language != first)
    page = PAGE.format(
        language=_tag(first),
        title=html.escape(text(first, "app.title")),
        again="" if seconds is None else f'<meta http-equiv="refresh" content="{seconds}">\n',
        sentences="".join(
            f'<p lang="{_tag(language)}">{html.escape(sentence(language, problem))}</p>' for language in languages
        ),
    )
    return HTMLResponse(page, status, headers)


def wants_page(scope: Scope) -> bool:
    """Whether a browser asks for a page to show."""
    return scope["method"] == "GET" and "text/html" in HTTPConnection(scope).headers.get("accept", "")


async def close_unopened(receive: Receive, send: Send) -> None:
    """Refuse a socket before its handshake is answered: the client gets 403."""
    await receive()
    await send({"type": "websocket.close", "code": REFUSED})


async def open_and_close(scope: Scope, receive: Receive, send: Send, code: int, reason: str = "") -> None:
    """Accept a socket and close it at once with a code that says why: scripts in a browser learn the code only of an accepted one."""
    await receive()
    await send({"type": "websocket.accept", "subprotocol": next(iter(scope.get("subprotocols", [])), None)})
    await send({"type": "websocket.close", "code": code, "reason": reason})


def _tag(language: str) -> str:
    return language.replace("_", "-")
