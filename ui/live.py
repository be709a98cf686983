"""The live channel: tokens, the WebSocket route, newest frame wins.

A viewer asks for each frame ("I drew the last one"), so a slow one skips frames and never slows the run.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import secrets
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from dlcore.problems import Problem
from dlcore.runs.desks import Desks
from dlcore.runs.places import chosen_places
from dlcore.runs.pool import Pool, WorkerLost
from ui import assets, door

COMMANDS = ("play", "pause", "step", "epoch", "reset", "speed", "device", "undo", "leash")
PLACED = ("set", "freeze", "silence")  # Commands that name a place in the network.
LONGEST_MESSAGE = 4096  # characters
MOST_COMMANDS = 16  # Unanswered ones of a socket; beyond it, the next message waits.
MOST_NOTICES = 16  # Unsent ones of a socket; beyond it, the oldest is dropped.
LONGEST_SEND = 30.0  # Seconds without a byte taken, until a client has stopped reading.
BAD_MESSAGE, NOT_YOURS, GONE = 4400, 4401, 4404  # Close codes.

#: By which a page knows this process again.
SERVER = secrets.token_urlsafe(6)
_pool: Pool | None = None
_desks: Desks | None = None
_making = threading.Lock()
_viewers: set[Viewer] = set()
_stuck = 0


def stuck() -> int:
    """Viewers that have been let go because they had stopped reading."""
    return _stuck


def pool() -> Pool:
    """The one pool of this server. A module singleton: any visitor can clear Streamlit's caches."""
    global _pool
    with _making:
        if _pool is None:
            _pool = Pool(places=chosen_places(os.environ))
        return _pool


def desks() -> Desks:
    """The desks of this server, at which files are read and networks judged. No process is there before the first job."""
    global _desks
    with _making:
        if _desks is None:
            _desks = Desks()
        return _desks


@asynccontextmanager
async def lifespan(app: object) -> AsyncIterator[None]:
    """Start the workers with the server, in the background, and end them with it."""
    pool().start()
    _tune_sockets()
    # Streamlit collects garbage after scripts; what is imported by now need not be looked through each time.
    gc.freeze()
    try:
        yield
    finally:
        await asyncio.to_thread(desks().stop)
        await asyncio.to_thread(pool().stop)


def _tune_sockets() -> None:
    """Set two options on the server's listening socket, from which connections inherit them.

    TCP_NODELAY: asyncio sets it only for sockets that were made with their protocol named, and Streamlit's is not: an answer
    of two writes then waits up to 40 ms for the other side's delayed acknowledgement. TCP_USER_TIMEOUT (Linux): the connection of
    a client that takes nothing for so long ends, and what waited for it is freed; without it that lasts until the client goes.
    """
    for thing in gc.get_objects():
        if type(thing) is socket.socket and thing.family != getattr(socket, "AF_UNIX", None):
            with suppress(OSError):
                if thing.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    thing.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    if hasattr(socket, "TCP_USER_TIMEOUT"):
                        thing.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(LONGEST_SEND * 1000))


def routes() -> list[BaseRoute]:
    """For `st.App`, which leaves the base path to us."""
    found: list[BaseRoute] = []
    for prefix in dict.fromkeys(["", assets.base_path()]):
        found += [
            WebSocketRoute(f"{prefix}/api/live/{{token}}", live),
            Route(f"{prefix}/api/live/{{token}}/kept", kept),
        ]
        found += assets.routes(prefix)
    return found


def kept(request: Request) -> Response:
    """Where a run stands that nobody looks at: {"step", "epoch"}; nothing for those it does not belong to."""
    token = request.path_params["token"]
    if any(viewer.token == token for viewer in list(_viewers)):
        return Response(status_code=204)  # Another tab has it.
    try:
        standing = pool().kept(token, door.owner_of(request.cookies))
    except Problem:
        return Response(status_code=204)
    return JSONResponse({name: standing[name] for name in ("step", "epoch")}, headers={"Cache-Control": "no-store"})


# The WebSocket


async def live(websocket: WebSocket) -> None:
    """One viewer of one run."""
    await websocket.accept()  # First of all: a browser sees the close code of an accepted socket only.
    viewer = Viewer(websocket, websocket.path_params["token"])
    _viewers.add(viewer)
    try:
        with suppress(WebSocketDisconnect):
            await viewer.serve()
    finally:
        _viewers.discard(viewer)


