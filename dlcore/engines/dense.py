"""The dense engine: stacks of dense layers, on the CPU, by the compiled kernels. It shares all memory with an autograd engine.

Whatever the one has done the other goes on from, so a run can change engine between any two steps.

N rows of both splits, the training rows first; B rows of a batch, D inputs, K units, L lanes (see kernels/).
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from dlcore.engines.modules import SeededDropout
from dlcore.layers import Dense
from dlcore.learning.snapshot import Scores
from dlcore.libraries import fetch_blas

if TYPE_CHECKING:
    from dlcore.engines.autograd import AutogradEngine
    from dlcore.experiment import Experiment

SCORED_TOGETHER = np.uint64(64)  # rows: their lanes stay in the fastest cache
MOST_EPOCHS_AT_ONCE = 1000
MOST_MASKED = 64  # steps whose dropout masks are drawn ahead

# What each optimizer remembers, by the names that its `update` uses, in the order of the kernel's arguments.
_REMEMBERED = {
    "sgd": ("velocity",),
    "rmsprop": ("square",),
    "adagrad": ("square",),
    "adam": ("mean", "square"),
    "adamw": ("mean", "square"),
}


@dataclass(frozen=True)
class Rows:
    """What is learned from and judged by, on the CPU: X, targets as the loss encodes them, y as the metric wants it; N each.

    `weights`: what each training row counts in the loss (train,); None: all the same.
    """

    X_ND: torch.Tensor
    targets: torch.Tensor
    y_N: torch.Tensor
    train: int
    weights: torch.Tensor | None = None


def fits(kernels: ModuleType, experiment: Experiment) -> bool:
    """Whether the kernels know everything in this recipe."""
    bends = {layer.activation.kind for layer in experiment.layers if isinstance(layer, Dense)}
    return {layer.kind for layer in experiment.layers} <= {"dense", "dropout"} and knows(kernels, experiment, bends)


def knows(kernels: ModuleType, experiment: Experiment, bends: set[str]) -> bool:
    """Whether the kernels know these activations, and how this recipe learns."""
    numerics = kernels.numerics
    return (
        bends <= set(numerics.ACTIVATIONS)
        and experiment.objective.kind in numerics.OBJECTIVES
        and experiment.loss.kind in numerics.LOSSES
        and experiment.optimizer.kind in numerics.OPTIMIZERS
        and experiment.regularizer.kind in numerics.REGULARIZERS
    )


class DenseEngine:
    """Takes slices of steps in the memory of an autograd engine. Valid only while that engine, its marks, recipe and rows stay the same."""

    name = "dense"

    def __init__(self, kernels: ModuleType, engine: AutogradEngine, experiment: Experiment, rows: Rows) -> None:
        self._kernels = kernels
        self._batch = experiment.batch_size
        self._codes = np.array(codes_of(kernels, experiment), np.int64)
        self._settings = np.array(settings_of(experiment))
        self._X = rows.X_ND.numpy()
        self._targets = np.ascontiguousarray(rows.targets.float().reshape(len(self._X), -1).numpy())
        self._y = rows.y_N.float().numpy()
        self._weights = weights_of(rows)
        self._metric = experiment.objective.metric
        self._train = np.uint64(rows.train)
        self._rows = rows.train, len(self._X) - rows.train
        self._spreads = [spread_of(part.float()) for part in (rows.y_N[: rows.train], rows.y_N[rows.train :])]
        self._lay_out(experiment, engine, rows)

        assert engine.flat.grad is not None
        self._flat = engine.flat.detach().numpy()
        self._gradient = engine.flat.grad.numpy()
        self._previous = engine.previous.numpy()
        self._frozen = _marks(engine.frozen)
        self._gates = _marks(None if engine.silenced is None else ~torch.cat(list(engine.silenced.values())))
        self._first, self._second, self._count = _memory(engine, experiment)

    def _lay_out(self, experiment: Experiment, engine: AutogradEngine, rows: Rows) -> None:
        """Tables of the layers, room for what goes through them, and what is dropped on the way."""
        kernels = self._kernels
        dropouts = dropouts_after_layers(engine.model)
        widths = [experiment.num_inputs, *(layer.units for layer in experiment.layers if isinstance(layer, Dense))]
        self._masked = [(modules, width) for modules, width in zip(dropouts, widths, strict=True) if modules]
        self.most_steps = MOST_MASKED if self._masked else 1_000_000  # of one call of `take`
        self.most_epochs = 1 if self._masked else MOST_EPOCHS_AT_ONCE  # of one call of `take_epochs`
        self._layers, units = layer_table(kernels, experiment, [bool(modules) for modules in dropouts])
        self._parameters = np.array(activation_parameters(experiment), np.float32)
        self._codes[-1] = bool(dropouts[0])
        lanes = max(whole_vectors(kernels, min(self._batch, rows.train)), int(SCORED_TOGETHER))
        self._work = work_space(kernels, self._layers, units, lanes)

    def take(self, rates: np.ndarray, order: np.ndarray, cursor: int) -> np.ndarray:
        """One update for each learning rate, from row `cursor` of the epoch's order (N,) on: the mean loss of each batch before its update.

        A loss that is not finite makes no update and is the last one of the answer.
        """
        masks = self._draw_masks(len(rates), len(order), cursor) if self._masked else _NO_MASKS
        return self._run(rates, order[None], cursor, masks, _NO_SCORES)

    def take_epochs(self, rates: np.ndarray, orders: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Whole epochs, each in an order of its own (epochs, N): the losses, as of `take`, and each epoch's row of scores (`Scores.row`).

        The rows of epochs that did not end mean nothing.
        """
        sums = np.zeros((len(orders), 4))
        losses = self._run(rates, orders, 0, _NO_MASKS, sums)
        (train, test), spreads, metric = self._rows, self._spreads, self._metric
        scores = np.empty_like(sums)
        scores[:, 0], scores[:, 1] = sums[:, 0] / train, sums[:, 2] / test
        scores[:, 2] = metric.of_sum(sums[:, 1], train, spreads[0])
        scores[:, 3] = metric.of_sum(sums[:, 3], test, spreads[1])
        return losses, scores

    def score(self) -> Scores:
        """Mean loss and metric of both splits."""
        sums = np.empty((1, 4))
        self._run(_NO_RATES, _NO_ORDERS, 0, _NO_MASKS, sums)
        train_loss, train_judged, test_loss, test_judged = sums[0].tolist()
        return Scores(self._score_split(0, train_loss, train_judged), self._score_split(1, test_loss, test_judged))

    def _run(
        self, rates: np.ndarray, orders: np.ndarray, cursor: int, masks: np.ndarray, scores: np.ndarray
    ) -> np.ndarray:
        return self._kernels.steps.take_steps(
            self._flat, self._gradient, self._previous, self._first, self._second, self._count, self._frozen,
            self._layers, self._parameters, self._gates, masks, self._codes, self._settings, rates,
            self._X, self._targets, self._weights, self._y, self._train, SCORED_TOGETHER, orders.view(np.uint64), cursor,
            self._batch, scores, self._work,
        )  # fmt: skip

    def _score_split(self, split: int, loss: float, judged: float) -> dict[str, float]:
        rows, metric = self._rows[split], self._metric
        return {"loss": loss / rows, metric.kind: metric.of_sum(judged, rows, self._spreads[split])}

    def _draw_masks(self, steps: int, rows: int, cursor: int) -> np.ndarray:
        """What dropout multiplies values with, a row a step, drawn in the order in which the modules would draw."""
        widest = sum(width for _, width in self._masked) * whole_vectors(self._kernels, min(self._batch, rows))
        masks = np.zeros((steps, widest), np.float32)
        for mask in masks:
            batch = min(self._batch, rows - cursor)
            lanes = whole_vectors(self._kernels, batch)
            start = 0
            for modules, width in self._masked:
                kept_BK = torch.ones(batch, width)
                for module in modules:
                    kept_BK *= module.mask(kept_BK.shape) / (1 - module.p)
                mask[start : start + width * lanes].reshape(width, lanes)[:, :batch] = kept_BK.T.numpy()
                start += width * lanes
            cursor += batch
        return masks


