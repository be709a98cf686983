"""Edits on the canvas: the recipe after an edit, and from which old layers and units the new ones come. Pure functions.

    apply_edit(experiment, {"do": "add_unit", "address": "0"})

A layer is named by its address, a new layer by the address it will have. An action comes from the browser, which may show an older
frame: what the action names may no longer exist, or never have existed.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from dlcore.activations import Activation
from dlcore.component import kinds
from dlcore.datasets.drawn import EDGE, MOST_CLASSES, Drawn, can_be_drawn_on
from dlcore.editing.edited import Edited
from dlcore.editing.fitting import USUAL_FEATURES, fit_loss
from dlcore.editing.fitting_layers import find_place, nearest_that_fits
from dlcore.editing.inside import edit_inside
from dlcore.experiment import FEATURES, Experiment
from dlcore.layers import Dense, Layer
from dlcore.problems import Problem
from dlcore.rows import prepare

# as the canvas names them; its "test" points are the watched ones, validation points where there are any
SPLITS = ("train", "test")
WIDEST_FIRST = 32  # up to so many inputs a new first layer has as many units, so that it can begin as the identity

Action = dict[str, Any]
Point = tuple[float, float, int]


def apply_edit(experiment: Experiment, action: Action) -> Edited | None:
    """The experiment after this edit; None if the action names something that does not exist. Raises Problem if it is not allowed."""
    if _is_inside(action):
        return edit_inside(experiment, action)
    match action.get("do"):
        case "add_unit":
            return _add_unit(experiment, action.get("address"))
        case "remove_unit":
            return _remove_unit(experiment, action.get("address"), action.get("unit"))
        case "add_layer":
            return _add_layer(experiment, action.get("address"))
        case "remove_layer":
            return _remove_layer(experiment, action.get("address"))
        case "append_layer":
            return _append_layer(experiment, action.get("kind"))
        case "move_layer":
            return _move_layer(experiment, action.get("address"), action.get("by"))
        case "activation":
            return _set_activation(experiment, action.get("address"), action.get("kind"))
        case "feature":
            return _switch_feature(experiment, action.get("name"), action.get("on"))
        case "points":
            return _edit_points(experiment, action)
        case "clear_points":
            return _clear_points(experiment)
    return None


def _is_inside(action: Action) -> bool:
    """Whether an action is about layers inside of another one, or about branches."""
    address = action.get("address")
    inside = action.get("inside") or (isinstance(address, str) and "." in address)
    return bool(inside) or action.get("do") in ("add_branch", "remove_branch")


def _read_index(value: Any, count: int) -> int | None:
    """The value if it is an index into a list of `count` items, else None."""
    return value if type(value) is int and 0 <= value < count else None


# Layers and units


def _read_address(address: Any, count: int) -> int | None:
    """The index of the layer at this address among `count` layers; None for anything else, also for a layer inside another one."""
    return int(address) if isinstance(address, str) and address in map(str, range(count)) else None


def _find_units(experiment: Experiment, address: Any) -> tuple[int, int] | None:
    """Index and number of units of the layer at this address; None if there is none or its units cannot be edited."""
    at = _read_address(address, len(experiment.layers))
    if at is None or not experiment.layers[at].most_units:
        return None
    return at, getattr(experiment.layers[at], experiment.layers[at].width)


def _with_layer(experiment: Experiment, at: int, **changes: Any) -> Experiment:
    layer = experiment.layers[at].replace(**changes)
    return experiment.replace(layers=(*experiment.layers[:at], layer, *experiment.layers[at + 1 :]))


def _keep_layers(experiment: Experiment) -> list[int | None]:
    return list(range(len(experiment.layers)))


def _add_unit(experiment: Experiment, address: Any) -> Edited | None:
    found = _find_units(experiment, address)
    if found is None:
        return None
    at, count = found
    units: list[int | None] = [*range(count), None]
    changed = _with_layer(experiment, at, **{experiment.layers[at].width: count + 1})
    return Edited(changed, {"layers": _keep_layers(experiment), "units": {str(at): units}})


def _remove_unit(experiment: Experiment, address: Any, unit: Any) -> Edited | None:
    found = _find_units(experiment, address)
    gone = None if found is None else _read_index(unit, found[1])
    if found is None or gone is None:
        return None
    at, count = found
    if count == 1:
        raise Problem("last_unit")
    units = [index for index in range(count) if index != gone]
    changed = _with_layer(experiment, at, **{experiment.layers[at].width: count - 1})
    return Edited(changed, {"layers": _keep_layers(experiment), "units": {str(at): units}})


def _add_layer(experiment: Experiment, address: Any) -> Edited | None:
    """Insert a copy of the nearest layer with editable units; a first layer is as wide as the inputs, so that it begins as the identity."""
    at = _read_address(address, len(experiment.layers) + 1)
    if at is None:
        return None
    before = [layer for layer in experiment.layers[:at] if layer.most_units]
    after = [layer for layer in experiment.layers[at:] if layer.most_units]
    nearest = [*reversed(before), *after, Dense()]
    if not before and nearest[0].kind == "dense" and experiment.num_inputs <= WIDEST_FIRST:
        nearest[0] = nearest[0].replace(units=experiment.num_inputs)
    origins = [*range(at), None, *range(at, len(experiment.layers))]
    return Edited(nearest_that_fits(experiment, at, nearest), {"layers": origins})


def _remove_layer(experiment: Experiment, address: Any) -> Edited | None:
    at = _read_address(address, len(experiment.layers))
    if at is None:
        return None
    layers = (*experiment.layers[:at], *experiment.layers[at + 1 :])
    origins = [index for index in range(len(experiment.layers)) if index != at]
    return Edited(experiment.replace(layers=layers), {"layers": origins})


def _append_layer(experiment: Experiment, kind: Any) -> Edited | None:
    """Add a layer of this kind at the last place where it fits: a copy of the last one of its kind, else with default values."""
    if kind not in list(kinds(Layer)):
        return None
    alike = [layer for layer in experiment.layers if layer.kind == kind]
    changed, origins = find_place(experiment, alike[-1] if alike else kinds(Layer)[kind]())  # type: ignore[arg-type]
    return Edited(changed, {"layers": origins})


def _move_layer(experiment: Experiment, address: Any, by: Any) -> Edited | None:
    """Move a layer by one towards the input (-1) or the output (1)."""
    count = len(experiment.layers)
    at = _read_address(address, count)
    if at is None or type(by) is not int or by not in (-1, 1) or not 0 <= at + by < count:
        return None
    order = list(range(count))
    order[at], order[at + by] = order[at + by], order[at]
    layers = tuple(experiment.layers[index] for index in order)
    return Edited(experiment.replace(layers=layers), {"layers": order})


def _set_activation(experiment: Experiment, address: Any, kind: Any) -> Edited | None:
    at = _read_address(address, len(experiment.layers))
    classes = kinds(Activation)
    if at is None or kind not in list(classes) or experiment.layers[at].activation_kind in ("", kind):
        return None
    changed = _with_layer(experiment, at, activation=classes[kind]())
    return Edited(changed, {"layers": _keep_layers(experiment)})


# Inputs


def _switch_feature(experiment: Experiment, name: Any, on: Any) -> Edited | None:
    if name not in FEATURES or type(on) is not bool or not experiment.input_features:
        return None
    if (name in experiment.input_features) is on:
        return None
    chosen = {*experiment.input_features} ^ {name}
    features = tuple(feature for feature in FEATURES if feature in chosen)
    changed = experiment.replace(features=None if features == USUAL_FEATURES else features)
    return Edited(changed, {"layers": _keep_layers(experiment)})


# Points


def to_drawn(experiment: Experiment) -> Drawn:
    """The experiment's points as drawn ones. Raises Problem if they do not lie on a plane, have no classes, or are too many."""
    dataset = experiment.dataset
    if isinstance(dataset, Drawn):
        return dataset
    if not can_be_drawn_on(dataset):
        raise Problem("points_need_plane")
    return Drawn.of(prepare(experiment))


