"""A viewer of the live channel: one WebSocket, over which commands go to a run and its frames come back.

A viewer asks for each frame ("I drew the last one"), so a slow one skips frames and never slows the run. However often it asks,
one request of it waits in a worker: the latest.
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

MOST_NOTICES = 16  # Unsent ones of a socket; beyond it, the oldest is dropped.
BAD_MESSAGE, NOT_YOURS, GONE = 4400, 4401, 4404  # Close codes.


@dataclass(frozen=True)
class Asked:
    """A request for a frame, as the viewer put it and as the pool has it."""

    held: dict[str, Any]
    request: Request


class Viewer:
    """A socket and what is under way for it: a request for a frame, some commands, notices."""

    def __init__(self, websocket: WebSocket, token: str, owner: str, pool: Pool, pace: Pace) -> None:
        self.token = token
        self.has_stopped_reading = False  # Then it is let go.
        self._websocket = websocket
        self._owner = owner
        self._pool = pool
        self._pace = pace
        self._sending = asyncio.Lock()
        self._wanted: dict[str, Any] | None = None  # What is to be asked for next: the latest that the viewer wanted.
        self._asked: deque[Asked] = (
            deque()
        )  # What the worker was asked for: the latest, and before it one that is being withdrawn.
        self._wake = asyncio.Event()
        self._commands: set[asyncio.Task[None]] = set()
        self._epoch: asyncio.Task[None] | None = None  # The last command, if it was this one.
        self.unsent: asyncio.Queue[Problem] = asyncio.Queue(MOST_NOTICES)
        self._receiving: asyncio.Task[None] | None = None
        self._waiting_since: float | None = None  # since when the other side has not read what was sent

    async def serve(self) -> None:
        loop = asyncio.get_running_loop()
        self._pace.sockets += 1
        tasks = [asyncio.create_task(self._send_notices())]

        def listener(problem: Problem) -> None:
            with suppress(RuntimeError):  # The server is shutting down.
                loop.call_soon_threadsafe(self.tell, problem)

        try:
            if not self._pool.exists(self.token):
                await self._pool.find_async(self.token)  # Another server may have made it.
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
                await self._close(BAD_MESSAGE)
                return
            if request["type"] == "command":
                await self._begin_command(request)
            else:
                self._want(request)

    # Commands

    async def _begin_command(self, request: dict[str, Any]) -> None:
        """Begin a command; an epoch right after one that is not over is the same one. Waits while the owner has too many under way."""
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
            await self._pool.call_async(self.token, request["do"], **arguments)
        except Problem as problem:
            self.tell(problem)

    # Frames

    def _want(self, request: dict[str, Any]) -> None:
        """Note what the viewer wants, instead of what it wanted before, if it wants something else or that is answered."""
        if request["now"] or not self._asked:
            self._wanted = {name: value for name, value in request.items() if name != "type"}
            self._ask()

    def _ask(self) -> None:
        """Ask the worker for what is wanted and withdraw what was asked for before; wait while one before that is still being withdrawn.

        Wait too while a frame is made and not read yet: the viewer could not show another one sooner.
        """
        if self._wanted is None or len(self._asked) > 1 or self._waiting_since is not None:
            return
        if self._asked:
            self._pool.withdraw(self._asked[0].request)
        self._asked.append(Asked(self._wanted, self._pool.ask(self.token, "frame", **self._wanted)))
        self._wanted = None
        self._wake.set()

    async def _show(self) -> None:
        """Send the frames that were asked for, each as soon as there is one that differs from what the viewer holds."""
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
        """Queue one more notice for its page. Where too many are unsent, the oldest is dropped."""
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
        # A viewer that has left meanwhile is no error; the receiving loop sees it and ends.
        with suppress(WebSocketDisconnect, RuntimeError):
            async with self._sending:
                # A send that was cancelled while it waited leaves its start time to the next one: nothing has been read since.
                self._waiting_since = self._waiting_since or asyncio.get_running_loop().time()
                try:
                    async with asyncio.timeout_at(self._waiting_since + LONGEST_SEND):
                        await self._websocket.send(message)
                    self._waiting_since = None
                    self._ask()  # For what was wanted meanwhile.
                except TimeoutError:
                    if self._receiving is not None:
                        self.has_stopped_reading = True
                        self._receiving.cancel()  # This ends the viewer.
