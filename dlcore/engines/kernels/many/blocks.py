"""Matrix products whose elements are vectors, a lane a seed."""

from __future__ import annotations

import numpy as np
from numba import uint64

from dlcore.engines.kernels.blocks import ONE, block
from dlcore.engines.kernels.numerics import ZERO, compiled

SEEDS = 8  # lanes of float32 in a 256-bit register
LANES = uint64(SEEDS)

# Eight sums and what they are made from fill the sixteen registers of a processor with AVX2.
_TWO, _FOUR = uint64(2), uint64(4)
_four_by_two, _four_by_one, _one_by_two, one_by_one = (
    block(4, 2, SEEDS),
    block(4, 1, SEEDS),
    block(1, 2, SEEDS),
    block(1, 1, SEEDS),
)


@compiled
def product(C, c, ci, cj, S, s, si, A, a, ai, al, B, b, bl, bj, M, J, L):
    """C_ij = S_i + sum over l < L of A_il B_lj, for i < M and j < J, block by block."""
    i = ZERO
    while i < M:
        tall = M - i >= _FOUR
        j = ZERO
        while j < J:
            to, of = c + j * cj, b + j * bj
            if J - j >= _TWO:
                if tall:
                    _four_by_two(C, to, ci, cj, S, s, si, A, a, ai, al, B, of, bl, bj, L)
                else:
                    _one_by_two(C, to, ci, cj, S, s, si, A, a, ai, al, B, of, bl, bj, L)
                j += _TWO
            else:
                if tall:
                    _four_by_one(C, to, ci, cj, S, s, si, A, a, ai, al, B, of, bl, bj, L)
                else:
                    one_by_one(C, to, ci, cj, S, s, si, A, a, ai, al, B, of, bl, bj, L)
                j += ONE
        done = _FOUR if tall else ONE
        i += done
        c += done * ci
        s += done * si
        a += done * ai


_NOTHING, _UNIT = np.zeros(SEEDS, np.float32), np.ones(SEEDS, np.float32)


@compiled
def products(C, c, ci, cj, A, a, ai, al, B, b, bl, bj, M, J, L):
    """C_ij = sum over l < L of A_il B_lj."""
    product(C, c, ci, cj, _NOTHING, ZERO, ZERO, A, a, ai, al, B, b, bl, bj, M, J, L)


@compiled
def add_up(C, c, B, b, M, L):
    """C_i = sum over l < L of B_il, side by side in both."""
    for i in range(M):
        one_by_one(C, c + i, ONE, ONE, _NOTHING, ZERO, ZERO, _UNIT, ZERO, ZERO, ZERO, B, b + i * L, ONE, ZERO, L)
