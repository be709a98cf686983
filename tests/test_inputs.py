"""Inputs of the rail: a field's bounds choose one, and what it offers stays inside them. What a menu of kinds keeps, and what data need."""

from __future__ import annotations

import itertools
from itertools import pairwise
from typing import Any

import pytest
from pydantic import Field
from pydantic.fields import FieldInfo

from dlcore.catalogue import FAMILIES
from dlcore.component import Component, kinds, list_fields
from dlcore.datasets import Dataset
from dlcore.editing.carrying import Left, carry_over, plain_default
from dlcore.editing.fitting import count_training_rows, fit_loss, group_datasets, list_fitting_losses
from dlcore.experiment import Experiment
from dlcore.losses import Loss
from dlcore.optimizers import SGD, Adam, AdamW, Optimizer
from dlcore.regularizers import L2, NoRegularizer
from dlcore.schedules import Cosine, WarmUp
from ui.rail.scales import Entry, Ladder, Slider, choose_scale, find_bounds, write_number


def numbers() -> list[Any]:
    """Every bounded number there is."""
    classes: list[tuple[str, type[Component]]] = [("experiment", Experiment)]
    classes += [(f"{family}.{kind}", cls) for family, union in FAMILIES.items() for kind, cls in kinds(union).items()]
    return [
        pytest.param(info, id=f"{name}.{field}")
        for name, cls in classes
        for field, info in list_fields(cls).items()
        if info.annotation in (int, float)
    ]


@pytest.mark.parametrize("info", numbers())
def test_what_an_input_offers_stays_inside_the_bounds_and_holds_the_default(info: FieldInfo) -> None:
    bounds, scale = find_bounds(info), choose_scale(info)
    offered = scale.rungs if isinstance(scale, Ladder) else (scale.lower, scale.upper)
    assert bounds.lower <= min(offered)
    assert max(offered) <= bounds.upper
    assert bounds.lower not in offered or not bounds.without_lower
    assert bounds.upper not in offered or not bounds.without_upper
    assert min(offered) <= info.default <= max(offered)
    assert list(offered) == sorted(set(offered))
    assert all(type(value) is info.annotation for value in offered)


@pytest.mark.parametrize(
    ("field", "annotation", "expected"),
    [
        (Field(default=0.1, ge=0, le=1), float, Slider),
        (Field(default=0.01, gt=0, le=100), float, Ladder),
        (Field(default=0.9, ge=0, lt=1), float, Ladder),
        (Field(default=3, ge=2, le=6), int, Slider),
        (Field(default=500, ge=20, le=5000), int, Slider),
        (Field(default=50, ge=1, le=100_000), int, Ladder),
        (Field(default=4, ge=1, le=512), int, Entry),
        (Field(default=0, ge=0, le=2**31 - 1), int, Entry),
    ],
)
def test_a_range_is_walked_in_steps_in_ratios_or_typed(field: Any, annotation: type, expected: type) -> None:
    info = FieldInfo.from_annotated_attribute(annotation, field)
    assert isinstance(choose_scale(info), expected)


def test_a_learning_rate_climbs_by_about_three() -> None:
    rungs = choose_scale(Adam.model_fields["learning_rate"]).rungs  # type: ignore[union-attr]
    assert {0.001, 0.003, 0.01, 0.03, 0.1, 1.0, 100.0} <= set(rungs)
    assert all(2 < high / low < 4 for low, high in pairwise(rungs))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1e-5, "0.00001"),
        (0.00333, "0.00333"),
        (0.0, "0"),
        (30.0, "30"),
        (2.5, "2.5"),
        (500, "500"),
        (5e-170, "5e-170"),
        (0.43522479035, "0.435225"),
    ],
)
def test_a_number_is_shown_without_an_exponent(value: float, expected: str) -> None:
    assert write_number(value) == expected


