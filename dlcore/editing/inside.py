"""Edits of layers that stand inside of another one, and of the branches of a layer that has several. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dlcore.activations import Activation
from dlcore.component import kinds
from dlcore.editing.edited import Edited
from dlcore.editing.fitting_layers import keep_shape
from dlcore.editing.stacks import Path, Stack, find_stack, read_path, with_stack
from dlcore.experiment import Experiment
from dlcore.layers import Conv1d, Conv2d, Layer, LayerComponent, Parallel, Shape, unit_axis
from dlcore.problems import Problem

Action = dict[str, Any]


def edit_inside(experiment: Experiment, action: Action) -> Edited | None:
    """The experiment after an edit of what an address of several numbers names; None if that does not exist."""
    match action.get("do"):
        case "append_layer":
            return _append(experiment, read_path(action.get("inside")), action.get("kind"))
        case "add_branch" | "remove_branch":
            return _edit_branches(experiment, read_path(action.get("address")), action)
    path = read_path(action.get("address"))
    if not path:
        return None
    *outside, at = path
    stack = find_stack(experiment.layers, tuple(outside))
    if stack is None or at >= len(stack):
        return None
    return _edit_layer(experiment, tuple(outside), stack, at, action)


def _edit_layer(experiment: Experiment, outside: Path, stack: Stack, at: int, action: Action) -> Edited | None:
    layer = stack[at]
    match action["do"]:
        case "remove_layer":
            return _edited(experiment, outside, (*stack[:at], *stack[at + 1 :]))
        case "move_layer":
            to = at + by if type(by := action.get("by")) is int and by in (-1, 1) else -1
            if not 0 <= to < len(stack):
                return None
            moved = list(stack)
            moved[at], moved[to] = moved[to], moved[at]
            return _edited(experiment, outside, tuple(moved))
        case "activation":
            kind = action.get("kind")
            if kind not in list(kinds(Activation)) or layer.activation_kind in ("", kind):
                return None
            other = layer.replace(activation=kinds(Activation)[kind]())
            return _edited(experiment, outside, (*stack[:at], other, *stack[at + 1 :]))
        case "add_unit" | "remove_unit" if layer.most_units:
            return _edit_units(experiment, outside, stack, at, action)
    return None


def _edit_units(experiment: Experiment, outside: Path, stack: Stack, at: int, action: Action) -> Edited | None:
    layer = stack[at]
    count = getattr(layer, layer.width)
    units: list[int | None] = list(range(count))
    if action["do"] == "add_unit":
        units.append(None)
    else:
        gone = action.get("unit")
        if type(gone) is not int or gone not in units:
            return None
        if count == 1:
            raise Problem("last_unit")
        units.remove(gone)
    other = layer.replace(**{layer.width: len(units)})
    edited = _edited(experiment, outside, (*stack[:at], other, *stack[at + 1 :]))
    address = ".".join(map(str, (*outside, at)))
    return Edited(edited.experiment, {**(edited.origins or {}), "units": {address: units}})


def _append(experiment: Experiment, path: Path | None, kind: Any) -> Edited | None:
    """Add a layer of this kind inside of another one, at the last place where it fits, as wide as it must be."""
    stack = None if not path else find_stack(experiment.layers, path)
    if path is None or stack is None or kind not in list(kinds(Layer)):
        return None
    refused = None
    for at in range(len(stack), -1, -1):
        for layer in _variants(kinds(Layer)[kind](), _shape_at(experiment, path, at)):  # type: ignore[arg-type]
            try:
                return _edited(experiment, path, (*stack[:at], layer, *stack[at:]))
            except Problem as problem:
                refused = refused or problem
    assert refused is not None
    raise refused


def _variants(layer: LayerComponent, shape: Shape) -> Iterator[LayerComponent]:
    """The layer with its usual settings, and as it must be where shapes have to stay as they are."""
    if layer.holds:
        inside = keep_shape(shape)
        yield (
            layer.replace(branches=((inside,), ())) if isinstance(layer, Parallel) else layer.replace(layers=(inside,))
        )
        return
    yield layer
    settings: dict[str, Any] = {layer.width: shape[unit_axis(shape)]} if layer.width else {}
    if isinstance(layer, Conv1d | Conv2d):
        settings["padding"] = layer.kernel // 2
    if "returns" in type(layer).model_fields:
        settings["returns"] = "all"
    try:
        yield layer.replace(**settings)
    except Problem:  # More units than it may have.
        return


def _shape_at(experiment: Experiment, path: Path, at: int) -> Shape:
    """The shape of a row before the layer at this place of the stack to which the path leads."""
    plans = list(experiment.plan())
    shape = plans[0].input_shape
    for holder, number in zip(path[::2], path[1::2], strict=True):
        shape = plans[holder].input_shape
        plans = list(plans[holder].branches[number])
    return plans[at - 1].output_shape if at else shape


def _edit_branches(experiment: Experiment, path: Path | None, action: Action) -> Edited | None:
    if not path:
        return None
    *outside, at = path
    stack = find_stack(experiment.layers, tuple(outside))
    if stack is None or at >= len(stack):
        return None
    layer = stack[at]
    if not isinstance(layer, Parallel):
        return None
    branches = list(layer.branches)
    if action["do"] == "add_branch":
        branches.append(branches[-1])
    else:
        gone = action.get("branch")
        if type(gone) is not int or not 0 <= gone < len(branches):
            return None
        del branches[gone]
    other = layer.replace(branches=tuple(branches))
    return _edited(experiment, tuple(outside), (*stack[:at], other, *stack[at + 1 :]))


def _edited(experiment: Experiment, path: Path, stack: Stack) -> Edited:
    changed = experiment.replace(layers=with_stack(experiment.layers, path, stack))
    return Edited(changed, {"layers": list(range(len(experiment.layers)))})
