"""What fits what in a recipe: the losses that suit the data, their split, the usual layers and optimizer. Pure functions.

Menus offer only what fits, and a setting that a choice of other data made impossible is replaced.

Recipes from files are not adjusted: an inconsistent one is refused.
"""

from __future__ import annotations

from typing import Any

from dlcore.component import kinds, validate
from dlcore.datasets import Dataset, DatasetComponent
from dlcore.datasets.fitting import Fitting
from dlcore.editing.setting import OWN_KINDS
from dlcore.experiment import Experiment
from dlcore.layers import Layer
from dlcore.losses import Loss
from dlcore.objectives import ObjectiveComponent
from dlcore.optimizers import Optimizer
from dlcore.problems import Problem

#: The values of a recipe, or of a part of it, that is being edited: they may not fit together yet.
Draft = dict[str, Any]

USUAL = Experiment().to_dict()
USUAL_FEATURES = ("x1", "x2")
#: The split of a run that begins on the page: early stopping and every choice look at the validation rows, and the test rows judge in the
#: end. A recipe's own default has no validation rows, so that links and files mean what they meant.
PAGE_SPLIT = {"test_fraction": 0.3, "validation_fraction": 0.2}
TWO_PARTS = {"validation_fraction": 0.0, "sealed": False}
FITTED = ("layers", "features", "optimizer", "batch_size")  # parts of a recipe that are chosen to fit its data
SPLITS = ("test_fraction", "validation_fraction", "sealed")


def group_datasets() -> dict[str, list[str]]:
    """Kinds of data sets by menu: generated or drawn points with classes, generated numbers, bundled tables, then the menus that data
    sets name themselves. Own data are in none.
    """
    groups: dict[str, list[str]] = {"classes": [], "numbers": [], "tables": []}
    for kind, cls in kinds(Dataset).items():
        given = "samples" not in cls.model_fields and not has_own_split({"kind": kind})
        group = cls.group or ("tables" if given else objective_of({"kind": kind}).kind)  # type: ignore[attr-defined]
        if kind not in OWN_KINDS:
            groups.setdefault(group, []).append(kind)
    return groups


def objective_of(dataset: Draft) -> ObjectiveComponent:
    """What is predicted from these data: classes or numbers."""
    return _make_example(dataset).objective


def has_features(dataset: Draft) -> bool:
    """Whether the data lie on a plane, so that features are made of x1 and x2."""
    return _make_example(dataset).surface == "plane"


def has_own_split(dataset: Draft) -> bool:
    """Whether the data themselves state which rows are for testing, as drawn points do."""
    return kinds(Dataset)[dataset["kind"]].own_split  # type: ignore[attr-defined]


def _make_example(dataset: Draft) -> DatasetComponent:
    """A data set with the same objective: that of own data depends on their fields, that of any other only on its kind."""
    cls: Any = kinds(Dataset)[dataset["kind"]]
    return validate(cls, dataset) if dataset["kind"] in OWN_KINDS else cls()


def list_fitting_losses(dataset: Draft) -> list[str]:
    """The kinds of losses that suit this data set."""
    return [kind for kind in kinds(Loss) if _fits(dataset, kind)]


def _fits(dataset: Draft, loss: str) -> bool:
    # No layers and a batch of one row, so that only data and loss can be refused.
    recipe = {"dataset": dataset, "loss": {"kind": loss}, "layers": [], "batch_size": 1}
    try:
        Experiment.from_dict(recipe)
    except Problem as problem:
        return not problem.key.startswith("loss_")
    return True


def fit_loss(loss: Draft, dataset: Draft, previous: Draft) -> Draft:
    """This loss if it fits the data and the task is the previous one's; else the usual loss of the task."""
    objective = objective_of(dataset)
    same = objective.kind == objective_of(previous).kind
    usual = objective.usual_loss
    fits = loss["kind"] in list_fitting_losses(dataset)
    if (fits and same) or loss["kind"] == usual:
        return loss
    return {"kind": usual}


