"""A quick first visit: Streamlit's own files from memory and compressed, and a page that says at once what it will need.

A first visit asks for about a hundred files of Streamlit's, 3 MB. Streamlit reads each from disk in a thread (1.4 ms of processor time;
four seconds for 30 students at once) and compresses none, and the browser learns late which of them the page's widgets need. Here they
are held in memory as they are sent, and the page names those that will be needed (`rel=modulepreload`). It is painted in the ground of
its theme before the first script runs.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, MutableMapping
from pathlib import Path
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import config
from streamlit.file_util import get_static_dir

from ui.assets import FOR_EVER, MEDIA_TYPES, asset_version, base_path, compress, respond
from ui.pages import PAGES, PLAYGROUND
from ui.theming import PROJECTOR, find_theme

COMPRESSIBLE = ("js", "css")
#: Beginnings of the names of Streamlit's script files that the playground's first picture needs.
FIRST_CHUNKS = ("BidiComponent", "Html", "Button", "ButtonGroup", "Slider", "NumberInput", "PageLink")
#: What would let Streamlit answer a question for the page without the page, with a piece of it, or with one that cannot be read here.
CONDITIONS = (b"if-none-match", b"if-modified-since", b"range", b"if-range", b"accept-encoding")
_IMPORT = re.compile(r"""(?:from|import)\s*["']\./([\w.-]+\.js)["']""")
_NAMED = re.compile(r'href="\./static/js/([\w.-]+\.js)"')


class QuickStart:
    """Middleware: answers requests for Streamlit's hashed files, and completes the page."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._base = base_path()
        static = Path(get_static_dir())
        self._files = {
            f"{self._base}/{path.relative_to(static).as_posix()}": path
            for path in (static / "static").rglob("*")
            if path.suffix[1:] in MEDIA_TYPES
        }
        self._chunks = _with_imports(static / "static" / "js", FIRST_CHUNKS)
        # As they are sent. Those that are certain to be asked for are here before the first visitor.
        self._kept = {
            path: _read(self._files[path])
            for name in self._chunks
            if (path := f"{self._base}/static/js/{name}") in self._files
        }
        self._pages = {f"{self._base}/{page.path}".rstrip("/"): page for page in PAGES}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer requests for known files and pages; pass on all others."""
        path = scope.get("path", "")
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
        elif path in self._files:
            await (await self._answer_file(path, Request(scope)))(scope, receive, send)
        elif (page := self._pages.get(path.rstrip("/"))) is not None:
            request = Request(scope)
            chunks = self._chunks if page is PLAYGROUND else []
            unconditional = [(name, value) for name, value in scope["headers"] if name not in CONDITIONS]
            completing = _Completing(send, request, self._base, chunks)
            await self._app({**scope, "headers": unconditional}, receive, completing.send)
        else:
            await self._app(scope, receive, send)

    async def _answer_file(self, path: str, request: Request) -> Response:
        if path not in self._kept:
            # In a thread: Streamlit's largest files take 0.2 s to compress, in which everybody else would wait.
            self._kept[path] = await asyncio.to_thread(_read, self._files[path])
        kind = self._files[path].suffix[1:]
        headers = {"Cache-Control": FOR_EVER, "X-Content-Type-Options": "nosniff"}
        if kind not in COMPRESSIBLE:
            return Response(self._kept[path], headers=headers, media_type=MEDIA_TYPES[kind])
        return respond(request, self._kept[path], headers, MEDIA_TYPES[kind])


class _Completing:
    """Collects the page that Streamlit sends, and sends it on complete; everything that is no page as it comes."""

    def __init__(self, send: Send, request: Request, base: str, chunks: list[str]) -> None:
        self._send = send
        self._request = request
        self._base = base
        self._chunks = chunks
        self._start: MutableMapping[str, Any] | None = None
        self._body = b""

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=list(message["headers"]))
            if message["status"] == 200 and headers.get("content-type", "").startswith("text/html"):
                self._start = message
                return
        elif self._start is not None:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._send_page(self._start)
            return
        await self._send(message)

    async def _send_page(self, start: MutableMapping[str, Any]) -> None:
        theme = find_theme(self._request.cookies)
        page = complete(self._body.decode(), theme, self._base, self._chunks).encode()
        headers = MutableHeaders(raw=list(start["headers"]))
        for name in ("etag", "last-modified", "accept-ranges", "content-length"):  # Of Streamlit's file.
            del headers[name]
        if "gzip" in self._request.headers.get("accept-encoding", ""):
            page = compress(page)
            headers["content-encoding"] = "gzip"
        headers["content-length"] = str(len(page))
        headers.add_vary_header("Accept-Encoding")
        headers.add_vary_header("Cookie")
        await self._send({**start, "headers": headers.raw})
        await self._send({"type": "http.response.body", "body": page})


def complete(page: str, theme: str, base: str, chunks: Iterable[str]) -> str:
    """Streamlit's page with the ground of this theme; and, if chunks are named, with their names and that of the canvas's scripts."""
    named = {*_NAMED.findall(page)}
    added = [
        f'<link rel="modulepreload" crossorigin href="{base}/static/js/{name}">' for name in chunks if name not in named
    ]
    if chunks:
        added.append(f'<link rel="modulepreload" href="{base}/api/assets/{asset_version()}/canvas/bundle.js">')
    return page.replace("</head>", f"{_paint(theme)}{''.join(added)}</head>", 1)


def _paint(theme: str) -> str:
    """A style for the body, which Streamlit's own follows as soon as its scripts run."""
    light, dark = (config.get_option(f"theme.{variant}.backgroundColor") for variant in ("light", "dark"))
    if theme == "projector":
        light = PROJECTOR["background_color"]
    ground = dark if theme == "dark" else light
    at_night = f"@media (prefers-color-scheme: dark) {{ body {{ background: {dark} }} }}" if theme == "system" else ""
    return f"<style>body {{ background: {ground} }} {at_night}</style>"


def _read(path: Path) -> bytes:
    """A file's bytes, compressed unless they are already."""
    plain = path.read_bytes()
    return compress(plain) if path.suffix[1:] in COMPRESSIBLE else plain


def _with_imports(folder: Path, beginnings: tuple[str, ...]) -> list[str]:
    """The script files whose names begin so, and all that they import; [] if this version of Streamlit has other names."""
    found: list[str] = []
    waiting = [path.name for beginning in beginnings for path in folder.glob(f"{beginning}.*.js")]
    while waiting:
        name = waiting.pop(0)
        if name not in found and (folder / name).is_file():
            found.append(name)
            waiting += _IMPORT.findall((folder / name).read_text(encoding="utf-8"))
    return found
