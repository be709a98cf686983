"""Wakes the event loop once for many messages of scripts, not once for each.

A script sends some dozen messages. Each goes to the event loop by `call_soon_threadsafe`, which writes a byte to a socket. At such a
system call the thread gives up the interpreter, and if others compute it gets it back only milliseconds later. A loop that was woken
and has not read that byte yet needs no second one.
"""

from __future__ import annotations

import asyncio


class Wakeups:
    """Replaces the two methods by which asyncio's selector loop is woken: `_write_to_self` and `_process_self_data`."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._write = loop._write_to_self  # type: ignore[attr-defined]
        self._process = loop._process_self_data  # type: ignore[attr-defined]
        self._underway = False

    def write(self) -> None:
        """Wake the loop, unless a wake-up is under way. Called by any thread, after it has queued a callback."""
        if not self._underway:
            # No lock: if two threads come here at once, the loop is woken twice, which does no harm.
            self._underway = True
            self._write()

    def process(self, data: bytes) -> None:
        """Called by the loop with the bytes written. Callbacks queued from here on wake it again."""
        self._underway = False
        self._process(data)


def install(loop: asyncio.AbstractEventLoop) -> None:
    """Install this in a loop; a loop without these methods is left as it is."""
    if hasattr(loop, "_write_to_self") and hasattr(loop, "_process_self_data"):
        wakeups = Wakeups(loop)
        loop._write_to_self, loop._process_self_data = wakeups.write, wakeups.process  # type: ignore[attr-defined]
