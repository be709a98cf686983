"""What a page has to know of a recipe to offer its settings: plain JSON values."""

from __future__ import annotations

import math
from typing import Any

from dlcore.component import kinds, validate
from dlcore.datasets import Dataset, DatasetComponent
from dlcore.datasets.table import TableData
from dlcore.editing.fitting import (
    OWN_KINDS,
    Draft,
    find_fitting,
    has_features,
    has_own_split,
    list_fitting_losses,
)
from dlcore.editing.fitting_layers import list_suiting_kinds
from dlcore.editing.setting import SET_OF_OWN
from dlcore.experiment import MOST_LAYERS, Experiment
from dlcore.plan import LayerPlan

FEW = 50  # rows with fewer than which a score says little
ROWS = ("train", "validation", "test")  # fields of a data set that hold its rows
OWN_FACTS = ("kind", "name", "target", "height", "width", "available")


def key_of_data(experiment: Experiment) -> object:
    """What decides what `describe_data` gives, apart from what is compared again each time."""
    return experiment.dataset, experiment.test_fraction, experiment.validation_fraction


def key_of_task(experiment: Experiment) -> object:
    """What decides what `describe_task` gives."""
    dataset = experiment.dataset
    return dataset.kind, dataset.objective.kind, dataset.num_classes, dataset.surface


def describe_task(experiment: Experiment) -> dict[str, Any]:
    """{"losses", "has_classes", "has_features", "own_split"}: what can be set, which is the same for all data of this form."""
    dataset = experiment.dataset.to_dict()
    return {
        "losses": list_fitting_losses(dataset),
        "has_classes": experiment.objective.has_classes,
        "has_features": has_features(dataset),
        "own_split": has_own_split(dataset),
    }


def describe_data(experiment: Experiment) -> dict[str, Any]:
    """{"rows", "few", "fitting", "stacks"}; "fitting" also where it is in use, "stacks" are the names of ready networks."""
    rows = {"train": experiment.train_rows, "validation": experiment.validation_rows, "test": experiment.test_rows}
    return {
        "rows": rows,
        "few": find_few(rows, experiment.objective.has_classes),
        "fitting": find_fitting(experiment.to_dict()),
        "stacks": list(experiment.dataset.stacks(experiment.train_rows)),
    }


def find_few(rows: dict[str, int], has_classes: bool) -> dict[str, Any] | None:
    """The smallest part whose score is mostly chance: {"part", "rows", "points", "classes"}; None if each has rows enough."""
    few = [(rows[part], part) for part in ("validation", "test") if 0 < rows[part] < FEW]
    if not few:
        return None
    count, part = min(few)
    return {"part": part, "rows": count, "points": round(100 * find_margin(count)), "classes": has_classes}


def find_margin(rows: int) -> float:
    """By how much an accuracy of 0.8 on so many rows may be off: 1.96 standard errors of a share (Wald, 95%)."""
    return 1.96 * math.sqrt(0.8 * 0.2 / rows)


def describe_network(experiment: Experiment) -> dict[str, Any]:
    """{"layers", "output", "parameters", "most_layers", "kinds"}: the sizes of the layers, and the kinds that suit the data."""
    *layers, output = map(_describe_layer, experiment.plan())
    return {
        "layers": layers,
        "output": {**output, "units": experiment.num_outputs, "activation": experiment.plan()[-1].activation},
        "parameters": experiment.num_parameters,
        "most_layers": MOST_LAYERS,
        "kinds": list_suiting_kinds(experiment),
    }


def _describe_layer(plan: LayerPlan) -> dict[str, Any]:
    shapes = {"inputs": plan.input_shape, "outputs": plan.output_shape}
    described: dict[str, Any] = {name: " × ".join(map(str, shape)) for name, shape in shapes.items()}
    described["parameters"] = plan.parameters
    if plan.branches:
        described["inner"] = [[_describe_layer(inner) for inner in branch] for branch in plan.branches]
    return described


def describe_own(own: Draft | None, present: DatasetComponent) -> dict[str, Any] | None:
    """What is said of the data that a person brought; None if they brought none."""
    if own is None:
        return None
    dataset: DatasetComponent = validate(kinds(Dataset)[own["kind"]], own)
    plane = isinstance(dataset, TableData) and dataset.surface == "plane"
    return {
        **{name: own[name] for name in OWN_FACTS if name in own},
        "rows": dataset.rows,
        "columns": len(own.get("columns", ())),
        "inputs": dataset.inputs,
        "classes": dataset.num_classes,
        "plane": list(dataset.column_names) if plane else None,
        "used": dataset == present,
    }


def without_rows(values: dict[str, Any]) -> dict[str, Any]:
    """A recipe's values without what is not set one by one: rows, descriptions of own data, the journal."""
    dataset = values["dataset"]
    if dataset["kind"] in OWN_KINDS:
        dataset = {name: dataset[name] for name in ("kind", *SET_OF_OWN) if name in dataset}
    else:
        dataset = {name: value for name, value in dataset.items() if name not in ROWS}
    return {name: value for name, value in values.items() if name != "journal"} | {"dataset": dataset}
