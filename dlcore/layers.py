"""Layers: what a network is stacked from.  B rows of a batch, D inputs, K units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from dlcore.activations import Activation, Tanh
from dlcore.component import Component
from dlcore.initializers import GlorotUniform, Initializer

if TYPE_CHECKING:
    import torch
    from torch import nn


class Dense(Component):
    """a_BK = f(x_BD W_KD^T + b_K): every unit sees every input (Rosenblatt, 1958; Rumelhart et al., 1986)."""

    kind: Literal["dense"] = "dense"
    title: ClassVar[str] = "Dense"
    units: int = Field(default=4, ge=1, le=512, description="Number of units (neurons) in the layer.")
    activation: Activation = Field(default=Tanh(), description="Function applied to each unit's weighted sum.")
    initializer: Initializer = Field(default=GlorotUniform(), description="How the weights start.")

    def outputs(self, inputs: int) -> int:
        """Number of values a row has after this layer."""
        return self.units

    def parameters(self, inputs: int) -> int:
        """Number of weights and biases."""
        return (inputs + 1) * self.units

    def build(self, inputs: int, generator: torch.Generator, device: str) -> list[nn.Module]:
        """[nn.Linear, activation]; (B, inputs) -> (B, units). On the meta device nothing is allocated."""
        return [filled_linear(inputs, self.units, self.initializer, generator, device), self.activation.build()]


class Dropout(Component):
    """While training, each value is 0 with probability p, else divided by 1 - p; no effect later (Srivastava et al., 2014)."""

    kind: Literal["dropout"] = "dropout"
    title: ClassVar[str] = "Dropout"
    p: float = Field(default=0.1, ge=0, le=0.9, description="Probability that a value is dropped.")

    def outputs(self, inputs: int) -> int:
        """Number of values a row has after this layer."""
        return inputs

    def parameters(self, inputs: int) -> int:
        """Number of weights and biases."""
        return 0

    def build(self, inputs: int, generator: torch.Generator, device: str) -> list[nn.Module]:
        """[dropout module]; (B, inputs) -> (B, inputs)."""
        from dlcore.engines.modules import SeededDropout

        return [SeededDropout(self.p)]


def filled_linear(
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
