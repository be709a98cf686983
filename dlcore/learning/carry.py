"""What a changed network keeps of the old one: which number goes where, for weights, an optimizer's memory and masks alike.

U units and I inputs of a dense layer (the output layer is the last), P parameters of a network in the order of its flat tensor: each
dense layer's W (U, I), then its b (U,). Places are counted from 0; NEW stands where there is no old one.

A new unit starts with the initializer's incoming weights and a tenth of its outgoing ones, so that it disturbs little. A new layer as
wide as its inputs hands on what it receives, as nearly as its activation can (passing.py). Where a layer was taken out, the one after
it takes over its sums: W2 (W1 x + b1) + b2. How far all this is from what was is measured on the training rows (Trainer.change).
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Any, TypeVar

import numpy as np
import torch

from dlcore.engines.autograd import AutogradEngine
from dlcore.experiment import Experiment, LayerPlan
from dlcore.layers import Dense
from dlcore.learning.passing import Passing, nearest_passing
from dlcore.network import build_model
from dlcore.stages import Marks, Network

NEW = -1
SMALL = 0.1
MOST_ROWS = 2000  # that a new layer is fitted to
Values = TypeVar("Values", np.ndarray, torch.Tensor)
Origins = Mapping[
    str, Any
]  # {"layers": [old place or null], "units": {"place": [old unit or null]}}, by places in the recipe


@dataclass(frozen=True)
class LayerOrigin:
    """Where a dense layer of the new network comes from."""

    layer: int  # the old dense layer, or NEW
    units: np.ndarray  # (U,) its unit that each unit was
    inputs: (
        np.ndarray
    )  # (I,) the place of each input in the old layer's input, or in that of the first layer in `removed`
    removed: range = range(0)  # old dense layers that stood between and are gone
    hands_on: bool = False  # a new layer that has an output for each of its inputs


@dataclass(frozen=True)
class Carriage:
    """The way of every parameter and unit from the old network to the new one."""

    before: tuple[LayerPlan, ...]  # dense layers of the old network
    after: tuple[LayerPlan, ...]  # and of the new one
    layers: tuple[LayerOrigin, ...]

    @cached_property
    def source(self) -> np.ndarray:
        """(P,) the place in the old flat tensor of each parameter of the new one, or NEW."""
        starts = _starts(self.before)
        parts = []
        for plan, origin in zip(self.after, self.layers, strict=True):
            W, b = np.full((plan.outputs, plan.inputs), NEW), np.full(plan.outputs, NEW)
            if origin.layer != NEW and not origin.removed:
                old = self.before[origin.layer]
                places = starts[origin.layer] + np.arange(old.parameters)
                W_old, b_old = _matrices(places, old)
                units, inputs = np.flatnonzero(origin.units != NEW), np.flatnonzero(origin.inputs != NEW)
                W[np.ix_(units, inputs)] = W_old[np.ix_(origin.units[units], origin.inputs[inputs])]
                b[units] = b_old[origin.units[units]]
            parts += [W.ravel(), b]
        return np.concatenate(parts)

    def kept(self, before: torch.Tensor, after: torch.Tensor) -> int:
        """Weights and biases that stayed as they were, between these flat tensors."""
        kept = (self.source != NEW).nonzero()[0]
        return int((before.detach().cpu()[self.source[kept]] == after.detach().cpu()[kept]).sum())

    @property
    def total(self) -> int:
        """Weights and biases of the new network."""
        return len(self.source)

    @property
    def changes_shape(self) -> bool:
        """Whether anything came, went or moved."""
        return not np.array_equal(self.source, np.arange(sum(plan.parameters for plan in self.before)))


def align(old: Experiment, new: Experiment, origins: Origins | None = None) -> Carriage:
    """What each layer, unit and input of the new network was in the old one; as `origins` says, else as far as they look alike."""
    before, after = _dense_plans(old), _dense_plans(new)
    matches = _matched_layers(old, new, origins)
    layers = []
    # Whose outputs the next layer's inputs were: those of old dense layer `level`; the data's own come from level -1.
    level, meaning = -1, _matched_inputs(old, new)
    for place, (plan, match) in enumerate(zip(after, matches, strict=True)):
        nothing = np.full(plan.inputs, NEW)
        if match == NEW:
            hands_on = plan.inputs == plan.outputs
            layers.append(LayerOrigin(NEW, np.full(plan.outputs, NEW), nothing, hands_on=hands_on))
            if not hands_on:
                level, meaning = len(before), np.full(plan.outputs, NEW)
            continue
        units = _matched_units(new, place, before[match].outputs, plan.outputs, origins)
        between = range(level + 1, match)
        if level < match and not set(between) & set(matches):
            layers.append(LayerOrigin(match, units, meaning, between))
        else:  # The layers changed places: these inputs mean something else.
            layers.append(LayerOrigin(match, units, nothing))
        level, meaning = match, units
    return Carriage(before, after, tuple(layers))


def new_values(carriage: Carriage, initial: torch.Tensor, flat: torch.Tensor) -> torch.Tensor:
    """(P,) what the parameters start with that are not kept: from `initial` (P,) weights and the old network's `flat`; on the CPU."""
    old, values = flat.detach().cpu().numpy(), initial.detach().cpu().numpy().copy()
    starts = _starts(carriage.after)
    for plan, origin, (start, end) in zip(carriage.after, carriage.layers, pairwise(starts), strict=True):
        W, b = _matrices(values[start:end], plan)
        known = origin.inputs != NEW
        if origin.hands_on:
            W[:], b[:] = np.eye(plan.outputs), 0
        elif known.any():
            W[:, ~known] *= SMALL
        if origin.removed:
            _compose(carriage, origin, old, W, b)
    return torch.from_numpy(values)


