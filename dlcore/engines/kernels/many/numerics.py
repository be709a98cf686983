"""exp and log that the compiler turns into vectors, which it cannot do with the library's: there they are calls, one number at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import float32, int32
from numba.cpython.unsafe import numbers

from dlcore.engines.kernels.numerics import SIGMOID, activate, compiled

# The same bits as another type, and a whole number: both mean more in a kernel than their Python signatures say.
viewer: Any = numbers.viewer
whole: Any = int32

_LOG2_E, _LN2_HIGH, _LN2_LOW = np.float32(1.44269504), np.float32(0.693359375), np.float32(-2.12194440e-4)
_ROOT_HALF = np.float32(0.70710678)


@compiled
def exp(x):
    """2^n e^r, r at most ln 2 / 2, by a polynomial (Cephes' coefficients), on [-87, 88]: at most 4e-7 of the value off."""
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
def log(x):
    """ln x for normal x, from its exponent and a polynomial of its mantissa (Cephes' coefficients): at most 4e-7 of it, or of 1, off."""
    bits = viewer(x, int32)
    n = np.float32((bits >> whole(23)) - whole(126))
    m = viewer(whole((bits & whole(0x007FFFFF)) | whole(0x3F000000)), float32)
    small = m < _ROOT_HALF
    n = n - np.float32(1) if small else n
    m = m + m - np.float32(1) if small else m - np.float32(1)
    p = np.float32(7.0376836292e-2) * m + np.float32(-1.1514610310e-1)
    p = p * m + np.float32(1.1676998740e-1)
    p = p * m + np.float32(-1.2420140846e-1)
    p = p * m + np.float32(1.4249322787e-1)
    p = p * m + np.float32(-1.6668057665e-1)
    p = p * m + np.float32(2.0000714765e-1)
    p = p * m + np.float32(-2.4999993993e-1)
    p = p * m + np.float32(3.3333331174e-1)
    s = m * m
    value = n * _LN2_HIGH + (m + (n * _LN2_LOW + (m * s * p - np.float32(0.5) * s)))
    return value if x < np.float32(3e38) else x


@compiled
def bend(code, parameter, work, z, a, size):
    """f(z), as numerics.activate has it."""
    if code == SIGMOID:
        for i in range(size):
            work[a + i] = np.float32(1) / (np.float32(1) + exp(-work[z + i]))
    else:
        activate(code, parameter, work, z, a, size)
