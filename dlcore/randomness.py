"""Randomness is passed, not ambient: each use has a generator of its own, derived from the recipe's seed and the use's name."""

from __future__ import annotations

import zlib

import numpy as np


def derived_seed(seed: int, use: str) -> int:
    """A seed for one use ("data", "split", "weights", "order", "dropout"): a new batch size does not change the weights."""
    return int(np.random.SeedSequence([seed, zlib.crc32(use.encode())]).generate_state(1, np.uint64)[0] >> np.uint64(1))
