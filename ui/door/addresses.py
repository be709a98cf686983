"""From which address a request comes: the socket's other end, or the client that a trusted proxy names. A setting lists these proxies.

DLCORE_PROXIES=10.0.0.5,172.30.251.0/24 streamlit run app.py
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from starlette.datastructures import Headers
from starlette.types import Receive, Scope

from dlcore.problems import Problem

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

VARIABLE = "DLCORE_PROXIES"
#: Headers that proxies add. A request with one of them comes from another machine, even if the proxy runs on this one.
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")
LONGEST = 64  # characters of an address
HOME_NETWORK = 64  # Bits of an IPv6 address that a household or a school is given; the rest it chooses freely.


@dataclass(frozen=True)
class Proxies:
    """The trusted proxies: if one of them names the client for whom it asks, that client counts as the sender."""

    networks: tuple[Network, ...] = ()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Proxies:
        """The proxies listed in DLCORE_PROXIES. Raises Problem for an entry that is neither an address nor a network."""
        named = filter(None, (part.strip() for part in environment.get(VARIABLE, "").split(",")))
        return cls(tuple(map(_network, named)))

    def __contains__(self, address: str) -> bool:
        found = parse_address(address)
        return found is not None and any(found in network for network in self.networks)

    def client(self, peer: str, forwarded: Iterable[str]) -> str:
        """The sender's address: the peer's or, if that is a trusted proxy, the last forwarded address that is no trusted proxy."""
        entries = [entry.strip() for line in forwarded for entry in line.split(",")]
        asking = peer
        while asking in self and entries:
            found = parse_address(_without_port(entries.pop()))
            if found is None:
                break  # Not an address, so the entries further left, by the same writer, are not believed.
            asking = str(found)
        return asking


def find_peer(scope: Scope, receive: Receive) -> str:
    """The address of the socket's other end; "" where it has none.

    The scope is not used where the socket is known: uvicorn fills it from a header that any program of this machine can set.
    """
    transport = getattr(getattr(receive, "__self__", None), "transport", None)
    peer = scope.get("client") if transport is None else transport.get_extra_info("peername")
    return str(peer[0]) if peer else ""


def find_home(address: str) -> str:
    """The name under which an address is counted: its network for IPv6, of which one client may have many addresses; else itself."""
    found = parse_address(address)
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, HOME_NETWORK), strict=False))
    return address if found is None else str(found)


def is_loopback(address: str) -> bool:
    """Whether the address is a loopback address, so that the sender is on this machine."""
    found = parse_address(address)
    return found is not None and found.is_loopback


def is_forwarded(headers: Headers) -> bool:
    """Whether the headers tell that a proxy passed the request on; a proxy that adds none is not noticed."""
    return any(name in headers for name in FORWARDED)


def parse_address(text: str) -> Address | None:
    """The address in this text, None if it holds none; an IPv4 address in IPv6 notation is given as IPv4."""
    return _parse(text) if len(text) <= LONGEST else None


@lru_cache(maxsize=1024)  # Each request parses the same address several times.
def _parse(text: str) -> Address | None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        expected = "addresses or networks with commas between, such as 10.0.0.5,172.30.251.0/24"
        raise Problem("bad_setting", name=VARIABLE, expected=expected, came=text) from None


def _without_port(entry: str) -> str:
    """The address of "address", "address:port" or "[address]:port"."""
    if entry.startswith("["):
        return entry[1:].partition("]")[0]
    return entry.partition(":")[0] if entry.count(":") == 1 else entry
