"""Whole slices of training steps of many seeds, and their scores of all rows. M packs of eight seeds."""

from __future__ import annotations

import math

import numpy as np
from numba import float32, float64, int64, njit, types, uint64

from dlcore.engines.kernels.losses import judge, lose
from dlcore.engines.kernels.many.blocks import LANES, ONE, add_up
from dlcore.engines.kernels.many.passes import backward, forward
from dlcore.engines.kernels.numerics import (
    COMPILING,
    INPUTS,
    L2,
    NONE,
    OUTPUTS,
    SUMS,
    VALUES,
    WEIGHTS,
    ZERO,
    compiled,
)
from dlcore.engines.kernels.steps import update

TABLE = float32[:, ::1]
_LAYERS = (uint64[:, ::1], VALUES)  # layers, parameters
_RECIPE = (int64[::1], float64[::1])  # codes, settings


@compiled
def _add_price(regularizer, rate, gradient, flat, layers):
    for index in range(len(layers)):
        start = layers[index, WEIGHTS] * LANES
        for i in range(start, start + layers[index, INPUTS] * layers[index, OUTPUTS] * LANES):
            w = flat[i]
            if regularizer == L2:
                gradient[i] += rate * w
            else:
                gradient[i] += rate if w > 0 else (-rate if w < 0 else np.float32(0))


@compiled
def _clip(gradient, most, squares):
    """As torch.nn.utils.clip_grad_norm_, each seed by itself."""
    for lane in range(LANES):
        squares[lane] = 0
    for start in range(ZERO, uint64(len(gradient)), LANES):
        for lane in range(LANES):
            squares[lane] += gradient[start + lane] * gradient[start + lane]
    for lane in range(LANES):
        factor = most / (math.sqrt(squares[lane]) + np.float32(1e-6))
        squares[lane] = factor if factor < 1 else np.float32(1)
    for start in range(ZERO, uint64(len(gradient)), LANES):
        for lane in range(LANES):
            gradient[start + lane] *= squares[lane]


@compiled
def _share_out(weights, order, first, R, shares, totals):
    """What each of R rows from `first` of the order on counts in the mean of its seed's batch: its weight, of the sum of theirs."""
    for r in range(R):
        for lane in range(LANES):
            shares[r * LANES + lane] = weights[uint64(order[first + r, lane])]
    add_up(totals, ZERO, shares, ZERO, ONE, R)
    for r in range(R):
        for lane in range(LANES):
            shares[r * LANES + lane] /= totals[lane]


