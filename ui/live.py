"""The live channel: tokens, the WebSocket route, newest frame wins.

A viewer asks for each frame ("I drew the last one"), so a slow one skips frames and never slows the run. However often it asks,
one request of it waits in a worker: the latest.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import secrets
import threading
from collections import deque
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from dlcore.datasets import rights
from dlcore.desks.desks import Desks
from dlcore.problems import Problem
from dlcore.runs.places.setting import chosen_places
from dlcore.runs.server.pool import Pool, WorkerLost
from dlcore.runs.server.request import Request
from ui import assets, door, downloads, wakeups
from ui.door.http_protocol import LONGEST_SEND
from ui.pace import Paces

COMMANDS = ("play", "pause", "step", "epoch", "reset", "speed", "device", "undo", "leash")
PLACED = ("set", "freeze", "silence")  # Commands that name a place in the network.
LONGEST_MESSAGE = 4096  # characters
MOST_NOTICES = 16  # Unsent ones of a socket; beyond it, the oldest is dropped.
MOST_READERS = 4  # Threads that look on the shelf for runs that pages ask for: a disk that hangs holds up these alone.
MOST_ASKING = 100  # Pages that wait for one of them, ...
LONGEST_READING = 10.0  # ... and for so many seconds.
BAD_MESSAGE, NOT_YOURS, GONE = 4400, 4401, 4404  # Close codes.

#: By which a page knows this process again.
SERVER = secrets.token_urlsafe(6)
_pool: Pool | None = None
_desks: Desks | None = None
_making = threading.Lock()
_viewers: set[Viewer] = set()
_paces = Paces()
_stuck = 0
_readers = ThreadPoolExecutor(MOST_READERS, thread_name_prefix="looks on the shelf")
_asking = 0


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
    rights.work_for_others()
    pool().start()
    downloads.install()
    wakeups.install(asyncio.get_running_loop())
    # Streamlit collects garbage after scripts; what is imported by now need not be looked through each time.
    gc.freeze()
    try:
        yield
    finally:
        await asyncio.to_thread(desks().stop)
        await asyncio.to_thread(pool().stop)


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


async def kept(request: HttpRequest) -> Response:
    """Where a run stands that nobody looks at: {"step", "epoch"}; nothing for those it does not belong to. 503: ask again later."""
    token = request.path_params["token"]
    if any(viewer.token == token for viewer in list(_viewers)):
        return Response(status_code=204)  # Another tab has it.
    try:
        standing = await _standing(token, door.owner_of(request.cookies))
    except Problem:
        return Response(status_code=204)
    except TimeoutError:
        return Response(status_code=503)
    return JSONResponse({name: standing[name] for name in ("step", "epoch")}, headers={"Cache-Control": "no-store"})


async def _standing(token: str, owner: str) -> dict[str, Any]:
    """As the pool knows it; what only the disk knows, in one of few threads. TimeoutError when it takes too long."""
    global _asking
    if pool().exists(token):
        return pool().find_standing(token, owner)
    if _asking >= MOST_ASKING:
        raise TimeoutError
    _asking += 1
    try:
        reading = asyncio.get_running_loop().run_in_executor(_readers, pool().find_standing, token, owner)
        return await asyncio.wait_for(reading, LONGEST_READING)
    finally:
        _asking -= 1


# The WebSocket


async def live(websocket: WebSocket) -> None:
    """One viewer of one run."""
    await websocket.accept()  # First of all: a browser sees the close code of an accepted socket only.
    viewer = Viewer(websocket, websocket.path_params["token"], door.owner_of(websocket.cookies))
    _viewers.add(viewer)
    try:
        with suppress(WebSocketDisconnect):
            await viewer.serve()
    finally:
        _viewers.discard(viewer)


@dataclass(frozen=True)
class Asked:
    """A request for a frame, as the viewer put it and as the pool has it."""

    held: dict[str, Any]
    request: Request


class Viewer:
    """A socket and what is under way for it: a request for a frame, some commands, notices."""

    def __init__(self, websocket: WebSocket, token: str, owner: str = "") -> None:
        self.token = token
        self._websocket = websocket
        self._owner = owner
        self._pace = _paces.of(owner)
        self._sending = asyncio.Lock()
        self._wanted: dict[str, Any] | None = None  # What is to be asked for next: the latest that the viewer wanted.
        self._asked: deque[Asked] = deque()  # What the worker has; before it the last one, until it has let go of that.
        self._wake = asyncio.Event()
        self._commands: set[asyncio.Task[None]] = set()
        self._epoch: asyncio.Task[None] | None = None  # The last command, if it was this one.
        self.unsent: asyncio.Queue[Problem] = asyncio.Queue(MOST_NOTICES)
        self._receiving: asyncio.Task[None] | None = None
        self._waiting_since: float | None = None  # for the other side to read

    async def serve(self) -> None:
        loop = asyncio.get_running_loop()
        self._pace.sockets += 1
        tasks = [asyncio.create_task(self._send_notices())]

        def listener(problem: Problem) -> None:
            with suppress(RuntimeError):  # The server is shutting down.
                loop.call_soon_threadsafe(self.tell, problem)

        try:
            if not pool().exists(self.token):
                await pool().find_async(self.token)  # Another server may have made it.
            pool().check_owner(self.token, self._owner)
            with pool().viewer(self.token, listener):
                self._receiving = asyncio.create_task(self._receive())
                tasks += [self._receiving, asyncio.create_task(self._show())]
                await asyncio.wait([self._receiving])
                if not self._receiving.cancelled():
                    self._receiving.result()
        except Problem as problem:
            await self._refuse(problem)
        finally:
            self._pace.sockets -= 1
            for asked in self._asked:
                asked.request.future.cancel()
            tasks += self._commands
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _receive(self) -> None:
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if (pause := self._pace.take_turn()) > 0:
                await asyncio.sleep(pause)
            request = read_request(message.get("text"))
            if request is None:
                await self._close(BAD_MESSAGE)
                return
            if request["type"] == "command":
                await self._begin_command(request)
            else:
                self._want(request)

    # Commands

    async def _begin_command(self, request: dict[str, Any]) -> None:
        """Unless it is an epoch right after one that is not over, which is the same one. Waits while the owner has too many under way."""
        epoch = request["do"] == "epoch"
        if epoch and self._epoch is not None and not self._epoch.done():
            return
        await self._pace.commands.acquire()
        task = asyncio.create_task(self._command(request))
        self._commands.add(task)
        task.add_done_callback(self._end_command)
        self._epoch = task if epoch else None

    def _end_command(self, task: asyncio.Task[None]) -> None:
        self._commands.discard(task)
        self._pace.commands.release()

    async def _command(self, request: dict[str, Any]) -> None:
        arguments = {"value": request["value"]} if "value" in request else {}
        try:
            await pool().call_async(self.token, request["do"], **arguments)
        except Problem as problem:
            self.tell(problem)

    # Frames

    def _want(self, request: dict[str, Any]) -> None:
        """The latest request takes the place of the one before it, if it wants something else or that one is answered."""
        if request["now"] or not self._asked:
            self._wanted = {name: value for name, value in request.items() if name != "type"}
            self._ask()

    def _ask(self) -> None:
        """For what is wanted, in place of what was asked for before; but not before the worker has let go of what was before that.

        Nor while a frame is made and not read yet: to make more of them would help nobody.
        """
        if self._wanted is None or len(self._asked) > 1 or self._waiting_since is not None:
            return
        if self._asked:
            pool().withdraw(self._asked[0].request)
        self._asked.append(Asked(self._wanted, pool().ask(self.token, "frame", **self._wanted)))
        self._wanted = None
        self._wake.set()

    async def _show(self) -> None:
        """The frames that were asked for, whenever there is one that differs from what the viewer holds."""
        told = ""
        while True:
            while not self._asked:
                self._wake.clear()
                await self._wake.wait()
            try:
                header, frame = await asyncio.wrap_future(self._asked[0].request.future)
            except Problem as problem:
                if problem.key == "run_gone":
                    await self._refuse(problem)
                    return
                lost = isinstance(problem, WorkerLost)
                if not lost and problem.key != told:
                    self.tell(problem)
                    told = problem.key
                await asyncio.sleep(0.05 if lost else 1.0)  # Another worker is taking over, or the run may be mended.
                asked = self._asked.popleft()
                if not self._asked:
                    self._wanted = self._wanted or asked.held
            else:
                self._asked.popleft()
                if "withdrawn" not in header:
                    told = ""
                    await self._send({"type": "websocket.send", "bytes": frame})
            self._ask()

    def tell(self, problem: Problem) -> None:
        """One more sentence for its page. Where too many are unsent, the oldest is dropped."""
        if self.unsent.full():
            self.unsent.get_nowait()
        self.unsent.put_nowait(problem)

    async def _send_notices(self) -> None:
        while True:
            problem = await self.unsent.get()
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
                    self._ask()  # For what was wanted meanwhile.
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
