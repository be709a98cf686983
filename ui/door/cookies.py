"""The cookie by which a browser is recognised: a random secret with the server's signature.

Limits count by this secret, so nobody may be able to make one up: the server signs each. The signing key lies in the folder of kept
runs, so that servers that share the folder share the key. If a request certainly came over https, the cookie's name has the prefix
`__Host-`, with which no other site, no sibling domain and no page without https can set it; any other cookie is then ignored.
"""

from __future__ import annotations

import hmac
import logging
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from starlette.types import Scope

from dlcore.folders import keep_once, make_own
from dlcore.limits import Limits

COOKIE = "playground_owner"
SECURE_COOKIE = f"__Host-{COOKIE}"
LIFETIME = 30 * 86_400  # Seconds since the last visit.
KEY_FILE = "cookies.key"
KEY_BYTES = 32
_NAMES = (COOKIE.encode(), SECURE_COOKIE.encode())
_SIGNED = re.compile(r"([\w-]{43})\.([\w-]{43})", re.ASCII)

_log = logging.getLogger(__name__)


def new_secret() -> str:
    """A signed secret for a browser that has none yet."""
    name = secrets.token_urlsafe(32)
    return f"{name}.{_sign(name)}"


def owner_of(cookies: Mapping[str, str]) -> str:
    """The browser's secret in these cookies, which have passed `recognise`; "" if there is none signed by this server."""
    # In Streamlit's AppTest, `cookies` is a mock that returns something else than text.
    return _check_signature(str(cookies.get(COOKIE, "")))


def recognise(scope: Scope, secure: bool) -> tuple[str, Scope]:
    """The browser's secret ("" without a valid one), and the request with that one alone, under a name that does not depend on https."""
    counts = (SECURE_COOKIE if secure else COOKIE).encode()
    lines = [value for name, value in scope["headers"] if name.lower() == b"cookie"]
    pairs = [pair.strip() for line in lines for pair in line.split(b";")]
    came = [
        value.strip().decode("latin-1")
        for name, _, value in (pair.partition(b"=") for pair in pairs)
        if name.strip() == counts
    ]
    # Several cookies may have this name, as another app on this host may use it: the first with a valid signature counts.
    owner = next(filter(None, map(_check_signature, came)), "")
    pairs = [pair for pair in pairs if pair and pair.partition(b"=")[0].strip() not in _NAMES]
    if owner:
        pairs.append(f"{COOKIE}={owner}".encode())
    headers = [(name, value) for name, value in scope["headers"] if name.lower() != b"cookie"]
    if pairs:
        headers.append((b"cookie", b"; ".join(pairs)))
    return owner, {**scope, "headers": headers}


def make_header(secret: str, path: str, secure: bool, claimed: bool) -> bytes:
    """The Set-Cookie header for this secret. `claimed`: the request says, through no trusted proxy, that it came over https."""
    if secure:
        name, path = SECURE_COOKIE, "/"  # Browsers accept a cookie with this prefix only for the path "/".
    else:
        name = COOKIE
    # HttpOnly: scripts cannot read it. SameSite: it is not sent from frames and forms of other sites.
    attributes = f"Path={path}; Max-Age={LIFETIME}; HttpOnly; SameSite=Lax"
    return f"{name}={secret}; {attributes}{'; Secure' if secure or claimed else ''}".encode()


def _check_signature(secret: str) -> str:
    found = _SIGNED.fullmatch(secret)
    return secret if found and hmac.compare_digest(_sign(found[1]), found[2]) else ""


def _sign(name: str) -> str:
    return urlsafe_b64encode(hmac.digest(_key(), name.encode(), "sha256")).decode().rstrip("=")


@cache
def _key() -> bytes:
    return read_key(Limits.from_environment().shelf)


def read_key(folder: Path) -> bytes:
    """The signing key in this folder, made if there is none; a key of this process alone if the folder cannot be written."""
    try:
        make_own(folder)
        found = keep_once(folder / KEY_FILE, secrets.token_bytes(KEY_BYTES))
        if len(found) == KEY_BYTES:
            return found
        why = "it is damaged"
    except OSError as error:
        why = error.strerror or type(error).__name__
    _log.warning("No key for cookies in %s: %s. Browsers are strangers again when the server ends.", folder, why)
    return secrets.token_bytes(KEY_BYTES)
