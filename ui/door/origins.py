"""Checks of the headers Host and Origin, for every request and every socket, before Streamlit's own.

Streamlit's own check looks up the server's address on the internet and blocks the event loop meanwhile, unless Origin and Host are
letter by letter the same. So a socket that is allowed is passed on with its Origin written like its Host.
"""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope
from streamlit import config
from streamlit.web.server.server_util import allowlisted_origins
from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

from ui.door.addresses import is_loopback

#: Methods that change nothing; a page of another site cannot read their answers.
HARMLESS = ("GET", "HEAD", "OPTIONS")
LONGEST = 300  # characters of a name and a port
PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def host_allowed(host: str | None, server: str | None, proxied: bool) -> bool:
    """Whether the server answers requests for this Host.

    `server.allowedHosts` lists the names. Without it, a server that listens on this computer alone answers only to the computer's own
    names: any other is that of a website that let its name point here, to reach what runs on its visitors' computers (DNS rebinding).
    `server` is the address at which the request arrived; `proxied`: a trusted proxy sent it.
    """
    if config.get_option("server.allowedHosts"):
        return is_host_allowed(host)
    at_home = is_local_name(config.get_option("server.address") or "") and (server is None or is_loopback(server))
    return host is None or proxied or not at_home or is_local_name(host)


def origin_allowed(origin: str | None, host: str | None, secure: bool = False) -> bool:
    """Whether a page of this Origin may ask: the Origin matches the Host, or the server's settings allow it.

    None is allowed: programs that are no browser send no Origin. `secure`: the browser certainly used https, so the Origin must too.
    """
    if origin is None or not config.get_option("server.enableCORS"):
        return True
    asking = _split(origin)
    if asking is None or asking.scheme not in PORTS:
        return False
    if any(
        _address_of(asking) == _address_of(named) for named in map(_split, allowlisted_origins()) if named is not None
    ):
        return True
    address = config.get_option("browser.serverAddress") if config.is_manually_set("browser.serverAddress") else None
    if address and asking.hostname == address.lower():
        return True
    asked = _split(f"{asking.scheme}://{host}") if host else None
    return asked is not None and _address_of(asking) == _address_of(asked) and (asking.scheme == "https" or not secure)


def as_of_here(scope: Scope) -> Scope:
    """The socket's scope with its Origin, if it has one, rewritten to match the Host, so that Streamlit's check passes at once."""
    headers = Headers(scope=scope)
    if "origin" not in headers:
        return scope
    origin = f"{urlsplit(headers['origin']).scheme or 'http'}://{headers.get('host', '')}"
    others = [(name, value) for name, value in scope["headers"] if name.lower() != b"origin"]
    return {**scope, "headers": [*others, (b"origin", origin.encode("latin-1"))]}


def is_local_name(host: str) -> bool:
    """Whether this host, with or without a port, is a name of the machine itself (localhost, a loopback address)."""
    return len(host) <= LONGEST and _is_local_name(host)


@lru_cache(maxsize=256)
def _is_local_name(host: str) -> bool:
    found = _split(f"http://{host}")
    name = ((found and found.hostname) or "").rstrip(".")
    return name == "localhost" or name.endswith(".localhost") or is_loopback(name)


def _split(origin: str) -> SplitResult | None:
    """The parts of an origin; None for text that is not one."""
    try:
        found = urlsplit(origin.strip())
        _ = found.port  # Raises ValueError for an invalid port.
    except ValueError:
        return None
    plain = found.hostname and "@" not in found.netloc and not (found.path.strip("/") or found.query or found.fragment)
    return found if plain else None


def _address_of(origin: SplitResult) -> tuple[str, int]:
    """Host and port. The scheme is left out: a proxy may speak https where the server speaks http."""
    return (origin.hostname or "").rstrip("."), origin.port or PORTS.get(origin.scheme, 0)
