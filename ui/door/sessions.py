"""Streamlit's sessions and their sockets; a timer ends a session whose socket has closed.

Streamlit by itself ends sessions that are too old only when another one disconnects; until then they hold their uploads in memory.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

from streamlit import runtime
from streamlit.runtime.caching import clear_session_data_cache, clear_session_resource_cache

EARLY = 0.95  # Share of the time that Streamlit keeps a session: later than that it cannot be ended any more.
MOST_LEAVING = 100  # Sessions without a socket. Beyond 128, Streamlit forgets the oldest without ending them.

#: Called with the id of the session that Streamlit begins or resumes in this task.
listener: ContextVar[Callable[[str], None] | None] = ContextVar("listener", default=None)


class Sessions:
    """The sessions there are, by id. All calls come from the event loop."""

    def __init__(self, seconds: float, forget: Callable[[str], None]) -> None:
        self._seconds = seconds * EARLY
        self._forget = forget
        self._sockets: dict[str, Any] = {}
        self._owners: dict[str, str] = {}  # Owner of each session without a socket; "" for all who keep no cookie.
        self._leaving: dict[str, asyncio.TimerHandle] = {}

    def __contains__(self, session: str) -> bool:
        return session in self._sockets or session in self._leaving

    def socket(self, session: str) -> Any:
        """The socket of this session; None while it has none."""
        return self._sockets.get(session)

    def enter(self, session: str, socket: Any) -> None:
        """Note that this socket now shows the session."""
        self._sockets[session] = socket
        if session in self._leaving:
            self._leaving.pop(session).cancel()
            del self._owners[session]

    def leave(self, session: str, socket: Any, owner: str = "") -> None:
        """Note that this socket has closed. Unless another one shows the session, it ends after a while if no page resumes it."""
        if self._sockets.get(session) is not socket:
            return
        del self._sockets[session]
        self._leaving[session] = asyncio.get_running_loop().call_later(self._seconds, self._end, session)
        self._owners[session] = owner
        if len(self._leaving) > MOST_LEAVING:
            self._end_one()

    def make_room(self, most: int, wanted: str = "") -> bool:
        """Whether the `wanted` session exists or a new one fits in `most`; ends sessions without a socket as far as that needs."""
        if wanted in self:
            return True
        while self._leaving and len(self._sockets) + len(self._leaving) >= most:
            self._end_one()
        return len(self._sockets) < most

    def _end_one(self) -> None:
        """End a session without a socket: of the owner who has most of them, the one that lost its socket first."""
        held = Counter(self._owners.values())
        self._end(max(self._leaving, key=lambda session: held[self._owners[session]]))

    def _end(self, session: str) -> None:
        self._leaving.pop(session).cancel()
        del self._owners[session]
        if runtime.exists() and not runtime.get_instance().is_active_session(session):
            # The event loop may be so late that Streamlit has already forgotten the session by itself. Then nothing of it was released,
            # and a script that was under way when its socket closed has leased its run anew.
            with suppress(KeyError):
                runtime.get_instance().close_session(session)
            clear_session_data_cache(session)
            clear_session_resource_cache(session)
        self._forget(session)


def listen() -> None:
    """Wrap `Runtime.connect_session` so that `listener` learns the id of a socket's session; Streamlit tells only the browser, later."""
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
