"""Rights: for whom this process works at the moment: whose tables it may read, and to whom those belong that it keeps.

    with rights.working_for(mark):
        Trainer(experiment)

A mark is a hash of a browser's secret (see dlcore/runs/server/entry.py). Where none is named, it is this machine's own user who works,
on the command line or in a notebook: everything may be read, and what is kept is for everyone on this machine. A process that works
for others says so when it starts; there, work for nobody reads only what is for everyone.
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
    """The mark of whom this process works for now."""
    named = _named.get()
    return _usual if named is None else named


@contextmanager
def working_for(mark: str) -> Iterator[None]:
    """What is done meanwhile, in this thread or task, is done for them."""
    before = _named.set(mark)
    try:
        yield
    finally:
        _named.reset(before)


def work_for_others() -> None:
    """From now on this process works for nobody unless it says for whom."""
    global _usual
    _usual = NOBODY
