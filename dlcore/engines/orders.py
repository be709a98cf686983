"""The orders of rows of many seeds, epoch after epoch: those of torch.randperm, without a call a seed.

N rows, S seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType

import numpy as np
import torch

DRAWN_AHEAD = 1 << 14  # numbers a seed: a call for each epoch would take as long as the training


class Orders:
    """Draws the orders that a generator of each of these seeds would give.

    torch.Generator on the CPU and numpy's RandomState are the same Mersenne Twister (Matsumoto and Nishimura, 1998). Whether torch
    still makes permutations of it as `shuffle` does is checked in the first epoch, which both draw; if not, torch goes on drawing.
    """

    def __init__(self, many: ModuleType, seeds: Sequence[int], rows: int) -> None:
        self._shuffle = many.orders.shuffle
        self._rows = rows
        self._generators: list[torch.Generator] | None = [torch.Generator().manual_seed(seed) for seed in seeds]
        self._twisters = [np.random.RandomState(seed & 0xFFFFFFFF) for seed in seeds]
        self._ahead = max(1, DRAWN_AHEAD // max(1, rows - 1))
        self._drawn = np.empty((self._ahead, len(seeds), rows - 1), np.uint32)
        self._epoch = 0
        self._compared = False

    @property
    def is_quick(self) -> bool:
        """Whether orders are drawn without torch, after they were seen to be the same."""
        return self._generators is None

    def draw(self) -> np.ndarray:
        """(S, N): the orders of the next epoch."""
        if self._generators is None:
            return self._draw()
        orders = np.stack([torch.randperm(self._rows, generator=generator).numpy() for generator in self._generators])
        if not self._compared:
            self._compared = True
            if np.array_equal(orders, self._draw()):
                self._generators = None
        return orders

    def _draw(self) -> np.ndarray:
        epoch_in_block = self._epoch % self._ahead
        if epoch_in_block == 0:
            shape = (self._ahead, self._rows - 1)
            for seed, twister in enumerate(self._twisters):
                self._drawn[:, seed] = twister.randint(0, 1 << 32, shape, np.uint32)
        self._epoch += 1
        orders = np.empty((len(self._twisters), self._rows), np.int64)
        self._shuffle(self._drawn[epoch_in_block], orders)
        return orders
