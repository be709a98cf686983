"""A viewer: one WebSocket of the live channel, over which commands go to a run and its frames come back.

A viewer asks for each frame after it has drawn the last one, so a slow viewer skips frames and does not slow the run. However often it
asks, only its latest request waits in the worker.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from dlcore.problems import Problem
from dlcore.runs.server.pool import Pool, WorkerLost
from dlcore.runs.server.request import Request
from ui.door.http_protocol import LONGEST_SEND
from ui.pace import Pace
from ui.viewer_requests import read_request

MOST_NOTICES = 16  # Notices that wait to be sent; beyond that the oldest is dropped.
BAD_MESSAGE, NOT_YOURS, GONE = 4400, 4401, 4404  # Close codes.
#: For whoever writes a client; a close frame has room for 123 bytes.
NO_MESSAGE = 'Expected {"type": "ready" or "command", ...} with values of their kinds; see docs/decisions/0047.'


@dataclass(frozen=True)
class Asked:
    """A request for a frame: what the viewer asked, and the pool's request to the worker."""

    held: dict[str, Any]
    request: Request


class Viewer:
    """A socket with its request for a frame, its commands under way, and its unsent notices."""

    def __init__(self, websocket: WebSocket, token: str, owner: str, pool: Pool, pace: Pace) -> None:
        self.token = token
        self.has_stopped_reading = False  # True once nothing was read for LONGEST_SEND: it is disconnected.
        self._websocket = websocket
        self._owner = owner
        self._pool = pool
        self._pace = pace
        self._sending = asyncio.Lock()
        self._wanted: dict[str, Any] | None = None  # The viewer's latest request, not passed to the worker yet.
        # Requests that the worker has: the latest, and before it perhaps one that is being withdrawn.
        self._asked: deque[Asked] = deque()
        self._wake = asyncio.Event()
        self._commands: set[asyncio.Task[None]] = set()
        self._epoch: asyncio.Task[None] | None = None  # The last command, if it was an epoch.
        self.unsent: asyncio.Queue[Problem] = asyncio.Queue(MOST_NOTICES)
        self._receiving: asyncio.Task[None] | None = None
        self._waiting_since: float | None = None  # since when the browser has not read what was sent

    async def serve(self) -> None:
        loop = asyncio.get_running_loop()
        self._pace.sockets += 1
        tasks = [asyncio.create_task(self._send_notices())]

        def listener(problem: Problem) -> None:
            with suppress(RuntimeError):  # The event loop may be closed, as the server shuts down.
                loop.call_soon_threadsafe(self.tell, problem)

        try:
            if not self._pool.exists(self.token):
                await self._pool.find_async(self.token)  # Another server that shares the workers may have made the run.
            self._pool.check_owner(self.token, self._owner)
            with self._pool.viewer(self.token, listener):
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
                await self._close(BAD_MESSAGE, NO_MESSAGE)
                return
            if request["type"] == "command":
                await self._begin_command(request)
            else:
                self._want(request)

    # Commands

    async def _begin_command(self, request: dict[str, Any]) -> None:
        """Start a command; an epoch while one is under way is ignored. Waits while the owner has MOST_COMMANDS under way."""
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
            header, _ = await self._pool.call_async(self.token, request["do"], **arguments)
            if "heavy" in header:  # An edit that makes the run heavy, see dlcore/runs/verbs.py.
                await self._pool.call_async(self.token, request["do"], **arguments, weighed=header["heavy"])
        except Problem as problem:
            self.tell(problem)

    # Frames

    def _want(self, request: dict[str, Any]) -> None:
        """Take a request for a frame in place of the one before, if it asks for something new (`now`) or no request is under way."""
        if request["now"] or not self._asked:
            self._wanted = {name: value for name, value in request.items() if name != "type"}
            self._ask()

    def _ask(self) -> None:
        """Pass the wanted request to the worker and withdraw the one before. Does nothing while another one is still being withdrawn.

        Nor while a frame was sent and not read yet, as the viewer could not show another one sooner.
        """
        if self._wanted is None or len(self._asked) > 1 or self._waiting_since is not None:
            return
        if self._asked:
            self._pool.withdraw(self._asked[0].request)
        self._asked.append(Asked(self._wanted, self._pool.ask(self.token, "frame", **self._wanted)))
        self._wanted = None
        self._wake.set()

    async def _show(self) -> None:
        """Send each frame that the worker answers with, which it does as soon as it differs from what the viewer holds."""
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
                # A lost worker is being replaced; any other problem may be solved by a change of the recipe.
                await asyncio.sleep(0.05 if lost else 1.0)
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
        """Queue a notice for the page. If MOST_NOTICES are unsent, the oldest is dropped."""
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

    async def _close(self, code: int, reason: str = "") -> None:
        await self._send({"type": "websocket.close", "code": code, "reason": reason})

    async def _send(self, message: dict[str, Any]) -> None:
        # It is no error if the viewer has left; the receiving loop notices and ends.
        with suppress(WebSocketDisconnect, RuntimeError):
            async with self._sending:
                # If a send was cancelled while it waited, the next one keeps its start time, as nothing has been read since.
                self._waiting_since = self._waiting_since or asyncio.get_running_loop().time()
                try:
                    async with asyncio.timeout_at(self._waiting_since + LONGEST_SEND):
                        await self._websocket.send(message)
                    self._waiting_since = None
                    self._ask()  # A request that came meanwhile.
                except TimeoutError:
                    if self._receiving is not None:
                        self.has_stopped_reading = True
                        self._receiving.cancel()  # `serve` ends with it.
