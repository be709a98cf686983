"""Numbers of the kernels: what they know by name, how they are compiled, and the functions that they need."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import boolean, float32, int32, njit, uint64
from numba.cpython.unsafe import numbers

VECTOR = 16  # lanes of float32 in two 256-bit registers, which are the rows of the playground's own batch, 10, and six
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
_LOG2_E, _LN2_HIGH, _LN2_LOW = np.float32(1.44269504), np.float32(0.693359375), np.float32(-2.12194440e-4)
_ROOT_2, _ROOT_HALF = np.float32(1.41421356), np.float32(0.70710678)
_HALF_ROOT, _BELL = np.float32(0.7071067811865476), np.float32(0.3989422804014327)

# All places are uint64: numba would otherwise ask each of them whether it counts from the end, and no loop would become vectors.
ZERO = uint64(0)

# Sums may be taken in another order and products fused with them; NaN and infinity keep their meaning: they are how divergence is seen.
COMPILING: dict = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"reassoc", "contract", "nsz"}}
# For functions that only kernels call: without what Python needs to call them, which takes long to compile. A test wraps them in njit.
_INNER: dict = COMPILING | {"cache": False, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
compiled, inlined = njit(**_INNER), njit(**_INNER, forceinline=True)
VALUES, MARKS = float32[::1], boolean[::1]
TABLES = (uint64[:, ::1], VALUES, MARKS)  # layers, parameters, gates

# The same bits as another type, and a whole number: both mean more in a kernel than their Python signatures say.
viewer: Any = numbers.viewer
whole: Any = int32


@compiled
def whole_vectors(rows):
    """So many lanes have room for these rows."""
    return (rows + uint64(VECTOR - 1)) // uint64(VECTOR) * uint64(VECTOR)


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
def exp(x):
    """2^n e^r, r at most ln 2 / 2, by a polynomial (Cephes' coefficients), on [-87, 88]: at most 4e-7 of the value off.

    The compiler turns it into vectors, as it does with `log`; the library's are calls, one number at a time.
    """
    x = np.float32(-87) if x < -87 else x  # In this form NaN stays NaN.
    x = np.float32(88) if x > 88 else x
    scaled = x * _LOG2_E
    scaled = scaled if scaled == scaled else np.float32(0)  # NaN has no whole number.
    n = whole(scaled + (np.float32(0.5) if scaled > 0 else np.float32(-0.5)))
    r = x - np.float32(n) * _LN2_HIGH
    r = r - np.float32(n) * _LN2_LOW
    p = np.float32(1.9875691500e-4) * r + np.float32(1.3981999507e-3)
    p = p * r + np.float32(8.3334519073e-3)
    p = p * r + np.float32(4.1665795894e-2)
    p = p * r + np.float32(1.6666665459e-1)
    p = p * r + np.float32(5.0000001201e-1)
    return (p * r * r + r + np.float32(1)) * viewer(whole((n + whole(127)) << whole(23)), float32)


@compiled
def _bent_log(m):
    """ln(1 + m) - m by a polynomial (Cephes' coefficients), for 1 + m between the roots of 1/2 and 2."""
    p = np.float32(7.0376836292e-2) * m + np.float32(-1.1514610310e-1)
    p = p * m + np.float32(1.1676998740e-1)
    p = p * m + np.float32(-1.2420140846e-1)
    p = p * m + np.float32(1.4249322787e-1)
    p = p * m + np.float32(-1.6668057665e-1)
    p = p * m + np.float32(2.0000714765e-1)
    p = p * m + np.float32(-2.4999993993e-1)
    p = p * m + np.float32(3.3333331174e-1)
    s = m * m
    return m * s * p - np.float32(0.5) * s


@compiled
def log(x):
    """ln x for normal x, from its exponent and its mantissa: at most 4e-7 of it, or of 1, off."""
    bits = viewer(x, int32)
    n = np.float32((bits >> whole(23)) - whole(126))
    m = viewer(whole((bits & whole(0x007FFFFF)) | whole(0x3F000000)), float32)
    small = m < _ROOT_HALF
    n = n - np.float32(1) if small else n
    m = m + m - np.float32(1) if small else m - np.float32(1)
    value = n * _LN2_HIGH + (m + (n * _LN2_LOW + _bent_log(m)))
    return value if x < np.float32(3e38) else x


@compiled
def log_of_1_plus(e):
    """ln(1 + e) for e from 0 to 1: at most 4e-7 of it off, also where e is tiny, as 1 + e is never made."""
    large = e > _ROOT_2 - np.float32(1)
    m = np.float32(0.5) * e - np.float32(0.5) if large else e
    n = np.float32(1) if large else np.float32(0)
    return n * _LN2_HIGH + (m + (n * _LN2_LOW + _bent_log(m)))


@compiled
def sigmoid(z):
    return np.float32(1) / (np.float32(1) + exp(-z))


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