def key_of_parts(dataset: Any) -> str:
    """The end of the key of a message about drawn points: ".validation" if some of them are validation points, else ""."""
    return ".validation" if isinstance(dataset, Drawn) and dataset.validation else ""


def _edit_points(experiment: Experiment, action: Action) -> Edited | None:
    """Move, then remove, then add points. Row numbers are those before the edit. The last validation point cannot be removed."""
    drawn = to_drawn(experiment)
    parts = {"train": "train", "test": "validation" if drawn.validation else "test"}
    rows: dict[str, list[Point | None]] = {split: list(getattr(drawn, part)) for split, part in parts.items()}
    touched = False
    for split, row, x1, x2 in _read_entries(action.get("move"), 4):
        if _is_row(rows, split, row) and _on_plane(x1, x2):
            rows[split][row] = (_clip(x1), _clip(x2), getattr(drawn, parts[split])[row][2])
            touched = True
    for split, row in _read_entries(action.get("remove"), 2):
        if _is_row(rows, split, row):
            rows[split][row] = None
            touched = True
    for x1, x2, label, split in _read_entries(action.get("add"), 4):
        if split in SPLITS and _on_plane(x1, x2) and _read_index(label, MOST_CLASSES) is not None:
            rows[split].append((_clip(x1), _clip(x2), label))
            touched = True
    if not touched:
        return None
    kept = {parts[split]: tuple(point for point in points if point is not None) for split, points in rows.items()}
    if drawn.validation and not kept["validation"]:  # Without validation points the test points would be watched.
        raise Problem("drawn_no_validation")
    return _with_points(experiment, drawn.replace(**kept))


