"""The door: middleware that every request and socket passes before Streamlit sees it.

Each check has a file: the Host that was asked for and the Origin of the asking page (origins), whose browser it is (cookies), from
which address (addresses), how often and how much (rates, uploads), and which addresses exist at all (reachable).
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable, MutableMapping
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import config, runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

from dlcore.limits import Limits
from dlcore.problems import Problem, clean
from ui.assets import base_path
from ui.door import aside, cookies, descriptors, reachable, refusals
from ui.door.addresses import Proxies, find_home, find_peer
from ui.door.connections import Allowed
from ui.door.origins import HARMLESS, as_of_here, host_allowed, origin_allowed
from ui.door.rates import Rates, Slots
from ui.door.refusals import make_refusal
from ui.door.sessions import Sessions, listen, listener
from ui.door.stream import Stream
from ui.door.turns import Turns
from ui.door.uploads import MEGABYTE, Uploads

IDENTITY = "X-Playground-Owner"  # Header set here; what a client sends under this name is dropped.
RERUNS, BURST = 10, 30  # Messages a second of all pages of one owner together, and how many of them at once.
PAGES, PAGES_OF_NOBODY = 24, 48  # Open pages of one owner, and of all visitors without a cookie together.
CANVASES, CANVASES_OF_NOBODY = 96, 192  # Open live channels likewise; the page Compare has several.
TRY_AGAIN = 10.0  # seconds
ALL_TAKEN = "Too many open pages."

_log = logging.getLogger(__name__)


def check_settings() -> None:
    """Raise Problem for an invalid setting now: if the door failed later, uvicorn would take the app for one without a lifespan."""
    Limits.from_environment()
    Proxies.from_environment()
    Allowed.of_this_server(1)


class Door:
    """Middleware: refuses what is not allowed, tells Streamlit whose browser asks, and slows down whoever sends too fast."""

    def __init__(self, app: ASGIApp, clock: Callable[[], float] = time.monotonic) -> None:
        limits = Limits.from_environment()
        self._app = app
        self._base = base_path()
        self._proxies = Proxies.from_environment()
        self._newcomers = Rates(limits.newcomers / 60, limits.newcomers, clock)
        self._pace = Rates(RERUNS, BURST, clock)
        self._turns = Turns(clock=clock)
        aside.install(self._turns.no_part)
        self._complaints = Rates(1 / 60, 10, clock)
        self._pages, self._canvases = Slots(PAGES, PAGES_OF_NOBODY), Slots(CANVASES, CANVASES_OF_NOBODY)
        self._uploads = Uploads(
            limits.uploads_mb * MEGABYTE, _largest, _manager, lambda session: session in self._sessions, clock
        )
        self._sessions = Sessions(config.get_option("server.disconnectedSessionTTL"), self._uploads.forget)
        # Streamlit resumes a session only for a request with the same trusted headers: the owner's identity becomes one of them.
        identities = config.get_option("server.trustedUserHeaders")
        config.set_option("server.trustedUserHeaders", {**identities, IDENTITY: "owner"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, socket or lifespan."""
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        elif scope["type"] == "http":
            refused = self._find_refusal(scope, receive)
            await (self._request(scope, receive, send) if refused is None else refused(scope, receive, send))
        else:
            await self._app(scope, receive, send)

    # Requests

    def _find_refusal(self, scope: Scope, receive: Receive) -> Response | None:
        """The answer to a request that is not allowed; None for one that is."""
        headers, peer, path = Headers(scope=scope), find_peer(scope, receive), self._path(scope)
        host, origin = headers.get("host"), headers.get("origin")
        if path in reachable.INSTRUMENTS:
            known = reachable.of_this_machine(headers, peer, self._proxies)
            return None if known else PlainTextResponse(reachable.REFUSAL, 403)
        if not host_allowed(host, _server(scope), peer in self._proxies):
            return make_refusal(scope, Problem("host_unknown", came=clean(host or "")), 403)
        if scope["method"] not in HARMLESS and not origin_allowed(origin, host, self._secure(headers, peer)):
            self._complain(origin, host)
            return make_refusal(scope, Problem("foreign_origin", came=clean(origin or "")), 403)
        return PlainTextResponse("Not found\n", 404) if reachable.UNUSED.fullmatch(path) else None

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, is_page = self._path(scope), refusals.wants_page(scope)
        upload = reachable.UPLOAD.fullmatch(path)
        if not (is_page or upload or reachable.TOLD_TO_ITS_OWNER.fullmatch(path)):
            await self._app(scope, receive, send)  # Files are the same for everybody: no owner is needed.
            return
        owner, scope = cookies.recognise(scope, self._secure(Headers(scope=scope), find_peer(scope, receive)))
        if upload and scope["method"] in ("PUT", "DELETE"):
            await self._upload(scope, receive, send, owner, *upload.groups())
        elif is_page:
            await self._page(scope, receive, send, owner)
        else:
            await self._app(scope, receive, send)

    async def _page(self, scope: Scope, receive: Receive, send: Send, owner: str) -> None:
        """Answer a request for a page, and set or renew the cookie. Files set none: fetched side by side, each would set another."""
        headers, peer = Headers(scope=scope), find_peer(scope, receive)
        address = find_home(self._proxies.client(peer, headers.getlist("x-forwarded-for")))
        # A visitor without a cookie gets one with this page, and so a count of their own.
        if owner and self._pages.full(owner):
            problem = Problem("pages_full", limit=self._pages.limit(owner))
            await make_refusal(scope, problem, 429, TRY_AGAIN)(scope, receive, send)
        elif not self._has_room(scope):
            problem = Problem("server_full", limit=descriptors.count_sessions(descriptors.read_limit()))
            await make_refusal(scope, problem, 503, TRY_AGAIN)(scope, receive, send)
        elif not owner and (wait := self._newcomers.try_to_take(address)):
            wait = max(wait, TRY_AGAIN)
            await make_refusal(scope, Problem("newcomers", seconds=round(wait)), 429, wait)(scope, receive, send)
        else:
            claimed = headers.get("x-forwarded-proto", "").split(",")[0].strip() == "https"
            cookie = cookies.make_header(
                owner or cookies.new_secret(), self._base or "/", self._secure(headers, peer), claimed
            )
            await self._app(scope, receive, _with_cookie(send, cookie))

    async def _upload(self, scope: Scope, receive: Receive, send: Send, owner: str, session: str, file_id: str) -> None:
        page: Stream | None = self._sessions.socket(session)
        answering = False

        async def send_on(message: MutableMapping[str, Any]) -> None:
            nonlocal answering
            answering = True
            await send(message)

        async def on_wait() -> None:
            if page is not None:
                await page.tell_to_wait()

        try:
            if scope["method"] == "PUT":
                request = (self._app, scope, receive, send_on)
                await self._uploads.bring(file_id, session, owner, request, on_wait)
            elif self._uploads.may_delete(file_id, session, owner):
                await self._app(scope, receive, send)
            else:
                raise Problem("upload_not_asked")
        except ClientDisconnect:
            return
        except Problem as problem:
            if not answering:
                await make_refusal(scope, problem, 403 if problem.key == "upload_not_asked" else 503)(
                    scope, receive, send
                )
            if page is not None and problem.key != "upload_not_asked":
                # Streamlit's uploader shows only the status number, so the page shows the sentence.
                await page.tell(problem)

    # Sockets

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers, peer, path = Headers(scope=scope), find_peer(scope, receive), self._path(scope)
        secure = self._secure(headers, peer)
        host, origin = headers.get("host"), headers.get("origin")
        is_page, is_canvas = path == reachable.STREAM, bool(reachable.LIVE.fullmatch(path))
        known = host_allowed(host, _server(scope), peer in self._proxies)
        if not known or not origin_allowed(origin, host, secure):
            self._complain(origin, host)
            if is_canvas:
                await refusals.open_and_close(scope, receive, send, refusals.FOREIGN_ORIGIN)
            else:
                await refusals.close_unopened(receive, send)
            return
        if not is_page and not is_canvas:
            await refusals.close_unopened(receive, send)
            return
        owner, scope = cookies.recognise(scope, secure)
        slots = self._pages if is_page else self._canvases
        if is_page and not self._has_room(scope):
            await refusals.open_and_close(scope, receive, send, refusals.FULL, ALL_TAKEN)
            return
        if slots.full(owner):
            await refusals.open_and_close(scope, receive, send, refusals.FULL, "Too many open pages of one browser.")
            return
        with slots.one(owner):
            if is_page:
                await self._stream(scope, receive, send, owner)
            else:
                await self._app(scope, receive, send)

    async def _stream(self, scope: Scope, receive: Receive, send: Send, owner: str) -> None:
        async def pace() -> None:
            if wait := self._pace.take(owner):
                await asyncio.sleep(wait)

        stream = Stream(scope, receive, send, owner, self._sessions, self._uploads, self._turns, pace)
        listen()
        listener.set(stream.shows)  # Set for this task, which serves this socket alone.
        try:
            if not await stream.speaks():
                return
            if not self._has_room(scope):  # The last room may have gone to others while this socket was silent.
                await send({"type": "websocket.close", "code": refusals.FULL, "reason": ALL_TAKEN})
            else:
                await self._app(_with_identity(as_of_here(scope), owner), stream.receive, stream.send)
        except Exception:
            if not stream.gone:  # Once the browser has left, Streamlit raises when it sends: no failure of ours.
                raise
        finally:
            stream.leave()

    def _has_room(self, scope: Scope) -> bool:
        """Whether there is room for one more session, or the request names, as Streamlit's third subprotocol, one that exists."""
        wanted = list(scope.get("subprotocols", []))[2:3]
        return self._sessions.make_room(descriptors.count_sessions(descriptors.read_limit()), *wanted)

    def _path(self, scope: Scope) -> str:
        """The path relative to the app's base path."""
        path: str = scope["path"]
        return path.removeprefix(self._base) if self._base and path.startswith(f"{self._base}/") else path

    def _secure(self, headers: Headers, peer: str) -> bool:
        """Whether the browser certainly used https: this server speaks it, or a trusted proxy says so."""
        said = headers.get("x-forwarded-proto", "").split(",")[-1].strip() == "https"
        return bool(config.get_option("server.sslCertFile")) or (said and peer in self._proxies)

    def _complain(self, origin: str | None, host: str | None) -> None:
        # Rarely: refused clients must not fill the log.
        if not self._complaints.try_to_take(""):
            _log.warning(
                "Refused a page of %s that asked for %s. If it is yours: let the proxy pass on the Host that it was asked for, or see"
                " server.allowedHosts and server.corsAllowedOrigins.",
                clean(origin or "nobody"),
                clean(host or "nothing"),
            )


