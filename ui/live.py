"""The live channel: tokens, the WebSocket route, newest frame wins; and the files that the canvas needs.

A viewer asks for each frame ("I drew the last one"), so a slow one skips frames and never slows the run.
"""

from __future__ import annotations

import asyncio
import gc
import gzip
import hashlib
import json
import re
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import cache, lru_cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from streamlit import config
from streamlit.web.server.server_util import allowlisted_origins
from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

from dlcore.problems import Problem
from dlcore.runs.pool import Pool, WorkerLost

COMMANDS = ("play", "pause", "step", "epoch", "reset", "speed", "device")
LONGEST_MESSAGE = 4096
MOST_COMMANDS = 16  # Unanswered ones of a socket; beyond it, the next message waits.
BAD_MESSAGE, FOREIGN_ORIGIN, GONE = 4400, 4403, 4404  # Close codes.

CANVAS = Path(__file__).parent / "canvas"
CANVAS_FILE = re.compile(r"[a-z0-9_-]+\.(js|css)")
MEDIA_TYPES = {"js": "text/javascript", "css": "text/css"}

_pool: Pool | None = None
_pool_lock = threading.Lock()


def pool() -> Pool:
    """The one pool of this server. A module singleton: any visitor can clear Streamlit's caches."""
    global _pool
    with _pool_lock:
        if _pool is None:
            _pool = Pool()
        return _pool


@asynccontextmanager
async def lifespan(app: object) -> AsyncIterator[None]:
    """Start the workers with the server, in the background, and end them with it."""
    pool().start()
    _answer_at_once()
    # Streamlit collects garbage after scripts; what is imported by now need not be looked through each time.
    gc.freeze()
    try:
        yield
    finally:
        await asyncio.to_thread(pool().stop)


def _answer_at_once() -> None:
    """Set TCP_NODELAY on the server's listening socket, from which connections inherit it.

    asyncio does so only for sockets that were made with their protocol named, and Streamlit's is not: an answer of two
    writes then waits up to 40 ms for the other side's delayed acknowledgement.
    """
    for thing in gc.get_objects():
        if type(thing) is socket.socket and thing.family != getattr(socket, "AF_UNIX", None):
            with suppress(OSError):
                if thing.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    thing.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def routes() -> list[BaseRoute]:
    """For `st.App`, which leaves the base path to us."""
    base = config.get_option("server.baseUrlPath").strip("/")
    return [
        route
        for prefix in dict.fromkeys(["", f"/{base}" if base else ""])
        for route in (
            WebSocketRoute(f"{prefix}/api/live/{{token}}", live),
            Route(f"{prefix}/api/assets/{{version}}/canvas/{{file}}", canvas_file),
            Route(f"{prefix}/api/assets/{{version}}/plotly.min.js", plotly_file),
        )
    ]


# The WebSocket


async def live(websocket: WebSocket) -> None:
    """One viewer of one run."""
    await websocket.accept()  # First of all: a browser sees the close code of an accepted socket only.
    if not origin_allowed(websocket.headers.get("origin"), websocket.headers.get("host")):
        await websocket.close(FOREIGN_ORIGIN)
        return
    viewer = Viewer(websocket, websocket.path_params["token"])
    with suppress(WebSocketDisconnect):
        await viewer.serve()


def origin_allowed(origin: str | None, host: str | None) -> bool:
    """Only pages of this server may look: Origin is Host, or one that the server's settings name.

    Programs that are no browser send none; they need the token like everybody.
    """
    if not is_host_allowed(host):
        return False
    if origin is None or not config.get_option("server.enableCORS") or origin in allowlisted_origins():
        return True
    try:
        parts = urlsplit(origin)
        if config.is_manually_set("browser.serverAddress"):
            return parts.netloc == host or parts.hostname == config.get_option("browser.serverAddress")
        return bool(parts.netloc) and parts.netloc == host
    except ValueError:
        return False


