"""What a changed network keeps of the old one: which number goes where, for weights, an optimizer's memory and masks alike.

U units and I inputs of a dense layer (one whose units weigh what comes in; the output layer is the last), P parameters of a network in
the order of its flat tensor: each dense layer's W (U, I), then its b (U,); those of any other layer as they come. Such another layer is
kept whole, with its buffers, or not at all. Places are counted from 0; NEW stands where there is no old one.

A new unit starts with the initializer's incoming weights and a tenth of its outgoing ones, so that it disturbs little. A new layer as
wide as its inputs hands on what it receives, as nearly as its activation can (passing.py). Where a layer was taken out, the one after
it takes over its sums: W2 (W1 x + b1) + b2. How far all this is from what was is measured on the training rows (Trainer.change).
"""

from __future__ import annotations

import zlib
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from itertools import accumulate
from typing import Any, TypeVar

import numpy as np
import torch

from dlcore.engines.autograd import AutogradEngine
from dlcore.experiment import Experiment
from dlcore.learning.passing import Passing, nearest_passing
from dlcore.network import build_model
from dlcore.plan import LayerPlan
from dlcore.stages import Marks, Network, Stage, all_stages, stages_of

NEW = -1
SMALL = 0.1
MOST_ROWS = 2000  # training rows at most to which a new layer is fitted
Values = TypeVar("Values", np.ndarray, torch.Tensor)
Origins = Mapping[
    str, Any
]  # {"layers": [old index or null], "units": {"index": [old unit or null]}}, by indices of layers in the recipe


@dataclass(frozen=True)
class LayerOrigin:
    """Where a dense layer of the new network comes from."""

    layer: int  # the old dense layer, or NEW
    units: np.ndarray  # (U,) for each unit, which unit of the old layer it was
    inputs: (
        np.ndarray
    )  # (I,) the index of each input among the inputs of the old layer, or of the first layer in `removed`
    removed: range = range(0)  # old dense layers that stood between and are gone
    hands_on: bool = False  # True for a new layer with an output for each input, which can pass them on


@dataclass(frozen=True)
class Carriage:
    """The way of every parameter and unit from the old network to the new one."""

    old: tuple[Stage, ...]
    new: tuple[Stage, ...]
    layers: tuple[LayerOrigin, ...]  # of the dense layers of the new network
    whole: dict[str, str]  # {address: old address} of layers that are not dense and are kept

    @property
    def before(self) -> tuple[LayerPlan, ...]:
        """The dense layers of the old network."""
        return _dense_plans(self.old)

    @property
    def after(self) -> tuple[LayerPlan, ...]:
        """The dense layers of the new network."""
        return _dense_plans(self.new)

    @cached_property
    def source(self) -> np.ndarray:
        """(P,) for each parameter of the new flat tensor its index in the old one, or NEW."""
        starts, before, origins = _starts(self.old), self.before, iter(self.layers)
        parts = []
        for stage in self.new:
            plan = stage.plan
            if stage.connections is None:
                was = self.whole.get(plan.address)
                kept = np.arange(plan.parameters)
                parts.append(np.full_like(kept, NEW) if was is None else starts[was] + kept)
                continue
            origin = next(origins)
            W, b = np.full((plan.outputs, plan.inputs), NEW), np.full(plan.outputs, NEW)
            if origin.layer != NEW and not origin.removed:
                old = before[origin.layer]
                places = starts[old.address] + np.arange(old.parameters)
                W_old, b_old = _matrices(places, old)
                units, inputs = np.flatnonzero(origin.units != NEW), np.flatnonzero(origin.inputs != NEW)
                W[np.ix_(units, inputs)] = W_old[np.ix_(origin.units[units], origin.inputs[inputs])]
                b[units] = b_old[origin.units[units]]
            parts += [W.ravel(), b]
        return np.concatenate(parts)

    def kept(self, before: torch.Tensor, after: torch.Tensor) -> int:
        """How many weights and biases have the same value in the flat tensors of the old and the new network."""
        kept = (self.source != NEW).nonzero()[0]
        return int((before.detach().cpu()[self.source[kept]] == after.detach().cpu()[kept]).sum())

    @property
    def total(self) -> int:
        """Weights and biases of the new network."""
        return len(self.source)

    @cached_property
    def changes_shape(self) -> bool:
        """Whether any parameter was added, removed or moved."""
        all_old = np.arange(sum(stage.plan.parameters for stage in self.old))
        others = [stage.address for stage in self.new if stage.connections is None and stage.tensors]
        return not np.array_equal(self.source, all_old) or any(address not in self.whole for address in others)


