"""The press of a button that makes a file: whose it is, what it may ask of desks and runs, and how many there may be at once."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from dlcore.problems import Problem
from ui import live, messages, session
from ui.downloads import NotMade

MOST_OF_AN_OWNER = 8  # Files in the making at once: one of each kind.
MOST_OF_NOBODY = 64  # The same of all who come without a cookie.
PATIENCE = 150.0  # Seconds that a file may wait for a desk and be made there; a browser gives up after 180.
NOTICED = 3.0  # Seconds after which somebody may no longer look at the button, which shows a sentence for five.

_log = logging.getLogger(__name__)
_making: Counter[str] = Counter()  # Files in the making, by owner.
_lock = threading.Lock()


@dataclass(frozen=True)
class Press:
    """What a press may ask of others. Whose it is was known when the page was drawn."""

    owner: str
    reader: str
    page: str

    def checkpoint(self, token: str) -> bytes:
        """The run as it stands now, for a desk; not fetched where no desk would take it."""
        live.desks().check(self.owner)
        return live.pool().call(token, "checkpoint")[1]

    def ask(self, do: str, payload: bytes, **arguments: Any) -> bytes:
        """What a desk makes of it."""
        whose = {"owner": self.owner, "reader": self.reader, "page": self.page}
        return live.desks().ask(do, payload, **whose, patience=PATIENCE, **arguments)[1]


def make_at_press(state: session.Session, make: Callable[[Press], bytes]) -> Callable[[], bytes]:
    """What `st.download_button` calls at a press. To be called while the page is drawn: later nobody knows whose page it is."""
    by = Press(**session.name_owner(state.visit))

    def press() -> bytes:
        begun = time.monotonic()
        try:
            with _take_slot(by.owner):
                return make(by)
        except Problem as found:
            problem = found
        except Exception:
            _log.exception("A file could not be made.")
            problem = Problem("internal")
        if time.monotonic() - begun > NOTICED:
            state.problems.append(problem)
        raise NotMade(messages.sentence(state.language, problem))

    return press


@contextmanager
def _take_slot(owner: str) -> Iterator[None]:
    """Take one of the slots that this owner has for the time of the block. Raises Problem when they are taken."""
    most = MOST_OF_AN_OWNER if owner else MOST_OF_NOBODY
    with _lock:
        if _making[owner] >= most:
            raise Problem("downloads_busy", limit=most)
        _making[owner] += 1
    try:
        yield
    finally:
        with _lock:
            _making[owner] -= 1
            if not _making[owner]:
                del _making[owner]
