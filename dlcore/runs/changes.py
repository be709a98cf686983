"""Which entries of a run's frames have changed since a viewer's last one, so that a frame repeats nothing."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

import numpy as np


class Changes:
    """Numbers the frames of one run, and remembers with which of them each entry last changed.

    The numbers begin anywhere, so that a number of another worker, or of a run before, is not taken for one of these.
    """

    def __init__(self) -> None:
        self._first = self.number = secrets.randbelow(2**24)
        self._entries: dict[str, Any] = {}
        self._since: dict[str, int] = {}

    def note(self, entries: Mapping[str, Any]) -> int:
        """Take the entries of the next frame; returns its number."""
        self.number += 1
        for name, entry in entries.items():
            if name not in self._entries or not _are_equal(self._entries[name], entry):
                self._since[name] = self.number
        self._entries = dict(entries)
        return self.number

    def since(self, number: int | None) -> dict[str, Any]:
        """The entries of the latest frame that differ from those of the frame of this number; all of them if that is none of these."""
        if number is None or not self._first < number <= self.number:
            return dict(self._entries)
        return {name: entry for name, entry in self._entries.items() if self._since[name] > number}


def _are_equal(before: Any, now: Any) -> bool:
    if isinstance(before, np.ndarray) or isinstance(now, np.ndarray):
        same_kind = type(before) is type(now) and before.dtype == now.dtype
        return before is now or (same_kind and np.array_equal(before, now))
    return bool(before == now)
