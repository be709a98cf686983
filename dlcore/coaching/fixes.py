"""Fixes: what helps, as a change of the recipe. Pure functions; whoever applies one changes the run to the recipe that comes back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dlcore.activations import LeakyReLU, ReLU, Tanh
from dlcore.experiment import Experiment
from dlcore.layers import MOST_UNITS, Dense
from dlcore.problems import Problem
from dlcore.regularizers import L2

USUAL_UNITS = 4  # of a first hidden layer
BENDLESS = ("linear",)
SQUEEZING = ("sigmoid", "tanh")  # activations whose slope is nearly 0 far from 0
RATES = (1e-6, 100.0)
MOST_PRICE = 1.0


@dataclass(frozen=True)
class Fix:
    """A change of the recipe, and the group of controls with which a link hides it."""

    group: str
    change: Callable[[Experiment], Experiment]


def apply_fix(name: str, experiment: Experiment) -> Experiment | None:
    """The recipe with this fix; None if there is no such fix, it changes nothing, or what comes out is no valid recipe."""
    fix = FIXES.get(name)
    if fix is None:
        return None
    try:
        changed = fix.change(experiment)
    except Problem:
        return None
    return None if changed == experiment else changed


def _price_weights(experiment: Experiment) -> Experiment:
    """L2, or ten times as much of it."""
    present = experiment.regularizer
    rate = present.rate * 10 if isinstance(present, L2) and present.rate else 0.01
    return experiment.replace(regularizer=L2(rate=min(MOST_PRICE, rate)))


def _halve_units(experiment: Experiment) -> Experiment:
    return _with_units(experiment, lambda units: max(1, units // 2))


def _double_units(experiment: Experiment) -> Experiment:
    return _with_units(experiment, lambda units: min(MOST_UNITS, units * 2))


def _with_units(experiment: Experiment, change: Callable[[int], int]) -> Experiment:
    layers = tuple(
        layer.replace(units=change(layer.units)) if isinstance(layer, Dense) else layer for layer in experiment.layers
    )
    return experiment.replace(layers=layers)


def _add_layer(experiment: Experiment) -> Experiment:
    return experiment.replace(layers=(*experiment.layers, Dense(units=USUAL_UNITS)))


def _bend(experiment: Experiment) -> Experiment:
    """Tanh where the activation is none."""
    return _with_activation(experiment, BENDLESS, Tanh())


def _let_gradient_through(experiment: Experiment) -> Experiment:
    """ReLU in place of activations that squeeze: its slope is 1 wherever it answers."""
    return _with_activation(experiment, SQUEEZING, ReLU())


def _leak(experiment: Experiment) -> Experiment:
    """Leaky ReLU in place of ReLU: a unit that never answers still has a slope."""
    return _with_activation(experiment, ("relu",), LeakyReLU())


def _with_activation(experiment: Experiment, old: tuple[str, ...], new: Tanh | ReLU | LeakyReLU) -> Experiment:
    layers = tuple(
        layer.replace(activation=new) if isinstance(layer, Dense) and layer.activation.kind in old else layer
        for layer in experiment.layers
    )
    return experiment.replace(layers=layers)


def _with_rate(experiment: Experiment, factor: float) -> Experiment:
    optimizer = experiment.optimizer
    low, high = RATES
    rate = float(f"{min(high, max(low, optimizer.learning_rate * factor)):.4g}")
    return experiment.replace(optimizer=optimizer.replace(learning_rate=rate))


FIXES: dict[str, Fix] = {
    "add_l2": Fix("learning", _price_weights),
    "fewer_units": Fix("edit", _halve_units),
    "more_units": Fix("edit", _double_units),
    "add_layer": Fix("edit", _add_layer),
    "bend": Fix("edit", _bend),
    "let_through": Fix("edit", _let_gradient_through),
    "leak": Fix("edit", _leak),
    "slower": Fix("learning", lambda experiment: _with_rate(experiment, 0.1)),
    "faster": Fix("learning", lambda experiment: _with_rate(experiment, 10)),
}
