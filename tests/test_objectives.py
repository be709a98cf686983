"""Objectives: what each promises, and a third one that lives here only and is planned, coded, trained and recorded like the others."""

from __future__ import annotations

import json
from itertools import islice
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
import torch
from pydantic import Field

from dlcore import Experiment, Trainer
from dlcore.component import kinds
from dlcore.datasets import Dataset
from dlcore.datasets.base import DatasetComponent, Table
from dlcore.datasets.preparation import Preparation
from dlcore.engines import compiled
from dlcore.engines.dense import fits
from dlcore.losses import CrossEntropy, Loss, LossComponent, MeanSquaredError
from dlcore.metrics import FORMS, MetricComponent
from dlcore.network import build_model
from dlcore.objectives import (
    Classes,
    Coding,
    Numbers,
    Objective,
    ObjectiveComponent,
    TokenAnswers,
    objective_of_classes,
)
from dlcore.objectives.links import LINEAR
from dlcore.problems import Problem
from dlcore.rows import prepare

OBJECTIVES = [objective_of_classes(2), objective_of_classes(5), Numbers(), TokenAnswers(vocabulary=5)]


def fitting(objective: ObjectiveComponent) -> list[LossComponent]:
    """The losses that this objective takes."""
    found: list[LossComponent] = []
    for cls in kinds(Loss).values():
        loss: Any = cls()
        try:
            objective.check_loss(loss, "rows")
        except Problem:
            continue
        found.append(loss)
    return found


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda one: f"{one.kind}-{one.num_classes}")
def test_an_objective_tells_what_others_must_not_guess(objective: ObjectiveComponent) -> None:
    usual = kinds(Loss)[objective.usual_loss]()
    assert usual in fitting(objective)
    assert objective.columns == ("loss", *(metric.kind for metric in objective.metrics))
    assert set(objective.scores) <= set(FORMS)
    assert {metric.kind for metric in objective.metrics} <= set(FORMS)
    assert objective.score("none") in objective.scores
    assert objective.has_classes == (objective.num_classes > 0)


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda one: f"{one.kind}-{one.num_classes}")
def test_pictures_and_histograms_see_the_outputs_as_the_loss_does(objective: ObjectiveComponent) -> None:
    sums_KN = torch.linspace(-3, 3, objective.num_outputs * 4).reshape(objective.num_outputs, 4)
    for loss in fitting(objective):
        coding = objective.coding(loss)
        claims = coding.predict(sums_KN.T)
        read, picture = coding.link.read(sums_KN), coding.link.picture(sums_KN)
        match coding.link.name:
            case "sigmoid":
                torch.testing.assert_close(read[0], claims[:, 1])
                torch.testing.assert_close(picture[0], 2 * claims[:, 1] - 1)
            case "softmax":
                torch.testing.assert_close(read, claims.T)
                torch.testing.assert_close(picture, 2 * claims.T - 1)
            case "tanh":
                torch.testing.assert_close(picture, sums_KN.tanh())
                torch.testing.assert_close(read, sums_KN.tanh())
            case "linear":
                torch.testing.assert_close(picture, sums_KN)
        if coding.steepness is not None:
            torch.testing.assert_close((coding.steepness * sums_KN[0]).sigmoid(), claims[:, 1])


def test_no_recipe_names_its_objective() -> None:
    for cls in kinds(Dataset).values():
        dataset: Any = cls()
        assert isinstance(dataset.objective, Classes | Numbers | TokenAnswers)
        assert "objective" not in json.dumps(dataset.to_dict())
    assert {type(dataset.objective) for dataset in (cls() for cls in kinds(Dataset).values())} == set(  # type: ignore[attr-defined]
        kinds(Objective).values()
    )


# A third objective: the outputs are to give the point itself, both of its numbers at once.


class Distance(MetricComponent):
    """The mean distance between what is said and what is: (N, 2) each."""

    kind: Literal["distance"] = "distance"

    def measure(self, predictions: torch.Tensor, y: torch.Tensor) -> float:
        return (predictions - y).double().square().sum(1).sqrt().mean().item()


class Farthest(MetricComponent):
    """The largest such distance."""

    kind: Literal["farthest"] = "farthest"

    def measure(self, predictions: torch.Tensor, y: torch.Tensor) -> float:
        return (predictions - y).double().square().sum(1).sqrt().max().item()


