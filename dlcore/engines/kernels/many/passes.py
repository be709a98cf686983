"""Forward and backward through a stack of dense layers, for R rows of each of eight seeds."""

from __future__ import annotations

from dlcore.engines.kernels.many.blocks import LANES, ONE, add_up, product, products
from dlcore.engines.kernels.numerics import (
    ACTIVATED,
    ACTIVATION,
    BIASES,
    INPUTS,
    KEPT,
    OUT,
    OUTPUTS,
    SUMS,
    WEIGHTS,
    ZERO,
    activate,
    compiled,
    differentiate,
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
        activate(layers[index, ACTIVATION], parameters[index], work, z * LANES, a * LANES, K * R * LANES)
        source = a
        if dropping and layers[index, OUT] != layers[index, ACTIVATED]:
            source = layers[index, OUT] * R
            kept = layers[index, KEPT] * R * LANES
            for i in range(K * R * LANES):
                work[source * LANES + i] = work[a * LANES + i] * masks[step, kept + i]


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
