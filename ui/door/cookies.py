"""The cookie that says whose browser it is: a random secret that only this server can have made.

A secret that anybody could make up would make every limit worthless that is counted by it, so the server signs what it hands out. The
key of these signatures lies beside the kept runs, for all servers that share them. Where https is certain the cookie has the prefix
`__Host-`: no other site, no sibling domain and no page that came without https can set it, and only it counts there.
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
    """For a browser that has none yet."""
    name = secrets.token_urlsafe(32)
    return f"{name}.{_sign(name)}"


def owner_of(cookies: Mapping[str, str]) -> str:
    """The secret of the browser that sent these, as they are behind the door; "" if it has none that was made here."""
    # Streamlit's AppTest has no cookies, but something in their place.
    return _check_signature(str(cookies.get(COOKIE, "")))


def recognise(scope: Scope, secure: bool) -> tuple[str, Scope]:
    """The secret that came, and the same request with this secret alone, under the one name that it has behind the door."""
    counts = (SECURE_COOKIE if secure else COOKIE).encode()
    lines = [value for name, value in scope["headers"] if name.lower() == b"cookie"]
    pairs = [pair.strip() for line in lines for pair in line.split(b";")]
    came = [
        value.strip().decode("latin-1")
        for name, _, value in (pair.partition(b"=") for pair in pairs)
        if name.strip() == counts
    ]
    # Another app of this host may have set one of the same name.
    owner = next(filter(None, map(_check_signature, came)), "")
    pairs = [pair for pair in pairs if pair and pair.partition(b"=")[0].strip() not in _NAMES]
    if owner:
        pairs.append(f"{COOKIE}={owner}".encode())
    headers = [(name, value) for name, value in scope["headers"] if name.lower() != b"cookie"]
    if pairs:
        headers.append((b"cookie", b"; ".join(pairs)))
    return owner, {**scope, "headers": headers}


def make_header(secret: str, path: str, secure: bool, claimed: bool) -> bytes:
    """The header that makes a browser keep it. `claimed`: it says that it came over https, and no one vouches for that."""
    if secure:
        name, path = SECURE_COOKIE, "/"  # The prefix asks for it.
    else:
        name = COOKIE
    # Not for scripts, and not for other sites' frames and forms.
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
    """The key that all servers share which keep their runs there; one of this process's own where none can be kept."""
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
