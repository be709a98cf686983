"""Dense layers, the implied output layer among them.  B rows of a batch, T steps of a sequence, D inputs, K units."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from dlcore.activations import Activation, Tanh
from dlcore.initializers import GlorotUniform, Initializer
from dlcore.layers.base import (
    LIST,
    MOST_UNITS,
    PICTURE,
    SEQUENCE,
    Axis,
    LayerComponent,
    Shape,
    Words,
    activation_in_words,
)

if TYPE_CHECKING:
    import torch
    from torch import nn

OF_LINEAR: dict[str, tuple[Axis, ...]] = {"0.weight": ("units", "sources"), "0.bias": ("units",)}


class Dense(LayerComponent):
    """a_BK = f(x_BD W_KD^T + b_K): every unit sees every input, in a sequence of its step (Rosenblatt, 1958; Rumelhart et al., 1986)."""

    kind: Literal["dense"] = "dense"
    title: ClassVar[str] = "Dense"
    units: int = Field(default=4, ge=1, le=MOST_UNITS, description="Number of units (neurons) in the layer.")
    activation: Activation = Field(default=Tanh(), description="Function applied to each unit's weighted sum.")
    initializer: Initializer = Field(default=GlorotUniform(), description="How the weights start.")

    example_shapes: ClassVar[tuple[Shape, ...]] = ((1,), (2,), (7,), (5, 3))
    reads: ClassVar[Literal["shape", "list", "either"]] = "list"
    has_units: ClassVar[bool] = True
    width: ClassVar[str] = "units"
    most_units: ClassVar[int] = MOST_UNITS
    connections: ClassVar[tuple[str, str] | None] = ("0.weight", "0.bias")
    axes: ClassVar[dict[str, tuple[Axis, ...]]] = OF_LINEAR
    judged_as: ClassVar[Literal["dense", "identity", "other"]] = "dense"

    @property
    def activation_kind(self) -> str:
        return self.activation.kind

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) == PICTURE:
            self.refuse("layer_needs_list", input_shape)
        return (*input_shape[:-1], self.units)

    def num_parameters(self, input_shape: Shape) -> int:
        return (input_shape[-1] + 1) * self.units

    def build(self, input_shape: Shape, generator: torch.Generator, device: str) -> list[nn.Module]:
        """[nn.Linear, activation]; (B, [T,] inputs) -> (B, [T,] units)."""
        linear = build_linear(input_shape[-1], self.units, self.initializer, generator, device)
        return [linear, self.activation.build()]

    def script_modules(self, input_shape: Shape) -> list[str]:
        return [f"nn.Linear({input_shape[-1]}, {self.units})", self.activation.script_module()]

    def starts(self) -> dict[int, Initializer]:
        return {0: self.initializer}

    def in_words(self, words: Words) -> str:
        return words("report.units", units=self.units, activation=activation_in_words(self.activation.kind, words))

    @property
    def number(self) -> float:
        return self.units


class Output(LayerComponent):
    """o_BK = x_BD W_KD^T + b_K: plain sums, of which the loss makes what the network claims (Bishop, 2006, 4.3). No recipe names it."""

    kind: Literal["output"] = "output"
    title: ClassVar[str] = "Output"
    units: int = Field(default=1, ge=1, description="One for two classes or a number, else one a class.")
    claim: str = Field(default="linear", description="Kind of the activation with which the loss reads the sums.")
    initializer: Initializer = Field(default=GlorotUniform(), description="How the weights start.")
    each_step: bool = Field(default=False, description="Whether it answers at each step of a sequence, not once a row.")

    example_shapes: ClassVar[tuple[Shape, ...]] = ((1,), (7,))
    has_units: ClassVar[bool] = True
    connections: ClassVar[tuple[str, str] | None] = ("0.weight", "0.bias")
    axes: ClassVar[dict[str, tuple[Axis, ...]]] = OF_LINEAR
    judged_as: ClassVar[Literal["dense", "identity", "other"]] = "dense"

    @property
    def activation_kind(self) -> str:
        return self.claim

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != (SEQUENCE if self.each_step else LIST):
            self.refuse("output_needs_sequence" if self.each_step else "output_needs_list", input_shape)
        return (*input_shape[:-1], self.units)

    def num_parameters(self, input_shape: Shape) -> int:
        return (input_shape[-1] + 1) * self.units

    def build(self, input_shape: Shape, generator: torch.Generator, device: str) -> list[nn.Module]:
        """[nn.Linear]; (B, inputs) -> (B, units)."""
        return [build_linear(input_shape[-1], self.units, self.initializer, generator, device)]

    def script_modules(self, input_shape: Shape) -> list[str]:
        return [f"nn.Linear({input_shape[-1]}, {self.units})"]

    def starts(self) -> dict[int, Initializer]:
        return {0: self.initializer}

    def in_words(self, words: Words) -> str:
        return words("report.units", units=self.units, activation=activation_in_words(self.claim, words))

    @property
    def number(self) -> float:
        return self.units


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
