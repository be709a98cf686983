"""Every data set has settings that fit it; with them a small network learns it."""

from __future__ import annotations

from typing import Any

import pytest
from scipy.stats import binom

from dlcore.component import kinds
from dlcore.datasets import Dataset
from dlcore.datasets.fitting import Fitting, propose
from dlcore.editing.facts import find_margin
from dlcore.editing.fitting import OWN_KINDS, USUAL, find_fitting, fit_split, take_fitted, with_fitting
from dlcore.experiment import MOST_LAYERS, Experiment
from dlcore.learning.trainer import Trainer
from ui import opening

BUNDLED = [kind for kind in kinds(Dataset) if kind not in OWN_KINDS]


def standing_on(kind: str, **fields: Any) -> Experiment:
    return Experiment.from_dict(draft_on(kind, **fields))


def draft_on(kind: str, **fields: Any) -> dict[str, Any]:
    cls: Any = kinds(Dataset)[kind]
    dataset = cls(**fields)
    split = {} if dataset.own_split else {"test_fraction": 0.3, "validation_fraction": 0.2}
    return {**USUAL, "dataset": dataset.to_dict(), "loss": {"kind": dataset.objective.usual_loss}, **split}


@pytest.mark.parametrize("kind", BUNDLED)
def test_what_fits_is_a_recipe_and_fits_again(kind: str) -> None:
    fitted = Experiment.from_dict(with_fitting(draft_on(kind)))
    assert take_fitted(fitted.to_dict()) == find_fitting(fitted.to_dict())
    assert 0 < len(fitted.layers) <= MOST_LAYERS
    # Small enough to watch; a vocabulary has as many vectors as it has tokens.
    vectors = sum(plan.parameters for plan in fitted.plan() if plan.kind == "embedding")
    assert fitted.num_parameters - vectors < (6_000 if fitted.num_inputs < 100 else 25_000)


def test_a_set_of_few_rows_gets_a_batch_that_it_can_fill() -> None:
    few = standing_on("circle", samples=20).replace(batch_size=1, test_fraction=0.6)
    assert find_fitting(few.to_dict())["batch_size"] == few.train_rows == 4


def test_the_settings_of_a_fitting_are_those_of_a_recipe_where_it_says_nothing() -> None:
    assert Experiment.from_dict(Fitting().parts()) == Experiment()


@pytest.mark.parametrize(("inputs", "outputs", "rows"), [(1, 1, 3), (4, 3, 75), (784, 10, 5_000), (200, 20, 100_000)])
def test_what_is_proposed_from_sizes_alone_narrows_and_has_a_batch_that_the_rows_fill(
    inputs: int, outputs: int, rows: int
) -> None:
    found = propose(inputs, outputs, rows)
    assert 4 <= found.units[1] <= found.units[0] <= 24 or found.units[1] >= outputs
    assert 1 <= found.batch_size <= rows


def test_a_run_begun_on_the_page_keeps_test_rows_for_the_end_and_the_recipes_default_stays() -> None:
    begun = opening.begin()
    assert (begun.train_rows, begun.validation_rows, begun.test_rows) == (250, 100, 150)
    assert begun.watched == "validation"
    assert begun.replace(test_fraction=0.5, validation_fraction=0.0) == Experiment() == Experiment.from_dict({})


def split_of(recipe: Experiment, dataset: dict[str, Any]) -> tuple[float, float]:
    draft = recipe.to_dict()
    found = {**draft, **fit_split(draft, dataset)}
    return found["test_fraction"], found["validation_fraction"]


@pytest.mark.parametrize(
    ("before", "dataset", "expected"),
    [
        ({}, {"kind": "spiral"}, (0.3, 0.2)),  # Nobody has set the recipe's default.
        ({"test_fraction": 0.4}, {"kind": "spiral"}, (0.4, 0.0)),
        ({"test_fraction": 0.3}, {"kind": "iris"}, (0.3, 0.0)),
        ({"test_fraction": 0.5, "validation_fraction": 0.1}, {"kind": "iris"}, (0.5, 0.1)),
        ({}, {"kind": "blobs", "classes": 6, "samples": 20}, (0.3, 0.0)),  # 4 validation rows, 6 classes
        ({"dataset": {"kind": "drawn"}, "test_fraction": 0.3}, {"kind": "circle"}, (0.3, 0.2)),
        ({"dataset": {"kind": "drawn"}, "test_fraction": 0.4}, {"kind": "circle"}, (0.4, 0.0)),
        ({"test_fraction": 0.3, "validation_fraction": 0.2}, {"kind": "drawn"}, (0.3, 0.0)),
    ],
)
def test_other_data_get_the_split_of_the_page_unless_another_one_was_set(
    before: dict[str, Any], dataset: dict[str, Any], expected: tuple[float, float]
) -> None:
    whole = kinds(Dataset)[dataset["kind"]].model_validate(dataset).to_dict()
    assert split_of(Experiment.from_dict(before), whole) == expected


def test_a_seal_stays_as_long_as_there_are_validation_rows() -> None:
    sealed = Experiment(validation_fraction=0.2, sealed=True).to_dict()
    assert fit_split(sealed, {"kind": "spiral"})["sealed"]
    assert not fit_split(sealed, {"kind": "blobs", "classes": 6, "samples": 20})["sealed"]
    assert not fit_split(sealed, {"kind": "drawn"})["sealed"]


@pytest.mark.parametrize("rows", [10, 30, 49, 200])
def test_the_margin_that_the_page_names_is_that_of_a_share(rows: int) -> None:
    spread = binom(rows, 0.8).std() / rows
    assert find_margin(rows) == pytest.approx(1.96 * spread)


# A hundred epochs of ten seeds are for the benchmark; here one seed of each that the usual network cannot learn.
@pytest.mark.parametrize("kind", ["spiral", "rings", "checkerboard"])
def test_the_settings_that_fit_learn_what_the_usual_ones_cannot(kind: str) -> None:
    usual = standing_on(kind, noise=0.0)
    fitted = Experiment.from_dict(with_fitting(usual.to_dict()))
    assert score(fitted) > 0.85
    assert score(usual) < 0.8


def score(experiment: Experiment) -> float:
    trainer = Trainer(experiment, "cpu")
    while trainer.epoch < 100:
        trainer.advance()
    return float(trainer.history.column("test_accuracy")[-1])
