"""Presses on download buttons: on whose behalf a file is made, what making it may ask of desks and runs, how many at once."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from dlcore.desks.job import Job
from dlcore.problems import Problem
from ui import live, messages, session
from ui.downloads import NotMade

MOST_OF_AN_OWNER = 8  # Files being made at once for one owner: one of each kind.
MOST_OF_NOBODY = 64  # The same for all without a cookie together.
PATIENCE = 150.0  # Seconds that a file may wait for a desk and be made there; a browser gives up after 180.
# Seconds after which a failure is also shown on the page: the button shows it for five, and the reader may have looked away.
NOTICED = 3.0

_log = logging.getLogger(__name__)
_making: Counter[str] = Counter()  # Files being made, by owner.
_lock = threading.Lock()


@dataclass(frozen=True)
class Press:
    """Asks runs and desks on behalf of whoever pressed, who was known when the page was drawn."""

    owner: str
    reader: str
    page: str
    follow: Callable[[Job], None] | None = None  # Given each job of a desk that makes the file.

    def checkpoint(self, token: str) -> bytes:
        """A checkpoint of the run, for a desk. Raises Problem before it is fetched if no desk would take the job."""
        live.desks().check(self.owner)
        return live.pool().call(token, "checkpoint")[1]

    def ask(self, do: str, payload: bytes, **arguments: Any) -> bytes:
        """The payload that a desk makes of this one."""
        whose = {"owner": self.owner, "reader": self.reader, "page": self.page}
        return live.desks().ask(do, payload, **whose, patience=PATIENCE, follow=self.follow, **arguments)[1]


def make_at_press(
    state: session.Session, make: Callable[[Press], bytes], follow: Callable[[Job], None] | None = None
) -> Callable[[], bytes]:
    """The function for `st.download_button` to call at a press. Call this while the page is drawn: at the press the owner is unknown.

    `follow` is given each job of a desk that makes the file.
    """
    by = Press(**session.name_owner(state.visit), follow=follow)

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
    """Count one file of this owner for the time of the block. Raises Problem if as many as allowed are being made."""
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