def align(old: Experiment, new: Experiment, origins: Origins | None = None) -> Carriage:
    """What each layer, unit and input of the new network was in the old one; as `origins` says, else as far as they look alike."""
    old_stages, new_stages = stages_of(old), stages_of(new)
    before = _dense_plans(old_stages)
    matches, others = _match_layers(old, new, origins), _match_others(old_stages, new_stages, new, origins)
    dense = enumerate(matches)
    layers, whole = [], {}
    # The next layer's inputs were outputs of the old dense layer `level`; level -1 stands for the inputs of the network.
    level, meaning = -1, _match_inputs(old, new)
    for stage in new_stages:
        plan = stage.plan
        if stage.connections is None:
            was = others.get(plan.address)
            if was is not None and np.array_equal(meaning, np.arange(plan.inputs)):
                whole[plan.address] = was
            elif plan.inputs != plan.outputs:
                level, meaning = len(before), np.full(plan.outputs, NEW)
            if was is not None and plan.inputs != plan.outputs:
                meaning = np.arange(plan.outputs)
            continue
        place, match = next(dense)
        nothing = np.full(plan.inputs, NEW)
        if match == NEW:
            hands_on = plan.inputs == plan.outputs
            layers.append(LayerOrigin(NEW, np.full(plan.outputs, NEW), nothing, hands_on=hands_on))
            if not hands_on:
                level, meaning = len(before), np.full(plan.outputs, NEW)
            continue
        units = _match_units(new, place, before[match].outputs, plan.outputs, origins)
        between = range(level + 1, match)
        if level < match and not set(between) & set(matches):
            layers.append(LayerOrigin(match, units, meaning, between))
        else:  # The layers changed places: these inputs mean something else.
            layers.append(LayerOrigin(match, units, nothing))
        level, meaning = match, units
    return Carriage(old_stages, new_stages, tuple(layers), whole)


def new_values(carriage: Carriage, initial: torch.Tensor, flat: torch.Tensor) -> torch.Tensor:
    """(P,) what the parameters start with that are not kept: from `initial` (P,) weights and the old network's `flat`; on the CPU."""
    old, values = flat.detach().cpu().numpy(), initial.detach().cpu().numpy().copy()
    starts = _starts(carriage.new)
    for plan, origin in zip(carriage.after, carriage.layers, strict=True):
        W, b = _matrices(_part(values, starts, plan), plan)
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
    # The seed depends on the old weights: with the first seed, a new unit could start equal to an old one that moved to another index.
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
        for name, value in engine.memory.items():  # A count has no dimension.
            after.memory[name] = carry_flat(value, carriage, nothing) if value.dim() else value.clone()
    kept = {}
    for stage in carriage.new:
        if (was := carriage.whole.get(stage.address)) is not None:
            found = next(one for one in carriage.old if one.address == was)
            kept |= zip(_names_in(stage), _names_in(found), strict=True)
    for name, buffer in after.buffers.items():
        if name in kept:
            buffer.copy_(engine.buffers[kept[name]])
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
    """Make the new layers pass these rows on as nearly unchanged as they can, and the layers behind them undo the scale and shift."""
    starts, origins = _starts(carriage.new), iter(carriage.layers)
    network = Network(engine.experiment, engine.model)
    ahead = network.forward(
        values_NI
    )  # A stage computes when it is asked for, by the weights that it has been given until then.
    handed_on = None
    for stage in network.stages:
        if stage.connections is not None:
            plan, origin = stage.plan, next(origins)
            # The weights of a step ago too: a run that diverges goes back to them.
            both = [_matrices(_part(flat, starts, plan), plan) for flat in (engine.flat.detach(), engine.previous)]
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
    """Change W and b in place so that the layer undoes the scale and shift of what was handed on; unchanged if that would overflow."""
    read_W, read_b = W * handed_on.factor, b - W @ handed_on.constant
    if read_W.isfinite().all() and read_b.isfinite().all():
        W.copy_(read_W)
        b.copy_(read_b)


def _compose(carriage: Carriage, origin: LayerOrigin, old: np.ndarray, W: np.ndarray, b: np.ndarray) -> None:
    """Merge the removed layers and the layer behind them into W and b, in place, as if no activation stood between."""
    starts, plans = _starts(carriage.old), carriage.before
    levels = [*origin.removed, origin.layer]
    W_all = b_all = np.zeros(0)
    with np.errstate(over="ignore", invalid="ignore"):
        for level in levels:
            W_one, b_one = _matrices(_part(old, starts, plans[level]).astype(np.float64), plans[level])
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


def _starts(stages: tuple[Stage, ...]) -> dict[str, int]:
    """{address: where its parameters begin in the flat tensor}."""
    ends = accumulate(stage.plan.parameters for stage in stages)
    return {stage.address: end - stage.plan.parameters for stage, end in zip(stages, ends, strict=True)}


