"""What every unit answers over a grid, as the canvas shows it: bytes, 128 is zero, 1 and 255 are minus and plus a unit's scale."""

from __future__ import annotations

import numpy as np
from numba import float32, int64, njit, types, uint8, uint64

from dlcore.engines.kernels.numerics import (
    ACTIVATED,
    COMPILING,
    OUTPUTS,
    SUMS,
    TABLES,
    VALUES,
    ZERO,
    compiled,
    exp,
    sigmoid,
    tanh,
    whole_vectors,
)
from dlcore.engines.kernels.passes import forward

# The links of dlcore/objectives/links.py whose pictures are known here: o, 2 sigmoid(o) - 1, tanh(o), 2 softmax(o) - 1 of the sums o.
LINKS = ("linear", "sigmoid", "tanh", "softmax")
_LINEAR, _SIGMOID, _TANH, _SOFTMAX = range(len(LINKS))


@compiled
def _claim(claim, work, outputs, lanes, half, K):
    """What the loss makes of the sums, in their place, at every second point."""
    if claim == _SOFTMAX:
        for column in range(half):
            at = outputs + column * uint64(2)
            highest = work[at]
            for k in range(K):
                highest = max(highest, work[at + k * lanes])
            total = np.float32(0)
            for k in range(K):
                work[at + k * lanes] = exp(work[at + k * lanes] - highest)
                total += work[at + k * lanes]
            for k in range(K):
                work[at + k * lanes] = np.float32(2) * work[at + k * lanes] / total - np.float32(1)
    elif claim == _SIGMOID:
        for i in range(K * lanes):
            work[outputs + i] = tanh(np.float32(0.5) * work[outputs + i])
    elif claim == _TANH:
        for i in range(K * lanes):
            work[outputs + i] = tanh(work[outputs + i])


@njit(
    types.void(
        VALUES,
        *TABLES,
        float32[:, ::1],
        int64[::1],
        int64,
        VALUES,
        float32[:, ::1],
        float32[:, ::1],
        uint8[:, ::1],
        VALUES,
    ),
    **COMPILING,
)
def paint(flat, layers, parameters, gates, grid, shown, claim, work, seen, sums, maps, scales):
    """Over a square grid (D, side * side): `sums` (K, side * side) of the output layer; of the `shown` first units of each layer one
    map of every second point (units, side / 2 * side / 2), and its scale.

    `seen` is room for the maps' values.
    """
    side = uint64(np.sqrt(grid.shape[1]))
    lanes, half = whole_vectors(side), side // uint64(2)
    last = layers[len(layers) - 1]
    K, outputs = last[OUTPUTS], last[SUMS] * lanes
    nothing = np.empty((0, 0), np.float32)
    for row in range(side):
        start = row * side
        for d in range(uint64(grid.shape[0])):
            for lane in range(side):
                work[d * lanes + lane] = grid[d, start + lane]
        forward(flat, layers, parameters, work, lanes, gates, nothing, ZERO)
        for k in range(K):
            for lane in range(side):
                sums[k, start + lane] = work[outputs + k * lanes + lane]
        if row % uint64(2):
            continue
        place = row // uint64(2) * half
        _claim(claim, work, outputs, lanes, half, K)
        unit = ZERO
        for index in range(len(layers)):
            source = layers[index, SUMS if index == len(layers) - 1 else ACTIVATED] * lanes
            for k in range(uint64(shown[index])):
                for column in range(half):
                    seen[unit, place + column] = work[source + k * lanes + column * uint64(2)]
                unit += uint64(1)
    points = half * half
    for unit in range(uint64(len(maps))):
        scale = np.float32(1)
        for i in range(points):
            scale = max(scale, abs(seen[unit, i]))
        factor = np.float32(127) / scale
        for i in range(points):
            maps[unit, i] = np.uint8(seen[unit, i] * factor + np.float32(128.5))
        scales[unit] = scale


@njit(types.void(VALUES, float32, uint8[::1]), **COMPILING)
def paint_classes(sums, factor, into):
    """Of two classes: the probability of class 1, sigmoid(factor * o), as 1.5 + 254 p."""
    for i in range(uint64(len(sums))):
        into[i] = np.uint8(np.float32(254) * sigmoid(factor * sums[i]) + np.float32(1.5))
