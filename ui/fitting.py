"""What goes together: the menus offer only what works, and a choice made impossible by another gives way. Pure functions of drafts.

Recipes from files do not come here: they are checked strictly.
"""

from __future__ import annotations

import copy
from typing import Any

from dlcore.component import kinds, validated
from dlcore.datasets import Dataset, DatasetComponent
from dlcore.datasets.table import TableData
from dlcore.experiment import Experiment
from dlcore.layers import Layer
from dlcore.losses import Loss
from dlcore.objectives import ObjectiveComponent
from dlcore.problems import Problem

Draft = dict[str, Any]

OWN_KINDS = ("table", "images")  # data that somebody has brought
USUAL = Experiment().to_dict()
SPLITS = ("test_fraction", "validation_fraction", "sealed")


def group_datasets() -> dict[str, list[str]]:
    """Kinds of data sets as people look for them: classes made or drawn, numbers made, real tables. Data of one's own stand in none."""
    groups: dict[str, list[str]] = {"classes": [], "numbers": [], "tables": []}
    for kind, cls in kinds(Dataset).items():
        given = "samples" not in cls.model_fields and not has_own_split({"kind": kind})
        group = "tables" if given else objective_of({"kind": kind}).kind
        if kind not in OWN_KINDS:
            groups.setdefault(group, []).append(kind)
    return groups


def objective_of(dataset: Draft) -> ObjectiveComponent:
    """What is asked of a network on these data."""
    return _make_example(dataset).objective


def has_features(dataset: Draft) -> bool:
    """Whether inputs can be made from x1 and x2."""
    return _make_example(dataset).surface == "plane"


def has_own_split(dataset: Draft) -> bool:
    """Whether the rows say themselves which are for testing."""
    return kinds(Dataset)[dataset["kind"]].own_split  # type: ignore[attr-defined]


def _make_example(dataset: Draft) -> DatasetComponent:
    """A data set that asks the same: what a table asks depends on its fields, all others only on their kind."""
    cls: Any = kinds(Dataset)[dataset["kind"]]
    return validated(cls, dataset) if cls is TableData else cls()


def list_fitting_losses(dataset: Draft) -> list[str]:
    """The losses that this data set can be learned with."""
    return [kind for kind in kinds(Loss) if _fits(dataset, kind)]


def _fits(dataset: Draft, loss: str) -> bool:
    # Few test rows and no layers, so that nothing but data and loss is judged.
    recipe = {"dataset": dataset, "loss": {"kind": loss}, "layers": [], "batch_size": 1}
    try:
        Experiment.from_dict(recipe)
    except Problem as problem:
        return not problem.key.startswith("loss_")
    return True


def fit_loss(loss: Draft, dataset: Draft, previous: Draft) -> Draft:
    """The loss, or the usual one of the task where it no longer goes with the data or the task is another one."""
    objective = objective_of(dataset)
    same = objective.kind == objective_of(previous).kind
    usual = objective.usual_loss
    fits = loss["kind"] in list_fitting_losses(dataset)
    if (fits and same) or loss["kind"] == usual:
        return loss
    return {"kind": usual}


def fit_to_data(experiment: Experiment, dataset: Draft) -> Experiment:
    """The recipe on other data: what fits stays as it is, the loss is one that fits, and what cannot be kept is as usual."""
    recipe = experiment.to_dict()
    recipe |= {
        "dataset": dataset,
        "loss": fit_loss(recipe["loss"], dataset, recipe["dataset"]),
        "class_weights": fit_weights(recipe["class_weights"], dataset),
    }
    if not has_features(dataset):
        recipe.pop("features", None)
    if has_own_split(dataset) or has_own_split(experiment.dataset.to_dict()):
        recipe |= {"validation_fraction": 0.0, "sealed": False}
    for left_out in ((), SPLITS, (*SPLITS, "layers")):
        fitted = {name: value for name, value in recipe.items() if name not in left_out}
        try:
            return Experiment.from_dict(
                {**fitted, "batch_size": min(recipe["batch_size"], count_training_rows({**USUAL, **fitted}))}
            )
        except Problem:
            continue
    return Experiment.from_dict({"dataset": dataset, "loss": recipe["loss"]})


def fit_weights(class_weights: str, dataset: Draft) -> str:
    """The weights of the classes; none where there are no classes."""
    return class_weights if objective_of(dataset).has_classes else "none"


def count_training_rows(draft: Draft) -> int:
    """Training rows, the largest batch there is."""
    dataset = validated(kinds(Dataset)[draft["dataset"]["kind"]], draft["dataset"])
    rows = (
        dataset.rows - dataset.test_rows(draft["test_fraction"]) - dataset.validation_rows(draft["validation_fraction"])
    )
    # Where the parts leave none, the batch is not what has to change.
    return rows if rows > 0 else draft["batch_size"]


def make_layer(kind: str, layers: list[Draft]) -> Draft:
    """A layer to add: like the last one of its kind, else as its class starts."""
    alike = [layer for layer in layers if layer["kind"] == kind]
    return copy.deepcopy(alike[-1]) if alike else kinds(Layer)[kind]().to_dict()
