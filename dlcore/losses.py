"""Losses: how wrong the network is, and so what its last layer means.

B rows, K output units: one for two classes and for a number, one a class otherwise. `outputs_BK` are the plain sums of the last
linear layer. A loss says how classes become targets, the loss of each row (the mean over rows is descended), and what the
network claims (`predict`): (B, classes) probabilities, or (B,) values.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from dlcore.component import Component

if TYPE_CHECKING:
    import torch


class LossComponent(Component):
    """What every loss has."""

    for_classes: ClassVar[bool] = True
    for_numbers: ClassVar[bool] = False
    most_classes: ClassVar[int | None] = None
    per_row: ClassVar[Callable[..., torch.Tensor]]
    """The formula (outputs_BK, targets, classes, ...) -> (B,), as a plain function that an exported script can carry."""

    def output_activation(self, classes: int) -> str:
        """The activation that the loss puts on the output units, by its name in the field."""
        raise NotImplementedError

    def encode(self, y: torch.Tensor, classes: int) -> torch.Tensor:
        """Targets for `per_row` from class indices or values y (N,)."""
        raise NotImplementedError

    def arguments(self) -> dict[str, Any]:
        """Further arguments of `per_row`."""
        return {}

    def rows(self, outputs_BK: torch.Tensor, targets: torch.Tensor, classes: int) -> torch.Tensor:
        """The loss of each row: (B,)."""
        return self.per_row(outputs_BK, targets, classes, **self.arguments())

    def predict(self, outputs_BK: torch.Tensor, classes: int) -> torch.Tensor:
        """(B, classes) probabilities that sum to 1, or (B,) values."""
        raise NotImplementedError


class CrossEntropy(LossComponent):
    """-log p of the true class, p by sigmoid (one unit) or softmax (K units): maximum likelihood (Bishop, PRML, 2006, section 4.3)."""

    kind: Literal["cross_entropy"] = "cross_entropy"
    title: ClassVar[str] = "Cross-entropy"

    def output_activation(self, classes: int) -> str:
        return "sigmoid" if classes == 2 else "softmax"

    def encode(self, y: torch.Tensor, classes: int) -> torch.Tensor:
        return y.float() if classes == 2 else y.long()

    @staticmethod
    def per_row(outputs_BK: torch.Tensor, targets: torch.Tensor, classes: int) -> torch.Tensor:
        from torch.nn import functional

        if classes == 2:
            return functional.binary_cross_entropy_with_logits(outputs_BK.squeeze(1), targets, reduction="none")
        return functional.cross_entropy(outputs_BK, targets, reduction="none")

    def predict(self, outputs_BK: torch.Tensor, classes: int) -> torch.Tensor:
        if classes == 2:
            return _both(outputs_BK.squeeze(1).sigmoid())
        return outputs_BK.softmax(1)


class Hinge(LossComponent):
    """max(0, 1 - t * o), t = ±1, two classes: no loss beyond the margin (Cortes and Vapnik, 1995).

    It makes margins, not probabilities; the probability shown is sigmoid(2 * o), uncalibrated.
    """

    kind: Literal["hinge"] = "hinge"
    title: ClassVar[str] = "Hinge"
    most_classes: ClassVar[int | None] = 2

    def output_activation(self, classes: int) -> str:
        return "linear"

    def encode(self, y: torch.Tensor, classes: int) -> torch.Tensor:
        return y.float() * 2 - 1

    @staticmethod
    def per_row(outputs_BK: torch.Tensor, targets: torch.Tensor, classes: int) -> torch.Tensor:
        return (1 - targets * outputs_BK.squeeze(1)).clamp(min=0)

    def predict(self, outputs_BK: torch.Tensor, classes: int) -> torch.Tensor:
        return _both((2 * outputs_BK.squeeze(1)).sigmoid())


class DistanceLoss(LossComponent):
    """A loss of o - t. On classes, o goes through tanh and t = ±1, one unit for two classes, else one a class against the rest."""

    for_numbers: ClassVar[bool] = True

    def output_activation(self, classes: int) -> str:
        return "tanh" if classes else "linear"

    def encode(self, y: torch.Tensor, classes: int) -> torch.Tensor:
        if classes == 0:
            return y.float().unsqueeze(1)
        if classes == 2:
            return y.float().unsqueeze(1) * 2 - 1
        from torch.nn import functional

        return functional.one_hot(y.long(), classes).float() * 2 - 1

    def predict(self, outputs_BK: torch.Tensor, classes: int) -> torch.Tensor:
        if classes == 0:
            return outputs_BK.squeeze(1)
        claims = (outputs_BK.tanh() + 1) / 2
        if classes == 2:
            return _both(claims.squeeze(1))
        return claims / claims.sum(1, keepdim=True).clamp(min=1e-12)


class MeanSquaredError(DistanceLoss):
    """(o - t)^2, the mean over output units; twice the TensorFlow Playground's (Legendre, 1805; Gauss, 1809)."""

    kind: Literal["mse"] = "mse"
    title: ClassVar[str] = "Mean squared error"

    @staticmethod
    def per_row(outputs_BK: torch.Tensor, targets: torch.Tensor, classes: int) -> torch.Tensor:
        values = outputs_BK.tanh() if classes else outputs_BK
        return (values - targets).square().mean(1)


class MeanAbsoluteError(DistanceLoss):
    """|o - t|, the mean over output units: outliers pull no harder than others (Boscovich, 1757; Laplace, 1793)."""

    kind: Literal["mae"] = "mae"
    title: ClassVar[str] = "Mean absolute error"

    @staticmethod
    def per_row(outputs_BK: torch.Tensor, targets: torch.Tensor, classes: int) -> torch.Tensor:
        values = outputs_BK.tanh() if classes else outputs_BK
        return (values - targets).abs().mean(1)


class Huber(DistanceLoss):
    """e^2 / 2 for |e| <= delta, else delta * (|e| - delta / 2), e = o - t: squared near, absolute far (Huber, 1964)."""

    kind: Literal["huber"] = "huber"
    title: ClassVar[str] = "Huber"
    delta: float = Field(default=1.0, gt=0, le=100, description="Error from which the loss grows only linearly.")

    def arguments(self) -> dict[str, Any]:
        return {"delta": self.delta}

    @staticmethod
    def per_row(outputs_BK: torch.Tensor, targets: torch.Tensor, classes: int, delta: float) -> torch.Tensor:
        from torch.nn import functional

        values = outputs_BK.tanh() if classes else outputs_BK
        return functional.huber_loss(values, targets, delta=delta, reduction="none").mean(1)


def _both(p_of_1: torch.Tensor) -> torch.Tensor:
    import torch

    return torch.stack([1 - p_of_1, p_of_1], dim=1)


Loss = Annotated[CrossEntropy | Hinge | MeanSquaredError | MeanAbsoluteError | Huber, Field(discriminator="kind")]