@njit(
    types.void(
        TABLE, TABLE, TABLE, TABLE, TABLE, TABLE, VALUES, *_LAYERS, float32[:, :, ::1], *_RECIPE, float64[::1], TABLE, TABLE,
        VALUES, int64[:, :, ::1], int64, int64, VALUES, VALUES, VALUES, int64[:, ::1], int64,
    ),
    **COMPILING,
)  # fmt: skip
def take_steps(
    flats, gradient, previous, first, second, kept, counts, layers, parameters, masks, codes, settings, rates, X, targets,
    weights, orders, start, batch, work, goals, lost, ends, taken,
):  # fmt: skip
    """One update of every seed for each of `rates`, from row `start` of its own order (M, rows, 8) on.

    A seed whose loss is not finite has ended: `ends` (M, 8), -1 before, gets the number of steps it took, of which `taken` were before
    these, and `kept` the parameters before its last update. What its lane holds from there on means nothing. `weights`: what each row
    counts in the mean of a batch; empty: all the same.
    """
    loss, optimizer, regularizer, classes, drops_inputs = codes[0], codes[1], codes[2], codes[3], codes[4] > 0
    delta, price, clip = np.float32(settings[3]), np.float32(settings[4]), np.float32(settings[5])
    last = layers[len(layers) - 1]
    K, D, T = last[OUTPUTS], uint64(X.shape[1]), uint64(targets.shape[1])
    totals, shares = np.empty(LANES, np.float32), np.empty(len(lost), np.float32)
    dropping, weighted = masks.shape[1] > 0, len(weights) > 0
    for pack in range(len(flats)):
        flat, mask, order = flats[pack], masks[pack], orders[pack]
        cursor = start
        for step in range(uint64(len(rates))):
            R = uint64(min(batch, len(order) - cursor))
            size, outputs = R * LANES, last[SUMS] * R * LANES
            for r in range(R):
                for lane in range(LANES):
                    row = uint64(order[uint64(cursor) + r, lane])
                    at = r * LANES + lane
                    for d in range(D):
                        work[d * size + at] = X[row, d]
                    for t in range(T):
                        goals[t * size + at] = targets[row, t]
            if drops_inputs:
                for i in range(D * size):
                    work[i] *= mask[step, i]
            forward(flat, layers, parameters, work, R, mask, step, dropping)
            lose(loss, delta, classes, work, outputs, size, K, goals, lost)
            add_up(totals, ZERO, lost, ZERO, ONE, R)
            for lane in range(LANES):
                if ends[pack, lane] < 0 and not math.isfinite(totals[lane]):
                    ends[pack, lane] = taken + step
                    for i in range(lane, uint64(len(flat)), LANES):
                        kept[pack, i] = previous[pack, i]
            if weighted:
                _share_out(weights, order, uint64(cursor), R, shares, totals)
                for k in range(K):
                    for i in range(size):
                        work[outputs + k * size + i] *= shares[i]
            else:
                share = np.float32(1) / np.float32(R)
                for i in range(K * size):
                    work[outputs + i] *= share
            backward(flat, gradient[pack], layers, parameters, work, R, mask, step, dropping)
            if regularizer != NONE:
                _add_price(regularizer, price, gradient[pack], flat, layers)
            if clip > 0:
                _clip(gradient[pack], clip, totals)
            update(
                optimizer, settings, flat, gradient[pack], previous[pack], first[pack], second[pack],
                counts[pack : pack + 1], rates[step],
            )  # fmt: skip
            cursor += batch


@compiled
def _spread(into, to, values, begin, column, R):
    """The same number for every seed, of R rows."""
    for r in range(R):
        value, at = values[begin + r, column], to + r * LANES
        for lane in range(LANES):
            into[at + lane] = value


@njit(
    types.void(
        TABLE, *_LAYERS, *_RECIPE, TABLE, TABLE, TABLE, uint64, uint64, VALUES, VALUES, VALUES, float64[:, :, ::1],
    ),
    **COMPILING,
)  # fmt: skip
def score(flats, layers, parameters, codes, settings, X, targets, y, train, together, work, goals, lost, scores):
    """`scores` (M, 4, 8): sum of losses, and rows that are right or sum of squared errors; of the first `train` rows, and of the others."""
    loss, classes, delta = codes[0], codes[3], np.float32(settings[3])
    last = layers[len(layers) - 1]
    K, D, T = last[OUTPUTS], uint64(X.shape[1]), uint64(targets.shape[1])
    nothing, sums = np.empty((0, 0), np.float32), np.empty(LANES, np.float32)
    wanted, judged = np.empty(together * LANES, np.float32), np.empty(together * LANES, np.float32)
    scores[:] = 0
    for pack in range(len(flats)):
        begin, end, part = ZERO, train, ZERO
        while begin < uint64(len(X)):
            R = min(together, end - begin)
            size, outputs = R * LANES, last[SUMS] * R * LANES
            for d in range(D):
                _spread(work, d * size, X, begin, d, R)
            for t in range(T):
                _spread(goals, t * size, targets, begin, t, R)
            _spread(wanted, ZERO, y, begin, ZERO, R)
            forward(flats[pack], layers, parameters, work, R, nothing, ZERO, False)
            judge(classes, work, outputs, size, K, wanted, lost, judged)
            add_up(sums, ZERO, judged, ZERO, ONE, R)
            for lane in range(LANES):
                scores[pack, part + ONE, lane] += sums[lane]
            lose(loss, delta, classes, work, outputs, size, K, goals, lost)
            add_up(sums, ZERO, lost, ZERO, ONE, R)
            for lane in range(LANES):
                scores[pack, part, lane] += sums[lane]
            begin += R
            if begin == train:
                end, part = uint64(len(X)), uint64(2)
