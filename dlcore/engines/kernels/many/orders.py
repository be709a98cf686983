"""Permutations from random numbers, of many seeds in one call."""

from __future__ import annotations

from numba import int64, njit, types, uint32, uint64

from dlcore.engines.kernels.numerics import COMPILING, ZERO


@njit(types.void(uint32[:, ::1], int64[:, ::1]), **COMPILING)
def shuffle(draws, orders):
    """Fisher and Yates (1938): draws (S, N - 1), any 32 bits each, make `orders` (S, N) permutations, as torch.randperm would."""
    N = uint64(orders.shape[1])
    for seed in range(uint64(len(orders))):
        for i in range(N):
            orders[seed, i] = int64(i)
        for i in range(ZERO, N - uint64(1)):
            other = i + uint64(draws[seed, i]) % (N - i)
            orders[seed, i], orders[seed, other] = orders[seed, other], orders[seed, i]
