"""A layer of another kind, which lives here only: everything that speaks of layers asks it, and takes it for no other."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import pytest
import torch
from torch import nn

from dlcore.experiment import Experiment
from dlcore.export.report import describe_layers
from dlcore.export.script import export_script
from dlcore.export.words import Words
from dlcore.initializers import Initializer
from dlcore.layers import Dense, Dropout, LayerComponent, Shape
from dlcore.layers import Words as Saying
from dlcore.network import build_model
from dlcore.randomness import derived_seed
from ui.differences import compare_recipes


class Gain(nn.Module):
    """Each value times a factor of its own."""

    def __init__(self, values: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(values))

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """(B, D) in, (B, D) out."""
        return values * self.weight


class Gains(LayerComponent):
    """a_D = g_D * x_D: each value gets a factor that is learned."""

    kind: Literal["gains"] = "gains"
    title: ClassVar[str] = "Gains"
    example_shapes: ClassVar[tuple[Shape, ...]] = ((3,),)
    has_units: ClassVar[bool] = True

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def num_parameters(self, input_shape: Shape) -> int:
        return input_shape[0]

    def build(self, input_shape: Shape, generator: torch.Generator, device: str) -> list[nn.Module]:
        return [Gain(input_shape[0])]

    def script_modules(self, input_shape: Shape) -> list[str]:
        return [f"Gain({input_shape[0]})"]

    def script_classes(self) -> list[type]:
        return [Gain]

    def starts(self) -> dict[int, Initializer]:
        return {}

    def in_words(self, words: Saying) -> str:
        return "a factor each"

    @property
    def number(self) -> float:
        return 7


@pytest.fixture
def experiment() -> Experiment:
    """With it in the middle. No recipe can say so: the union of layers does not know it."""
    stack = (Dense(units=3), Gains(), Dropout(p=0.25), Dense(units=2))
    return Experiment.model_construct(**{**dict(Experiment()), "layers": stack})


def test_the_plan_counts_it(experiment: Experiment) -> None:
    shapes = [(plan.kind, plan.input_shape, plan.output_shape, plan.parameters) for plan in experiment.plan()]
    assert shapes == [
        ("dense", (2,), (3,), 9),
        ("gains", (3,), (3,), 3),
        ("dropout", (3,), (3,), 0),
        ("dense", (3,), (2,), 8),
        ("output", (2,), (1,), 3),
    ]
    assert experiment.num_parameters == 23 == sum(value.numel() for value in build_model(experiment).parameters())


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
def test_an_exported_script_builds_it(experiment: Experiment) -> None:
    script = export_script(experiment, epochs=1)
    network = script[script.index("# Network") : script.index("# Loss and metric")]
    names: dict[str, Any] = {"torch": torch, "nn": nn, "derived_seed": derived_seed, "SEED": experiment.seed}
    exec(network, names)
    ours, theirs = build_model(experiment).eval(), names["model"].eval()
    X = torch.randn(20, 2, generator=torch.Generator().manual_seed(1))
    assert torch.equal(theirs(X), ours(X))
    assert [type(module).__name__ for module in theirs] == [type(module).__name__ for module in ours]


def test_a_report_says_what_it_is(experiment: Experiment) -> None:
    assert describe_layers(experiment, Words())[1:3] == [
        ("Layer 2", "Gains: a factor each"),
        ("Layer 3", "Dropout: p = 0.25"),
    ]


def test_a_list_of_differences_says_what_it_is(experiment: Experiment) -> None:
    rows = compare_recipes((experiment, Experiment()), lambda key, **values: key)
    shown = next(row for row in rows if "gains" in str(row))
    assert "component.layer.gains.title 7, component.layer.dropout.title 0.25" in str(shown)
