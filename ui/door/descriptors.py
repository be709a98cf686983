"""File descriptors: how many this process may have open, and how many of them are for connections."""

from __future__ import annotations

import resource
from contextlib import suppress

MOST = 65_536  # A connection takes some kilobytes: more than so many would not fit into a small server's memory.
WISHES = (MOST, 10_240)  # Limits to try in turn: macOS refuses more than the second, whatever its hard limit says.
OF_A_SESSION = 5  # Descriptors: two sockets, and three of the event loop that Streamlit makes for each session.
# Turns of the event loop in which asyncio may accept further connections before the first of them is judged.
ACCEPTED_AT_ONCE = 8


def raise_limit() -> int:
    """Raise this process's soft limit on open descriptors as far as allowed; returns the new limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wish in WISHES:
        wanted = wish if hard == resource.RLIM_INFINITY else min(wish, hard)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            with suppress(ValueError, OSError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
                return wanted
    return read_limit()


def count_sessions(limit: int) -> int:
    """The number of sessions for which so many descriptors suffice."""
    return (limit - count_kept_free(limit)) // OF_A_SESSION


def read_limit() -> int:
    """The number of descriptors that this process may have open."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return MOST if soft == resource.RLIM_INFINITY else soft


def count_kept_free(limit: int) -> int:
    """How many of so many descriptors are reserved for files, pipes, workers, and connections accepted but not yet counted or refused."""
    return max(limit // 8, min(limit // 4, 256))


def count_accepted_a_turn(limit: int) -> int:
    """Connections to accept in one turn of the event loop, so that those not yet counted or refused fit into the reserve."""
    return max(count_kept_free(limit) // ACCEPTED_AT_ONCE, 1)
