"""The door: whose browser this is, and with what its page begins.

With the page comes a cookie that holds a random secret and that no script can read. A run belongs to the browser that made it, and
so does a Streamlit session: the tokens of both are passes for whoever holds them, and alone they open nothing any more. Programs
that keep no cookies are nobody in particular (""); their runs belong to whoever holds the token.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping, MutableMapping
from typing import Any

from google.protobuf.message import DecodeError
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import config
from streamlit.proto.BackMsg_pb2 import BackMsg

from ui.assets import base_path

COOKIE = "playground_owner"
IDENTITY = "X-Playground-Owner"  # Set here and nowhere else: what a client sends under this name is dropped.
STREAM = "/_stcore/stream"
_SECRET = re.compile(r"[\w-]{32,64}", re.ASCII)


def owner_of(cookies: Mapping[str, str]) -> str:
    """The secret of the browser that sent these; "" if it has none."""
    found = str(cookies.get(COOKIE, ""))  # Streamlit's AppTest has no cookies, but something in their place.
    return found if _SECRET.fullmatch(found) else ""


class Door:
    """Middleware: hand out the cookie with the page; tell Streamlit whose socket it is; let it begin with the whole script."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._path = base_path() or "/"
        self._stream = f"{base_path()}{STREAM}"
        # Streamlit gives a session back to those only who come with the identity that began it.
        identities = config.get_option("server.trustedUserHeaders")
        config.set_option("server.trustedUserHeaders", {**identities, IDENTITY: "owner"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, with what is said above."""
        if scope["type"] == "websocket" and scope["path"] == self._stream:
            await self._app(_identified(scope), _whole_first(receive), send)
        elif scope["type"] == "http" and scope["method"] == "GET" and _is_newcomer(scope):
            await self._app(scope, receive, self._with_cookie(scope, send))
        else:
            await self._app(scope, receive, send)

    def _with_cookie(self, scope: Scope, send: Send) -> Send:
        # For the browser's session only, and not for other sites' frames and forms.
        secure = "; Secure" if _is_secure(scope) else ""
        cookie = f"{COOKIE}={secrets.token_urlsafe(32)}; Path={self._path}; HttpOnly; SameSite=Lax{secure}"

        async def send_with_cookie(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start" and _is_page(message):
                message["headers"] = [*message["headers"], (b"set-cookie", cookie.encode())]
            await send(message)

        return send_with_cookie


def _identified(scope: Scope) -> Scope:
    owner = owner_of(HTTPConnection(scope).cookies)
    # Not the secret itself: an identity is shown here and there.
    identity = hashlib.sha256(owner.encode()).hexdigest() if owner else ""
    name = IDENTITY.lower().encode()
    others = [(key, value) for key, value in scope["headers"] if key.lower() != name]
    return {**scope, "headers": [*others, (name, identity.encode())]}


def _whole_first(receive: Receive) -> Receive:
    """What comes over a page's socket; the first rerun is of the whole script.

    A page that finds its way back to a restarted server, or after its session has ended, may ask for a fragment that the new
    session does not know yet. Streamlit would answer nothing, and the page would stand there for ever.
    """
    begun = False

    async def receive_whole_first() -> MutableMapping[str, Any]:
        nonlocal begun
        message = await receive()
        if not begun and message["type"] == "websocket.receive" and message.get("bytes"):
            begun, content = _whole(message["bytes"])
            return {**message, "bytes": content}
        return message

    return receive_whole_first


def _whole(content: bytes) -> tuple[bool, bytes]:
    """Whether this asks for a rerun, and the same of the whole script."""
    message = BackMsg()
    try:
        message.ParseFromString(content)
    except DecodeError:
        return False, content  # Streamlit will say what it thinks of it.
    if message.WhichOneof("type") != "rerun_script":
        return False, content
    message.rerun_script.ClearField("fragment_id")
    return True, message.SerializeToString()


def _is_newcomer(scope: Scope) -> bool:
    """Whether a browser asks for a page and has no cookie. Files are fetched side by side: each would bring another one."""
    request = HTTPConnection(scope)
    return "text/html" in request.headers.get("accept", "") and not owner_of(request.cookies)


def _is_page(answer: MutableMapping[str, Any]) -> bool:
    if answer["status"] == 304:  # It has the page still, from before it was closed.
        return True
    return any(name.lower() == b"content-type" and value.startswith(b"text/html") for name, value in answer["headers"])


def _is_secure(scope: Scope) -> bool:
    forwarded = HTTPConnection(scope).headers.get("x-forwarded-proto", "")
    return scope["scheme"] == "https" or forwarded.split(",")[0].strip() == "https"
