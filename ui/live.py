"""The server's one pool and its desks, and the routes by which pages reach runs.

The live channel is a WebSocket for each viewer (see viewer.py); the route `kept` tells a page how far a run has come that no page
shows, so that the pupil can resume it.
"""

from __future__ import annotations

import asyncio
import gc
import os
import secrets
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from dlcore import rights
from dlcore.desks.desks import Desks
from dlcore.problems import Problem
from dlcore.runs.places.setting import choose_places
from dlcore.runs.server.pool import Pool
from ui import assets, door, downloads, menus, theming, wakeups
from ui.pace import Paces
from ui.viewer import Viewer

MOST_READERS = 4  # Threads that read the shelf for the route `kept`: a disk that hangs blocks only these.
MOST_ASKING = 100  # Requests that may wait for one of them.
LONGEST_READING = 10.0  # Seconds that a request waits for one of them.

#: A random name of this process, by which a page notices that the server was restarted.
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
    """The number of viewers disconnected because they had stopped reading."""
    return _stuck + sum(viewer.has_stopped_reading for viewer in list(_viewers))


def pool() -> Pool:
    """The one pool of this server. A global of the module, not in Streamlit's cache, which any visitor can clear."""
    global _pool
    with _making:
        if _pool is None:
            _pool = Pool(places=choose_places(os.environ))
        return _pool


def desks() -> Desks:
    """The desks of this server, which read files and evaluate networks. Their processes start with the first job."""
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
    assets.prepare()
    downloads.install()
    theming.install()
    menus.install()
    wakeups.install(asyncio.get_running_loop())
    # Streamlit collects garbage after scripts: objects that exist by now are left out of that, as they stay for good.
    gc.freeze()
    try:
        yield
    finally:
        await asyncio.to_thread(desks().stop)
        await asyncio.to_thread(pool().stop)


def routes() -> list[BaseRoute]:
    """Routes for `st.App`, with and without the base path, which it leaves to us."""
    found: list[BaseRoute] = []
    for prefix in dict.fromkeys(["", assets.base_path()]):
        found += [
            WebSocketRoute(f"{prefix}/api/live/{{token}}", live),
            Route(f"{prefix}/api/live/{{token}}/kept", kept),
        ]
        found += assets.routes(prefix)
    return found


async def kept(request: HttpRequest) -> Response:
    """Answer with {"step", "epoch"} of a run that no page shows; 204 if one shows it or the asker does not own it, 503 if busy."""
    token = request.path_params["token"]
    if any(viewer.token == token for viewer in list(_viewers)):
        return Response(status_code=204)  # Another tab shows the run.
    try:
        standing = await _standing(token, door.owner_of(request.cookies))
    except Problem:
        return Response(status_code=204)
    except TimeoutError:
        return Response(status_code=503)
    return JSONResponse({name: standing[name] for name in ("step", "epoch")}, headers={"Cache-Control": "no-store"})


async def _standing(token: str, owner: str) -> dict[str, Any]:
    """How far the run has come, from the pool or, read in a thread, from the shelf. Raises Problem, or TimeoutError if that takes long."""
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
    """Serve one viewer of one run."""
    global _stuck
    await websocket.accept()  # Before any check: a browser learns the close code only of an accepted socket.
    owner = door.owner_of(websocket.cookies)
    viewer = Viewer(websocket, websocket.path_params["token"], owner, pool(), _paces.of(owner))
    _viewers.add(viewer)
    try:
        with suppress(WebSocketDisconnect):
            await viewer.serve()
    finally:
        _stuck += viewer.has_stopped_reading
        _viewers.discard(viewer)
