"""One wake-up at a time: what scripts say wakes the event loop once, not once a message.

A script says some dozen things. Each goes to the loop by `call_soon_threadsafe`, which writes a byte to a socket, and at each such
call to the system a thread lets go of the interpreter: where others compute, it has it back milliseconds later. A loop that has been
woken and has not looked yet needs no second byte.
"""

from __future__ import annotations

import asyncio


class Wakeups:
    """Stands between a loop and the byte that wakes it (asyncio's selector loop, `_write_to_self` and `_process_self_data`)."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._write = loop._write_to_self  # type: ignore[attr-defined]
        self._process = loop._process_self_data  # type: ignore[attr-defined]
        self._underway = False

    def write(self) -> None:
        """Called by any thread, after it has put down what the loop shall do."""
        if not self._underway:
            self._underway = True  # Two threads may both come here: then the loop is woken twice.
            self._write()

    def process(self, data: bytes) -> None:
        """Called by the loop with what was written. What is put down from here on wakes it again."""
        self._underway = False
        self._process(data)


def install(loop: asyncio.AbstractEventLoop) -> None:
    """Let this loop be woken so; another kind of loop is left as it is."""
    if hasattr(loop, "_write_to_self") and hasattr(loop, "_process_self_data"):
        wakeups = Wakeups(loop)
        loop._write_to_self, loop._process_self_data = wakeups.write, wakeups.process  # type: ignore[attr-defined]
