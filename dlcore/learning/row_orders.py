"""The order of the training rows in each epoch: what torch.randperm gives to one generator, epoch after epoch, drawn ahead if asked.

N training rows.
"""

from __future__ import annotations

from typing import Self

import numpy as np
import torch

AHEAD = 1 << 14  # numbers drawn ahead at most: those of 65 epochs of 250 rows


class RowOrders:
    """The present epoch's order, and the next ones. Its state is that of a generator which has drawn none but the orders up to now."""

    def __init__(self, generator: torch.Generator, rows: int, order: np.ndarray | None = None) -> None:
        """The generator draws the first order, unless that is given."""
        self._generator = generator
        self._rows = rows
        self._place = 0  # of the present order among those that are drawn
        self._drawn = self._draw(1) if order is None else order[None]  # (n, N) int64
        self._before = None  # The generator's state when it had drawn only the first of these; None if that is all.

    @property
    def present(self) -> np.ndarray:
        """(N,): the rows in the present epoch's order."""
        return self._drawn[self._place]

    def move(self, epochs: int = 1) -> None:
        """Go on to the order of a later epoch."""
        for _ in range(epochs):
            if self._place + 1 < len(self._drawn):
                self._place += 1
            else:
                self._have(self._draw(1))

    def look_ahead(self, epochs: int) -> np.ndarray:
        """(n, N): the orders of the present epoch and of the next ones, of at most so many together, but at least this one's."""
        left = len(self._drawn) - self._place
        if left == 1 and epochs > 1 and (more := min(epochs, AHEAD // self._rows)) > 0:
            before = self._generator.get_state()
            self._have(np.concatenate([self.present[None], self._draw(more)]))
            self._before = before
            left = len(self._drawn)
        return self._drawn[self._place : self._place + max(1, min(epochs, left - 1))]

    def fork(self, rows: int, seed: int | None = None) -> Self:
        """Orders of so many rows that go on from here, or begin anew with this seed; these ones stay as they are."""
        generator = self._at_present().clone_state()
        return type(self)(generator if seed is None else generator.manual_seed(seed), rows)

    def state(self) -> np.ndarray:
        """The generator's state now."""
        return self._at_present().get_state().numpy()

    def _at_present(self) -> torch.Generator:
        if self._before is None or self._place + 1 == len(self._drawn):
            return self._generator
        generator = torch.Generator()
        generator.set_state(self._before)
        for _ in range(self._place):
            torch.randperm(self._rows, generator=generator)
        return generator

    def _have(self, drawn: np.ndarray) -> None:
        self._drawn, self._place, self._before = drawn, 0, None

    def _draw(self, count: int) -> np.ndarray:
        drawn = torch.empty(count, self._rows, dtype=torch.int64)
        for order in drawn.unbind():
            torch.randperm(self._rows, generator=self._generator, out=order)
        return drawn.numpy()