def fit_split(draft: Draft, dataset: Draft) -> Draft:
    """The parts of a recipe that split these data: the page's own split unless the draft has another, or the rows are too few for it."""
    drawn, split = has_own_split(draft["dataset"]), {name: draft[name] for name in PAGE_SPLIT}
    if has_own_split(dataset):
        return {**TWO_PARTS, "sealed": draft["sealed"]} if dataset.get("validation") else TWO_PARTS
    # Drawn points have a split of their own and leave the shares of the recipe unused.
    unset = {USUAL["test_fraction"], PAGE_SPLIT["test_fraction"]} if drawn else {USUAL["test_fraction"]}
    if not split["validation_fraction"] and split["test_fraction"] in unset:
        split = PAGE_SPLIT
    if split["validation_fraction"] and _has_enough_rows(dataset, split):
        return {**split, "sealed": draft["sealed"]}
    return {"test_fraction": split["test_fraction"], **TWO_PARTS}


def _has_enough_rows(dataset: Draft, split: Draft) -> bool:
    loss = {"kind": objective_of(dataset).usual_loss}
    try:
        Experiment.from_dict({"dataset": dataset, "loss": loss, "layers": [], "batch_size": 1, **split})
    except Problem as problem:
        return problem.key != "too_few_rows_of_three"
    return True


def fit_to_data(experiment: Experiment, dataset: Draft) -> Experiment:
    """The recipe on other data. As much as possible is kept: the loss fits, the split, then the layers, are the usual ones if need be."""
    recipe = experiment.to_dict()
    recipe |= {
        "dataset": dataset,
        "loss": fit_loss(recipe["loss"], dataset, recipe["dataset"]),
        "class_weights": fit_weights(recipe["class_weights"], dataset),
    }
    if not has_features(dataset):
        recipe.pop("features", None)
    if has_own_split(dataset) or has_own_split(experiment.dataset.to_dict()):
        recipe |= TWO_PARTS
    for left_out in ((), SPLITS, (*SPLITS, "layers")):
        fitted = {name: value for name, value in recipe.items() if name not in left_out}
        try:
            return Experiment.from_dict(
                {**fitted, "batch_size": min(recipe["batch_size"], count_training_rows({**USUAL, **fitted}))}
            )
        except Problem:
            continue
    return Experiment.from_dict(with_fitting({**USUAL, "dataset": dataset, "loss": recipe["loss"]}))


def find_fitting(draft: Draft) -> Draft:
    """The parts of a recipe that fit the draft's data, every field of them given; without "features" where they are the usual ones."""
    dataset = validate(kinds(Dataset)[draft["dataset"]["kind"]], draft["dataset"])
    rows = count_training_rows(draft)
    return parts_of(dataset.fitting(rows), rows)


def parts_of(fitting: Fitting, rows: int) -> Draft:
    """The parts of a recipe, every field of them given, for so many training rows."""
    parts = fitting.parts()
    layers = [validate(kinds(Layer)[layer["kind"]], layer).to_dict() for layer in parts["layers"]]
    optimizer = validate(kinds(Optimizer)[parts["optimizer"]["kind"]], parts["optimizer"]).to_dict()
    return {**parts, "layers": layers, "optimizer": optimizer, "batch_size": min(parts["batch_size"], rows)}


def take_fitted(draft: Draft) -> Draft:
    """The parts of the draft that `find_fitting` chooses."""
    parts = {name: draft[name] for name in FITTED if draft.get(name) is not None}
    if tuple(parts.get("features", ())) == USUAL_FEATURES:
        del parts["features"]
    return parts


def with_fitting(draft: Draft) -> Draft:
    """The draft with the settings that fit its data."""
    return {name: value for name, value in draft.items() if name not in FITTED} | find_fitting(draft)


def fit_weights(class_weights: str, dataset: Draft) -> str:
    """The setting of class weights, "none" for a regression."""
    return class_weights if objective_of(dataset).has_classes else "none"


def count_training_rows(draft: Draft) -> int:
    """The number of training rows, which is the largest possible batch."""
    dataset = validate(kinds(Dataset)[draft["dataset"]["kind"]], draft["dataset"])
    rows = (
        dataset.rows - dataset.test_rows(draft["test_fraction"]) - dataset.validation_rows(draft["validation_fraction"])
    )
    # No training rows are left: the split is wrong, so the batch is not to be changed.
    return rows if rows > 0 else draft["batch_size"]
