"""Sums over windows, whose places stand in tables, over vectors of sixteen rows. See ..blocks, which this is made from."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types, uint64
from numba.core import cgutils
from numba.extending import intrinsic

from dlcore.engines.kernels.blocks import _ALIGNED, _PLACE, ONE, _add_lanes, _places, _repeat
from dlcore.engines.kernels.numerics import VECTOR, ZERO, inlined

_VECTOR = ir.VectorType(ir.FloatType(), VECTOR)


def _data(context: Any, builder: Any, signature: Any, arguments: Any, at: int) -> Any:
    return context.make_array(signature.args[at])(context, builder, arguments[at]).data


def weigh(rows: int) -> Any:
    """C_i = S_i + sum over l < L of A_il B_(T_l) for so many i; C and B are vectors, S and A numbers.

    C_i stands at c + i * ci, S_i at s + i * si, A_il at a + i * ai + l; B_(T_l) at b + the l-th number from t on in T.
    """

    @intrinsic
    def weigh_windows(context, C, c, ci, S, s, si, A, a, ai, B, b, T, t, L):
        def generate(context, builder, signature, arguments):
            to, of_S, of_A, of_B, of_T = (_data(context, builder, signature, arguments, at) for at in (0, 3, 6, 9, 11))
            to, of_B = (builder.bitcast(data, _VECTOR.as_pointer()) for data in (to, of_B))
            _, c, ci, _, s, si, _, a, ai, _, b, _, t, L = arguments
            sums = [cgutils.alloca_once(builder, _VECTOR) for _ in range(rows)]
            for total, place in zip(sums, _places(builder, s, si, rows), strict=True):
                start = builder.load(builder.gep(of_S, [place]), align=_ALIGNED)
                builder.store(_repeat(builder, start, _VECTOR), total)
            weights = [builder.gep(of_A, [place]) for place in _places(builder, a, ai, rows)]
            windows, table = builder.gep(of_B, [b]), builder.gep(of_T, [t])
            with cgutils.for_range(builder, L, intp=L.type) as loop:
                place = builder.load(builder.gep(table, [loop.index]))
                value = builder.load(builder.gep(windows, [place]), align=_ALIGNED)
                for total, row in zip(sums, weights, strict=True):
                    weight = builder.load(builder.gep(row, [loop.index]), align=_ALIGNED)
                    product = builder.fmul(_repeat(builder, weight, _VECTOR), value)
                    builder.store(builder.fadd(builder.load(total), product), total)
            for total, place in zip(sums, _places(builder, c, ci, rows), strict=True):
                builder.store(builder.load(total), builder.gep(to, [place]), align=_ALIGNED)
            return context.get_dummy_value()

        return types.void(C, c, ci, S, s, si, A, a, ai, B, b, T, t, L), generate

    return weigh_windows


def meet(rows: int, columns: int) -> Any:
    """G_ij = sum over p < P and all lanes of A_ip B_(T_j + Q_p), for so many i and at most three j.

    G_ij stands at g + i * gi + j, A_ip at a + i * P + p; T_j is the j-th number from t on in T, Q_p the p-th from q on.
    """

    @intrinsic
    def add_meetings(context, G, g, gi, A, a, B, b, T, t, q, P):
        def generate(context, builder, signature, arguments):
            to, of_A, of_B, of_T = (_data(context, builder, signature, arguments, at) for at in (0, 3, 5, 7))
            of_A, of_B = (builder.bitcast(data, _VECTOR.as_pointer()) for data in (of_A, of_B))
            _, g, gi, _, a, _, b, _, t, q, P = arguments
            sums = [[cgutils.alloca_once(builder, _VECTOR) for _ in range(columns)] for _ in range(rows)]
            zero = ir.Constant(_VECTOR, [0.0] * VECTOR)
            for total in (total for row in sums for total in row):
                builder.store(zero, total)
            left = [builder.gep(of_A, [place]) for place in _places(builder, a, P, rows)]
            taps = [
                builder.load(builder.gep(of_T, [place]))
                for place in _places(builder, t, ir.Constant(t.type, 1), columns)
            ]
            right = [builder.gep(of_B, [builder.add(b, tap)]) for tap in taps]
            table = builder.gep(of_T, [q])
            with cgutils.for_range(builder, P, intp=P.type) as loop:
                place = builder.load(builder.gep(table, [loop.index]))
                factors = [builder.load(builder.gep(row, [loop.index]), align=_ALIGNED) for row in left]
                for column, window in enumerate(right):
                    value = builder.load(builder.gep(window, [place]), align=_ALIGNED)
                    for row, factor in zip(sums, factors, strict=True):
                        total = builder.load(row[column])
                        builder.store(builder.fadd(total, builder.fmul(factor, value)), row[column])
            for row, place in zip(sums, _places(builder, g, gi, rows), strict=True):
                four = [builder.load(row[at]) if at < columns else zero for at in range(4)]
                found = _add_lanes(builder, *four)
                for column, at in enumerate(_places(builder, place, ir.Constant(place.type, 1), columns)):
                    number = builder.extract_element(found, ir.Constant(_PLACE, column))
                    builder.store(number, builder.gep(to, [at]), align=_ALIGNED)
            return context.get_dummy_value()

        return types.void(G, g, gi, A, a, B, b, T, t, q, P), generate

    return add_meetings


@intrinsic
def _scale(context, A, to, of, factor):
    """A_to = factor * A_of."""

    def generate(context, builder, signature, arguments):
        data = builder.bitcast(_data(context, builder, signature, arguments, 0), _VECTOR.as_pointer())
        _, to, of, factor = arguments
        value = builder.load(builder.gep(data, [of]), align=_ALIGNED)
        product = builder.fmul(value, _repeat(builder, factor, _VECTOR))
        builder.store(product, builder.gep(data, [to]), align=_ALIGNED)
        return context.get_dummy_value()

    return types.void(A, to, of, factor), generate


@intrinsic
def _take_largest(context, A, to, chosen, b, T, t, L):
    """A_to = the largest of A_(b + T_l), l < L, the first of equals, and A_chosen = which l that is; NaN counts as larger than all."""

    def generate(context, builder, signature, arguments):
        data = builder.bitcast(_data(context, builder, signature, arguments, 0), _VECTOR.as_pointer())
        table = builder.gep(_data(context, builder, signature, arguments, 4), [arguments[5]])
        _, to, chosen, b, _, _, L = arguments
        windows = builder.gep(data, [b])
        best, at = (cgutils.alloca_once(builder, _VECTOR) for _ in range(2))
        first = builder.load(builder.gep(windows, [builder.load(table)]), align=_ALIGNED)
        builder.store(first, best)
        builder.store(ir.Constant(_VECTOR, [0.0] * VECTOR), at)
        with cgutils.for_range(builder, L, intp=L.type) as loop:
            place = builder.load(builder.gep(table, [loop.index]))
            value = builder.load(builder.gep(windows, [place]), align=_ALIGNED)
            number = _repeat(builder, builder.uitofp(loop.index, ir.FloatType()), _VECTOR)
            larger = builder.or_(
                builder.fcmp_ordered(">", value, builder.load(best)), builder.fcmp_unordered("uno", value, value)
            )
            builder.store(builder.select(larger, value, builder.load(best)), best)
            builder.store(builder.select(larger, number, builder.load(at)), at)
        builder.store(builder.load(best), builder.gep(data, [to]), align=_ALIGNED)
        builder.store(builder.load(at), builder.gep(data, [chosen]), align=_ALIGNED)
        return context.get_dummy_value()

    return types.void(A, to, chosen, b, T, t, L), generate


@intrinsic
def _hand_to_chosen(context, A, to, of, chosen, number):
    """A_to = A_of where A_chosen is this number, else 0."""

    def generate(context, builder, signature, arguments):
        data = builder.bitcast(_data(context, builder, signature, arguments, 0), _VECTOR.as_pointer())
        _, to, of, chosen, number = arguments
        value, at = (builder.load(builder.gep(data, [place]), align=_ALIGNED) for place in (of, chosen))
        own = builder.fcmp_ordered("==", at, _repeat(builder, number, _VECTOR))
        handed = builder.select(own, value, ir.Constant(_VECTOR, [0.0] * VECTOR))
        builder.store(handed, builder.gep(data, [to]), align=_ALIGNED)
        return context.get_dummy_value()

    return types.void(A, to, of, chosen, number), generate


# An intrinsic takes one argument less than its signature says, which no checker knows.
scale: Any = _scale
take_largest: Any = _take_largest
hand_to_chosen: Any = _hand_to_chosen
_FOUR, _THREE, _TWO = uint64(4), uint64(3), uint64(2)
_weigh_four, _weigh_one = weigh(4), weigh(1)
_two_by_three, _two_by_one, _one_by_one = meet(2, 3), meet(2, 1), meet(1, 1)


@inlined
def convolve(C, c, S, s, si, A, a, B, b, T, t, q, M, P, L):
    """C_mp = S_m + sum over l < L of A_ml B_(T_l + Q_p), for m < M and p < P: maps of sixteen rows of P points each."""
    m = ZERO
    while m < M:
        if M - m >= _FOUR:
            for p in range(P):
                _weigh_four(C, c + m * P + p, P, S, s + m * si, si, A, a + m * L, L, B, b + T[q + p], T, t, L)
            m += _FOUR
        else:
            for p in range(P):
                _weigh_one(C, c + m * P + p, P, S, s + m * si, si, A, a + m * L, L, B, b + T[q + p], T, t, L)
            m += ONE


@inlined
def correlate(G, g, A, a, B, b, T, t, q, M, P, L):
    """G_ml = sum over p < P and all rows of A_mp B_(T_l + Q_p), for m < M and l < L."""
    tap = ZERO
    while tap < L:
        wide = L - tap >= _THREE
        m = ZERO
        while m < M:
            if M - m >= _TWO and wide:
                _two_by_three(G, g + m * L + tap, L, A, a + m * P, B, b, T, t + tap, q, P)
                m += _TWO
            elif M - m >= _TWO:
                _two_by_one(G, g + m * L + tap, L, A, a + m * P, B, b, T, t + tap, q, P)
                m += _TWO
            else:
                _one_by_one(G, g + m * L + tap, L, A, a + m * P, B, b, T, t + tap, q, P)
                if wide:
                    _one_by_one(G, g + m * L + tap + ONE, L, A, a + m * P, B, b, T, t + tap + ONE, q, P)
                    _one_by_one(G, g + m * L + tap + _TWO, L, A, a + m * P, B, b, T, t + tap + _TWO, q, P)
                m += ONE
        tap += _THREE if wide else ONE