def _part(values: Values, starts: dict[str, int], plan: LayerPlan) -> Values:
    """A layer's part of a flat array."""
    return values[starts[plan.address] : starts[plan.address] + plan.parameters]


def _names_in(stage: Stage) -> list[str]:
    """All tensors of a stage, and of those inside it."""
    return [name for one in all_stages([stage]) for name in one.tensors]


def _dense_plans(stages: tuple[Stage, ...]) -> tuple[LayerPlan, ...]:
    return tuple(stage.plan for stage in stages if stage.connections is not None)


def _dense_places(experiment: Experiment) -> list[int]:
    """The indices of the dense layers among the recipe's layers."""
    return [place for place, layer in enumerate(experiment.layers) if layer.connections is not None]


def _match_others(
    old: tuple[Stage, ...], new: tuple[Stage, ...], recipe: Experiment, origins: Origins | None
) -> dict[str, str]:
    """{address: old address} of layers with tensors that are not dense, if the old layer was the same and had the same input shape."""
    before = {stage.plan.path[0]: stage for stage in old if stage.connections is None}
    after = {stage.plan.path[0]: stage for stage in new if stage.connections is None}
    named = _places((origins or {}).get("layers"), len(recipe.layers), len(old) - 1)
    if named is not None:
        pairs = [(place, was) for place, was in enumerate(named) if place in after and was in before]
    else:
        looks = [[(one.layer, one.plan.input_shape) for one in side.values()] for side in (before, after)]
        matches = zip(after, _alike(*looks), strict=True)
        pairs = [(place, list(before)[match]) for place, match in matches if match != NEW]
    alike = [(after[place], before[was]) for place, was in pairs]
    return {
        one.address: other.address
        for one, other in alike
        if one.layer == other.layer and one.plan.input_shape == other.plan.input_shape
    }


def _match_inputs(old: Experiment, new: Experiment) -> np.ndarray:
    before, after = _input_keys(old), _input_keys(new)
    return np.array([before.index(name) if name in before else NEW for name in after])


def _input_keys(experiment: Experiment) -> list[tuple[str, ...]]:
    """A key for each input; equal keys mean the same input. On a table's plane x1 and x2 are columns, and features are made of them."""
    features, keys = experiment.input_features, experiment.dataset.input_keys()
    if experiment.dataset.kind != "table":
        return [(feature,) for feature in features] or keys
    columns: dict[str, tuple[str, ...]] = dict(zip(("x1", "x2"), keys, strict=False))
    return [columns.get(feature, (feature, *map(str, keys))) for feature in features] or keys


def _match_layers(old: Experiment, new: Experiment, origins: Origins | None) -> list[int]:
    """For each dense layer of the new network which one it was in the old one; the output layer is the output layer."""
    before, after = _dense_places(old), _dense_places(new)
    named = _places((origins or {}).get("layers"), len(new.layers), len(old.layers))
    if named is not None:
        number: dict[int | None, int] = {place: index for index, place in enumerate(before)}
        hidden = [number.get(named[place], NEW) for place in after]
    else:
        hidden = _alike([_look(old.layers[place]) for place in before], [_look(new.layers[place]) for place in after])
    return [*hidden, len(before)]


def _alike(before: Sequence[Hashable], after: Sequence[Hashable]) -> list[int]:
    """For each item of `after` its index in `before`, or NEW: equal stretches match, and stretches replaced by as many items."""
    matches = [NEW] * len(after)
    for what, i1, i2, j1, j2 in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if what in ("equal", "replace") and i2 - i1 == j2 - j1:
            matches[j1:j2] = range(i1, i2)
    return matches


def _look(layer: Any) -> tuple[Any, ...]:
    return layer.activation.kind, layer.units


def _match_units(new: Experiment, place: int, before: int, after: int, origins: Origins | None) -> np.ndarray:
    """For each unit of a dense layer which old one it was. If `origins` does not say, the first units stay."""
    places = _dense_places(new)
    units = (origins or {}).get("units")
    told = units.get(str(places[place])) if isinstance(units, Mapping) and place < len(places) else None
    named = _places(told, after, before)
    if named is not None:
        return np.array([NEW if unit is None else unit for unit in named])
    return np.where(np.arange(after) < before, np.arange(after), NEW)


def _places(told: Any, count: int, limit: int) -> list[int | None] | None:
    """The list `told`, if it has `count` indices below `limit` (or null), none of them twice; else None."""
    if not isinstance(told, list) or len(told) != count:
        return None
    places = [place for place in told if place is not None]
    right = all(type(place) is int and 0 <= place < limit for place in places) and len(set(places)) == len(places)
    return told if right else None
