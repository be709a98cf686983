"""The engine for stacks of convolution, pooling and dense layers, on the CPU, by compiled kernels: as the dense engine, in the same memory.

C channels of H x W pixels come into a layer, K maps of h x w points go out; B rows of a batch.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import torch

from dlcore.component import kind_of
from dlcore.engines.dense import MOST_EPOCHS_AT_ONCE, MOST_MASKED, DenseEngine, Rows, knows
from dlcore.engines.modules import SeededDropout
from dlcore.layers import (
    PICTURE,
    AveragePool,
    Conv2d,
    Dense,
    Dropout,
    GlobalAveragePool,
    LayerComponent,
    MaxPool,
    Output,
    all_layers,
)

if TYPE_CHECKING:
    from dlcore.engines.autograd import AutogradEngine
    from dlcore.experiment import Experiment
    from dlcore.plan import LayerPlan

KINDS = frozenset({"conv2d", "max_pool", "average_pool", "global_average_pool", "flatten", "dense", "dropout"})
QUICK_BENDS = frozenset({"linear", "relu", "tanh", "sigmoid"})  # The others call the library for each number.
FEW_ROWS = 16  # of a batch
MOST_WEIGHTS, MOST_DENSE_WEIGHTS = (
    10_000,
    150_000,
)  # of a layer; wider ones are torch's, whose products are better there
MASKS_AT_ONCE = 16_000_000  # numbers of dropout masks that are drawn ahead


def is_picture_stack(experiment: Experiment) -> bool:
    """Whether this is a stack for this engine, as far as its layers go: such as make maps from pictures, at the top level only."""
    return (
        len(experiment.row_shape) == PICTURE
        and {kind_of(type(layer)) for layer in all_layers(experiment.layers)} <= KINDS
    )


def is_quicker(experiment: Experiment) -> bool:
    """Whether these kernels are quicker than torch on one core: measured, see docs/decisions/0051-compiled-convolutions.md."""
    convolutions = [layer for layer in experiment.layers if isinstance(layer, Conv2d)]
    if not {layer.activation.kind for layer in convolutions} <= QUICK_BENDS:
        return False
    small = experiment.batch_size <= FEW_ROWS
    weights = {Conv2d: 0, Dense: 0}
    for layer, plan in zip(experiment.layers, experiment.plan(), strict=False):
        if isinstance(layer, (Conv2d, Dense)):
            weights[type(layer)] = max(weights[type(layer)], plan.parameters)
    if small:
        return weights[Conv2d] <= MOST_WEIGHTS
    return weights[Conv2d] <= MOST_WEIGHTS // 2 and weights[Dense] <= MOST_DENSE_WEIGHTS


class ConvolvingEngine(DenseEngine):
    """As the dense engine, for such a stack; not where units are silenced."""

    _dropped: list[tuple[SeededDropout, tuple[int, ...]]]

    def _lay_out(self, experiment: Experiment, engine: AutogradEngine, rows: Rows) -> None:
        layout = _Layout(self._kernels, experiment)
        modules = [module for module in engine.model if isinstance(module, SeededDropout) and module.p > 0]
        self._dropped = list(zip(modules, layout.dropped, strict=True))
        self._lanes = self._kernels.numerics.VECTOR
        self._layers, self._parameters, self._places = layout.layers, layout.parameters, layout.places
        self._work = np.zeros(layout.room * self._lanes, np.float32)
        self._turned = np.zeros(layout.turned, np.float32)
        self._part = np.zeros(engine.flat.numel() if self._batch > self._lanes else 1, np.float32)
        self._mask_size = layout.masked * self._lanes
        batch_masks = self._mask_size * -(-min(self._batch, rows.train) // self._lanes)
        self._masked = bool(modules)
        self.most_steps = min(MOST_MASKED, max(1, MASKS_AT_ONCE // batch_masks)) if modules else 1_000_000
        self.most_epochs = 1 if modules else MOST_EPOCHS_AT_ONCE

    def _run(
        self, rates: np.ndarray, orders: np.ndarray, cursor: int, masks: np.ndarray, scores: np.ndarray
    ) -> np.ndarray:
        return self._kernels.convolving.steps.take_steps(
            self._flat, self._gradient, self._previous, self._first, self._second, self._count, self._frozen,
            self._layers, self._parameters, self._places, masks, self._codes, self._settings, rates,
            self._X, self._targets, self._weights, self._y, self._train, orders.view(np.uint64), cursor, self._batch,
            scores, self._work, self._turned, self._part,
        )  # fmt: skip

    def _draw_masks(self, steps: int, rows: int, cursor: int) -> np.ndarray:
        """As those of the dense engine; a row for every lot of rows that goes through the stack together."""
        found = []
        for _ in range(steps):
            batch = min(self._batch, rows - cursor)
            kept = [module.mask(torch.Size((batch, *shape))) / (1 - module.p) for module, shape in self._dropped]
            kept_BD = torch.cat([one.reshape(batch, -1) for one in kept], 1).numpy()
            for start in range(0, batch, self._lanes):
                lot = kept_BD[start : start + self._lanes]
                mask = np.zeros((lot.shape[1], self._lanes), np.float32)
                mask[:, : len(lot)] = lot.T
                found.append(mask.reshape(-1))
            cursor += batch
        return np.array(found)


class _Layout:
    """The kernels' tables of layers and of places, and how much room all needs; see kernels/convolving/table.py."""

    def __init__(self, kernels: ModuleType, experiment: Experiment) -> None:
        self._table = kernels.convolving.table
        self._activations = kernels.numerics.ACTIVATIONS
        self._rows: list[dict[int, int]] = []
        self._places: list[np.ndarray] = []
        self._place = 0
        self._parameter = 0
        self._learns = False  # whether a layer so far has something to learn
        parameters = []
        plans = experiment.plan()
        self.room, self.turned, self.masked = plans[0].inputs, 0, 0  # The inputs stand first.
        self.dropped: list[tuple[int, ...]] = []
        self._source, self._below = 0, 0
        for layer, plan in zip(experiment.stack, plans, strict=True):
            if not isinstance(layer, (Conv2d, MaxPool, AveragePool, GlobalAveragePool, Dense, Output, Dropout)):
                continue  # To flatten (C, H, W, 16) is to read it as (D, 16).
            if isinstance(layer, Dropout) and layer.p == 0:
                continue
            self._add(layer, plan)
            bend = layer.activation if isinstance(layer, (Conv2d, Dense)) else None
            numbers = list(bend.arguments().values()) if bend else []
            parameters.append(float(numbers[0]) if numbers else 0.0)
        self.layers = np.zeros((len(self._rows), self._table.COLUMNS), np.uint64)
        for row, filled in zip(self.layers, self._rows, strict=True):
            for column, value in filled.items():
                row[column] = value
        self.parameters = np.array(parameters, np.float32)
        self.places = np.concatenate([*self._places, np.zeros(1)]).astype(np.uint64)

    def _add(self, layer: LayerComponent, plan: LayerPlan) -> None:
        table = self._table
        outputs = plan.outputs
        row = {
            table.SOURCE: self._source, table.BELOW: self._below, table.LEARNS_BELOW: self._learns, table.POINTS: 1,
            table.SUMS: self._take_room(outputs), table.OUT: self._take_room(outputs), table.SLOPES: self._take_room(outputs),
        }  # fmt: skip
        if isinstance(layer, (Conv2d, Dense, Output)):
            weights = plan.parameters - plan.units
            bend = layer.activation.kind if isinstance(layer, (Conv2d, Dense)) else "linear"
            row |= {
                table.KIND: table.DENSE, table.OUTPUTS: plan.units, table.INPUTS: weights // plan.units,
                table.WEIGHTS: self._parameter, table.BIASES: self._parameter + weights,
                table.ACTIVATION: self._activations.index(bend),
            }  # fmt: skip
            if isinstance(layer, Conv2d):
                row |= self._convolution(layer, plan)
            self._parameter += plan.parameters
            self._learns = True
        elif isinstance(layer, Dropout):
            row |= {table.KIND: table.DROPOUT, table.POINTS: outputs, table.KEPT: self.masked}
            self.masked += outputs
            self.dropped.append(plan.output_shape)
        else:
            row |= self._pool(layer, plan)
        self._rows.append(row)
        self._source, self._below = row[table.OUT], row[table.SLOPES]

    def _convolution(self, layer: Conv2d, plan: LayerPlan) -> dict[int, int]:
        table = self._table
        (C, H, W), (K, h, w) = plan.input_shape, plan.output_shape
        kernel, stride, padding = layer.kernel, layer.stride, layer.padding
        high, wide = H + 2 * padding, W + 2 * padding
        # The slopes by the sums, with so many zeros around them (and between them) that every pixel below has a whole window there.
        margin = kernel - 1
        high_back, wide_back = high + margin, wide + margin
        c, k, y, x = np.arange(C), np.arange(K), np.arange(kernel), np.arange(kernel)
        back = margin + padding
        return {
            table.KIND: table.CONVOLUTION, table.CHANNELS: C, table.PIXELS: H * W, table.POINTS: h * w,
            table.WINDOW: C * kernel**2, table.PADDED_PIXELS: high * wide,
            table.PADDED: self._take_room(C * high * wide) if padding else self._source,
            table.INSIDE: self._keep(np.arange(H) + padding, wide, np.arange(W) + padding),
            table.TAPS: self._keep(y, wide, x, c * (high * wide)),
            table.STANDS: self._keep(np.arange(h) * stride, wide, np.arange(w) * stride),
            table.SPREAD: self._take_room(K * high_back * wide_back) if self._learns else 0,
            table.SPREAD_PIXELS: high_back * wide_back,
            table.SPREAD_AT: self._keep(margin + np.arange(h) * stride, wide_back, margin + np.arange(w) * stride),
            table.BACK_TAPS: self._keep(back - y, wide_back, back - x, k * (high_back * wide_back)),
            table.BACK_STANDS: self._keep(np.arange(H), wide_back, np.arange(W)),
            table.TURNED: self._turn(plan.parameters - K),
        }  # fmt: skip

    def _pool(self, layer: LayerComponent, plan: LayerPlan) -> dict[int, int]:
        table = self._table
        C, H, W = plan.input_shape
        if isinstance(layer, (MaxPool, AveragePool)):
            high = wide = layer.size
            h, w = plan.output_shape[1:]
        else:
            high, wide, h, w = H, W, 1, 1
        self.turned = max(self.turned, high * wide)  # The weights of a mean stand there for a moment.
        return {
            table.KIND: table.MAXIMUM if isinstance(layer, MaxPool) else table.AVERAGE,
            table.CHANNELS: C, table.PIXELS: H * W, table.POINTS: h * w, table.WINDOW: high * wide,
            table.TAPS: self._keep(np.arange(high), W, np.arange(wide)),
            table.STANDS: self._keep(np.arange(h) * high, W, np.arange(w) * wide),
        }  # fmt: skip

    def _keep(self, y: np.ndarray, wide: int, x: np.ndarray, channels: np.ndarray | int = 0) -> int:
        """Keep the places (y, x) of channels that are so wide; returns where they begin."""
        found = np.add.outer(np.atleast_1d(channels), np.add.outer(y * wide, x)).reshape(-1)
        self._places.append(found)
        self._place += len(found)
        return self._place - len(found)

    def _take_room(self, vectors: int) -> int:
        self.room += vectors
        return self.room - vectors

    def _turn(self, weights: int) -> int:
        self.turned += weights
        return self.turned - weights


def fits(kernels: ModuleType, experiment: Experiment) -> bool:
    """Whether the kernels know everything in this recipe."""
    bends = {layer.activation.kind for layer in experiment.layers if isinstance(layer, (Conv2d, Dense))}
    return is_picture_stack(experiment) and knows(kernels, experiment, bends)
