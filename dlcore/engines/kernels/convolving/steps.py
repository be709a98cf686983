"""Whole slices of training steps of such a stack, epoch after epoch, and the scores of all rows."""

from __future__ import annotations

import math

import numpy as np
from numba import float32, float64, int64, njit, uint64

from dlcore.engines.kernels.blocks import LANES
from dlcore.engines.kernels.convolving.passes import backward, forward
from dlcore.engines.kernels.convolving.table import OUTPUTS, SUMS
from dlcore.engines.kernels.losses import judge, lose
from dlcore.engines.kernels.numerics import COMPILING, MARKS, NONE, VALUES, ZERO, compiled
from dlcore.engines.kernels.steps import add_price, clip_norm, update


@compiled
def _score(
    flat, layers, parameters, places, codes, settings, X, targets, y, train, work, turned, goals, lost, wanted, judged, into,
):  # fmt: skip
    """As the dense kernels' scores: sums over the first `train` rows, and over the others."""
    loss, classes, delta = codes[0], codes[3], np.float32(settings[3])
    last = layers[len(layers) - 1]
    K, D, T, outputs = last[OUTPUTS], uint64(X.shape[1]), uint64(targets.shape[1]), last[SUMS] * LANES
    nothing = np.empty((0, 0), np.float32)
    begin, end, part = ZERO, train, ZERO
    for at in range(uint64(4)):
        into[at] = 0
    while begin < uint64(len(X)):
        rows = min(LANES, end - begin)
        for lane in range(rows):
            for d in range(D):
                work[d * LANES + lane] = X[begin + lane, d]
            for t in range(T):
                goals[t * LANES + lane] = targets[begin + lane, t]
            wanted[lane] = y[begin + lane]
        forward(flat, layers, parameters, places, work, turned, nothing, ZERO)
        judge(classes, work, outputs, LANES, K, wanted, lost, judged)
        lose(loss, delta, classes, work, outputs, LANES, K, goals, lost)
        lost_here, judged_here = 0.0, 0.0
        for lane in range(rows):
            lost_here += lost[lane]
            judged_here += judged[lane]
        into[part] += lost_here
        into[part + uint64(1)] += judged_here
        begin += rows
        if begin == train:
            end, part = uint64(len(X)), uint64(2)


@njit(
    VALUES(
        VALUES, VALUES, VALUES, VALUES, VALUES, VALUES, MARKS, uint64[:, ::1], VALUES, uint64[::1], float32[:, ::1], int64[::1],
        float64[::1], float64[::1], float32[:, ::1], float32[:, ::1], VALUES, VALUES, uint64, uint64[:, ::1], int64, int64,
        float64[:, ::1], VALUES, VALUES, VALUES,
    ),
    **COMPILING,
)  # fmt: skip
def take_steps(
    flat, gradient, previous, first, second, count, frozen, layers, parameters, places, masks, codes, settings, rates, X, targets,
    weights, y, train, orders, cursor, batch, scores, work, turned, part,
):  # fmt: skip
    """As the dense kernels' function of this name, whose arguments these are, but for `places` and `turned` (see table.py).

    `part` has room for the gradient of sixteen rows of a batch that has more.
    """
    loss, optimizer, regularizer, classes = codes[0], codes[1], codes[2], codes[3]
    delta, price, clip = np.float32(settings[3]), np.float32(settings[4]), np.float32(settings[5])
    last = layers[len(layers) - 1]
    K, D, T, outputs = last[OUTPUTS], uint64(X.shape[1]), uint64(targets.shape[1]), last[SUMS] * LANES
    size = uint64(len(flat))
    losses = np.empty(len(rates), np.float32)
    goals, lost = np.zeros(max(K, T) * LANES, np.float32), np.empty(uint64(3) * LANES, np.float32)
    wanted, judged = np.zeros(LANES, np.float32), np.empty(LANES, np.float32)
    epoch, mask = ZERO, ZERO
    for step in range(uint64(len(rates) + (len(rates) == 0))):
        if len(rates):
            rows = uint64(min(batch, orders.shape[1] - cursor))
            counted = np.float32(rows)
            if len(weights):
                counted = np.float32(0)
                for r in range(rows):
                    counted += weights[orders[epoch, uint64(cursor) + r]]
            share, total, begin = np.float32(1) / counted, np.float32(0), ZERO
            while begin < rows:
                here = min(LANES, rows - begin)
                for lane in range(here):
                    row = orders[epoch, uint64(cursor) + begin + lane]
                    for d in range(D):
                        work[d * LANES + lane] = X[row, d]
                    for t in range(T):
                        goals[t * LANES + lane] = targets[row, t]
                for d in range(D):
                    for lane in range(here, LANES):
                        work[d * LANES + lane] = 0
                forward(flat, layers, parameters, places, work, turned, masks, mask)
                lose(loss, delta, classes, work, outputs, LANES, K, goals, lost)
                for lane in range(LANES):
                    counts = np.float32(0)
                    if lane < here:
                        row = orders[epoch, uint64(cursor) + begin + lane]
                        counts = weights[row] if len(weights) else np.float32(1)
                        total += lost[lane] * counts
                    for k in range(K):
                        at = outputs + k * LANES + lane
                        work[at] = work[at] * (counts * share) if lane < here else np.float32(0)
                backward(flat, part if begin else gradient, layers, parameters, places, work, turned, masks, mask)
                if begin:
                    for i in range(size):
                        gradient[i] += part[i]
                begin += LANES
                mask += uint64(1)
            total /= counted
            losses[step] = total
            if not math.isfinite(total):
                for i in range(size):
                    flat[i] = previous[i]
                return losses[: step + uint64(1)]
            if regularizer != NONE:
                add_price(regularizer, price, gradient, flat, layers)
            if len(frozen):
                for i in range(size):
                    if frozen[i]:
                        gradient[i] = 0
            if clip > 0:
                clip_norm(gradient, clip)
            update(optimizer, settings, flat, gradient, previous, first, second, count, rates[step])
            if len(frozen):
                for i in range(size):
                    if frozen[i]:
                        flat[i] = previous[i]
            cursor += batch
            if cursor < orders.shape[1]:
                continue
            cursor = 0
        if epoch < uint64(len(scores)):
            _score(
                flat, layers, parameters, places, codes, settings, X, targets, y, train, work, turned, goals, lost, wanted, judged,
                scores[epoch],
            )  # fmt: skip
        epoch += uint64(1)
    return losses