_NO_MASKS = np.empty((0, 0), np.float32)
_NO_VALUES = np.empty(0, np.float32)
_NO_RATES, _NO_SCORES = np.empty(0), np.empty((0, 4))
_NO_ORDERS = np.empty((1, 1), np.int64)


def whole_vectors(kernels: ModuleType, rows: int) -> int:
    """So many lanes have room for these rows."""
    return -(-rows // kernels.numerics.VECTOR) * kernels.numerics.VECTOR


def weights_of(rows: Rows) -> np.ndarray:
    """(train,) what each training row counts; empty where all count the same."""
    return _NO_VALUES if rows.weights is None else rows.weights.numpy()


def spread_of(y: torch.Tensor) -> float:
    """Sum of squared distances from the mean."""
    return (y - y.mean()).double().square().sum().item()


def _marks(chosen: torch.Tensor | None) -> np.ndarray:
    return np.empty(0, np.bool_) if chosen is None else chosen.numpy()


def dropouts_after_layers(model: nn.Sequential) -> list[list[SeededDropout]]:
    """The dropout modules that do something after the inputs and after each hidden dense layer."""
    by_layer: list[list[SeededDropout]] = [[]]
    for module in model:
        if isinstance(module, nn.Linear):
            by_layer.append([])
        elif isinstance(module, SeededDropout) and module.p > 0:
            by_layer[-1].append(module)
    return by_layer[:-1]


def layer_table(kernels: ModuleType, experiment: Experiment, dropped: list[bool]) -> tuple[np.ndarray, int]:
    """The kernels' table of layers, and how many units the work space has room for."""
    numerics = kernels.numerics
    plans = [plan for plan in experiment.plan() if plan.has_units]
    bends = [layer.activation.kind for layer in experiment.layers if isinstance(layer, Dense)] + ["linear"]
    table = np.zeros((len(plans), 10), np.uint64)
    parameter, hidden = 0, 0
    kept, unit = plans[0].inputs * dropped[0], plans[0].inputs
    for row, plan, bend, drops in zip(table, plans, bends, [*dropped[1:], False], strict=True):
        D, K = plan.inputs, plan.outputs
        row[numerics.INPUTS], row[numerics.OUTPUTS] = D, K
        row[numerics.WEIGHTS], row[numerics.BIASES] = parameter, parameter + D * K
        row[numerics.SUMS], row[numerics.ACTIVATED] = unit, unit + K
        row[numerics.OUT] = unit + K * (1 + drops)
        row[numerics.ACTIVATION] = numerics.ACTIVATIONS.index(bend)
        row[numerics.KEPT], row[numerics.UNITS] = kept, hidden
        parameter += plan.parameters
        hidden += K
        kept += K * drops
        unit += K * (2 + drops)
    return table, unit


def work_space(kernels: ModuleType, layers: np.ndarray, units: int, lanes: int) -> np.ndarray:
    """Room for so many lanes of all units, and BLAS at hand if the matrices are large enough for it."""
    numerics = kernels.numerics
    if int((layers[:, numerics.INPUTS] * layers[:, numerics.OUTPUTS]).max()) * lanes >= numerics.BLAS_FROM:
        fetch_blas()
    return np.zeros(units * lanes, np.float32)


def activation_parameters(experiment: Experiment) -> list[float]:
    """The slope or alpha of each activation that has one."""
    numbers = [list(layer.activation.arguments().values()) for layer in experiment.layers if isinstance(layer, Dense)]
    return [float(found[0]) if found else 0.0 for found in [*numbers, []]]


def codes_of(kernels: ModuleType, experiment: Experiment, drops_inputs: bool = False) -> list[int]:
    """Loss, optimizer, regularizer, classes, whether inputs are dropped, as the kernels know them."""
    numerics = kernels.numerics
    return [
        numerics.LOSSES.index(experiment.loss.kind),
        numerics.OPTIMIZERS.index(experiment.optimizer.kind),
        numerics.REGULARIZERS.index(experiment.regularizer.kind),
        experiment.objective.num_classes,
        drops_inputs,
    ]


def settings_of(experiment: Experiment) -> list[float]:
    """Three numbers of the optimizer, Huber's delta, the regularizer's rate, the largest norm."""
    optimizer = experiment.optimizer
    match optimizer.kind:
        case "sgd":
            own = (optimizer.momentum, optimizer.nesterov, 0)
        case "rmsprop":
            own = (optimizer.alpha, 0, 0)
        case "adam":
            own = (optimizer.beta1, optimizer.beta2, 0)
        case "adamw":
            own = (optimizer.beta1, optimizer.beta2, optimizer.weight_decay)
        case _:
            own = (0, 0, 0)
    delta = experiment.loss.delta if experiment.loss.kind == "huber" else 1
    price = 0 if experiment.regularizer.kind == "none" else experiment.regularizer.rate
    return [float(number) for number in (*own, delta, price, experiment.gradient_clip)]


def _memory(engine: AutogradEngine, experiment: Experiment) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What the optimizer remembers, in the engine's own tensors: two of the parameters' shape, and the count of steps."""
    optimizer, memory = experiment.optimizer, engine.memory
    names = () if optimizer.kind == "sgd" and not optimizer.momentum else _REMEMBERED[optimizer.kind]
    kept = [memory.setdefault(name, torch.zeros_like(engine.previous)).numpy() for name in names]
    count = memory.setdefault("step", torch.zeros(())) if len(names) == 2 else torch.zeros(())
    first, second, *_ = [*kept, _NO_VALUES, _NO_VALUES]
    return first, second, count.numpy().reshape(1)
