"""Layers: what a network is stacked from.  B rows of a batch, D inputs, K units.

A shape is that of one row's values, without the batch: (D,) for D numbers. Everything that is said of a layer elsewhere (exported
script, report, lists of differences) is asked of the layer itself: a new one is one class here, its name in the union, and its texts.
A layer may hold layers (`branches`): what comes in goes through each of its branches, and `join` makes one of what comes out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Protocol

from pydantic import Field

from dlcore.activations import Activation, Tanh
from dlcore.component import Component
from dlcore.initializers import GlorotUniform, Initializer
from dlcore.problems import Problem

if TYPE_CHECKING:
    import torch
    from torch import nn


Shape = tuple[int, ...]

MOST_UNITS = 512  # of a layer


class Words(Protocol):
    """Messages by key, in the reader's language."""

    def __call__(self, key: str, **values: Any) -> str: ...

    def title(self, key: str, english: str) -> str:
        """The name of a choice, which its class knows in English."""
        ...


class LayerComponent(Component):
    """What all layers say of themselves."""

    #: Shapes of a row that it takes; the conformance test builds it for each of them.
    example_shapes: ClassVar[tuple[Shape, ...]]
    #: Its outputs are units of its own, with a picture each; else it hands on the values that it gets.
    has_units: ClassVar[bool]
    #: The axis of its output shape along which its units are counted.
    unit_axis: ClassVar[int] = 0
    #: The most units that a person may give it, in its field `units`; 0: how many it has is not for a person to say.
    most_units: ClassVar[int] = 0
    #: Of a layer whose units weigh what comes in: the names, among its modules' tensors, of weight (units, inputs) and bias (units,).
    connections: ClassVar[tuple[str, str] | None] = None
    #: It draws random numbers while training, from the generator that its modules are given.
    draws: ClassVar[bool] = False
    #: While training it computes something else than when judged, so that its modules must be told which it is.
    judges_otherwise: ClassVar[bool] = False
    #: What it computes when judged, for those who compute it without its modules: f(x W^T + b) of its `connections`, x itself, or else.
    judged_as: ClassVar[Literal["dense", "identity", "other"]] = "other"

    @property
    def branches(self) -> dict[str, tuple[LayerComponent, ...]]:
        """The layers that it holds: a branch under the name of its nn.Sequential in the one module that `build` gives then."""
        return {}

    def join(self, values: torch.Tensor, outputs: Sequence[torch.Tensor]) -> torch.Tensor:
        """(B, *output_shape) of what came in and of what came out of each branch; of a layer that holds layers."""
        raise NotImplementedError

    @property
    def activation_kind(self) -> str:
        """Kind of the activation that it ends with, which a layer of a recipe has in its field `activation`; "" for none."""
        return ""

    def output_shape(self, input_shape: Shape) -> Shape:
        """Shape of a row after this layer."""
        raise NotImplementedError

    def num_parameters(self, input_shape: Shape) -> int:
        """Number of weights and biases."""
        raise NotImplementedError

    def build(self, input_shape: Shape, generator: torch.Generator, device: str) -> list[nn.Module]:
        """Its torch modules; (B, *input_shape) -> (B, *output_shape). On the meta device nothing is allocated."""
        raise NotImplementedError

    def script_modules(self, input_shape: Shape) -> list[str]:
        """The same modules as an exported script writes them, one a line. Raises Problem for a layer that no script writes."""
        raise Problem("layer_without_script", layer=self.title)

    def script_classes(self) -> list[type]:
        """Classes of ours that these lines name: the script carries their source."""
        return []

    def starts(self) -> dict[int, Initializer]:
        """How the weights of its modules start: {place among its modules: initializer}."""
        return {}

    def in_words(self, words: Words) -> str:
        """What it is made of, for a report."""
        raise NotImplementedError

    @property
    def size(self) -> float:
        """The number that tells it from others of its kind where there is room for one."""
        raise NotImplementedError


class Dense(LayerComponent):
    """a_BK = f(x_BD W_KD^T + b_K): every unit sees every input (Rosenblatt, 1958; Rumelhart et al., 1986)."""

    kind: Literal["dense"] = "dense"
    title: ClassVar[str] = "Dense"
    units: int = Field(default=4, ge=1, le=MOST_UNITS, description="Number of units (neurons) in the layer.")
    activation: Activation = Field(default=Tanh(), description="Function applied to each unit's weighted sum.")
    initializer: Initializer = Field(default=GlorotUniform(), description="How the weights start.")

    example_shapes: ClassVar[tuple[Shape, ...]] = ((1,), (2,), (7,))
    has_units: ClassVar[bool] = True
    most_units: ClassVar[int] = MOST_UNITS
    connections: ClassVar[tuple[str, str] | None] = ("0.weight", "0.bias")
    judged_as: ClassVar[Literal["dense", "identity", "other"]] = "dense"

    @property
    def activation_kind(self) -> str:
        return self.activation.kind

    def output_shape(self, input_shape: Shape) -> Shape:
        return (self.units,)

    def num_parameters(self, input_shape: Shape) -> int:
        return (values_of(input_shape) + 1) * self.units

    def build(self, input_shape: Shape, generator: torch.Generator, device: str) -> list[nn.Module]:
        """[nn.Linear, activation]; (B, inputs) -> (B, units)."""
        linear = build_linear(values_of(input_shape), self.units, self.initializer, generator, device)
        return [linear, self.activation.build()]

    def script_modules(self, input_shape: Shape) -> list[str]:
        return [f"nn.Linear({values_of(input_shape)}, {self.units})", self.activation.script_module()]

    def starts(self) -> dict[int, Initializer]:
        return {0: self.initializer}

    def in_words(self, words: Words) -> str:
        return words("report.units", units=self.units, activation=activation_in_words(self.activation.kind, words))

    @property
    def size(self) -> float:
        return self.units


