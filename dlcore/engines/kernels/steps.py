"""Whole slices of training steps, epoch after epoch, and the scores of all rows."""

from __future__ import annotations

import math

import numpy as np
from numba import float32, float64, int64, njit, uint64

from dlcore.engines.kernels.losses import judge, lose
from dlcore.engines.kernels.numerics import (
    ADAGRAD,
    ADAMW,
    COMPILING,
    INPUTS,
    L2,
    MARKS,
    NONE,
    OUTPUTS,
    RMSPROP,
    SGD,
    SUMS,
    TABLES,
    VALUES,
    WEIGHTS,
    ZERO,
    compiled,
    whole_vectors,
)
from dlcore.engines.kernels.passes import backward, forward


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
def add_price(regularizer, rate, gradient, flat, layers):
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
def clip_norm(gradient, most):
    """As torch.nn.utils.clip_grad_norm_."""
    square = np.float32(0)
    for i in range(uint64(len(gradient))):
        square += gradient[i] * gradient[i]
    factor = most / (math.sqrt(square) + np.float32(1e-6))
    if factor < 1:
        for i in range(uint64(len(gradient))):
            gradient[i] *= factor


@compiled
def _score(
    flat, layers, parameters, gates, codes, settings, X, targets, y, train, lanes, work, goals, lost, wanted, judged, into,
):  # fmt: skip
    """Sum of losses, and rows that are right or sum of squared errors: of the first `train` rows, and of the others; nothing dropped."""
    loss, classes, delta = codes[0], codes[3], np.float32(settings[3])
    last = layers[len(layers) - 1]
    K, D, T = last[OUTPUTS], uint64(X.shape[1]), uint64(targets.shape[1])
    nothing = np.empty((0, 0), np.float32)
    begin, end, part = ZERO, train, ZERO
    for at in range(uint64(4)):
        into[at] = 0
    while begin < uint64(len(X)):
        rows = min(lanes, end - begin)
        size = whole_vectors(rows)
        outputs = last[SUMS] * size
        for lane in range(rows):
            for d in range(D):
                work[d * size + lane] = X[begin + lane, d]
            for t in range(T):
                goals[t * size + lane] = targets[begin + lane, t]
            wanted[lane] = y[begin + lane]
        forward(flat, layers, parameters, work, size, gates, nothing, ZERO)
        judge(classes, work, outputs, size, K, wanted, lost, judged)
        lose(loss, delta, classes, work, outputs, size, K, goals, lost)
        lost_here, judged_here = 0.0, 0.0
        for lane in range(rows):
            lost_here += lost[lane]
            judged_here += judged[lane]
        into[part] += lost_here
        into[part + uint64(1)] += judged_here
        begin += rows
        if begin == train:
            end, part = uint64(len(X)), uint64(2)