class Viewer:
    """A socket and what is under way for it: at most one frame, some commands, notices."""

    def __init__(self, websocket: WebSocket, token: str) -> None:
        self._websocket = websocket
        self._token = token
        self._sending = asyncio.Lock()
        self._frame: asyncio.Task[None] | None = None
        self._commands: set[asyncio.Task[None]] = set()
        self._notices: asyncio.Queue[Problem] = asyncio.Queue()

    async def serve(self) -> None:
        loop = asyncio.get_running_loop()
        notices = asyncio.create_task(self._send_notices())

        def listener(problem: Problem) -> None:
            with suppress(RuntimeError):  # The server is shutting down.
                loop.call_soon_threadsafe(self._notices.put_nowait, problem)

        try:
            with pool().viewer(self._token, listener):
                await self._receive()
        except Problem:
            await self._say_gone()
        finally:
            tasks = [notices, *self._commands, *([self._frame] if self._frame else [])]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _receive(self) -> None:
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            request = read_request(message.get("text"))
            if request is None:
                await self._close(BAD_MESSAGE)
                return
            if request["type"] == "command":
                if len(self._commands) >= MOST_COMMANDS:
                    await asyncio.wait(self._commands, return_when=asyncio.FIRST_COMPLETED)
                task = asyncio.create_task(self._command(request))
                self._commands.add(task)
                task.add_done_callback(self._commands.discard)
            elif self._frame is None or self._frame.done():
                self._frame = asyncio.create_task(self._send_frame(request))

    async def _command(self, request: dict[str, Any]) -> None:
        arguments = {"value": request["value"]} if "value" in request else {}
        try:
            await pool().call_async(self._token, request["do"], **arguments)
        except Problem as problem:
            await self._notices.put(problem)

    async def _send_frame(self, request: dict[str, Any]) -> None:
        """The next frame that differs from what the viewer holds, whenever there is one."""
        held = {name: request[name] for name in ("version", "structure", "history")}
        told = ""
        while True:
            try:
                _, frame = await pool().call_async(self._token, "frame", **held)
            except WorkerLost:
                await asyncio.sleep(0.05)  # Another worker is taking over; ask again.
            except Problem as problem:
                if problem.key == "run_gone":
                    await self._say_gone()
                    return
                if problem.key != told:
                    await self._notices.put(problem)
                told = problem.key
                await asyncio.sleep(1.0)
            else:
                await self._send({"type": "websocket.send", "bytes": frame})
                return

    async def _send_notices(self) -> None:
        while True:
            problem = await self._notices.get()
            await self._say({"type": "notice", **problem.to_dict()})

    async def _say_gone(self) -> None:
        await self._say({"type": "gone"})
        await self._close(GONE)

    async def _say(self, message: dict[str, Any]) -> None:
        await self._send({"type": "websocket.send", "text": json.dumps(message)})

    async def _close(self, code: int) -> None:
        await self._send({"type": "websocket.close", "code": code})

    async def _send(self, message: dict[str, Any]) -> None:
        # A viewer that has left meanwhile is no error; the receiving loop sees it and ends.
        with suppress(WebSocketDisconnect, RuntimeError):
            async with self._sending:
                await self._websocket.send(message)


def read_request(text: str | None) -> dict[str, Any] | None:
    """A viewer's message, checked; None when it is not one."""
    if text is None or len(text) > LONGEST_MESSAGE:
        return None
    try:
        request = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(request, dict):
        return None
    match request.get("type"):
        case "command":
            scalar = isinstance(request.get("value"), (str, int, float, type(None)))
            return request if request.get("do") in COMMANDS and scalar else None
        case "ready":
            held = {name: request.get(name) for name in ("version", "structure", "history")}
            held["history"] = held["history"] or 0
            good = all(value is None or (type(value) is int and 0 <= value < 2**53) for value in held.values())
            return {"type": "ready", **held} if good else None
    return None


# Files for the canvas


def asset_version() -> str:
    """A short hash of the canvas files and of Plotly's version, for addresses that may be cached for ever."""
    files = sorted(path for path in CANVAS.glob("*") if CANVAS_FILE.fullmatch(path.name))
    return _asset_version(tuple((path, path.stat().st_mtime_ns) for path in files))


@lru_cache(maxsize=4)
def _asset_version(files: tuple[tuple[Path, int], ...]) -> str:
    digest = hashlib.blake2b(distribution("plotly").version.encode(), digest_size=8)
    for path, _ in files:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def canvas_file(request: Request) -> Response:
    """A script or style sheet of the canvas."""
    name = request.path_params["file"]
    path = CANVAS / name
    if not CANVAS_FILE.fullmatch(name) or not path.is_file():
        return Response("Not found", status_code=404, media_type="text/plain")
    return Response(path.read_bytes(), headers=_headers(request), media_type=MEDIA_TYPES[path.suffix[1:]])


def plotly_file(request: Request) -> Response:
    """Plotly's own JavaScript, from the installed package. Compressed once: Streamlit would do it each time."""
    headers = {**_headers(request), "Vary": "Accept-Encoding"}
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(_plotly_path().read_bytes(), headers=headers, media_type=MEDIA_TYPES["js"])
    headers["Content-Encoding"] = "gzip"
    return Response(_plotly_gzipped(), headers=headers, media_type=MEDIA_TYPES["js"])


def _headers(request: Request) -> dict[str, str]:
    current = request.path_params["version"] == asset_version()
    return {
        "Cache-Control": "public, max-age=31536000, immutable" if current else "no-cache",
        "X-Content-Type-Options": "nosniff",
    }


def _plotly_path() -> Path:
    return Path(str(distribution("plotly").locate_file("plotly/package_data/plotly.min.js")))


@cache
def _plotly_gzipped() -> bytes:
    return gzip.compress(_plotly_path().read_bytes(), compresslevel=6, mtime=0)
