"""The functions that the kernels compute by themselves, against those of numpy with twice the digits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numba import njit

from dlcore.engines import compiled


def over(name: str) -> Callable[[np.ndarray], np.ndarray]:
    """A function of the kernels, for many numbers at a time: as vectors, as kernels use it."""
    kernels = compiled.kernels(patient=True)
    assert kernels is not None
    function = getattr(kernels.numerics, name)

    @njit(fastmath=kernels.numerics.COMPILING["fastmath"])
    def each(values: np.ndarray) -> np.ndarray:
        found = np.empty_like(values)
        for at in range(len(values)):
            found[at] = function(values[at])
        return found

    return each


def test_tanh_is_within_a_few_units_in_the_last_place() -> None:
    z = np.concatenate([np.linspace(-12, 12, 20_001), [0.0, -0.0, np.inf, -np.inf]]).astype(np.float32)
    true = np.tanh(z.astype(np.float64))
    assert np.all(np.abs(over("tanh")(z) - true) <= 6 * np.spacing(np.abs(true).astype(np.float32)))


def test_exp_and_log_are_as_close_as_their_definitions_say() -> None:
    of_exp = np.linspace(-86, 87, 2001).astype(np.float32)
    np.testing.assert_allclose(over("exp")(of_exp), np.exp(of_exp.astype(np.float64)), rtol=4e-7)
    of_log = np.concatenate([np.linspace(1, 2, 1001), np.geomspace(1e-30, 1e30, 1001)]).astype(np.float32)
    true = np.log(of_log.astype(np.float64))
    assert np.all(np.abs(over("log")(of_log) - true) <= 4e-7 * np.maximum(1, np.abs(true)))


def test_the_loss_of_a_row_that_is_nearly_certain_is_not_rounded_away() -> None:
    e = np.concatenate([np.linspace(0, 1, 2001), np.geomspace(1e-30, 1, 2001)]).astype(np.float32)
    np.testing.assert_allclose(over("log_of_1_plus")(e), np.log1p(e.astype(np.float64)), rtol=4e-7)


def test_what_is_not_a_number_stays_so() -> None:
    for name in ("tanh", "exp", "log", "log_of_1_plus", "sigmoid"):
        assert np.isnan(over(name)(np.full(20, np.nan, np.float32))).all(), name