class Viewer:
    """A socket and what is under way for it: at most one frame, some commands, notices."""

    def __init__(self, websocket: WebSocket, token: str) -> None:
        self.token = token
        self._websocket = websocket
        self._sending = asyncio.Lock()
        self._frame: asyncio.Task[None] | None = None
        self._next: dict[str, Any] | None = None
        self._commands: set[asyncio.Task[None]] = set()
        self._notices: asyncio.Queue[Problem] = asyncio.Queue(MOST_NOTICES)
        self._receiving: asyncio.Task[None] | None = None
        self._waiting_since: float | None = None  # for the other side to read

    async def serve(self) -> None:
        loop = asyncio.get_running_loop()
        notices = asyncio.create_task(self._send_notices())

        def listener(problem: Problem) -> None:
            with suppress(RuntimeError):  # The server is shutting down.
                loop.call_soon_threadsafe(self._notice, problem)

        try:
            if not pool().exists(self.token):
                await asyncio.to_thread(pool().find, self.token)  # Another server may have made it.
            pool().check_owner(self.token, door.owner_of(self._websocket.cookies))
            with pool().viewer(self.token, listener):
                self._receiving = asyncio.create_task(self._receive())
                await asyncio.wait([self._receiving])
                if not self._receiving.cancelled():
                    self._receiving.result()
        except Problem as problem:
            await self._refuse(problem)
        finally:
            tasks = [notices, *self._commands, *filter(None, [self._frame, self._receiving])]
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
            elif request["now"] and self._waiting_since is not None:
                self._next = request  # A frame is made and not read yet; to make more of them would help nobody.
            elif request["now"]:
                self._frame.cancel()  # It waits for something that the viewer no longer wants.
                self._frame = asyncio.create_task(self._send_frame(request))

    async def _command(self, request: dict[str, Any]) -> None:
        arguments = {"value": request["value"]} if "value" in request else {}
        try:
            await pool().call_async(self.token, request["do"], **arguments)
        except Problem as problem:
            self._notice(problem)

    async def _send_frame(self, request: dict[str, Any]) -> None:
        """The next frame that differs from what the viewer holds, whenever there is one."""
        held = {name: value for name, value in request.items() if name != "type"}
        told = ""
        while True:
            try:
                _, frame = await pool().call_async(self.token, "frame", **held)
            except WorkerLost:
                await asyncio.sleep(0.05)  # Another worker is taking over; ask again.
            except Problem as problem:
                if problem.key == "run_gone":
                    await self._refuse(problem)
                    return
                if problem.key != told:
                    self._notice(problem)
                told = problem.key
                await asyncio.sleep(1.0)
            else:
                await self._send({"type": "websocket.send", "bytes": frame})
                if self._next is not None:
                    request, self._next = self._next, None
                    self._frame = asyncio.create_task(self._send_frame(request))
                return

    def _notice(self, problem: Problem) -> None:
        if self._notices.full():
            self._notices.get_nowait()
        self._notices.put_nowait(problem)

    async def _send_notices(self) -> None:
        while True:
            problem = await self._notices.get()
            await self._say({"type": "notice", **problem.to_dict()})

    async def _refuse(self, problem: Problem) -> None:
        if problem.key == "run_gone":
            await self._say({"type": "gone"})
            await self._close(GONE)
        else:
            await self._say({"type": "notice", **problem.to_dict()})
            await self._close(NOT_YOURS)

    async def _say(self, message: dict[str, Any]) -> None:
        await self._send({"type": "websocket.send", "text": json.dumps(message)})

    async def _close(self, code: int) -> None:
        await self._send({"type": "websocket.close", "code": code})

    async def _send(self, message: dict[str, Any]) -> None:
        global _stuck
        # A viewer that has left meanwhile is no error; the receiving loop sees it and ends.
        with suppress(WebSocketDisconnect, RuntimeError):
            async with self._sending:
                # One that was cancelled while it waited leaves its beginning to the next: nothing has been read since.
                self._waiting_since = self._waiting_since or asyncio.get_running_loop().time()
                try:
                    async with asyncio.timeout_at(self._waiting_since + LONGEST_SEND):
                        await self._websocket.send(message)
                    self._waiting_since = None
                except TimeoutError:
                    if self._receiving is not None:
                        _stuck += 1
                        self._receiving.cancel()  # It has stopped reading: this ends the viewer.


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
    do, value = request.get("do"), request.get("value")
    match request.get("type"):
        case "command" if do in PLACED:
            return request if _is_place(value) else None
        case "command" if do in COMMANDS:
            return request if _is_scalar(value) else None
        case "ready":
            return _ready(request)
    return None


def _ready(request: dict[str, Any]) -> dict[str, Any] | None:
    held = {name: request.get(name) for name in ("version", "structure", "history", "moments")}
    held["history"] = held["history"] or 0
    switches = {name: request.get(name, False) for name in ("now", "calm")}
    wants = request.get("wants")
    if not all(value is None or _is_count(value) for value in held.values()):
        return None
    if not all(type(value) is bool for value in switches.values()) or (wants is not None and not _are_wants(wants)):
        return None
    return {"type": "ready", **held, **switches, "wants": wants}


def _are_wants(wants: object) -> bool:
    """Whether a viewer may want this to be in its frames: {"gradients", "histograms", "probe", "moment"}, all optional."""
    if not isinstance(wants, dict):
        return False
    switches = (wants.get("gradients", False), wants.get("histograms", False))
    probe, moment = wants.get("probe"), wants.get("moment")
    probes = probe is None or (
        isinstance(probe, dict) and probe.get("split") in ("train", "test") and _is_count(probe.get("row"))
    )
    return all(type(switch) is bool for switch in switches) and probes and (moment is None or _is_count(moment))


def _is_place(value: object) -> bool:
    """Whether this can name a weight, a unit or a layer, and what to do there. Whether it exists, the worker knows."""
    if not isinstance(value, dict) or not all(_is_scalar(part) for part in value.values()):
        return False
    source, on = value.get("input"), value.get("on", False)
    return (
        _is_count(value.get("structure"))
        and _is_count(value.get("dense"))
        and (value.get("unit") is None or _is_count(value["unit"]))
        and (source is None or source == "bias" or _is_count(source))
        and type(on) is bool
    )


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**53


def _is_scalar(value: object) -> bool:
    return isinstance(value, (str, int, float, type(None)))
