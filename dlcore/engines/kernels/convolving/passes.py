"""Forward and backward through a stack of convolution, pooling and dense layers, for the sixteen rows that stand side by side in `work`."""

from __future__ import annotations

import numpy as np
from numba import uint64

from dlcore.engines.kernels.blocks import LANES, ONE, add_lanes, gradients, product, products
from dlcore.engines.kernels.convolving.blocks import convolve, correlate, hand_to_chosen, scale, take_largest
from dlcore.engines.kernels.convolving.table import (
    ACTIVATION,
    AVERAGE,
    BACK_STANDS,
    BACK_TAPS,
    BELOW,
    BIASES,
    CHANNELS,
    CONVOLUTION,
    DENSE,
    DROPOUT,
    INPUTS,
    INSIDE,
    KEPT,
    KIND,
    LEARNS_BELOW,
    MAXIMUM,
    OUT,
    OUTPUTS,
    PADDED,
    PADDED_PIXELS,
    PIXELS,
    POINTS,
    SLOPES,
    SOURCE,
    SPREAD,
    SPREAD_AT,
    SPREAD_PIXELS,
    STANDS,
    SUMS,
    TAPS,
    TURNED,
    WEIGHTS,
    WINDOW,
)
from dlcore.engines.kernels.numerics import RELU, ZERO, activate, compiled, differentiate

_NOTHING, _SAME = np.zeros(1, np.float32), np.float32(1)


@compiled
def _scatter(work, to, pixels_to, source, pixels, channels, places, at):
    """Every pixel of every channel to its place in a larger one."""
    for c in range(channels):
        for p in range(pixels):
            scale(work, to + c * pixels_to + places[at + p], source + c * pixels + p, _SAME)


@compiled
def _take_largest(work, layer, places):
    """The largest of each window."""
    C, P = layer[CHANNELS], layer[POINTS]
    for c in range(C):
        for p in range(P):
            start, at = layer[SOURCE] + c * layer[PIXELS] + places[layer[STANDS] + p], c * P + p
            take_largest(work, layer[OUT] + at, layer[SUMS] + at, start, places, layer[TAPS], layer[WINDOW])


@compiled
def _take_mean(work, layer, places, shares):
    """The mean of each window: a convolution with the same weight everywhere."""
    P = layer[POINTS]
    for i in range(layer[WINDOW]):
        shares[i] = np.float32(1) / np.float32(layer[WINDOW])
    for c in range(layer[CHANNELS]):
        convolve(
            work, layer[OUT] + c * P, _NOTHING, ZERO, ZERO, shares, ZERO, work, layer[SOURCE] + c * layer[PIXELS], places,
            layer[TAPS], layer[STANDS], ONE, P, layer[WINDOW],
        )  # fmt: skip


@compiled
def _hand_back(work, layer, places):
    """The slopes by what a pool took in: windows do not overlap; what is in none has none."""
    C, P, size = layer[CHANNELS], layer[POINTS], layer[WINDOW]
    share = np.float32(1) / np.float32(size)
    largest = layer[KIND] == MAXIMUM
    if P * size < layer[PIXELS]:
        for i in range(C * layer[PIXELS] * LANES):
            work[layer[BELOW] * LANES + i] = 0
    for c in range(C):
        for p in range(P):
            slope, chosen = layer[SLOPES] + c * P + p, layer[SUMS] + c * P + p
            start = layer[BELOW] + c * layer[PIXELS] + places[layer[STANDS] + p]
            for tap in range(size):
                to = start + places[layer[TAPS] + tap]
                if largest:
                    hand_to_chosen(work, to, slope, chosen, np.float32(tap))
                else:
                    scale(work, to, slope, share)


