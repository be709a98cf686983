"""The losses of rows that stand side by side, as vectors, and which of them are right: of one network, or of many seeds."""

from __future__ import annotations

import numpy as np
from numba import uint64

from dlcore.engines.kernels.numerics import CROSS_ENTROPY, HINGE, MAE, MSE, compiled, exp, log, log_of_1_plus, tanh


@compiled
def lose(loss, delta, classes, work, outputs, size, K, goals, lost):
    """The loss of every lane into `lost`; its slope by each output sum takes that sum's place. Both K * size of them.

    `goals`: the targets as the losses' `encode` gives them: the class, its sign, or K numbers. `lost` has room for 3 * size.
    """
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
            lost[i] = (o if o > 0 else np.float32(0)) - o * t + log_of_1_plus(e)
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
def judge(classes, work, outputs, size, K, wanted, highest, judged):
    """1 for a row that is right, else 0; of numbers the squared error."""
    one, zero = np.float32(1), np.float32(0)
    if not classes:
        for i in range(size):
            error = wanted[i] - work[outputs + i]
            judged[i] = error * error
    elif K == 1:
        for i in range(size):
            judged[i] = one if (work[outputs + i] > 0) == (wanted[i] > 0) else zero
    else:
        for i in range(size):
            highest[i] = work[outputs + i]
            judged[i] = one if wanted[i] == 0 else zero
        for k in range(uint64(1), K):
            for i in range(size):
                value = work[outputs + k * size + i]
                right = one if wanted[i] == np.float32(k) else zero
                judged[i] = right if value > highest[i] else judged[i]
                highest[i] = value if value > highest[i] else highest[i]
