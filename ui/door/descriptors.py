"""File descriptors: how many this process may have open, and how many of them are for connections."""

from __future__ import annotations

import resource
from contextlib import suppress

MOST = 65_536  # A connection costs some kilobytes: this many are more than a small server can hold anyway.
WISHES = (MOST, 10_240)  # macOS gives no more than the second, whatever its hard limit says.
OF_A_SESSION = 5  # Streamlit gives each an event loop, which has three; and there are two sockets.
ACCEPTED_AT_ONCE = (
    8  # In the time in which asyncio takes on a connection, it may accept so many turns' worth of others.
)


def raise_limit() -> int:
    """Raise the soft limit as far as this process may; what it is then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wish in WISHES:
        wanted = wish if hard == resource.RLIM_INFINITY else min(wish, hard)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            with suppress(ValueError, OSError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
                return wanted
    return read_limit()


def count_sessions(limit: int) -> int:
    """How many sessions so many are enough for."""
    return (limit - count_kept_free(limit)) // OF_A_SESSION


def read_limit() -> int:
    """How many this process may have open."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return MOST if soft == resource.RLIM_INFINITY else soft


def count_kept_free(limit: int) -> int:
    """How many of so many are never for connections, but for files, pipes, workers, and connections that are just being judged."""
    return max(limit // 8, min(limit // 4, 256))


def count_accepted_a_turn(limit: int) -> int:
    """How many connections may be accepted in one turn of the loop, so that those not judged yet fit into what is kept free."""
    return max(count_kept_free(limit) // ACCEPTED_AT_ONCE, 1)
