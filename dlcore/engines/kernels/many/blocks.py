"""Matrix products whose elements are vectors, a lane a seed: in LLVM's own words, as the compiler would not find the vectors by itself."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types, uint64
from numba.core import cgutils
from numba.extending import intrinsic

from dlcore.engines.kernels.numerics import VECTOR, ZERO, compiled

LANES, ONE = uint64(VECTOR), uint64(1)
_VECTOR = ir.VectorType(ir.FloatType(), VECTOR)
_ALIGNED = 4  # bytes: an array of numpy begins anywhere
_MATRICES = {"C": 0, "S": 4, "A": 7, "B": 11}  # where the arrays stand among the arguments


def _block(rows: int, columns: int) -> Any:
    """C_ij = S_i + sum over l of A_il B_lj for so many i and j, whose sums stay in the processor's registers.

    All places and distances are counted in vectors: C_ij stands at c + i * ci + j * cj, and so on.
    """

    @intrinsic
    def block(context, C, c, ci, cj, S, s, si, A, a, ai, al, B, b, bl, bj, L):
        def generate(context, builder, signature, arguments):
            pointers = {}
            for name, at in _MATRICES.items():
                array = context.make_array(signature.args[at])(context, builder, arguments[at])
                pointers[name] = builder.bitcast(array.data, _VECTOR.as_pointer())
            _, c, ci, cj, _, s, si, _, a, ai, al, _, b, bl, bj, L = arguments

            def element(name, place):
                return builder.gep(pointers[name], [place])

            def load(name, place):
                return builder.load(element(name, place), align=_ALIGNED)

            def places(start, distance, count):
                found = [start]
                while len(found) < count:
                    found.append(builder.add(found[-1], distance))
                return found

            sums = [[cgutils.alloca_once(builder, _VECTOR) for _ in range(columns)] for _ in range(rows)]
            for row, place in zip(sums, places(s, si, rows), strict=True):
                start = load("S", place)
                for total in row:
                    builder.store(start, total)
            with cgutils.for_range(builder, L, intp=L.type) as loop:
                right = places(builder.add(b, builder.mul(loop.index, bl)), bj, columns)
                values = [load("B", place) for place in right]
                left = places(builder.add(a, builder.mul(loop.index, al)), ai, rows)
                for row, place in zip(sums, left, strict=True):
                    factor = load("A", place)
                    for total, value in zip(row, values, strict=True):
                        builder.store(builder.fadd(builder.load(total), builder.fmul(factor, value)), total)
            for row, first in zip(sums, places(c, ci, rows), strict=True):
                for total, place in zip(row, places(first, cj, columns), strict=True):
                    builder.store(builder.load(total), element("C", place), align=_ALIGNED)
            return context.get_dummy_value()

        return types.void(C, c, ci, cj, S, s, si, A, a, ai, al, B, b, bl, bj, L), generate

    return block


# Eight sums and what they are made from fill the sixteen registers of a processor with AVX2.
_TWO, _FOUR = uint64(2), uint64(4)
_four_by_two, _four_by_one, _one_by_two, one_by_one = _block(4, 2), _block(4, 1), _block(1, 2), _block(1, 1)


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


_NOTHING, _UNIT = np.zeros(VECTOR, np.float32), np.ones(VECTOR, np.float32)


@compiled
def products(C, c, ci, cj, A, a, ai, al, B, b, bl, bj, M, J, L):
    """C_ij = sum over l < L of A_il B_lj."""
    product(C, c, ci, cj, _NOTHING, ZERO, ZERO, A, a, ai, al, B, b, bl, bj, M, J, L)


@compiled
def add_up(C, c, B, b, M, L):
    """C_i = sum over l < L of B_il, side by side in both."""
    for i in range(M):
        one_by_one(C, c + i, ONE, ONE, _NOTHING, ZERO, ZERO, _UNIT, ZERO, ZERO, ZERO, B, b + i * L, ONE, ZERO, L)