def _clear_points(experiment: Experiment) -> Edited:
    """Remove all points but one training point of each of two classes and one point of each other part, the least a recipe needs."""
    drawn = to_drawn(experiment)
    train = tuple(next(point for point in drawn.train if point[2] == label) for label in (0, 1))
    others = {
        part: (next((point for point in points if point[2] < 2), train[0]),)
        for part, points in (("test", drawn.test), ("validation", drawn.validation))
        if points
    }
    cleared = _with_points(experiment, drawn.replace(train=train, **others))
    told = Problem("points_cleared.validation" if drawn.validation else "points_cleared")
    return replace(cleared, notices=(told, *cleared.notices))


def _read_entries(value: Any, length: int) -> list[list[Any]]:
    """The lists of this length in the value, if it is a list."""
    if not isinstance(value, list):
        return []
    return [entry for entry in value if isinstance(entry, list) and len(entry) == length]


def _is_row(rows: dict[str, list[Point | None]], split: Any, row: Any) -> bool:
    return split in SPLITS and _read_index(row, len(rows[split])) is not None


def _on_plane(*values: Any) -> bool:
    # Compared, not asked whether finite: JSON can say whole numbers that are larger than any float.
    return all(type(value) in (int, float) and -math.inf < value < math.inf for value in values)


def _clip(value: float) -> float:
    return float(min(max(value, -EDGE), EDGE))


def _with_points(experiment: Experiment, drawn: Drawn) -> Edited:
    """The experiment on these points; a loss or batch size that no longer fits is replaced."""
    values = {**experiment.to_dict(), "dataset": drawn.to_dict(), "validation_fraction": 0.0}
    values["sealed"] = experiment.sealed and bool(drawn.validation)
    values["loss"] = fit_loss(values["loss"], values["dataset"], experiment.dataset.to_dict())
    values["batch_size"] = min(values["batch_size"], len(drawn.train))
    changed = Experiment.from_dict(values)
    return Edited(changed, {"layers": _keep_layers(experiment)}, tell_adjusted(experiment, changed))


def tell_adjusted(before: Experiment, after: Experiment) -> tuple[Problem, ...]:
    """What is to be told of settings that the new data made another of."""
    told = []
    dataset = after.dataset.kind
    if after.batch_size == after.train_rows < before.batch_size:
        told.append(Problem("adjusted_batch", rows=after.train_rows))
    if after.loss.kind != before.loss.kind:
        told.append(Problem("adjusted_loss", dataset_title=dataset, loss_title=after.loss.kind))
    if after.class_weights != before.class_weights:
        told.append(Problem("adjusted_class_weights", dataset_title=dataset))
    return tuple(told)
