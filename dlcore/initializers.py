"""Initializers: where the weights start. Each fills a layer's weight (units, inputs, ...) and bias (units) in place.

A kernel's weight has axes for its window too: an input is then each number of the window.

`fill` is a plain function of tensors, so that an exported script can carry its source.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from dlcore.component import Component

if TYPE_CHECKING:
    import torch


class GlorotUniform(Component):
    """w ~ U(-b, b), b = sqrt(6 / (inputs + units)); bias 0: keeps the variance through tanh layers (Glorot and Bengio, 2010)."""

    kind: Literal["glorot_uniform"] = "glorot_uniform"
    title: ClassVar[str] = "Glorot uniform"

    @staticmethod
    def fill(weight: torch.Tensor, bias: torch.Tensor, generator: torch.Generator) -> None:
        """Fill both in place."""
        bound = (6 / ((weight.shape[0] + weight.shape[1]) * weight[0, 0].numel())) ** 0.5
        weight.uniform_(-bound, bound, generator=generator)
        bias.zero_()


class HeNormal(Component):
    """w ~ N(0, 2 / inputs); bias 0: keeps the variance through ReLU layers (He et al., 2015)."""

    kind: Literal["he_normal"] = "he_normal"
    title: ClassVar[str] = "He normal"

    @staticmethod
    def fill(weight: torch.Tensor, bias: torch.Tensor, generator: torch.Generator) -> None:
        """Fill both in place."""
        weight.normal_(0, (2 / weight[0].numel()) ** 0.5, generator=generator)
        bias.zero_()


class LeCunNormal(Component):
    """w ~ N(0, 1 / inputs); bias 0: the one SELU needs (LeCun et al., Efficient BackProp, 1998)."""

    kind: Literal["lecun_normal"] = "lecun_normal"
    title: ClassVar[str] = "LeCun normal"

    @staticmethod
    def fill(weight: torch.Tensor, bias: torch.Tensor, generator: torch.Generator) -> None:
        """Fill both in place."""
        weight.normal_(0, (1 / weight[0].numel()) ** 0.5, generator=generator)
        bias.zero_()


class Uniform(Component):
    """w ~ U(-0.5, 0.5), bias 0.1: as the TensorFlow Playground starts (Smilkov et al., 2017)."""

    kind: Literal["uniform"] = "uniform"
    title: ClassVar[str] = "Uniform ±0.5"

    @staticmethod
    def fill(weight: torch.Tensor, bias: torch.Tensor, generator: torch.Generator) -> None:
        """Fill both in place."""
        weight.uniform_(-0.5, 0.5, generator=generator)
        bias.fill_(0.1)


class Zeros(Component):
    """w = 0, bias 0: every unit stays the same as its neighbour, nothing is learned apart (Goodfellow et al., 2016, section 8.4)."""

    kind: Literal["zeros"] = "zeros"
    title: ClassVar[str] = "Zeros"

    @staticmethod
    def fill(weight: torch.Tensor, bias: torch.Tensor, generator: torch.Generator) -> None:
        """Fill both in place."""
        weight.zero_()
        bias.zero_()


Initializer = Annotated[GlorotUniform | HeNormal | LeCunNormal | Uniform | Zeros, Field(discriminator="kind")]
