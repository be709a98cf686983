"""Rights: for which person this process works right now. It may read that person's tables, and what it stores belongs to them.

    with rights.working_for(mark):
        Trainer(experiment)

A mark names a person: a hash of the browser's secret (see dlcore/runs/server/entry.py). Where no mark is given, the machine's own user
works, on the command line or in a notebook: everything may be read, and everyone on this machine may read what is stored. A process
that works for others calls `work_for_others` when it starts: there, work without a mark reads only what everyone may read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

MACHINE = "*"  # The mark of this machine's own user.
NOBODY = ""

_named: ContextVar[str | None] = ContextVar("named", default=None)
_usual = MACHINE


def current_mark() -> str:
    """The mark of the person for whom this process works now."""
    named = _named.get()
    return _usual if named is None else named


@contextmanager
def working_for(mark: str) -> Iterator[None]:
    """Work inside this `with` block, in this thread or task, is done for the person with this mark."""
    before = _named.set(mark)
    try:
        yield
    finally:
        _named.reset(before)


def work_for_others() -> None:
    """From now on this process works for NOBODY, except inside `working_for`."""
    global _usual
    _usual = NOBODY