def test_a_field_with_the_same_meaning_keeps_its_value_and_another_gets_its_default() -> None:
    values = Adam(learning_rate=0.5, beta1=0.3).to_dict()
    assert carry_over(values, Adam, AdamW)["beta1"] == 0.3
    assert carry_over(values, Adam, AdamW)["weight_decay"] == plain_default(AdamW.model_fields["weight_decay"])
    assert carry_over(values, Adam, SGD) == {"learning_rate": 0.5, "momentum": 0.0, "nesterov": False}


@pytest.mark.parametrize("old", list(kinds(Optimizer)))
@pytest.mark.parametrize("new", list(kinds(Optimizer)))
def test_every_optimizer_keeps_the_learning_rate_of_every_other(old: str, new: str) -> None:
    classes = kinds(Optimizer)
    assert carry_over({"learning_rate": 0.123}, classes[old], classes[new])["learning_rate"] == 0.123


def test_a_field_of_the_same_name_and_another_meaning_is_not_kept() -> None:
    values = Cosine(epochs=300).to_dict()
    assert carry_over(values, Cosine, WarmUp)["epochs"] == WarmUp().epochs


@pytest.mark.parametrize("family", [family for family in FAMILIES if family != "dataset"])
def test_another_kind_and_back_gives_the_same_recipe(family: str) -> None:
    classes = kinds(FAMILIES[family])
    for one, other in itertools.permutations(classes, 2):
        left, values = Left(), {**classes[one]().to_dict()}
        away = left.change_kind("there", values, classes[one], classes[other])
        back = left.change_kind("there", {"kind": other, **away}, classes[other], classes[one])
        assert {"kind": one, **back} == values


def test_a_kind_that_is_chosen_again_has_what_it_had() -> None:
    left = Left()
    values = left.change_kind("regularizer", L2(rate=0.3).to_dict(), L2, NoRegularizer)
    assert left.change_kind("regularizer", {"kind": "none", **values}, NoRegularizer, L2) == {"rate": 0.3}
    assert left.change_kind("elsewhere", {"kind": "none"}, NoRegularizer, L2) == {"rate": L2().rate}


def test_every_data_set_stands_in_one_group() -> None:
    groups = group_datasets()
    everywhere = [
        *(kind for group in groups.values() for kind in group),
        "table",
        "images",
        "text",
    ]  # The last three are one's own.
    assert sorted(everywhere) == sorted(kinds(Dataset))
    assert groups["tables"] == ["iris", "wine", "breast_cancer", "diabetes"]
    assert groups["images"] == ["digits", "mnist", "fashion_mnist"]
    assert groups["numbers"] == ["plane", "multi_gauss", "sine", "step"]


@pytest.mark.parametrize(
    ("dataset", "expected"),
    [
        ({"kind": "circle"}, ["cross_entropy", "hinge", "mse", "mae", "huber"]),
        ({"kind": "blobs", "classes": 2}, ["cross_entropy", "hinge", "mse", "mae", "huber"]),
        ({"kind": "blobs", "classes": 6}, ["cross_entropy", "mse", "mae", "huber"]),
        ({"kind": "diabetes"}, ["mse", "mae", "huber"]),
    ],
)
def test_the_menu_of_losses_is_what_the_data_can_be_learned_with(dataset: dict[str, Any], expected: list[str]) -> None:
    assert list_fitting_losses(dataset) == expected


@pytest.mark.parametrize("before", list(kinds(Dataset)))
@pytest.mark.parametrize("loss", list(kinds(Loss)))
def test_the_loss_gives_way_to_the_data(before: str, loss: str) -> None:
    for after in ("circle", "iris", "sine"):
        fitted = fit_loss({"kind": loss}, {"kind": after}, {"kind": before})
        assert fitted["kind"] in list_fitting_losses({"kind": after})


def test_the_largest_batch_is_all_training_rows() -> None:
    draft = {**Experiment().to_dict(), "test_fraction": 0.3}
    assert count_training_rows(draft) == Experiment.from_dict(draft).train_rows