class Reconstruction(ObjectiveComponent):
    """The row itself, half as large: as many outputs as inputs, no classes, two columns of metrics."""

    kind: Literal["reconstruction"] = "reconstruction"
    task: ClassVar[Any] = "regression"
    usual_loss: ClassVar[str] = "mse"
    metrics: ClassVar[tuple[MetricComponent, ...]] = (Distance(), Farthest())
    scores: ClassVar[tuple[str, ...]] = ("distance",)
    claims: ClassVar[str] = "points (B, 2)"
    has_classes: ClassVar[bool] = False
    width: int = Field(default=2, ge=1, le=100, description="Numbers in a row.")

    @property
    def num_outputs(self) -> int:
        return self.width

    def check_loss(self, loss: LossComponent, dataset: str) -> None:
        if not loss.for_numbers:
            raise Problem("loss_needs_classes", loss=loss.kind, dataset=dataset)

    def coding(self, loss: LossComponent) -> Coding:
        return Coding(loss, LINEAR, torch.Tensor.float, torch.Tensor.detach, formula={"squashed": False})

    def make_targets(self, y_N: np.ndarray, scaling: Preparation) -> np.ndarray:
        return y_N.astype(np.float32)


class Points(DatasetComponent):
    """Points on the plane, to be said again at half the size."""

    kind: Literal["points"] = "points"
    inputs: ClassVar[int] = 2
    objective: ClassVar[ObjectiveComponent] = Reconstruction()
    samples: int = Field(default=40, ge=20, le=100, description="How many.")

    @property
    def rows(self) -> int:
        return self.samples

    def sample(self, generator: np.random.Generator) -> Table:
        X = generator.uniform(-2, 2, (self.samples, 2))
        return Table(X, X / 2, ("x1", "x2"), ())


class Recipe(Experiment):
    """The recipe with that data set, which is in no union."""

    dataset: Points = Points()  # type: ignore[assignment]
    loss: Loss = MeanSquaredError()


def recipe(**fields: Any) -> Recipe:
    return Recipe.from_dict({"layers": [{"kind": "dense", "units": 3}], "batch_size": 5, **fields})  # type: ignore[return-value]


def test_a_third_objective_plans_its_own_outputs() -> None:
    plan = recipe().plan()[-1]
    assert (plan.kind, plan.output_shape, plan.parameters, plan.activation) == ("output", (2,), 8, "linear")
    assert build_model(recipe())(torch.zeros(7, 2)).shape == (7, 2)


def test_a_third_objective_refuses_the_losses_that_do_not_fit() -> None:
    assert [loss.kind for loss in fitting(Reconstruction())] == ["mse", "mae", "huber"]
    with pytest.raises(Problem, match="cross_entropy"):
        recipe(loss={"kind": "cross_entropy"})
    with pytest.raises(Problem):
        recipe(class_weights="balanced")


def test_a_third_objective_is_left_to_the_engine_that_knows_it() -> None:
    kernels = compiled.kernels(patient=True)
    assert kernels is not None
    assert not fits(kernels, recipe())
    assert fits(kernels, Experiment())


def test_a_third_objective_learns_and_fills_columns_of_its_own() -> None:
    trainer = Trainer(recipe(optimizer={"kind": "adam", "learning_rate": 0.05}), device="cpu")
    assert trainer.history.columns == (
        "epoch", "step", "train_loss", "test_loss", "train_distance", "test_distance", "train_farthest", "test_farthest",
    )  # fmt: skip
    rows = prepare(trainer.experiment)
    with torch.no_grad():
        said = trainer.model(torch.from_numpy(rows.train.X)).double().numpy()
    off = np.sqrt(((said - rows.train.raw / 2) ** 2).sum(1))
    assert trainer.history.column("train_distance")[0] == pytest.approx(off.mean(), rel=1e-5)
    assert trainer.history.column("train_farthest")[0] == pytest.approx(off.max(), rel=1e-5)
    for _ in islice(trainer.steps(), 400):
        pass
    distances = trainer.history.column("test_distance")
    assert distances[-1] < distances[0] / 4
    assert trainer.history.to_csv(trainer.experiment.replace(validation_fraction=0.2).history_names).startswith(
        "epoch,step,train_loss,validation_loss,train_distance,validation_distance,train_farthest,validation_farthest\n0,0,"
    )


def test_a_run_of_a_third_objective_goes_on_from_its_state_bit_for_bit() -> None:
    one, other = Trainer(recipe(), device="cpu"), Trainer(recipe(), device="cpu")
    for _ in islice(one.steps(), 6):
        pass
    other.restore(one.state())
    for trainer in (one, other):
        for _ in islice(trainer.steps(), 6):
            pass
    assert np.array_equal(one.history.rows(), other.history.rows())
    assert torch.equal(one.engine.flat, other.engine.flat)


def test_the_usual_loss_is_that_of_the_default_recipe() -> None:
    assert Experiment().objective.usual_loss == CrossEntropy().kind == Experiment().loss.kind
