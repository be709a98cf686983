"""Waiting for what another process or thread does, no longer than it takes."""

from __future__ import annotations

import time
from collections.abc import Callable

#: Seconds after which something that should happen will not: other programs may hold all cores meanwhile.
PATIENCE = 60.0


def eventually(condition: Callable[[], object], within: float = PATIENCE) -> bool:
    """Whether the condition comes true in so many seconds."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return bool(condition())
