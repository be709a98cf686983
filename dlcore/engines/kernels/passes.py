"""Forward and backward through a stack of dense layers, for the rows that stand side by side in `work`."""

from __future__ import annotations

import numpy as np

from dlcore.engines.kernels.blocks import LANES, ONE, add_lanes, gradients, product, products
from dlcore.engines.kernels.numerics import (
    ACTIVATED,
    ACTIVATION,
    BIASES,
    BLAS_FROM,
    INPUTS,
    KEPT,
    OUT,
    OUTPUTS,
    SUMS,
    UNITS,
    WEIGHTS,
    ZERO,
    activate,
    compiled,
    differentiate,
)


@compiled
def _matrix(values, start, rows, columns):
    """For BLAS; such a view takes as long as a small layer's whole product."""
    return values[start : start + rows * columns].reshape(rows, columns)


@compiled
def forward(flat, layers, parameters, work, lanes, gates, masks, step):
    """From the inputs, which stand at the beginning of `work`, to the sums of the output layer; nothing is dropped without masks."""
    dropping, source = len(masks) > 0, ZERO
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
            R = lanes // LANES
            product(work, z // LANES, flat, biases, ONE, flat, weights, D, ONE, work, source // LANES, K, R, D)
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
def backward(flat, gradient, layers, parameters, work, lanes, gates, masks, step):
    """From the slopes by the output sums, which stand in their place, to the gradient of every weight and bias."""
    index, R, dropping = len(layers) - 1, lanes // LANES, len(masks) > 0
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
        else:
            gradients(gradient, weights, work, dz // LANES, work, source // LANES, K, D, R)
        add_lanes(gradient, biases, work, dz // LANES, K, R)
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
            products(work, a // LANES, flat, weights, ONE, D, work, dz // LANES, D, R, K)
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
