"""A layer with units that is no dense one, and lives here only: a person adds units to it as to any other, and it is widened like them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import pytest
import torch
from pydantic import Field
from torch import nn

from dlcore import Experiment, Problem
from dlcore.editing.shaping import apply_edit
from dlcore.evaluation.growth import capacity
from dlcore.layers import Dense, Dropout, LayerComponent, Shape, values_of
from dlcore.layers import Words as Saying
from dlcore.pictures.picture import Picture
from tests.judging import answer, saved, trained
from tests.naming import recipes_may_name


class Distances(nn.Module):
    """exp(-|x - c_k|^2) of each of K centres."""

    def __init__(self, inputs: int, units: int, generator: torch.Generator, device: str) -> None:
        super().__init__()
        self.centres = nn.Parameter(torch.empty(units, inputs, device=device))
        if device != "meta":
            nn.init.normal_(self.centres, generator=generator)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """(B, D) in, (B, K) out."""
        return (-(values[:, None] - self.centres).square().sum(2)).exp()


class Radial(LayerComponent):
    """a_k = exp(-|x - c_k|^2): a unit answers near its centre (Broomhead and Lowe, 1988)."""

    kind: Literal["radial"] = "radial"
    title: ClassVar[str] = "Radial"
    units: int = Field(default=4, ge=1, le=64)

    example_shapes: ClassVar[tuple[Shape, ...]] = ((2,),)
    has_units: ClassVar[bool] = True
    width: ClassVar[str] = "units"
    most_units: ClassVar[int] = 64

    def output_shape(self, input_shape: Shape) -> Shape:
        return (self.units,)

    def num_parameters(self, input_shape: Shape) -> int:
        return values_of(input_shape) * self.units

    def build(self, input_shape: Shape, generator: torch.Generator, device: str) -> list[nn.Module]:
        return [Distances(values_of(input_shape), self.units, generator, device)]

    def in_words(self, words: Saying) -> str:
        return f"{self.units} centres"

    @property
    def number(self) -> float:
        return self.units


@pytest.fixture(autouse=True)
def union() -> Iterator[None]:
    with recipes_may_name(Radial):
        yield


def recipe(*layers: LayerComponent, **more: Any) -> Experiment:
    return Experiment(layers=layers, **more)  # type: ignore[arg-type]


def edited(experiment: Experiment, **action: Any) -> tuple[Experiment, dict[str, Any]]:
    change = apply_edit(experiment, action)
    assert change is not None and change.origins is not None
    return change.experiment, change.origins


def test_units_come_and_go() -> None:
    experiment = recipe(Dense(units=3), Radial(units=2))
    more, origins = edited(experiment, do="add_unit", address="1")
    assert more.layers == (Dense(units=3), Radial(units=3))
    assert origins == {"layers": [0, 1], "units": {"1": [0, 1, None]}}
    fewer, origins = edited(more, do="remove_unit", address="1", unit=0)
    assert (fewer, origins["units"]) == (experiment, {"1": [1, 2]})
    with pytest.raises(Problem, match="at most 64"):
        apply_edit(recipe(Radial(units=64)), {"do": "add_unit", "address": "0"})
    with pytest.raises(Problem) as caught:
        apply_edit(recipe(Radial(units=1)), {"do": "remove_unit", "address": "0", "unit": 0})
    assert caught.value.key == "last_unit"


def test_an_activation_is_chosen_where_there_is_one() -> None:
    experiment = recipe(Dense(units=3), Radial(), Dropout())
    assert apply_edit(experiment, {"do": "activation", "address": "1", "kind": "relu"}) is None
    assert apply_edit(experiment, {"do": "activation", "address": "2", "kind": "relu"}) is None
    changed, _ = edited(experiment, do="activation", address="0", kind="relu")
    assert changed.layers[0].activation.kind == "relu"  # type: ignore[union-attr]


def test_a_new_layer_is_like_the_nearest_before_it() -> None:
    made, origins = edited(recipe(Dense(units=3), Radial(units=5), Dropout()), do="add_layer", address="3")
    assert made.layers == (Dense(units=3), Radial(units=5), Dropout(), Radial(units=5))
    assert origins == {"layers": [0, 1, 2, None]}


def test_the_browser_is_told_what_can_be_added_to() -> None:
    trainer = trained(json.loads(recipe(Dense(units=3), Radial(units=2), Dropout()).to_json()), 1)
    layers = Picture(trainer).layout["layers"]
    assert [layer.get("most_units", 0) for layer in layers] == [512, 64, 0, 0]
    assert [layer["activation"] for layer in layers] == ["tanh", "", "", "sigmoid"]
    assert [layer["drawn"] for layer in layers] == ["units", "units", "mark", "units"]


def test_the_capacity_curve_widens_it_as_well() -> None:
    experiment = recipe(Radial(units=4), Dropout(p=0.1), Dense(units=2)).to_dict()
    payload = saved(trained({**experiment, "dataset": {"kind": "circle", "samples": 100}}, 1))
    found = answer(capacity, payload, epochs=1, repeats=1, widths=[0.5, 1, 2])
    assert [point["widths"] for point in found["points"]] == [[2, 1], [4, 2], [8, 4]]
