"""Whole slices of training steps, and the scores of all rows."""

from __future__ import annotations

import math

import numpy as np
from numba import float32, float64, int64, njit, types, uint64

from dlcore.engines.kernels.numerics import (
    ADAGRAD,
    ADAMW,
    COMPILING,
    CROSS_ENTROPY,
    INPUTS,
    L2,
    MARKS,
    NONE,
    OUTPUTS,
    PLACES,
    RMSPROP,
    SGD,
    SUMS,
    TABLES,
    VALUES,
    VECTOR,
    WEIGHTS,
    ZERO,
    compiled,
)
from dlcore.engines.kernels.passes import backward, forward, row_loss


@compiled
def update(optimizer, settings, flat, gradient, previous, first, second, count, rate):
    """One step of the optimizer on all parameters; `first` and `second` are what it remembers, `previous` gets what they were."""
    lr = np.float32(-rate)
    size = uint64(len(flat))
    if optimizer == SGD:
        momentum = np.float32(settings[0])
        if momentum == 0:
            for i in range(size):
                previous[i] = flat[i]
                flat[i] += lr * gradient[i]
            return
        for i in range(size):
            first[i] = momentum * first[i] + gradient[i]
        if settings[1] > 0:
            for i in range(size):
                previous[i] = flat[i]
                flat[i] += lr * (gradient[i] + momentum * first[i])
        else:
            for i in range(size):
                previous[i] = flat[i]
                flat[i] += lr * first[i]
    elif optimizer == RMSPROP:
        alpha, rest = np.float32(settings[0]), np.float32(1 - settings[0])
        for i in range(size):
            previous[i] = flat[i]
            first[i] = alpha * first[i] + rest * gradient[i] * gradient[i]
            flat[i] += lr * gradient[i] / (math.sqrt(first[i]) + np.float32(1e-8))
    elif optimizer == ADAGRAD:
        for i in range(size):
            previous[i] = flat[i]
            first[i] += gradient[i] * gradient[i]
            flat[i] += lr * gradient[i] / (math.sqrt(first[i]) + np.float32(1e-10))
    else:
        count[0] += np.float32(1)
        step = float(count[0])
        beta1, beta2 = settings[0], settings[1]
        kept = np.float32(1 - rate * settings[2] if optimizer == ADAMW else 1)
        # sqrt(v) / correction + eps in the denominator, both sides times the correction: one division less.
        correction = math.sqrt(1 - beta2**step)
        lr, eps = np.float32(-rate * correction / (1 - beta1**step)), np.float32(1e-8 * correction)
        near, far, rest = np.float32(1 - beta1), np.float32(beta2), np.float32(1 - beta2)
        for i in range(size):
            previous[i] = flat[i]
            first[i] += near * (gradient[i] - first[i])
            second[i] = far * second[i] + rest * gradient[i] * gradient[i]
            flat[i] = kept * flat[i] + lr * first[i] / (math.sqrt(second[i]) + eps)


@compiled
def _add_price(regularizer, rate, gradient, flat, layers):
    """The regularizer's share of the gradient; biases are free."""
    for index in range(len(layers)):
        start = layers[index, WEIGHTS]
        for i in range(start, start + layers[index, INPUTS] * layers[index, OUTPUTS]):
            w = flat[i]
            if regularizer == L2:
                gradient[i] += rate * w
            else:
                gradient[i] += rate if w > 0 else (-rate if w < 0 else np.float32(0))


@compiled
def _clip(gradient, most):
    """As torch.nn.utils.clip_grad_norm_."""
    square = np.float32(0)
    for i in range(uint64(len(gradient))):
        square += gradient[i] * gradient[i]
    factor = most / (math.sqrt(square) + np.float32(1e-6))
    if factor < 1:
        for i in range(uint64(len(gradient))):
            gradient[i] *= factor


