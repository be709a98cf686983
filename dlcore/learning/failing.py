"""Failures that change nothing: objects that are as they were before a block of code that raised."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def unchanged_on_failure(*parts: object) -> Iterator[None]:
    """If the `with` block raises, these objects have the attributes that they had before it."""
    before = [vars(part).copy() for part in parts]
    try:
        yield
    except BaseException:
        for part, values in zip(parts, before, strict=True):
            vars(part).clear()
            vars(part).update(values)
        raise