@compiled
def forward(flat, layers, parameters, places, work, turned, masks, step):
    """From the inputs, which stand at the beginning of `work`, to the sums of the output layer; nothing is dropped without masks."""
    for index in range(len(layers)):
        layer = layers[index]
        kind, K, P, z = layer[KIND], layer[OUTPUTS], layer[POINTS], layer[SUMS]
        if kind == CONVOLUTION:
            if layer[PADDED] != layer[SOURCE]:
                _scatter(
                    work, layer[PADDED], layer[PADDED_PIXELS], layer[SOURCE], layer[PIXELS], layer[CHANNELS], places,
                    layer[INSIDE],
                )  # fmt: skip
            convolve(
                work, z, flat, layer[BIASES], ONE, flat, layer[WEIGHTS], work, layer[PADDED], places, layer[TAPS],
                layer[STANDS], K, P, layer[WINDOW],
            )  # fmt: skip
        elif kind == DENSE:
            D = layer[INPUTS]
            product(work, z, flat, layer[BIASES], ONE, flat, layer[WEIGHTS], D, ONE, work, layer[SOURCE], K, ONE, D)
        elif kind == MAXIMUM:
            _take_largest(work, layer, places)
        elif kind == AVERAGE:
            _take_mean(work, layer, places, turned)
        else:
            dropping = len(masks) > 0
            for i in range(P * LANES):
                value = work[layer[SOURCE] * LANES + i]
                work[layer[OUT] * LANES + i] = value * masks[step, layer[KEPT] * LANES + i] if dropping else value
        if kind in (CONVOLUTION, DENSE) and index < len(layers) - 1:
            activate(layer[ACTIVATION], parameters[index], work, z * LANES, layer[OUT] * LANES, K * P * LANES)


@compiled
def _bend_back(code, parameter, work, z, out, slopes, size):
    """The slopes by the sums take the place of the sums."""
    if code == RELU:
        for i in range(size):
            work[z + i] = work[slopes + i] if work[z + i] > 0 else np.float32(0)
        return
    differentiate(code, parameter, work, z, out, size)
    for i in range(size):
        work[z + i] *= work[slopes + i]


@compiled
def _convolve_back(flat, layer, places, work, turned):
    """The slopes by what a convolution took in, from those by its sums."""
    C, K, P, L = layer[CHANNELS], layer[OUTPUTS], layer[POINTS], layer[WINDOW]
    _scatter(work, layer[SPREAD], layer[SPREAD_PIXELS], layer[SUMS], P, K, places, layer[SPREAD_AT])
    area = L // C
    for c in range(C):
        for k in range(K):
            to, of = layer[TURNED] + (c * K + k) * area, layer[WEIGHTS] + (k * C + c) * area
            for i in range(area):
                turned[to + i] = flat[of + i]
    convolve(
        work, layer[BELOW], _NOTHING, ZERO, ZERO, turned, layer[TURNED], work, layer[SPREAD], places, layer[BACK_TAPS],
        layer[BACK_STANDS], C, layer[PIXELS], K * area,
    )  # fmt: skip


@compiled
def backward(flat, gradient, layers, parameters, places, work, turned, masks, step):
    """From the slopes by the output sums, which stand in their place, to the gradient of every weight and bias."""
    for below in range(uint64(len(layers))):
        index = uint64(len(layers)) - ONE - below
        layer = layers[index]
        kind, K, P, dz = layer[KIND], layer[OUTPUTS], layer[POINTS], layer[SUMS]
        if kind in (CONVOLUTION, DENSE) and below:
            _bend_back(
                layer[ACTIVATION], parameters[index], work, dz * LANES, layer[OUT] * LANES, layer[SLOPES] * LANES,
                K * P * LANES,
            )  # fmt: skip
        if kind == CONVOLUTION:
            correlate(
                gradient, layer[WEIGHTS], work, dz, work, layer[PADDED], places, layer[TAPS], layer[STANDS], K, P,
                layer[WINDOW],
            )  # fmt: skip
            add_lanes(gradient, layer[BIASES], work, dz, K, P)
            if layer[LEARNS_BELOW]:
                _convolve_back(flat, layer, places, work, turned)
        elif kind == DENSE:
            D = layer[INPUTS]
            gradients(gradient, layer[WEIGHTS], work, dz, work, layer[SOURCE], K, D, ONE)
            add_lanes(gradient, layer[BIASES], work, dz, K, ONE)
            if layer[LEARNS_BELOW]:
                products(work, layer[BELOW], flat, layer[WEIGHTS], ONE, D, work, dz, D, ONE, K)
        elif not layer[LEARNS_BELOW]:
            continue
        elif kind == DROPOUT:
            for i in range(P * LANES):
                kept = masks[step, layer[KEPT] * LANES + i]
                work[layer[BELOW] * LANES + i] = work[layer[SLOPES] * LANES + i] * kept
        else:
            _hand_back(work, layer, places)