# The two that are called from outside are compiled for these very types when this module is imported, and loaded from disk later.
@njit(
    VALUES(
        VALUES, VALUES, VALUES, VALUES, VALUES, VALUES, MARKS, *TABLES, float32[:, ::1], int64[::1], float64[::1],
        float64[::1], float32[:, ::1], float32[:, ::1], VALUES, PLACES, int64, int64, VALUES,
    ),
    **COMPILING,
)  # fmt: skip
def take_steps(
    flat, gradient, previous, first, second, count, frozen, layers, parameters, gates, masks, codes, settings, rates, X, targets,
    weights, order, cursor, batch, work,
):  # fmt: skip
    """One update for each of `rates` from row `cursor` of the order on; the mean loss of each batch before its update, without the penalty.

    A loss that is not finite makes no update and is the last one of the answer; the parameters are then those before the last update.
    `codes`: loss, optimizer, regularizer, classes, whether inputs are dropped. `settings`: three of the optimizer, Huber's delta, the
    regularizer's rate, the largest norm of the gradient (0: any). `weights`: what each row counts in the mean; empty: all the same.
    """
    loss, optimizer, regularizer, classes, drops_inputs = codes[0], codes[1], codes[2], codes[3], codes[4] > 0
    delta, price, clip = np.float32(settings[3]), np.float32(settings[4]), np.float32(settings[5])
    dropping, weighted = len(masks) > 0, len(weights) > 0
    last = layers[len(layers) - 1]
    K, D = last[OUTPUTS], uint64(X.shape[1])
    size = uint64(len(flat))
    losses = np.empty(len(rates), np.float32)
    for step in range(uint64(len(rates))):
        rows = uint64(min(batch, len(order) - cursor))
        lanes = uint64((rows + uint64(VECTOR - 1)) // uint64(VECTOR) * uint64(VECTOR))
        outputs = last[SUMS] * lanes
        for i in range(D * lanes):
            work[i] = 0
        for lane in range(rows):
            row = order[uint64(cursor) + lane]
            for d in range(D):
                work[d * lanes + lane] = X[row, d]
        if drops_inputs:
            for i in range(D * lanes):
                work[i] *= masks[step, i]
        forward(flat, layers, parameters, work, lanes, gates, masks, step, dropping)
        total, counted = np.float32(0), np.float32(0)
        for lane in range(rows):
            row = order[uint64(cursor) + lane]
            weight = weights[row] if weighted else np.float32(1)
            total += weight * row_loss(loss, delta, classes, work, outputs + lane, lanes, K, targets, row)
            counted += weight
        total /= counted
        losses[step] = total
        if not math.isfinite(total):
            # Not as slices: numba would spend 2 s on the words of a complaint about their lengths.
            for i in range(size):
                flat[i] = previous[i]
            return losses[: step + uint64(1)]
        share = np.float32(1) / counted
        if weighted:
            for lane in range(rows):
                weight = weights[order[uint64(cursor) + lane]]
                for k in range(K):
                    work[outputs + k * lanes + lane] *= weight
        for k in range(K):
            for lane in range(rows):
                work[outputs + k * lanes + lane] *= share
            for lane in range(rows, lanes):
                work[outputs + k * lanes + lane] = 0
        backward(flat, gradient, layers, parameters, work, lanes, gates, masks, step, dropping)
        if regularizer != NONE:
            _add_price(regularizer, price, gradient, flat, layers)
        if len(frozen):  # Before clipping: what does not learn has no share in the norm.
            for i in range(size):
                if frozen[i]:
                    gradient[i] = 0
        if clip > 0:
            _clip(gradient, clip)
        update(optimizer, settings, flat, gradient, previous, first, second, count, rates[step])
        if len(frozen):  # Decay and momentum move weights without a gradient too.
            for i in range(size):
                if frozen[i]:
                    flat[i] = previous[i]
        cursor += batch
    return losses


@compiled
def _judge_two(work, outputs, rows, targets, first):
    """Sum of cross-entropies and rows that are right, of two classes. One logarithm for all rows: log(1 + e) as the log of a product."""
    lost, judged, product = 0.0, 0.0, 1.0
    for lane in range(rows):
        o, target = work[outputs + lane], targets[first + lane, 0]
        product *= 1.0 + math.exp(-abs(o))
        lost += max(o, np.float32(0)) - o * target
        if (o > 0) == (target > 0):
            judged += 1.0
    return lost + math.log(product), judged


@compiled
def _judge(loss, delta, classes, work, outputs, lanes, K, rows, targets, y, first):
    """The same for any loss; of numbers the sum of squared errors."""
    lost, judged = 0.0, 0.0
    for lane in range(rows):
        at = outputs + lane
        if classes:
            best = uint64(1) if K == 1 and work[at] > 0 else ZERO
            for k in range(K if K > 1 else ZERO):
                if work[at + k * lanes] > work[at + best * lanes]:
                    best = k
            if best == uint64(y[first + lane]):
                judged += 1.0
        else:
            error = float(y[first + lane]) - float(work[at])
            judged += error * error
        lost += row_loss(loss, delta, classes, work, at, lanes, K, targets, first + lane)
    return lost, judged


@njit(
    types.UniTuple(float64, 4)(
        VALUES, *TABLES, int64[::1], float64[::1], float32[:, ::1], float32[:, ::1], VALUES, uint64, uint64, VALUES
    ),
    **COMPILING,
)
def score(flat, layers, parameters, gates, codes, settings, X, targets, y, train, lanes, work):
    """Sum of losses, and rows that are right or sum of squared errors: of the first `train` rows, and of the others; nothing dropped."""
    loss, classes, delta = codes[0], codes[3], np.float32(settings[3])
    last = layers[len(layers) - 1]
    K, D = last[OUTPUTS], uint64(X.shape[1])
    outputs = last[SUMS] * lanes
    nothing = np.empty((0, 0), np.float32)
    lost, judged, lost_train, judged_train = 0.0, 0.0, 0.0, 0.0
    first, end = ZERO, train
    while first < uint64(len(X)):
        rows = min(lanes, end - first)
        for lane in range(rows):
            for d in range(D):
                work[d * lanes + lane] = X[first + lane, d]
        forward(flat, layers, parameters, work, lanes, gates, nothing, ZERO, False)
        if loss == CROSS_ENTROPY and K == 1:
            lost_here, judged_here = _judge_two(work, outputs, rows, targets, first)
        else:
            lost_here, judged_here = _judge(loss, delta, classes, work, outputs, lanes, K, rows, targets, y, first)
        lost += lost_here
        judged += judged_here
        first += rows
        if first == train:
            end = uint64(len(X))
            lost_train, judged_train = lost, judged
            lost, judged = 0.0, 0.0
    return lost_train, judged_train, lost, judged
