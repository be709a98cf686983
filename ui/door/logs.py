"""Limits on the log: how much is written a minute, and that text from outside cannot fake a line or control a terminal.

Every record passes one factory of records, since Streamlit gives each of its modules, also those imported later, a handler of its
own. A record beyond the limit gets a level below that of every handler, so that none writes it.
"""

from __future__ import annotations

import asyncio
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any

MOST = 20  # Records without a traceback that one line of code may write in WINDOW.
MOST_FAILURES = 3  # Records with a traceback of one exception that it may write in WINDOW.
WINDOW = 60.0  # Seconds.
LONGEST = 1000  # characters of a message
MOST_LINES = 60  # of a traceback: its beginning and its end
FIRST_LINES = 10
UNHEARD = logging.NOTSET - 1
#: Characters that move a terminal's cursor, end a line, are invisible or turn the direction of reading.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")

logger = logging.getLogger(__name__)
_traceback = logging.Formatter().formatException

Factory = Callable[..., logging.LogRecord]


@contextmanager
def bound(loop: asyncio.AbstractEventLoop) -> Iterator[Bounded]:
    """Limit what this process and asyncio log, for the time of the block."""
    factory, handler = logging.getLogRecordFactory(), loop.get_exception_handler()
    told = Bounded(factory)
    logging.setLogRecordFactory(told)
    loop.set_exception_handler(on_failure)
    try:
        yield told
    finally:
        loop.set_exception_handler(handler)
        logging.setLogRecordFactory(factory)


def on_failure(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log in one line that no connection can be accepted; any other failure as asyncio does."""
    if "accept()" in context.get("message", ""):
        logger.error(
            "No connection can be taken: %s. Raise the limit of open files (ulimit -n).", context.get("exception")
        )
    else:
        loop.default_exception_handler(context)


def clean(said: str) -> str:
    """The text on one line, control characters escaped, cut to LONGEST characters."""
    shown = _CONTROLS.sub(lambda found: found.group().encode("unicode_escape").decode(), said[: LONGEST + 1].strip())
    return shown if len(said) <= LONGEST else f"{shown[:LONGEST]}… ({len(said):,} characters)"


@dataclass
class _Source:
    """The records of one line of code in the present minute."""

    since: float
    name: str
    level: int
    records: int = 0
    left_out: int = 0
    last: str = ""


class Bounded:
    """A factory of log records: each minute the first records of each line of code are written, further ones only counted."""

    def __init__(self, factory: Factory = logging.LogRecord, clock: Callable[[], float] = time.monotonic) -> None:
        self._factory = factory
        self._clock = clock
        self._sources: dict[tuple[Any, ...], _Source] = {}
        self._lock = threading.Lock()

    def __call__(
        self,
        name: str,
        level: int,
        pathname: str,
        lineno: int,
        msg: Any,
        args: Any,
        exc_info: Any,
        *rest: Any,
        **named: Any,
    ) -> logging.LogRecord:
        """A record with cleaned text, or, beyond the limit, one at a level that no handler writes."""
        record = self._factory(name, level, pathname, lineno, msg, args, exc_info, *rest, **named)
        with self._lock:
            key = (pathname, lineno, *_find_exception(record.exc_info))
            source = self._sources.setdefault(key, _Source(self._clock(), name, level))
            source.records += 1
            if source.records > (MOST_FAILURES if record.exc_info else MOST):
                source.left_out += 1
                record.levelno = UNHEARD
                return record
        try:
            record.msg = source.last = clean(record.getMessage())
        except Exception:  # Message and arguments do not fit together: show both as they are.
            record.msg = clean(f"{msg!r} {args!r}")
        record.args = ()
        if record.exc_info and record.exc_info[0] is not None:
            record.exc_text = _indent(_traceback(record.exc_info))
        return record

    def report(self) -> None:
        """For each line of code whose minute is over, log how many of its records were left out, and count anew."""
        now = self._clock()
        with self._lock:
            over = {key: source for key, source in self._sources.items() if now - source.since >= WINDOW}
            for key in over:
                del self._sources[key]
        for source in over.values():
            if source.left_out:  # Their own logger and level: written only where the left out records would have been.
                logging.getLogger(source.name).log(
                    source.level, "%d more in the last minute like: %s", source.left_out, source.last
                )


def _find_exception(exc_info: Any) -> tuple[Any, ...]:
    """Type and origin of the exception, to count failures apart that asyncio and uvicorn log from one line of code; () for none."""
    if not exc_info or exc_info[0] is None:
        return ()
    traceback: TracebackType | None = exc_info[2]
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    where = (traceback.tb_frame.f_code.co_filename, traceback.tb_lineno) if traceback is not None else ()
    return exc_info[0], *where


def _indent(traceback: str) -> str:
    """The traceback, cleaned and each line indented, so that text from outside that it quotes cannot look like a log record."""
    lines = [
        f"  {clean(line)}" if not line.startswith(" ") else f"  {_inside(line)}" for line in traceback.splitlines()
    ]
    if len(lines) > MOST_LINES:
        lines = [*lines[:FIRST_LINES], "  ...", *lines[FIRST_LINES - MOST_LINES :]]
    return "\n".join(lines)


def _inside(line: str) -> str:
    indent = len(line) - len(line.lstrip(" "))
    return " " * min(indent, LONGEST) + clean(line)
