"""Numbers of the kernels: what they know by name, how they are compiled, and the activations, one value or one row at a time."""

from __future__ import annotations

import math

import numpy as np
from numba import boolean, float32, njit, uint64

VECTOR = 8  # lanes of float32 in a 256-bit register
BLAS_FROM = 30_000  # multiplications from which a matrix product is worth a call of BLAS

# What the kernel knows, by the kinds of the recipe; a recipe with anything else is the autograd engine's.
ACTIVATIONS = (
    "linear", "relu", "tanh", "sigmoid", "leaky_relu", "elu", "selu", "gelu", "silu", "softplus", "mish",
)  # fmt: skip
OBJECTIVES = ("classes", "numbers")  # Which of the two it is they see by the number of classes, 0 for numbers.
LOSSES = ("cross_entropy", "hinge", "mse", "mae", "huber")
OPTIMIZERS = ("sgd", "rmsprop", "adam", "adamw", "adagrad")
REGULARIZERS = ("none", "l1", "l2")

LINEAR, RELU, TANH, SIGMOID, LEAKY_RELU, ELU, SELU, GELU, SILU, SOFTPLUS, MISH = range(len(ACTIVATIONS))
CROSS_ENTROPY, HINGE, MSE, MAE, HUBER = range(len(LOSSES))
SGD, RMSPROP, ADAM, ADAMW, ADAGRAD = range(len(OPTIMIZERS))
NONE, L1, L2 = range(len(REGULARIZERS))

# Columns of `layers` (uint64), one row a dense layer, the output layer last. SUMS, ACTIVATED, OUT and KEPT are counted in units: times L
# they are places in `work` and in a row of `masks`. OUT is ACTIVATED where nothing is dropped after the layer.
INPUTS, OUTPUTS, WEIGHTS, BIASES, SUMS, ACTIVATED, OUT, ACTIVATION, KEPT, UNITS = range(10)

_TANH_IS_1 = np.float32(7.90531110763549805)
_SELU_SCALE, _SELU_ALPHA = np.float32(1.0507009873554805), np.float32(1.6732632423543772)
_HALF_ROOT, _BELL = np.float32(0.7071067811865476), np.float32(0.3989422804014327)

# All places are uint64: numba would otherwise ask each of them whether it counts from the end, and no loop would become vectors.
ZERO = uint64(0)

# Sums may be taken in another order and products fused with them; NaN and infinity keep their meaning: they are how divergence is seen.
COMPILING: dict = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"reassoc", "contract", "nsz"}}
compiled = njit(**COMPILING)
VALUES, PLACES, MARKS = float32[::1], uint64[::1], boolean[::1]
TABLES = (uint64[:, ::1], VALUES, MARKS)  # layers, parameters, gates


@compiled
def tanh(z):
    """A ratio of polynomials of degree 13 and 6 on [-7.9, 7.9] (Eigen's and XLA's coefficients), within 4 units in the last place."""
    x = -_TANH_IS_1 if z < -_TANH_IS_1 else z  # In this form NaN stays NaN.
    x = _TANH_IS_1 if x > _TANH_IS_1 else x
    s = x * x
    p = np.float32(-2.76076847742355e-16) * s + np.float32(2.00018790482477e-13)
    p = p * s + np.float32(-8.60467152213735e-11)
    p = p * s + np.float32(5.12229709037114e-08)
    p = p * s + np.float32(1.48572235717979e-05)
    p = p * s + np.float32(6.37261928875436e-04)
    p = p * s + np.float32(4.89352455891786e-03)
    q = np.float32(1.19825839466702e-06) * s + np.float32(1.18534705686654e-04)
    q = q * s + np.float32(2.26843463243900e-03)
    q = q * s + np.float32(4.89352518554385e-03)
    return x * p / q


@compiled
def sigmoid(z):
    return np.float32(1) / (np.float32(1) + math.exp(-z))


@compiled
def _softplus(z):
    return z if z > 20 else math.log1p(math.exp(z))  # torch's threshold


@compiled
def _bend(code, parameter, z):
    """f(z) of the activations that are not worth a loop of their own."""
    if code == LEAKY_RELU:
        return z if z > 0 else parameter * z
    if code == ELU:
        return z if z > 0 else parameter * math.expm1(z)
    if code == SELU:
        return _SELU_SCALE * (z if z > 0 else _SELU_ALPHA * math.expm1(z))
    if code == GELU:
        return np.float32(0.5) * z * (np.float32(1) + math.erf(z * _HALF_ROOT))
    if code == SILU:
        return z * sigmoid(z)
    if code == SOFTPLUS:
        return _softplus(z)
    return z * math.tanh(_softplus(z))


@compiled
def _slope(code, parameter, z):
    """f'(z) of the same."""
    one = np.float32(1)
    if code == LEAKY_RELU:
        return one if z > 0 else parameter
    if code == ELU:
        return one if z > 0 else parameter * math.exp(z)
    if code == SELU:
        return _SELU_SCALE * (one if z > 0 else _SELU_ALPHA * math.exp(z))
    if code == GELU:
        bell = _BELL * math.exp(np.float32(-0.5) * z * z)
        return np.float32(0.5) * (one + math.erf(z * _HALF_ROOT)) + z * bell
    if code == SILU:
        s = sigmoid(z)
        return s * (one + z * (one - s))
    if code == SOFTPLUS:
        return one if z > 20 else sigmoid(z)
    t = math.tanh(_softplus(z))
    return t + z * sigmoid(z) * (one - t * t)


@compiled
def activate(code, parameter, work, z, a, size):
    if code == TANH:
        for i in range(size):
            work[a + i] = tanh(work[z + i])
    elif code == RELU:
        for i in range(size):
            value = work[z + i]
            work[a + i] = np.float32(0) if value < 0 else value
    elif code == SIGMOID:
        for i in range(size):
            work[a + i] = sigmoid(work[z + i])
    elif code == LINEAR:
        for i in range(size):
            work[a + i] = work[z + i]
    else:
        for i in range(size):
            work[a + i] = _bend(code, parameter, work[z + i])


@compiled
def differentiate(code, parameter, work, z, a, size):
    """z becomes f'(z); a is f(z), from which the common slopes follow."""
    one = np.float32(1)
    if code == TANH:
        for i in range(size):
            work[z + i] = one - work[a + i] * work[a + i]
    elif code == RELU:
        for i in range(size):
            work[z + i] = one if work[z + i] > 0 else np.float32(0)
    elif code == SIGMOID:
        for i in range(size):
            work[z + i] = work[a + i] * (one - work[a + i])
    elif code == LINEAR:
        for i in range(size):
            work[z + i] = one
    else:
        for i in range(size):
            work[z + i] = _slope(code, parameter, work[z + i])
