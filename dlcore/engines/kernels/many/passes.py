"""Forward and backward through a stack of dense layers, for R rows of each of eight seeds, and the loss of every row and seed."""

from __future__ import annotations

import numpy as np

from dlcore.engines.kernels.many.blocks import LANES, ONE, add_up, product, products
from dlcore.engines.kernels.many.numerics import bend, exp, log
from dlcore.engines.kernels.numerics import (
    ACTIVATED,
    ACTIVATION,
    BIASES,
    CROSS_ENTROPY,
    HINGE,
    INPUTS,
    KEPT,
    MAE,
    MSE,
    OUT,
    OUTPUTS,
    SUMS,
    WEIGHTS,
    ZERO,
    compiled,
    differentiate,
    tanh,
)


@compiled
def forward(flat, layers, parameters, work, R, masks, step, dropping):
    """From the inputs, which stand at the beginning of `work`, to the sums of the output layer."""
    source = ZERO
    for index in range(len(layers)):
        D, K = layers[index, INPUTS], layers[index, OUTPUTS]
        z, a = layers[index, SUMS] * R, layers[index, ACTIVATED] * R
        product(
            work, z, R, ONE, flat, layers[index, BIASES], ONE,
            flat, layers[index, WEIGHTS], D, ONE, work, source, R, ONE, K, R, D,
        )  # fmt: skip
        if index == len(layers) - 1:
            return
        bend(layers[index, ACTIVATION], parameters[index], work, z * LANES, a * LANES, K * R * LANES)
        source = a
        if dropping and layers[index, OUT] != layers[index, ACTIVATED]:
            source = layers[index, OUT] * R
            kept = layers[index, KEPT] * R * LANES
            for i in range(K * R * LANES):
                work[source * LANES + i] = work[a * LANES + i] * masks[step, kept + i]


@compiled
def lose(loss, delta, classes, work, outputs, size, K, goals, lost):
    """The loss of every row and seed into `lost`; its slope by each output sum takes that sum's place (passes.row_loss says the same)."""
    one = np.float32(1)
    if loss == CROSS_ENTROPY and K > 1:
        highest, total = size, size + size  # Further rooms of `lost`.
        for i in range(size):
            lost[highest + i] = work[outputs + i]
            lost[total + i] = 0
        for k in range(K):
            for i in range(size):
                value = work[outputs + k * size + i]
                lost[highest + i] = value if value > lost[highest + i] else lost[highest + i]
                lost[i] = value if goals[i] == np.float32(k) else lost[i]
        for k in range(K):
            for i in range(size):
                e = exp(work[outputs + k * size + i] - lost[highest + i])
                work[outputs + k * size + i] = e
                lost[total + i] += e
        for k in range(K):
            for i in range(size):
                own = one if goals[i] == np.float32(k) else np.float32(0)
                work[outputs + k * size + i] = work[outputs + k * size + i] / lost[total + i] - own
        for i in range(size):
            lost[i] = log(lost[total + i]) + lost[highest + i] - lost[i]
    elif loss == CROSS_ENTROPY:
        for i in range(size):
            o, t = work[outputs + i], goals[i]
            e = exp(-abs(o))
            work[outputs + i] = (one if o >= 0 else e) / (one + e) - t
            lost[i] = (o if o > 0 else np.float32(0)) - o * t + log(one + e)
    elif loss == HINGE:
        for i in range(size):
            o, t = work[outputs + i], goals[i]
            margin = one - t * o
            work[outputs + i] = -t if margin >= 0 else np.float32(0)
            lost[i] = np.float32(0) if margin < 0 else margin
    else:
        _lose_distance(loss, delta, classes, work, outputs, size, K, goals, lost)


@compiled
def _lose_distance(loss, delta, classes, work, outputs, size, K, goals, lost):
    one, share = np.float32(1), np.float32(1) / np.float32(K)
    for i in range(size):
        lost[i] = 0
    for k in range(K):
        at = k * size
        for i in range(size):
            o = work[outputs + at + i]
            through = share
            if classes:
                o = tanh(o)
                through = share * (one - o * o)
            e = o - goals[at + i]
            far = abs(e)
            sign = one if e > 0 else (-one if e < 0 else np.float32(0))
            if loss == MSE:
                value, slope = e * e, e + e
            elif loss == MAE:
                value, slope = far, sign
            else:
                value = delta * (far - np.float32(0.5) * delta) if far > delta else np.float32(0.5) * e * e
                slope = delta * sign if far > delta else e
            work[outputs + at + i] = slope * through
            lost[i] += value * share


@compiled
def backward(flat, gradient, layers, parameters, work, R, masks, step, dropping):
    """From the slopes by the output sums, which stand in their place, to the gradient of every weight and bias of every seed."""
    index = len(layers) - 1
    while True:
        D, K, weights = layers[index, INPUTS], layers[index, OUTPUTS], layers[index, WEIGHTS]
        dz = layers[index, SUMS] * R
        source = ZERO
        if index:
            source = layers[index - 1, OUT if dropping else ACTIVATED] * R
        products(gradient, weights, D, ONE, work, dz, R, ONE, work, source, ONE, R, K, D, R)
        add_up(gradient, layers[index, BIASES], work, dz, K, R)
        if index == 0:
            return
        index -= 1
        # f'(z) takes the place of z, then the slope by what the layer below sent out that of its activations, then their product that of z.
        z, a, size = layers[index, SUMS] * R, layers[index, ACTIVATED] * R, D * R * LANES
        differentiate(layers[index, ACTIVATION], parameters[index], work, z * LANES, a * LANES, size)
        products(work, a, R, ONE, flat, weights, ONE, D, work, dz, R, ONE, D, R, K)
        if dropping and layers[index, OUT] != layers[index, ACTIVATED]:
            kept = layers[index, KEPT] * R * LANES
            for i in range(size):
                work[a * LANES + i] *= masks[step, kept + i]
        for i in range(size):
            work[z * LANES + i] *= work[a * LANES + i]
