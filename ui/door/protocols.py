"""Limits below ASGI: on the time, memory and number of the server's connections.

By itself uvicorn waits for the head of a request without end, holds unfinished messages of up to 200 MB for anybody, and accepts
connections until no file descriptor is left. Subclasses of its protocols (`http_protocol`, `websocket_protocol`) report what they do
and hold to one `Connections`, and close when it ends them.

`ProtocolGuard` installs these classes in the server that starts the app. Streamlit creates that server itself, but the app's lifespan
begins after the server's configuration is loaded and before the first connection is accepted: that is when they are installed.
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
    """Middleware that passes everything on, with answers cut into pieces; at the lifespan's start it installs the limits."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, socket or lifespan."""
        if scope["type"] != "lifespan":
            await self._app(scope, receive, cut_answers(send) if scope["type"] == "http" else send)
            return
        limit = descriptors.raise_limit()
        allowed = Allowed.of_this_server(limit - descriptors.count_kept_free(limit))
        connections = Connections(allowed, Proxies.from_environment().__contains__)
        async with guard(find_config(receive), connections, descriptors.count_accepted_a_turn(limit)):
            await self._app(scope, receive, send)


def cut_answers(send: Send) -> Send:
    """Send an answer piece by piece, each after the client took the one before: what a client does not take is not buffered."""

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
    """The configuration of the server that starts the app, found through `receive`, a method of uvicorn's lifespan object."""
    found = getattr(getattr(receive, "__self__", None), "config", None)
    return found if isinstance(found, Config) else None


@asynccontextmanager
async def guard(config: Config | None, connections: Connections, accepted_a_turn: int) -> AsyncIterator[None]:
    """Limit this server's connections and its log, for the time of the block."""
    with logs.bound(asyncio.get_running_loop()) as told:
        if config is None or not install(config, connections, accepted_a_turn):
            logger.error("Connections are not bounded: the app was not started by a uvicorn that this version knows.")
        sweeping = asyncio.create_task(_sweep(connections, told))
        try:
            yield
        finally:
            sweeping.cancel()


def install(config: Config, connections: Connections, accepted_a_turn: int) -> bool:
    """Let a loaded configuration create connections that report to `connections`; False if it uses classes not known here."""
    if missing_names(config.http_protocol_class, config.ws_protocol_class):
        return False
    # Larger than our own limit, which answers with a sentence.
    config.h11_max_incomplete_event_size = 2 * http_protocol.LARGEST_HEAD
    config.http_protocol_class = http_protocol.bound_class(config.http_protocol_class, connections)
    config.ws_protocol_class = websocket_protocol.bound_class(connections)
    # asyncio accepts `backlog` connections in one turn of the loop before any is counted; the system lets as many wait.
    config.backlog = min(config.backlog, accepted_a_turn)
    return True


def missing_names(http: Any, websocket: Any) -> list[str]:
    """Names that we override or call and that these classes of uvicorn do not have."""
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
        except Exception:  # The loop must survive any failure: nothing else ends connections that are too slow.
            logger.exception("Connections could not be looked through.")
