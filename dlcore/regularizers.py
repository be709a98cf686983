"""Regularizers: a price on large weights (never on biases), added to the loss that is descended but not to the loss that is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from dlcore.component import Component

if TYPE_CHECKING:
    import torch


class NoRegularizer(Component):
    """penalty(w) = 0: only the data speak (Goodfellow et al., Deep Learning, 2016, chapter 7)."""

    kind: Literal["none"] = "none"
    title: ClassVar[str] = "None"

    def penalty(self, weights: torch.Tensor) -> torch.Tensor:
        """Scalar penalty of a tensor of weights."""
        return weights.new_zeros(())

    def add_gradient(self, gradient: torch.Tensor, weights: torch.Tensor) -> None:
        """gradient += d penalty / d weights, in place; same shapes."""


class L1(Component):
    """penalty(w) = rate * sum |w|: drives weights to exactly zero (Tibshirani, 1996)."""

    kind: Literal["l1"] = "l1"
    title: ClassVar[str] = "L1"
    rate: float = Field(default=0.001, ge=0, le=10, description="Price of a unit of |w|.")

    def penalty(self, weights: torch.Tensor) -> torch.Tensor:
        """Scalar penalty of a tensor of weights."""
        return self.rate * weights.abs().sum()

    def add_gradient(self, gradient: torch.Tensor, weights: torch.Tensor) -> None:
        """gradient += rate * sign(w), in place; same shapes."""
        gradient.add_(weights.sign(), alpha=self.rate)


class L2(Component):
    """penalty(w) = rate / 2 * sum w^2: pulls every weight towards zero in proportion (Krogh and Hertz, 1992)."""

    kind: Literal["l2"] = "l2"
    title: ClassVar[str] = "L2"
    rate: float = Field(default=0.001, ge=0, le=10, description="Strength; the gradient is rate * w.")

    def penalty(self, weights: torch.Tensor) -> torch.Tensor:
        """Scalar penalty of a tensor of weights."""
        return self.rate / 2 * weights.square().sum()

    def add_gradient(self, gradient: torch.Tensor, weights: torch.Tensor) -> None:
        """gradient += rate * w, in place; same shapes."""
        gradient.add_(weights, alpha=self.rate)


Regularizer = Annotated[NoRegularizer | L1 | L2, Field(discriminator="kind")]
