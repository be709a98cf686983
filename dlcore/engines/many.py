"""The engine of many seeds: one recipe and one set of rows, many networks that learn side by side in the lanes of the compiled kernels.

S seeds in packs of eight, the last pack filled up with copies of the last seed; P parameters; N rows of both splits, the training rows
first.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from dlcore.engines.autograd import parameter_slices
from dlcore.engines.dense import (
    MOST_MASKED,
    Rows,
    activation_parameters,
    codes_of,
    dropouts_after_layers,
    layer_table,
    settings_of,
    spread_of,
    weights_of,
)
from dlcore.layers import Dense

if TYPE_CHECKING:
    from dlcore.experiment import Experiment

PACK = 8  # seeds in a pack: lanes of a vector
SCORED_TOGETHER = 16  # rows
# From here on a matrix product per seed by BLAS beats the lanes, and the rows of eight seeds no longer fit into the caches.
WIDEST_PRODUCT = 64 * 64
MOST_WORK = 1 << 20  # bytes


class ManyEngine:
    """Takes the steps of several models of one recipe. The models' own tensors are not updated: `weights` gives the current weights."""

    def __init__(
        self, kernels: ModuleType, many: ModuleType, models: Sequence[nn.Sequential], experiment: Experiment, rows: Rows
    ) -> None:
        self._steps = many.steps
        self._batch = min(experiment.batch_size, rows.train)
        self._slices = parameter_slices(models[0])
        self._count = len(models)
        self._members = [*range(self._count), *[self._count - 1] * (-self._count % PACK)]
        dropouts = [dropouts_after_layers(model) for model in models]
        widths = [experiment.num_inputs, *(layer.units for layer in experiment.layers if isinstance(layer, Dense))]
        self._masked = [
            [(modules, width) for modules, width in zip(found, widths, strict=True) if modules] for found in dropouts
        ]
        self._layers, units = layer_table(kernels, experiment, [bool(modules) for modules in dropouts[0]])
        self._parameters = np.array(activation_parameters(experiment), np.float32)
        self._codes = np.array(codes_of(kernels, experiment, bool(dropouts[0][0])), np.int64)
        self._settings = np.array(settings_of(experiment))
        self._X = rows.X_ND.numpy()
        self._targets = np.ascontiguousarray(rows.targets.float().reshape(len(self._X), -1).numpy())
        self._y = rows.y_N.float().reshape(-1, 1).numpy()
        self._weights = weights_of(rows)
        self._train = rows.train
        self._metric = experiment.objective.metric
        self._spreads = [spread_of(part.float()) for part in (rows.y_N[: rows.train], rows.y_N[rows.train :])]
        at_once = max(self._batch, SCORED_TOGETHER)
        self._work = np.zeros(units * at_once * PACK, np.float32)
        self._goals = np.zeros(self._targets.shape[1] * at_once * PACK, np.float32)
        self._lost = np.zeros(3 * at_once * PACK, np.float32)

        flats = [np.concatenate([value.detach().numpy().ravel() for value in model.parameters()]) for model in models]
        self._flats = np.stack([flats[member] for member in self._members])
        self._flats = np.ascontiguousarray(self._flats.reshape(-1, PACK, self._flats.shape[1]).transpose(0, 2, 1))
        self._flats = self._flats.reshape(len(self._flats), -1)
        self._gradient, self._kept = np.zeros_like(self._flats), np.zeros_like(self._flats)
        self._previous = self._flats.copy()
        momentum = experiment.optimizer.kind != "sgd" or experiment.optimizer.momentum > 0
        nothing = np.empty((len(self._flats), 0), np.float32)
        self._first = np.zeros_like(self._flats) if momentum else nothing
        self._second = np.zeros_like(self._flats) if experiment.optimizer.kind in ("adam", "adamw") else nothing
        self._counts = np.zeros(len(self._flats), np.float32)
        self._ends = np.full((len(self._flats), PACK), -1, np.int64)
        self._taken = 0

    def take_epoch(self, rates: np.ndarray, orders: np.ndarray) -> None:
        """One update of every seed for each learning rate, by each one's order of the training rows (S, rows)."""
        lanes = orders[self._members].reshape(len(self._flats), PACK, -1)
        lanes = np.ascontiguousarray(lanes.transpose(0, 2, 1))
        together = MOST_MASKED if self._masked[0] else len(rates)
        for start in range(0, len(rates), together):
            part = rates[start : start + together]
            cursor = start * self._batch
            self._steps.take_steps(
                self._flats, self._gradient, self._previous, self._first, self._second, self._kept, self._counts, self._layers,
                self._parameters, self._draw_masks(len(part), orders.shape[1], cursor), self._codes, self._settings, part, self._X,
                self._targets, self._weights, lanes, cursor, self._batch, self._work, self._goals, self._lost, self._ends, self._taken,
            )  # fmt: skip
            self._taken += len(part)

    @property
    def diverged(self) -> np.ndarray:
        """(S,) whether the loss of a seed was not finite any more; it has the last weights for which it was."""
        return self._ends.reshape(-1)[: self._count] >= 0

    def weights(self) -> np.ndarray:
        """(S, P): a copy."""
        lanes = (-1, self._flats.shape[1] // PACK, PACK)
        alive = self._ends[:, None, :] < 0
        flats = np.where(alive, self._flats.reshape(lanes), self._kept.reshape(lanes))
        return flats.transpose(0, 2, 1).reshape(-1, lanes[1])[: self._count].copy()

    def split_by_name(self, flat_P: np.ndarray) -> dict[str, np.ndarray]:
        """The weights of one seed under the names of the plain nn.Sequential."""
        return {name: flat_P[start:end].reshape(shape) for name, (start, end, shape) in self._slices.items()}

    def scores(self) -> np.ndarray:
        """(4, S): mean loss and metric of the training rows, then of the watched rows."""
        flats = self._flats
        if self.diverged.any():
            lanes = (-1, self._flats.shape[1] // PACK, PACK)
            held = np.where(self._ends[:, None, :] < 0, self._flats.reshape(lanes), self._kept.reshape(lanes))
            flats = np.ascontiguousarray(held.reshape(self._flats.shape))
        found = np.zeros((len(flats), 4, PACK))
        self._steps.score(
            flats, self._layers, self._parameters, self._codes, self._settings, self._X, self._targets, self._y,
            np.uint64(self._train), np.uint64(SCORED_TOGETHER), self._work, self._goals, self._lost, found,
        )  # fmt: skip
        scores = found.transpose(1, 0, 2).reshape(4, -1)[:, : self._count]
        for part, rows in enumerate((self._train, len(self._X) - self._train)):
            scores[2 * part] /= rows
            scores[2 * part + 1] = self._metric.of_sum(scores[2 * part + 1], rows, self._spreads[part])
        return scores

    def _draw_masks(self, steps: int, rows: int, cursor: int) -> np.ndarray:
        """What dropout multiplies values with (packs, steps, values), drawn in the order in which each seed's own modules would draw."""
        packs = len(self._flats)
        if not self._masked[0]:
            return np.empty((packs, 0, 0), np.float32)
        widest = sum(width for _, width in self._masked[0]) * self._batch
        masks = np.zeros((packs, PACK, steps, widest), np.float32)
        for member, masked in enumerate(self._masked):
            mask_SW, at = masks[member // PACK, member % PACK], cursor
            for mask in mask_SW:
                batch, start = min(self._batch, rows - at), 0
                for modules, width in masked:
                    kept_BK = torch.ones(batch, width)
                    for module in modules:
                        kept_BK *= module.mask(kept_BK.shape) / (1 - module.p)
                    mask[start : start + width * batch] = kept_BK.T.numpy().ravel()
                    start += width * batch
                at += batch
        return np.ascontiguousarray(masks.transpose(0, 2, 3, 1)).reshape(packs, steps, -1)


def suits(experiment: Experiment) -> bool:
    """Whether lanes are the faster way for this recipe: layers and batches for which a seed alone cannot fill the processor."""
    plans = [plan for plan in experiment.plan() if plan.has_units]
    units = plans[0].inputs + sum(3 * plan.outputs for plan in plans)
    rows = max(min(experiment.batch_size, experiment.train_rows), SCORED_TOGETHER)
    widest = max(plan.inputs * plan.outputs for plan in plans)
    return widest <= WIDEST_PRODUCT and 4 * PACK * units * rows <= MOST_WORK
