"""Whose pages may ask, and under which name: judged here for every request and every socket, before Streamlit.

Streamlit's own judge looks the server's address up on the internet while everybody waits. It is asked only by sockets whose Origin
is their Host, letter by letter, which it lets pass before it looks anything up; so a socket that may come in is shown to it like that.
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

#: Methods that change nothing: what they answer, another site's page cannot read.
HARMLESS = ("GET", "HEAD", "OPTIONS")
LONGEST = 300  # characters of a name and a port
PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def host_allowed(host: str | None, server: str | None, proxied: bool) -> bool:
    """Whether the server answers to this name.

    `server.allowedHosts` says so. Without it, a server that listens to its own machine alone answers to that machine's own names:
    another name is that of a website which has let its name point here, to reach what its visitors' machines serve. `server` is the
    address that was asked, `proxied` says that a proxy asks which a setting names.
    """
    if config.get_option("server.allowedHosts"):
        return is_host_allowed(host)
    at_home = is_local_name(config.get_option("server.address") or "") and (server is None or is_loopback(server))
    return host is None or proxied or not at_home or is_local_name(host)


def origin_allowed(origin: str | None, host: str | None, secure: bool = False) -> bool:
    """Only pages of this server may ask: their Origin is the Host that they ask, or one that the server's settings name.

    Programs that are no browser send none. `secure`: the browser has certainly asked over https, so its pages came so too.
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
    """The same socket with its Origin, if it has one, as Streamlit likes it best."""
    headers = Headers(scope=scope)
    if "origin" not in headers:
        return scope
    origin = f"{urlsplit(headers['origin']).scheme or 'http'}://{headers.get('host', '')}"
    others = [(name, value) for name, value in scope["headers"] if name.lower() != b"origin"]
    return {**scope, "headers": [*others, (b"origin", origin.encode("latin-1"))]}


def is_local_name(host: str) -> bool:
    """Whether this names, with or without a port, the machine itself."""
    return len(host) <= LONGEST and _is_local_name(host)


@lru_cache(maxsize=256)
def _is_local_name(host: str) -> bool:
    found = _split(f"http://{host}")
    name = ((found and found.hostname) or "").rstrip(".")
    return name == "localhost" or name.endswith(".localhost") or is_loopback(name)


def _split(origin: str) -> SplitResult | None:
    """None for what is no origin."""
    try:
        found = urlsplit(origin.strip())
        _ = found.port  # Reading it checks it.
    except ValueError:
        return None
    plain = found.hostname and "@" not in found.netloc and not (found.path.strip("/") or found.query or found.fragment)
    return found if plain else None


def _address_of(origin: SplitResult) -> tuple[str, int]:
    """Host and port. The scheme is the proxy's business, which may speak https where the server does not."""
    return (origin.hostname or "").rstrip("."), origin.port or PORTS.get(origin.scheme, 0)
