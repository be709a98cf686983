"""Forward and backward through a stack of dense layers, for the rows that stand side by side in `work`, and the loss of a row."""

from __future__ import annotations

import math

import numpy as np
from numba import uint64

from dlcore.engines.kernels.numerics import (
    ACTIVATED,
    ACTIVATION,
    BIASES,
    BLAS_FROM,
    CROSS_ENTROPY,
    HINGE,
    INPUTS,
    KEPT,
    MAE,
    MSE,
    OUT,
    OUTPUTS,
    SUMS,
    UNITS,
    WEIGHTS,
    ZERO,
    activate,
    compiled,
    differentiate,
    tanh,
)


@compiled
def _weighted_sums(work, into, K, flat, weights, row, column, source, D, lanes):
    """Row k of those from `into` on += sum over d of flat[weights + k * row + d * column] * row d of those from `source` on."""
    for k in range(K):
        weight, at = weights + k * row, source
        for _ in range(D):
            w = flat[weight]
            for i in range(lanes):
                work[into + i] += w * work[at + i]
            at += lanes
            weight += column
        into += lanes


@compiled
def _matrix(values, start, rows, columns):
    """For BLAS; such a view takes as long as a small layer's whole product."""
    return values[start : start + rows * columns].reshape(rows, columns)


@compiled
def forward(flat, layers, parameters, work, lanes, gates, masks, step, dropping):
    """From the inputs, which stand at the beginning of `work`, to the sums of the output layer."""
    source = ZERO
    for index in range(len(layers)):
        D, K, weights, biases = (
            layers[index, INPUTS],
            layers[index, OUTPUTS],
            layers[index, WEIGHTS],
            layers[index, BIASES],
        )
        z, a = layers[index, SUMS] * lanes, layers[index, ACTIVATED] * lanes
        if D * K * lanes >= BLAS_FROM:
            np.dot(_matrix(flat, weights, K, D), _matrix(work, source, D, lanes), _matrix(work, z, K, lanes))
            for k in range(K):
                bias = flat[biases + k]
                for i in range(lanes):
                    work[z + k * lanes + i] += bias
        else:
            for k in range(K):
                bias = flat[biases + k]
                for i in range(lanes):
                    work[z + k * lanes + i] = bias
            _weighted_sums(work, z, K, flat, weights, D, uint64(1), source, D, lanes)
        if index == len(layers) - 1:
            return
        activate(layers[index, ACTIVATION], parameters[index], work, z, a, K * lanes)
        if len(gates):
            for k in range(K):
                if not gates[layers[index, UNITS] + k]:
                    for i in range(lanes):
                        work[a + k * lanes + i] = 0
        source = a
        if dropping and layers[index, OUT] != layers[index, ACTIVATED]:
            source = layers[index, OUT] * lanes
            kept = layers[index, KEPT] * lanes
            for i in range(K * lanes):
                work[source + i] = work[a + i] * masks[step, kept + i]


@compiled
def row_loss(loss, delta, classes, work, outputs, lanes, K, targets, row):
    """The loss of one row from its output sums o; the slope of that loss by each o takes the place of o.

    Targets are those of the losses' `encode`: the class, its sign, or numbers.
    """
    one = np.float32(1)
    o = work[outputs]
    target = targets[row, 0]
    if loss == CROSS_ENTROPY and K > 1:
        own = outputs + uint64(target) * lanes
        own_sum = work[own]
        highest = o
        for k in range(K):
            highest = max(highest, work[outputs + k * lanes])
        total = np.float32(0)
        for k in range(K):
            e = math.exp(work[outputs + k * lanes] - highest)
            work[outputs + k * lanes] = e
            total += e
        for k in range(K):
            work[outputs + k * lanes] /= total
        work[own] -= one
        return math.log(total) + highest - own_sum
    if loss == CROSS_ENTROPY:
        e = math.exp(-abs(o))
        p = (one if o >= 0 else e) / (one + e)
        work[outputs] = p - target
        return max(o, np.float32(0)) - o * target + math.log1p(e)
    if loss == HINGE:
        margin = one - target * o
        work[outputs] = -target if margin >= 0 else np.float32(0)
        return np.float32(0) if margin < 0 else margin
    value = np.float32(0)
    share = one / np.float32(K)
    for k in range(K):
        o = work[outputs + k * lanes]
        through = share
        if classes:
            o = tanh(o)
            through = share * (one - o * o)
        e = o - targets[row, k]
        sign = one if e > 0 else (-one if e < 0 else np.float32(0))
        if loss == MSE:
            value += e * e
            slope = e + e
        elif loss == MAE:
            value += abs(e)
            slope = sign
        elif abs(e) > delta:
            value += delta * (abs(e) - np.float32(0.5) * delta)
            slope = delta * sign
        else:
            value += np.float32(0.5) * e * e
            slope = e
        work[outputs + k * lanes] = slope * through
    return value * share


@compiled
def backward(flat, gradient, layers, parameters, work, lanes, gates, masks, step, dropping):
    """From the slopes by the output sums, which stand in their place, to the gradient of every weight and bias."""
    index = len(layers) - 1
    while True:
        D, K, weights, biases = (
            layers[index, INPUTS],
            layers[index, OUTPUTS],
            layers[index, WEIGHTS],
            layers[index, BIASES],
        )
        dz = layers[index, SUMS] * lanes
        source = ZERO
        if index:
            source = layers[index - 1, OUT if dropping else ACTIVATED] * lanes
        with_blas = D * K * lanes >= BLAS_FROM
        if with_blas:
            A = _matrix(work, source, D, lanes)
            np.dot(_matrix(work, dz, K, lanes), A.T, _matrix(gradient, weights, K, D))
        for k in range(K):
            slopes = dz + k * lanes
            total = np.float32(0)
            for i in range(lanes):
                total += work[slopes + i]
            gradient[biases + k] = total
            if not with_blas:
                at = source
                for d in range(D):
                    total = np.float32(0)
                    for i in range(lanes):
                        total += work[slopes + i] * work[at + i]
                    gradient[weights + k * D + d] = total
                    at += lanes
        if index == 0:
            return
        index -= 1
        # f'(z) takes the place of z, then the slope by what the layer below sent out that of its activations, then their product that of z.
        z, a, size = layers[index, SUMS] * lanes, layers[index, ACTIVATED] * lanes, D * lanes
        differentiate(layers[index, ACTIVATION], parameters[index], work, z, a, size)
        if with_blas:
            W = _matrix(flat, weights, K, D)
            np.dot(W.T, _matrix(work, dz, K, lanes), _matrix(work, a, D, lanes))
        else:
            for i in range(size):
                work[a + i] = 0
            _weighted_sums(work, a, D, flat, weights, uint64(1), D, dz, K, lanes)
        if dropping and layers[index, OUT] != layers[index, ACTIVATED]:
            kept = layers[index, KEPT] * lanes
            for i in range(size):
                work[a + i] *= masks[step, kept + i]
        for i in range(size):
            work[z + i] *= work[a + i]
        if len(gates):
            for d in range(D):
                if not gates[layers[index, UNITS] + d]:
                    for i in range(lanes):
                        work[z + d * lanes + i] = 0
