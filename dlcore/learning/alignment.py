"""What each layer, unit and input of a changed network was in the old one.

A stage either makes units of its own (dense, convolution, recurrence, embedding, branches) or hands on those that it gets, perhaps fewer
numbers of each (pooling, flatten, norms, a skip connection). Units are followed from stage to stage: `sources` of a stage says for each
unit that it gets which one it was. Places are counted from 0; NEW stands where there is no old one.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np
import torch

from dlcore.experiment import Experiment
from dlcore.layers import LIST, LayerComponent, Shape, unit_axis
from dlcore.plan import LayerPlan
from dlcore.stages import Stage, TensorFacts, all_stages, stages_of

NEW = -1
Origins = Mapping[
    str, Any
]  # {"layers": [old index or null], "units": {"index": [old unit or null]}}, by indices of layers in the recipe
Tensors = Mapping[str, TensorFacts]


@dataclass(frozen=True)
class LayerOrigin:
    """Where a stage of the new network comes from that makes units."""

    stage: Stage
    layer: int  # which of the old stages that make units, or NEW
    units: np.ndarray  # for each unit, which unit of the old stage it was
    sources: (
        np.ndarray
    )  # for each unit that it gets, which one it was among those of the old stage, or of the first stage in `removed`
    removed: range = range(0)  # old stages that made units between, and are gone
    hands_on: bool = False  # True for a new dense layer with an output for each input, which can pass them on

    @property
    def plan(self) -> LayerPlan:
        return self.stage.plan


@dataclass(frozen=True)
class Pair:
    """A stage whose tensors come from those of an old stage, as far as their axes allow."""

    new: Stage
    old: Stage
    units: np.ndarray
    sources: np.ndarray


@dataclass(frozen=True)
class Carriage:
    """The way of every parameter, buffer and unit from the old network to the new one."""

    old: tuple[Stage, ...]
    new: tuple[Stage, ...]
    layers: tuple[LayerOrigin, ...]  # of the stages that make units; the output layer is the last
    pairs: tuple[Pair, ...]  # of all stages with tensors or units that were there before, those inside of others too

    @cached_property
    def before(self) -> tuple[Stage, ...]:
        """The stages of the old network that make units."""
        return tuple(stage for stage in self.old if makes_units(stage.layer))

    @cached_property
    def places(self) -> dict[str, np.ndarray]:
        """{name of a new parameter: an array of its shape that says for each number its index in the old flat tensor, or NEW}."""
        starts, found = starts_of(self.old), {}
        for pair in self.pairs:
            for new_name, old_name, index in pair_tensors(pair):
                if pair.new.tensors[new_name].learned:
                    shape = pair.old.tensors[old_name].shape
                    old = starts[old_name] + np.arange(int(np.prod(shape))).reshape(shape)
                    found[new_name] = take(old, index, pair.new.tensors[new_name].shape, NEW)
        for stage in all_stages(self.new):
            for name, facts in stage.tensors.items():
                if facts.learned and name not in found:
                    found[name] = np.full(facts.shape, NEW)
        return found

    @cached_property
    def source(self) -> np.ndarray:
        """(P,) for each parameter of the new flat tensor its index in the old one, or NEW."""
        parts = [self.places[name].ravel() for name in starts_of(self.new)]
        return np.concatenate(parts) if parts else np.empty(0, int)

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
        """Whether any parameter or buffer was added, removed or moved."""
        if not np.array_equal(self.source, np.arange(_count(self.old))):
            return True
        paired = {pair.new.address for pair in self.pairs}
        return any(stage.tensors and stage.address not in paired for stage in all_stages(self.new))


def makes_units(layer: LayerComponent) -> bool:
    """Whether its units are others than those that it gets."""
    return not layer.keeps_units


def starts_of(stages: Sequence[Stage]) -> dict[str, int]:
    """{name: where it begins in the flat tensor} of every parameter, in its order."""
    facts = {name: facts for stage in all_stages(stages) for name, facts in stage.tensors.items() if facts.learned}
    sizes = [int(np.prod(one.shape)) for one in facts.values()]
    return dict(zip(facts, (end - size for end, size in zip(accumulate(sizes), sizes, strict=True)), strict=True))


def _count(stages: Sequence[Stage]) -> int:
    return sum(int(np.prod(one.shape)) for stage in all_stages(stages) for one in stage.tensors.values() if one.learned)


Index = tuple[tuple[np.ndarray, np.ndarray], ...]  # for each axis: places in the new tensor, and in the old one


def pair_tensors(pair: Pair) -> list[tuple[str, str, Index]]:
    """(new name, old name, which part of one is which part of the other) of each tensor of this pair that can be kept."""
    found = []
    # In a list: the names of both begin with other modules, and go on alike.
    for (new_name, new), (old_name, old) in zip(pair.new.tensors.items(), pair.old.tensors.items(), strict=False):
        index = _match_axes(pair, _own_name(pair.new, new_name), new.shape, old.shape)
        if index is not None and new.dtype == old.dtype:
            found.append((new_name, old_name, index))
    return found


def _own_name(stage: Stage, name: str) -> str:
    """As its layer names a tensor: "0.weight" is the weight of its first module."""
    for place, module in enumerate(stage.modules):
        if name.startswith(f"{module}."):
            return f"{place}.{name.removeprefix(f'{module}.')}"
    raise KeyError(name)


def _match_axes(pair: Pair, name: str, new: Shape, old: Shape) -> Index | None:
    axes = pair.new.layer.axes.get(name)
    if axes is None:  # What its axes count is not known: all or nothing.
        whole = new == old and _is_identity(pair.units) and _is_identity(pair.sources)
        return tuple((np.arange(length), np.arange(length)) for length in new) if whole else None
    if len(axes) != len(new) or len(axes) != len(old):
        return None
    matched = []
    for axis, after, before in zip(axes, new, old, strict=True):
        blocks, counts = axis if isinstance(axis, tuple) else (1, axis)
        if counts is None:
            if after != before:
                return None
            matched.append((np.arange(after), np.arange(after)))
            continue
        was = pair.units if counts == "units" else pair.sources
        if len(was) * blocks != after:
            return None
        known = np.flatnonzero(was != NEW)
        here = np.concatenate([block * len(was) + known for block in range(blocks)])
        there = np.concatenate([block * (before // blocks) + was[known] for block in range(blocks)])
        matched.append((here, there))
    return tuple(matched)


def take(old: np.ndarray, index: Index, shape: Shape, otherwise: Any) -> np.ndarray:
    """An array of this shape with the numbers of `old` where they belong, and `otherwise` in all other places."""
    new = np.full(shape, otherwise, old.dtype)
    if not shape:
        return old.copy()
    new[np.ix_(*(here for here, _ in index))] = old[np.ix_(*(there for _, there in index))]
    return new


def _is_identity(places: np.ndarray) -> bool:
    return np.array_equal(places, np.arange(len(places)))


def align(old: Experiment, new: Experiment, origins: Origins | None = None) -> Carriage:
    """What each layer, unit and input of the new network was in the old one; as `origins` says, else as far as they look alike."""
    old_stages, new_stages = stages_of(old), stages_of(new)
    before = [stage for stage in old_stages if makes_units(stage.layer)]
    named = _places((origins or {}).get("layers"), len(new.layers), len(old.layers))
    makers = _match_makers(old_stages, new_stages, named)
    others = _match_others(old_stages, new_stages, named)
    matches = iter(makers)
    layers: list[LayerOrigin] = []
    pairs: list[Pair] = []
    # The next stage's sources were units of the old stage `level`; level -1 stands for the inputs of the network.
    level, meaning = -1, _match_inputs(old, new)
    for stage in new_stages:
        plan = stage.plan
        if not makes_units(stage.layer):
            was = others.get(stage.address)
            if was is not None:
                pairs += _pair(stage, was, meaning, meaning, origins)
            if len(plan.output_shape) != len(plan.input_shape) or plan.units_out != plan.units_in:
                meaning = _follow(stage, was, meaning)
                if (meaning == NEW).all():
                    level = len(before)
            continue
        match = next(matches)
        nothing = np.full(plan.units_in, NEW)
        if match == NEW:
            is_list = len(plan.input_shape) == len(plan.output_shape) == LIST
            hands_on = stage.connections is not None and is_list and plan.inputs == plan.outputs
            layers.append(LayerOrigin(stage, NEW, np.full(plan.units_out, NEW), nothing, hands_on=hands_on))
            if not hands_on:
                level, meaning = len(before), np.full(plan.units_out, NEW)
            continue
        units = _match_units(stage, before[match].plan.units_out, origins)
        between = range(level + 1, match)
        if level < match and not set(between) & set(makers):
            composes = bool(between) and _compose(stage, [before[one] for one in (*between, match)])
            if not between or composes:
                layers.append(LayerOrigin(stage, match, units, meaning, between))
            else:
                layers.append(LayerOrigin(stage, match, units, nothing))
        else:  # The layers changed places: these inputs mean something else.
            layers.append(LayerOrigin(stage, match, units, nothing))
        if not layers[-1].removed:
            pairs += _pair(stage, before[match], units, layers[-1].sources, origins)
        level, meaning = match, units
    return Carriage(old_stages, new_stages, tuple(layers), tuple(pairs))


def _compose(stage: Stage, gone: Sequence[Stage]) -> bool:
    """Whether the sums of these old stages can be one sum of the new stage: all are dense, of lists."""
    return all(one.connections is not None and len(one.plan.input_shape) == LIST for one in (stage, *gone))


def _pair(new: Stage, old: Stage, units: np.ndarray, sources: np.ndarray, origins: Origins | None = None) -> list[Pair]:
    """This pair and those of the stages inside of both that look alike."""
    pairs = [Pair(new, old, units, sources)]
    for branch, was in zip(new.branches, old.branches, strict=False):
        meaning = sources
        for one, match in zip(branch, _match_inside(was, branch), strict=True):
            other = was[match] if match != NEW and was[match].plan.kind == one.plan.kind else None
            makes = makes_units(one.layer)
            made = meaning
            if makes:
                made = np.full(one.plan.units_out, NEW)
                if other is not None:
                    made = _match_units(one, other.plan.units_out, origins)
            if other is not None:
                pairs += _pair(one, other, made, meaning, origins)
            meaning = made if makes else _follow(one, other, meaning)
    return pairs


def _match_inside(old: Sequence[Stage], new: Sequence[Stage]) -> list[int]:
    """For each stage of a branch which one it was: that in its place where the kinds are as before, else one that looks alike."""
    if [stage.plan.kind for stage in old] == [stage.plan.kind for stage in new]:
        return list(range(len(new)))
    return _alike([_look(stage) for stage in old], [_look(stage) for stage in new])


def _follow(new: Stage, old: Stage | None, meaning: np.ndarray) -> np.ndarray:
    """Which units come out of a stage that hands on what it gets, as those that the old stage gave."""
    shape, count = new.plan.input_shape, new.plan.units_out
    if count == len(meaning):
        return meaning
    if old is None or _others(shape) != _others(old.plan.input_shape):
        return np.full(count, NEW)
    # All values in a list: each unit's stand together in a picture, one behind each step in a sequence.
    axis, was = unit_axis(shape), old.plan.input_shape
    places = np.arange(int(np.prod(was))).reshape(was)
    known = np.flatnonzero(meaning != NEW)
    every = [np.arange(length) for length in shape]
    here, there = [*every], [*every]
    here[axis], there[axis] = known, meaning[known]
    found = np.full(shape, NEW)
    found[np.ix_(*here)] = places[np.ix_(*there)]
    return found.ravel()


def _others(shape: Shape) -> Shape:
    axis = unit_axis(shape)
    return (*shape[:axis], *shape[axis + 1 :])


# Which stage was which


def _match_makers(old: Sequence[Stage], new: Sequence[Stage], named: list[int | None] | None) -> list[int]:
    """For each stage of the new network that makes units which one of those it was; the output layer is the output layer."""
    before = [stage for stage in old[:-1] if makes_units(stage.layer)]
    after = [stage for stage in new[:-1] if makes_units(stage.layer)]
    if named is not None:
        number: dict[int | None, int] = {stage.plan.path[0]: index for index, stage in enumerate(before)}
        hidden = [number.get(named[stage.plan.path[0]], NEW) for stage in after]
    else:
        hidden = _alike([_look(stage) for stage in before], [_look(stage) for stage in after])
    same = [
        match if match != NEW and before[match].plan.kind == stage.plan.kind else NEW
        for match, stage in zip(hidden, after, strict=True)
    ]
    return [*same, len(before)]


def _match_others(old: Sequence[Stage], new: Sequence[Stage], named: list[int | None] | None) -> dict[str, Stage]:
    """{address: old stage} of those that hand on what they get, if the old one was of the same kind."""
    before = {stage.plan.path[0]: stage for stage in old if not makes_units(stage.layer)}
    after = {stage.plan.path[0]: stage for stage in new if not makes_units(stage.layer)}
    if named is not None:
        pairs = [(place, was) for place, was in enumerate(named) if place in after and was in before]
    else:
        matches = _alike(*([repr(one.layer) for one in side.values()] for side in (before, after)))
        pairs = [(place, list(before)[match]) for place, match in zip(after, matches, strict=True) if match != NEW]
    return {
        after[place].address: before[was]
        for place, was in pairs
        if was is not None and after[place].plan.kind == before[was].plan.kind
    }


def _match_inputs(old: Experiment, new: Experiment) -> np.ndarray:
    """For each unit of a row as the network reads it which one it was: inputs of a list by their keys, channels and features by place."""
    if len(new.row_shape) > LIST or len(old.row_shape) > LIST or new.dataset.vocabulary:
        count, same = new.row_shape[unit_axis(new.row_shape)], new.row_shape == old.row_shape
        return np.arange(count) if same else np.full(count, NEW)
    before, after = _input_keys(old), _input_keys(new)
    return np.array([before.index(name) if name in before else NEW for name in after])


def _input_keys(experiment: Experiment) -> list[tuple[str, ...]]:
    """A key for each input; equal keys mean the same input. On a table's plane x1 and x2 are columns, and features are made of them."""
    features, keys = experiment.input_features, experiment.dataset.input_keys()
    if experiment.dataset.kind != "table":
        return [(feature,) for feature in features] or keys
    columns: dict[str, tuple[str, ...]] = dict(zip(("x1", "x2"), keys, strict=False))
    return [columns.get(feature, (feature, *map(str, keys))) for feature in features] or keys


def _alike(before: Sequence[Hashable], after: Sequence[Hashable]) -> list[int]:
    """For each item of `after` its index in `before`, or NEW: equal stretches match, and stretches replaced by as many items."""
    matches = [NEW] * len(after)
    for what, i1, i2, j1, j2 in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if what in ("equal", "replace") and i2 - i1 == j2 - j1:
            matches[j1:j2] = range(i1, i2)
    return matches


def _look(stage: Stage) -> tuple[Any, ...]:
    return stage.plan.kind, stage.plan.activation, stage.plan.units_out


def _match_units(stage: Stage, before: int, origins: Origins | None) -> np.ndarray:
    """For each unit of a stage which old one it was. If `origins` does not say, the first units stay."""
    after = stage.plan.units_out
    units = (origins or {}).get("units")
    told = units.get(stage.address) if isinstance(units, Mapping) else None
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