# Called from outside: compiled for these very types when this module is imported, and loaded from disk later.
@njit(
    VALUES(
        VALUES, VALUES, VALUES, VALUES, VALUES, VALUES, MARKS, *TABLES, float32[:, ::1], int64[::1], float64[::1],
        float64[::1], float32[:, ::1], float32[:, ::1], VALUES, VALUES, uint64, uint64, uint64[:, ::1], int64, int64,
        float64[:, ::1], VALUES,
    ),
    **COMPILING,
)  # fmt: skip
def take_steps(
    flat, gradient, previous, first, second, count, frozen, layers, parameters, gates, masks, codes, settings, rates, X, targets,
    weights, y, train, scored, orders, cursor, batch, scores, work,
):  # fmt: skip
    """One update for each of `rates`; the mean loss of each batch before its update, without the penalty.

    From row `cursor` of the first of `orders` on, an order an epoch. Each epoch that ends has a row of `scores` (epochs, 4), if that has
    any, `scored` rows at a time: sums over the first `train` rows and over the others of losses, and of rows that are right or squared
    errors. Without `rates` the first row is of the weights as they are.

    A loss that is not finite makes no update and is the last one of the answer; the parameters are then those before the last update.
    `codes`: loss, optimizer, regularizer, classes, whether inputs are dropped. `settings`: three of the optimizer, Huber's delta, the
    regularizer's rate, the largest norm of the gradient (0: any). `weights`: what each row counts in the mean; empty: all the same.
    """
    loss, optimizer, regularizer, classes, drops_inputs = codes[0], codes[1], codes[2], codes[3], codes[4] > 0
    delta, price, clip = np.float32(settings[3]), np.float32(settings[4]), np.float32(settings[5])
    weighted = len(weights) > 0
    last = layers[len(layers) - 1]
    K, D, T = last[OUTPUTS], uint64(X.shape[1]), uint64(targets.shape[1])
    size = uint64(len(flat))
    losses = np.empty(len(rates), np.float32)
    most = max(scored, whole_vectors(uint64(min(batch, orders.shape[1]))))
    goals, lost = np.empty(max(K, T) * most, np.float32), np.empty(uint64(3) * most, np.float32)
    wanted, judged = np.empty(most, np.float32), np.empty(most, np.float32)
    epoch = ZERO
    for step in range(uint64(len(rates) + (len(rates) == 0))):
        if len(rates):
            rows = uint64(min(batch, orders.shape[1] - cursor))
            lanes = whole_vectors(rows)
            outputs = last[SUMS] * lanes
            for lane in range(rows):
                row = orders[epoch, uint64(cursor) + lane]
                for d in range(D):
                    work[d * lanes + lane] = X[row, d]
                for t in range(T):
                    goals[t * lanes + lane] = targets[row, t]
            for d in range(D):
                for lane in range(rows, lanes):
                    work[d * lanes + lane] = 0
            if drops_inputs:
                for i in range(D * lanes):
                    work[i] *= masks[step, i]
            forward(flat, layers, parameters, work, lanes, gates, masks, step)
            lose(loss, delta, classes, work, outputs, lanes, K, goals, lost)
            counted = np.float32(rows)
            if weighted:
                counted = np.float32(0)
                for lane in range(rows):
                    weight = weights[orders[epoch, uint64(cursor) + lane]]
                    counted += weight
                    lost[lane] *= weight
                    for k in range(K):
                        work[outputs + k * lanes + lane] *= weight
            total = np.float32(0)
            for lane in range(rows):
                total += lost[lane]
            total /= counted
            losses[step] = total
            if not math.isfinite(total):
                # Not as slices: numba would spend 2 s on the words of a complaint about their lengths.
                for i in range(size):
                    flat[i] = previous[i]
                return losses[: step + uint64(1)]
            share = np.float32(1) / counted
            for k in range(K):
                for lane in range(rows):
                    work[outputs + k * lanes + lane] *= share
                for lane in range(rows, lanes):
                    work[outputs + k * lanes + lane] = 0
            backward(flat, gradient, layers, parameters, work, lanes, gates, masks, step)
            if regularizer != NONE:
                add_price(regularizer, price, gradient, flat, layers)
            if len(frozen):  # Before clipping: what does not learn has no share in the norm.
                for i in range(size):
                    if frozen[i]:
                        gradient[i] = 0
            if clip > 0:
                clip_norm(gradient, clip)
            update(optimizer, settings, flat, gradient, previous, first, second, count, rates[step])
            if len(frozen):  # Decay and momentum move weights without a gradient too.
                for i in range(size):
                    if frozen[i]:
                        flat[i] = previous[i]
            cursor += batch
            if cursor < orders.shape[1]:
                continue
            cursor = 0
        if epoch < uint64(len(scores)):
            _score(
                flat, layers, parameters, gates, codes, settings, X, targets, y, train, scored, work, goals, lost, wanted, judged,
                scores[epoch],
            )  # fmt: skip
        epoch += uint64(1)
    return losses
