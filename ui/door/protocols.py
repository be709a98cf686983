"""What cannot be seen from ASGI: the server's connections get bounds for what they take, hold and wait.

uvicorn waits for the head of a request without end, keeps unfinished messages of 200 MB from anybody, and takes connections until
no descriptor is left. Subclasses of its protocols (`http_protocol`, `websocket_protocol`) tell one book (`connections`) what they do
and what they hold, and end when it says so.

`ProtocolGuard` puts these classes under the server that starts the app. Streamlit makes that server itself; but the app's lifespan
begins when the server's configuration is loaded, and before the first connection is taken.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from ui.door import descriptors, http_protocol, logs, websocket_protocol
from ui.door.addresses import Proxies
from ui.door.connections import Allowed, Connections
from ui.door.memory import Memory

BETWEEN_SWEEPS = 1.0  # seconds
PIECE = 1 << 16  # bytes of an answer

logger = logging.getLogger(__name__)


class ProtocolGuard:
    """Middleware that passes everything on, answers in pieces. When the server starts the app, its connections get their bounds."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on."""
        if scope["type"] != "lifespan":
            await self._app(scope, receive, cut_answers(send) if scope["type"] == "http" else send)
            return
        limit = descriptors.raise_limit()
        allowed = Allowed.of_this_server(limit - descriptors.count_kept_free(limit))
        connections = Connections(allowed, Proxies.from_environment().__contains__)
        async with guard(find_config(receive), connections, descriptors.count_accepted_a_turn(limit)):
            await self._app(scope, receive, send)


def cut_answers(send: Send) -> Send:
    """Answers leave a piece at a time, each when the one before has been taken: what nobody takes is not copied and kept."""

    async def send_in_pieces(message: MutableMapping[str, Any]) -> None:
        body: bytes = message.get("body", b"")
        if message["type"] != "http.response.body" or len(body) <= PIECE:
            await send(message)
            return
        for start in range(0, len(body), PIECE):
            more = start + PIECE < len(body) or message.get("more_body", False)
            await send({"type": message["type"], "body": body[start : start + PIECE], "more_body": more})

    return send_in_pieces


def find_config(receive: Receive) -> Config | None:
    """The configuration of the server that starts the app: `receive` is a method of uvicorn's lifespan, which has it."""
    found = getattr(getattr(receive, "__self__", None), "config", None)
    return found if isinstance(found, Config) else None


@asynccontextmanager
async def guard(config: Config | None, connections: Connections, accepted_a_turn: int) -> AsyncIterator[None]:
    """Bound this server's connections and its log, as long as it runs."""
    with logs.bound(asyncio.get_running_loop()) as told:
        if config is None or not install(config, connections, accepted_a_turn):
            logger.error("Connections are not bounded: the app was not started by a uvicorn that this version knows.")
        sweeping = asyncio.create_task(_sweep(connections, told))
        try:
            yield
        finally:
            sweeping.cancel()


def install(config: Config, connections: Connections, accepted_a_turn: int) -> bool:
    """Let a loaded configuration make connections that tell these; False when its classes are not those that are known here."""
    if missing_names(config.http_protocol_class, config.ws_protocol_class):
        return False
    config.h11_max_incomplete_event_size = 2 * http_protocol.LARGEST_HEAD  # A head is judged here, with a sentence.
    config.http_protocol_class = http_protocol.bound_class(config.http_protocol_class, connections)
    config.ws_protocol_class = websocket_protocol.bound_class(connections)
    # asyncio accepts so many in one turn of the loop, and only then they can be judged. It is also how many the system lets wait.
    config.backlog = min(config.backlog, accepted_a_turn)
    return True


def missing_names(http: Any, websocket: Any) -> list[str]:
    """What these classes of uvicorn's lack of that which is overridden."""
    missing = [f"{http}.{name}" for name in http_protocol.METHODS if not callable(getattr(http, name, None))]
    missing += [
        f"{websocket}.{name}" for name in websocket_protocol.METHODS if not callable(getattr(websocket, name, None))
    ]
    if websocket is not WebSocketsSansIOProtocol:
        missing.append(f"{websocket} is not {WebSocketsSansIOProtocol}")
    return missing


async def _sweep(connections: Connections, told: logs.Bounded) -> None:
    memory = Memory()
    while True:
        await asyncio.sleep(BETWEEN_SWEEPS)
        try:
            connections.sweep()
            told.report()
            memory.look()
        except Exception:  # It must go on: nobody else ends what takes too long.
            logger.exception("Connections could not be looked through.")