class Dropout(LayerComponent):
    """While training, each value is 0 with probability p, else divided by 1 - p; no effect later (Srivastava et al., 2014)."""

    kind: Literal["dropout"] = "dropout"
    title: ClassVar[str] = "Dropout"
    p: float = Field(default=0.1, ge=0, le=0.9, description="Probability that a value is dropped.")

    example_shapes: ClassVar[tuple[Shape, ...]] = ((1,), (7,), (3, 5, 2))
    has_units: ClassVar[bool] = False
    draws: ClassVar[bool] = True
    judges_otherwise: ClassVar[bool] = True
    judged_as: ClassVar[Literal["dense", "identity", "other"]] = "identity"

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def num_parameters(self, input_shape: Shape) -> int:
        return 0

    def build(self, input_shape: Shape, generator: torch.Generator, device: str) -> list[nn.Module]:
        """[dropout module]; any shape in, the same shape out."""
        from dlcore.engines.modules import SeededDropout

        return [SeededDropout(self.p)]

    def script_modules(self, input_shape: Shape) -> list[str]:
        return [f"SeededDropout({self.p!r})"]

    def script_classes(self) -> list[type]:
        from dlcore.engines.modules import SeededDropout

        return [SeededDropout]

    def in_words(self, words: Words) -> str:
        return f"p = {self.p:g}"

    @property
    def size(self) -> float:
        return self.p


class Output(LayerComponent):
    """o_BK = x_BD W_KD^T + b_K: plain sums, of which the loss makes what the network claims (Bishop, 2006, 4.3). No recipe names it."""

    kind: Literal["output"] = "output"
    title: ClassVar[str] = "Output"
    units: int = Field(default=1, ge=1, description="One for two classes or a number, else one a class.")
    claim: str = Field(default="linear", description="Kind of the activation with which the loss reads the sums.")
    initializer: Initializer = Field(default=GlorotUniform(), description="How the weights start.")

    example_shapes: ClassVar[tuple[Shape, ...]] = ((1,), (7,))
    has_units: ClassVar[bool] = True
    connections: ClassVar[tuple[str, str] | None] = ("0.weight", "0.bias")
    judged_as: ClassVar[Literal["dense", "identity", "other"]] = "dense"

    @property
    def activation_kind(self) -> str:
        return self.claim

    def output_shape(self, input_shape: Shape) -> Shape:
        return (self.units,)

    def num_parameters(self, input_shape: Shape) -> int:
        return (values_of(input_shape) + 1) * self.units

    def build(self, input_shape: Shape, generator: torch.Generator, device: str) -> list[nn.Module]:
        """[nn.Linear]; (B, inputs) -> (B, units)."""
        return [build_linear(values_of(input_shape), self.units, self.initializer, generator, device)]

    def script_modules(self, input_shape: Shape) -> list[str]:
        return [f"nn.Linear({values_of(input_shape)}, {self.units})"]

    def starts(self) -> dict[int, Initializer]:
        return {0: self.initializer}

    def in_words(self, words: Words) -> str:
        return words("report.units", units=self.units, activation=activation_in_words(self.claim, words))

    @property
    def size(self) -> float:
        return self.units


def all_layers(layers: Iterable[LayerComponent]) -> Iterator[LayerComponent]:
    """These layers and all layers inside them; each comes before those that it holds."""
    for layer in layers:
        yield layer
        for branch in layer.branches.values():
            yield from all_layers(branch)


def build_stack(
    layers: Iterable[LayerComponent], input_shape: Shape, generator: torch.Generator, device: str
) -> nn.Sequential:
    """The modules of these layers, one after another: (B, *input_shape) -> (B, *shape after the last)."""
    from torch import nn

    modules: list[nn.Module] = []
    for layer in layers:
        modules += layer.build(input_shape, generator, device)
        input_shape = layer.output_shape(input_shape)
    return nn.Sequential(*modules)


def activation_in_words(kind: str, words: Words) -> str:
    """The name of an activation, for a report."""
    return words.title(f"component.activation.{kind}.title", kind.replace("_", " "))


def values_of(shape: Shape) -> int:
    """How many numbers a row of this shape holds."""
    return math.prod(shape)


def build_linear(
    inputs: int, units: int, initializer: Initializer, generator: torch.Generator, device: str
) -> nn.Linear:
    """An nn.Linear with W (units, inputs) and b (units) filled by the initializer; empty on the meta device."""
    import torch
    from torch import nn

    linear = nn.Linear(inputs, units, device="meta", dtype=torch.float32)
    if device != "meta":
        # By hand: skip_init and to_empty import sympy, 0.6 s of a worker's start.
        linear.weight = nn.Parameter(torch.empty(units, inputs, device=device))
        linear.bias = nn.Parameter(torch.empty(units, device=device))
        with torch.no_grad():
            initializer.fill(linear.weight, linear.bias, generator)
    return linear


Layer = Annotated[Dense | Dropout, Field(discriminator="kind")]
