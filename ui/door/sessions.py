"""Streamlit's sessions and the sockets that they have; one whose socket has gone ends by a timer.

Streamlit looks for sessions that are too old only when another one goes; until then they keep what was uploaded to them.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

from streamlit import runtime

EARLY = 0.95  # Of the time that Streamlit keeps a session: after it, it does not find it any more itself.
MOST_LEAVING = 100  # Beyond 128 it forgets the oldest, without ending them.

#: Who hears the id of the session that is begun or found again in this task.
listener: ContextVar[Callable[[str], None] | None] = ContextVar("listener", default=None)


class Sessions:
    """Which sessions there are, by their id; to be used on the event loop."""

    def __init__(self, seconds: float, forget: Callable[[str], None]) -> None:
        self._seconds = seconds * EARLY
        self._forget = forget
        self._sockets: dict[str, Any] = {}
        self._owners: dict[str, str] = {}  # Of the sessions that have no socket; "" is all who keep no cookie.
        self._leaving: dict[str, asyncio.TimerHandle] = {}

    def __contains__(self, session: str) -> bool:
        return session in self._sockets or session in self._leaving

    def socket(self, session: str) -> Any:
        """The one that shows this session; None while there is none."""
        return self._sockets.get(session)

    def enter(self, session: str, socket: Any) -> None:
        """Note that a session is shown by this socket from now on."""
        self._sockets[session] = socket
        if session in self._leaving:
            self._leaving.pop(session).cancel()
            del self._owners[session]

    def leave(self, session: str, socket: Any, owner: str = "") -> None:
        """The owner's socket has gone. Unless another one shows the session, it has a while to be found again."""
        if self._sockets.get(session) is not socket:
            return
        del self._sockets[session]
        self._leaving[session] = asyncio.get_running_loop().call_later(self._seconds, self._end, session)
        self._owners[session] = owner
        if len(self._leaving) > MOST_LEAVING:
            self._end_one()

    def make_room(self, most: int, wanted: str = "") -> bool:
        """Whether one more may begin where there may be so many, or the `wanted` one go on; for it sessions without a socket end."""
        if wanted in self:
            return True
        while self._leaving and len(self._sockets) + len(self._leaving) >= most:
            self._end_one()
        return len(self._sockets) < most

    def _end_one(self) -> None:
        """Of whoever has most of those without a socket, the one that lost it first."""
        held = Counter(self._owners.values())
        self._end(max(self._leaving, key=lambda session: held[self._owners[session]]))

    def _end(self, session: str) -> None:
        self._leaving.pop(session).cancel()
        del self._owners[session]
        if runtime.exists() and not runtime.get_instance().is_active_session(session):
            with suppress(
                KeyError
            ):  # This loop was late by more than EARLY allows, and Streamlit has forgotten it by itself.
                runtime.get_instance().close_session(session)
        self._forget(session)


def listen() -> None:
    """Let Streamlit's runtime say which session a socket is given. It says so to nobody but the browser, and late."""
    if not runtime.exists() or hasattr(runtime.get_instance(), "_listened_to"):
        return
    serving = runtime.get_instance()
    connect = serving.connect_session

    def connect_and_tell(*arguments: Any, **named: Any) -> str:
        session = connect(*arguments, **named)
        if (tell := listener.get()) is not None:
            tell(session)
        return session

    setattr(serving, "connect_session", connect_and_tell)  # noqa: B010
    setattr(serving, "_listened_to", True)  # noqa: B010
