"""Logs: what this process writes has an end, and no line of it is written by somebody outside.

Every record passes one factory, whichever handler writes it in the end: Streamlit gives each of its modules a handler of its own,
also those that it imports later. A record that is one too many gets a level below that of every handler.
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

MOST = 20  # Records of one line of code, ...
MOST_FAILURES = 3  # ... or with a traceback, ...
WINDOW = 60.0  # ... in so many seconds.
LONGEST = 1000  # characters of a message
MOST_LINES = 60  # of a traceback: its beginning and its end
FIRST_LINES = 10
UNHEARD = logging.NOTSET - 1
#: What moves the cursor, ends a line or turns the direction of reading.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")

logger = logging.getLogger(__name__)
_traceback = logging.Formatter().formatException

Factory = Callable[..., logging.LogRecord]


@contextmanager
def bound(loop: asyncio.AbstractEventLoop) -> Iterator[Bounded]:
    """Bound what this process logs, and what asyncio says of failures, as long as this lasts."""
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
    """Say in a line that no connection can be taken; anything else as asyncio says it."""
    if "accept()" in context.get("message", ""):
        logger.error(
            "No connection can be taken: %s. Raise the limit of open files (ulimit -n).", context.get("exception")
        )
    else:
        loop.default_exception_handler(context)


def clean(said: str) -> str:
    """On one line, without what moves a cursor, and not endless."""
    shown = _CONTROLS.sub(lambda found: found.group().encode("unicode_escape").decode(), said[: LONGEST + 1].strip())
    return shown if len(said) <= LONGEST else f"{shown[:LONGEST]}… ({len(said):,} characters)"


@dataclass
class _Source:
    """A line of code that logs."""

    since: float
    name: str
    level: int
    records: int = 0
    left_out: int = 0
    last: str = ""


class Bounded:
    """A factory of records: the first of each line of code are written each minute, the others counted."""

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
        """A record, cleaned, or one that nobody hears."""
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
        except Exception:  # As logging does: what cannot be put together is shown in its parts.
            record.msg = clean(f"{msg!r} {args!r}")
        record.args = ()
        if record.exc_info and record.exc_info[0] is not None:
            record.exc_text = _indent(_traceback(record.exc_info))
        return record

    def report(self) -> None:
        """Begin anew for the lines of code whose minute is over, and log how many of their records were left out."""
        now = self._clock()
        with self._lock:
            over = {key: source for key, source in self._sources.items() if now - source.since >= WINDOW}
            for key in over:
                del self._sources[key]
        for source in over.values():
            if source.left_out:  # By their logger and at their level: heard if they would have been.
                logging.getLogger(source.name).log(
                    source.level, "%d more in the last minute like: %s", source.left_out, source.last
                )


def _find_exception(exc_info: Any) -> tuple[Any, ...]:
    """What was raised, and where: asyncio and uvicorn log the failures of everybody in one line of code."""
    if not exc_info or exc_info[0] is None:
        return ()
    traceback: TracebackType | None = exc_info[2]
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    where = (traceback.tb_frame.f_code.co_filename, traceback.tb_lineno) if traceback is not None else ()
    return exc_info[0], *where


def _indent(traceback: str) -> str:
    """A traceback of which no line can be taken for a record: exceptions quote what came from outside."""
    lines = [
        f"  {clean(line)}" if not line.startswith(" ") else f"  {_inside(line)}" for line in traceback.splitlines()
    ]
    if len(lines) > MOST_LINES:
        lines = [*lines[:FIRST_LINES], "  ...", *lines[FIRST_LINES - MOST_LINES :]]
    return "\n".join(lines)


def _inside(line: str) -> str:
    indent = len(line) - len(line.lstrip(" "))
    return " " * min(indent, LONGEST) + clean(line)