def carry_flat(values: torch.Tensor, carriage: Carriage, fresh: torch.Tensor) -> torch.Tensor:
    """Numbers or marks (P_old,) of the old parameters as those of the new ones (P,); `fresh` stands where nothing is kept."""
    source = torch.from_numpy(carriage.source)
    kept = (source != NEW).nonzero().squeeze(1)
    carried = fresh.to(values.device, copy=True)
    carried[kept.to(values.device)] = values.detach()[source[kept].to(values.device)]
    return carried


def carry_units(values: Marks, carriage: Carriage) -> dict[str, torch.Tensor]:
    """Marks of the units of the old hidden layers, as those of the new ones; 0 for new units."""
    carried = {}
    for plan, origin in zip(carriage.after[:-1], carriage.layers, strict=False):
        marks = torch.zeros(plan.outputs, dtype=torch.bool)
        kept = np.flatnonzero(origin.units != NEW)
        if len(kept):
            like = values[carriage.before[origin.layer].address].cpu()
            marks[torch.from_numpy(kept)] = like[torch.from_numpy(origin.units[kept])]
        carried[plan.address] = marks
    return carried


def successor(engine: AutogradEngine, carriage: Carriage, new: Experiment, X_ND: torch.Tensor) -> AutogradEngine:
    """An engine for the new network that goes on where `engine` stands, with training rows X; that one stays as it is."""
    # Drawn as the old weights say: a unit that comes where another went must not start as the twin of one that moved up.
    draw = f"weights after {zlib.crc32(engine.flat.detach().cpu().numpy().tobytes())}"
    after = AutogradEngine(build_model(new, str(engine.flat.device), draw), new)
    initial = after.flat.detach().clone()
    nothing = torch.zeros_like(initial)
    assert engine.flat.grad is not None
    assert after.flat.grad is not None
    with torch.no_grad():
        after.flat.copy_(carry_flat(engine.flat, carriage, new_values(carriage, initial, engine.flat)))
        after.previous.copy_(carry_flat(engine.previous, carriage, new_values(carriage, initial, engine.previous)))
        after.flat.grad.copy_(carry_flat(engine.flat.grad, carriage, nothing))
    if engine.optimizer.kind == new.optimizer.kind:
        for name, value in engine.memory.items():  # A count is a single number.
            after.memory[name] = carry_flat(value, carriage, nothing) if value.dim() else value.clone()
    if engine.frozen is not None:
        after.frozen = carry_flat(engine.frozen, carriage, nothing.bool())
    if engine.silenced is not None:
        after.silence(carry_units(engine.silenced, carriage))
    if any(origin.hands_on for origin in carriage.layers):
        with torch.no_grad():
            after.model.eval()
            _hand_on(after, carriage, X_ND[:: -(-len(X_ND) // MOST_ROWS)])
            after.model.train()
    return after


def _hand_on(engine: AutogradEngine, carriage: Carriage, values_NI: torch.Tensor) -> None:
    """Let the new layers hand on what they receive of these rows, and the layers behind them read it as what it was."""
    parameters = zip(carriage.after, carriage.layers, pairwise(_starts(carriage.after)), strict=True)
    network = Network(engine.experiment, engine.model)
    ahead = network.forward(
        values_NI
    )  # A stage computes when it is asked for, by the weights that it has been given until then.
    handed_on = None
    for stage in network.stages:
        if stage.connections is not None:
            plan, origin, (start, end) = next(parameters)
            # The weights of a step ago too: a run that diverges goes back to them.
            both = [_matrices(flat[start:end], plan) for flat in (engine.flat.detach(), engine.previous)]
            before, handed_on = handed_on, None
            if origin.hands_on:
                received = values_NI if before is None else before.factor * values_NI - before.constant
                bend = engine.model.get_submodule(stage.modules[-1])
                handed_on = nearest_passing(bend, received).to(values_NI.device)
                for W, b in both:
                    W.copy_(handed_on.gain.diag())
                    b.copy_(handed_on.shift)
            if before is not None and (origin.hands_on or origin.layer != NEW):
                for W, b in both:
                    _read(W, b, before)
        values_NI = next(values for passed, values in ahead if passed is stage)


def _read(W: torch.Tensor, b: torch.Tensor, handed_on: Passing) -> None:
    """Let a layer take what was handed on for what it was; its W and b are changed in place, unless they are too large for it."""
    read_W, read_b = W * handed_on.factor, b - W @ handed_on.constant
    if read_W.isfinite().all() and read_b.isfinite().all():
        W.copy_(read_W)
        b.copy_(read_b)


def _compose(carriage: Carriage, origin: LayerOrigin, old: np.ndarray, W: np.ndarray, b: np.ndarray) -> None:
    """Put the layer and those before it that are gone together, as if they had no bend; W and b are changed in place."""
    starts = _starts(carriage.before)
    levels = [*origin.removed, origin.layer]
    W_all = b_all = np.zeros(0)
    with np.errstate(over="ignore", invalid="ignore"):
        for level in levels:
            W_one, b_one = _matrices(old[starts[level] : starts[level + 1]].astype(np.float64), carriage.before[level])
            first = level == levels[0]
            W_all, b_all = (W_one, b_one) if first else (W_one @ W_all, W_one @ b_all + b_one)
        W_all, b_all = W_all.astype(np.float32), b_all.astype(np.float32)
    if not (np.isfinite(W_all).all() and np.isfinite(b_all).all()):
        return
    units, inputs = np.flatnonzero(origin.units != NEW), np.flatnonzero(origin.inputs != NEW)
    W[np.ix_(units, inputs)] = W_all[np.ix_(origin.units[units], origin.inputs[inputs])]
    b[units] = b_all[origin.units[units]]


def _matrices(values: Values, plan: LayerPlan) -> tuple[Values, Values]:
    """W (U, I) and b (U,) as views of a layer's part of a flat array."""
    weights = plan.outputs * plan.inputs
    return values[:weights].reshape(plan.outputs, plan.inputs), values[weights:]


def _starts(plans: tuple[LayerPlan, ...]) -> list[int]:
    return list(accumulate((plan.parameters for plan in plans), initial=0))


def _dense_plans(experiment: Experiment) -> tuple[LayerPlan, ...]:
    return tuple(plan for plan in experiment.plan() if plan.parameters)


def _dense_places(experiment: Experiment) -> list[int]:
    """The places of the dense layers in the recipe."""
    return [place for place, layer in enumerate(experiment.layers) if isinstance(layer, Dense)]


def _matched_inputs(old: Experiment, new: Experiment) -> np.ndarray:
    before, after = _input_keys(old), _input_keys(new)
    return np.array([before.index(name) if name in before else NEW for name in after])


def _input_keys(experiment: Experiment) -> list[tuple[str, ...]]:
    """What tells each input from all others. On the plane of a table x1 and x2 are its columns, and features are made of them."""
    features, keys = experiment.input_features, experiment.dataset.input_keys()
    if experiment.dataset.kind != "table":
        return [(feature,) for feature in features] or keys
    columns: dict[str, tuple[str, ...]] = dict(zip(("x1", "x2"), keys, strict=False))
    return [columns.get(feature, (feature, *map(str, keys))) for feature in features] or keys


def _matched_layers(old: Experiment, new: Experiment, origins: Origins | None) -> list[int]:
    """For each dense layer of the new network which one it was in the old one; the output layer is the output layer."""
    before, after = _dense_places(old), _dense_places(new)
    named = _places((origins or {}).get("layers"), len(new.layers), len(old.layers))
    if named is not None:
        number: dict[int | None, int] = {place: index for index, place in enumerate(before)}
        hidden = [number.get(named[place], NEW) for place in after]
    else:
        hidden = _alike([_look(old.layers[place]) for place in before], [_look(new.layers[place]) for place in after])
    return [*hidden, len(before)]


def _alike(before: list[tuple[Any, ...]], after: list[tuple[Any, ...]]) -> list[int]:
    """The longest runs that look the same, then what was replaced by as many."""
    matches = [NEW] * len(after)
    for what, i1, i2, j1, j2 in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if what in ("equal", "replace") and i2 - i1 == j2 - j1:
            matches[j1:j2] = range(i1, i2)
    return matches


def _look(layer: Any) -> tuple[Any, ...]:
    return layer.activation.kind, layer.units


def _matched_units(new: Experiment, place: int, before: int, after: int, origins: Origins | None) -> np.ndarray:
    """For each unit of a dense layer which one it was; without a word about it the first ones stay."""
    places = _dense_places(new)
    units = (origins or {}).get("units")
    told = units.get(str(places[place])) if isinstance(units, Mapping) and place < len(places) else None
    named = _places(told, after, before)
    if named is not None:
        return np.array([NEW if unit is None else unit for unit in named])
    return np.where(np.arange(after) < before, np.arange(after), NEW)


def _places(told: Any, count: int, limit: int) -> list[int | None] | None:
    """What was told, if it is a list of `count` places below `limit` (or null), none of them twice."""
    if not isinstance(told, list) or len(told) != count:
        return None
    places = [place for place in told if place is not None]
    right = all(type(place) is int and 0 <= place < limit for place in places) and len(set(places)) == len(places)
    return told if right else None
