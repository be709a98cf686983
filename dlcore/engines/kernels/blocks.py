"""Matrix products over vectors of the processor, in LLVM's own words, as the compiler would not find the vectors by itself."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types, uint64
from numba.core import cgutils
from numba.extending import intrinsic

from dlcore.engines.kernels.numerics import VECTOR, ZERO, inlined

LANES, ONE = uint64(VECTOR), uint64(1)
_PLACE = ir.IntType(32)
_ALIGNED = 4  # bytes: an array of numpy begins anywhere
_QUARTET = ir.VectorType(ir.FloatType(), 4)
_MATRICES = {"C": 0, "S": 4, "A": 7, "B": 11}  # where the arrays stand among the arguments


def block(rows: int, columns: int, lanes: int, numbers: str = "") -> Any:
    """C_ij = S_i + sum over l of A_il B_lj for so many i and j, whose sums stay in the processor's registers.

    The elements are vectors of so many lanes, but for those of the matrices named in `numbers`: single numbers, which count for every
    lane. Places and distances are counted in elements: C_ij stands at c + i * ci + j * cj, and so on.
    """
    vector = ir.VectorType(ir.FloatType(), lanes)

    @intrinsic
    def multiply(context, C, c, ci, cj, S, s, si, A, a, ai, al, B, b, bl, bj, L):
        def generate(context, builder, signature, arguments):
            pointers = {}
            for name, at in _MATRICES.items():
                data = context.make_array(signature.args[at])(context, builder, arguments[at]).data
                pointers[name] = data if name in numbers else builder.bitcast(data, vector.as_pointer())
            _, c, ci, cj, _, s, si, _, a, ai, al, _, b, bl, bj, L = arguments

            def element(name, place):
                return builder.gep(pointers[name], [place])

            def load(name, place):
                value = builder.load(element(name, place), align=_ALIGNED)
                return _repeat(builder, value, vector) if name in numbers else value

            sums = [[cgutils.alloca_once(builder, vector) for _ in range(columns)] for _ in range(rows)]
            for row, place in zip(sums, _places(builder, s, si, rows), strict=True):
                start = load("S", place)
                for total in row:
                    builder.store(start, total)
            with cgutils.for_range(builder, L, intp=L.type) as loop:
                right = _places(builder, builder.add(b, builder.mul(loop.index, bl)), bj, columns)
                values = [load("B", place) for place in right]
                left = _places(builder, builder.add(a, builder.mul(loop.index, al)), ai, rows)
                for row, place in zip(sums, left, strict=True):
                    factor = load("A", place)
                    for total, value in zip(row, values, strict=True):
                        builder.store(builder.fadd(builder.load(total), builder.fmul(factor, value)), total)
            for row, first in zip(sums, _places(builder, c, ci, rows), strict=True):
                for total, place in zip(row, _places(builder, first, cj, columns), strict=True):
                    builder.store(builder.load(total), element("C", place), align=_ALIGNED)
            return context.get_dummy_value()

        return types.void(C, c, ci, cj, S, s, si, A, a, ai, al, B, b, bl, bj, L), generate

    return multiply


def _places(builder: Any, start: Any, distance: Any, count: int) -> list[Any]:
    """So many places at this distance from one another."""
    found = [start]
    while len(found) < count:
        found.append(builder.add(found[-1], distance))
    return found


def _repeat(builder: Any, number: Any, vector: Any) -> Any:
    """A vector with this number in every lane."""
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), number, ir.Constant(_PLACE, 0))
    return _pick(builder, one, one, [0] * vector.count)


def _pick(builder: Any, one: Any, other: Any, lanes: list[int]) -> Any:
    """These lanes of two vectors side by side."""
    return builder.shuffle_vector(one, other, ir.Constant(ir.VectorType(_PLACE, len(lanes)), lanes))


def dots(rows: int, columns: int, lanes: int) -> Any:
    """G_ij = sum over all lanes of A_i B_j, for so many i and j: one i and four j, four i and one j, or one of both.

    A_i and B_j are L vectors of so many lanes. G_ij stands at g + i * gi + j, counted in numbers; A_i begins at a + i * ai, its vectors
    side by side; B_j begins at b + j * bj, its vectors at the distance bl; counted in vectors.
    """
    vector = ir.VectorType(ir.FloatType(), lanes)

    @intrinsic
    def add_products(context, G, g, gi, A, a, ai, B, b, bj, bl, L):
        def generate(context, builder, signature, arguments):
            to, *of = (context.make_array(signature.args[at])(context, builder, arguments[at]).data for at in (0, 3, 6))
            of_A, of_B = (builder.bitcast(data, vector.as_pointer()) for data in of)
            _, g, gi, _, a, ai, _, b, bj, bl, L = arguments
            sums = [[cgutils.alloca_once(builder, vector) for _ in range(columns)] for _ in range(rows)]
            for total in (total for row in sums for total in row):
                builder.store(ir.Constant(vector, [0.0] * lanes), total)
            with cgutils.for_range(builder, L, intp=L.type) as loop:
                right = _places(builder, builder.add(b, builder.mul(loop.index, bl)), bj, columns)
                values = [builder.load(builder.gep(of_B, [place]), align=_ALIGNED) for place in right]
                for row, place in zip(sums, _places(builder, builder.add(a, loop.index), ai, rows), strict=True):
                    factor = builder.load(builder.gep(of_A, [place]), align=_ALIGNED)
                    for total, value in zip(row, values, strict=True):
                        builder.store(builder.fadd(builder.load(total), builder.fmul(factor, value)), total)
            totals = [[builder.load(total) for total in row] for row in sums]
            for row, place in zip(totals, _places(builder, g, gi, rows), strict=True):
                if columns == 4:
                    quartet = builder.bitcast(builder.gep(to, [place]), _QUARTET.as_pointer())
                    builder.store(_add_lanes(builder, *row), quartet, align=_ALIGNED)
            if columns == 1:
                sums_of_lanes = _add_lanes(builder, *(totals[row % rows][0] for row in range(4)))
                for row, place in enumerate(_places(builder, g, gi, rows)):
                    builder.store(
                        builder.extract_element(sums_of_lanes, ir.Constant(_PLACE, row)), builder.gep(to, [place])
                    )
            return context.get_dummy_value()

        return types.void(G, g, gi, A, a, ai, B, b, bj, bl, L), generate

    return add_products


def _add_lanes(builder: Any, *four: Any) -> Any:
    """The sums of the lanes of four vectors, side by side."""
    while (lanes := four[0].type.count) > 8:
        low, high = list(range(lanes // 2)), list(range(lanes // 2, lanes))
        four = tuple(builder.fadd(_pick(builder, one, one, low), _pick(builder, one, one, high)) for one in four)
    even, odd = [0, 2, 8, 10, 4, 6, 12, 14], [1, 3, 9, 11, 5, 7, 13, 15]  # Within halves, which costs least.
    while len(four) > 1:
        pairs = zip(four[::2], four[1::2], strict=True)
        four = tuple(builder.fadd(_pick(builder, *pair, even), _pick(builder, *pair, odd)) for pair in pairs)
    both = next(iter(four))
    return builder.fadd(_pick(builder, both, both, [0, 1, 2, 3]), _pick(builder, both, both, [4, 5, 6, 7]))


_NOTHING, _UNIT = np.zeros(1, np.float32), np.ones(VECTOR, np.float32)
_FOUR = uint64(4)
# Four sums of sixteen lanes and what they are made from fill the sixteen registers of a processor with AVX2.
_four, _one = block(4, 1, VECTOR, "SA"), block(1, 1, VECTOR, "SA")
_one_by_four, _four_by_one, _one_by_one = dots(1, 4, VECTOR), dots(4, 1, VECTOR), dots(1, 1, VECTOR)


@inlined
def product(C, c, S, s, si, A, a, ai, al, B, b, M, J, L):
    """C_ij = S_i + sum over l < L of A_il B_lj, for i < M and j < J: C and B are vectors, J side by side; S and A are numbers."""
    i = ZERO
    while i < M:
        if M - i >= _FOUR:
            for j in range(J):
                _four(C, c + j, J, ZERO, S, s, si, A, a, ai, al, B, b + j, J, ZERO, L)
            done = _FOUR
        else:
            for j in range(J):
                _one(C, c + j, J, ZERO, S, s, si, A, a, ai, al, B, b + j, J, ZERO, L)
            done = ONE
        i += done
        c += done * J
        s += done * si
        a += done * ai


@inlined
def products(C, c, A, a, ai, al, B, b, M, J, L):
    """C_ij = sum over l < L of A_il B_lj."""
    product(C, c, _NOTHING, ZERO, ZERO, A, a, ai, al, B, b, M, J, L)


@inlined
def gradients(G, g, A, a, B, b, M, N, L):
    """G_ij = sum over all lanes of A_i B_j, for i < M and j < N, all side by side; A_i and B_j are L vectors."""
    j = ZERO
    while N - j >= _FOUR:
        for i in range(M):
            _one_by_four(G, g + i * N + j, N, A, a + i * L, L, B, b + j * L, L, ONE, L)
        j += _FOUR
    while j < N:
        _add_up(G, g + j, N, A, a, B, b + j * L, ONE, M, L)
        j += ONE


@inlined
def _add_up(G, g, gi, A, a, B, b, bl, M, L):
    """A column of that."""
    i = ZERO
    while M - i >= _FOUR:
        _four_by_one(G, g + i * gi, gi, A, a + i * L, L, B, b, ZERO, bl, L)
        i += _FOUR
    while i < M:
        _one_by_one(G, g + i * gi, gi, A, a + i * L, L, B, b, ZERO, bl, L)
        i += ONE


@inlined
def add_lanes(G, g, A, a, M, L):
    """G_i = sum over all lanes of A_i, which is L vectors."""
    _add_up(G, g, ONE, A, a, _UNIT, ZERO, ZERO, M, L)