def _with_cookie(send: Send, cookie: bytes) -> Send:
    async def send_with_cookie(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start" and _is_page(message):
            message["headers"] = [*message["headers"], (b"set-cookie", cookie)]
        await send(message)

    return send_with_cookie


def _is_page(answer: MutableMapping[str, Any]) -> bool:
    if answer["status"] == 304:  # The browser has this page in its cache: its cookie is renewed too.
        return True
    return any(name.lower() == b"content-type" and value.startswith(b"text/html") for name, value in answer["headers"])


def _with_identity(scope: Scope, owner: str) -> Scope:
    # A hash, not the secret, as Streamlit shows the identity in several places.
    identity = hashlib.sha256(owner.encode()).hexdigest() if owner else ""
    name = IDENTITY.lower().encode()
    others = [(key, value) for key, value in scope["headers"] if key.lower() != name]
    return {**scope, "headers": [*others, (name, identity.encode())]}


def _server(scope: Scope) -> str | None:
    """The address at which the request arrived."""
    server = scope.get("server")
    return str(server[0]) if server else None


def _largest() -> int:
    return int(config.get_option("server.maxUploadSize")) * MEGABYTE


def _manager() -> MemoryUploadedFileManager | None:
    manager = runtime.get_instance().uploaded_file_mgr if runtime.exists() else None
    return manager if isinstance(manager, MemoryUploadedFileManager) else None
