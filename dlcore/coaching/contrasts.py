"""Contrasts: recipes that differ from a given one in one thing that a class compares, from the same start and on the same rows."""

from __future__ import annotations

from dlcore.activations import ReLU, Tanh
from dlcore.coaching.fixes import apply_fix
from dlcore.experiment import Experiment
from dlcore.layers import Dense
from dlcore.optimizers import SGD, Adam

LARGEST_SEED = 2**31 - 1


def list_contrasts(experiment: Experiment) -> dict[str, Experiment]:
    """The recipes, by the names of what is different in each; those that change something and are valid."""
    named = {
        "optimizer": _swap_optimizer(experiment),
        "activation": _swap_activation(experiment),
        **{name: apply_fix(name, experiment) for name in ("slower", "faster", "more_units", "add_layer", "add_l2")},
        "seed": experiment.replace(seed=(experiment.seed + 1) % LARGEST_SEED),
    }
    return {name: changed for name, changed in named.items() if changed is not None and changed != experiment}


def _swap_optimizer(experiment: Experiment) -> Experiment:
    """SGD instead of any other optimizer, Adam instead of SGD; the learning rate stays, or two things would be different."""
    other = Adam if isinstance(experiment.optimizer, SGD) else SGD
    return experiment.replace(optimizer=other(learning_rate=experiment.optimizer.learning_rate))


def _swap_activation(experiment: Experiment) -> Experiment | None:
    """ReLU in all hidden layers, or Tanh where there is some ReLU already; None without hidden layers."""
    hidden = [layer for layer in experiment.layers if isinstance(layer, Dense)]
    new = Tanh() if any(isinstance(layer.activation, ReLU) for layer in hidden) else ReLU()
    layers = tuple(layer.replace(activation=new) if isinstance(layer, Dense) else layer for layer in experiment.layers)
    return experiment.replace(layers=layers) if hidden else None
