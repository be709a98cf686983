"""Losses: how wrong the network is. The mean over the rows is descended.

B rows, K output units. `outputs_BK` are the plain sums of the last linear layer. A loss says for which objectives it is and how it
reads their output units; what the targets are and what the network then claims, the objective says (dlcore/objectives).
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

    #: How it reads output units that stand for classes: as probabilities, as a margin, or as agreement with +1 and -1.
    of_classes: ClassVar[Literal["probabilities", "margin", "agreement"]]
    most_classes: ClassVar[int | None] = None
    for_numbers: ClassVar[bool] = False  # Whether it compares values too.
    per_row: ClassVar[Callable[..., torch.Tensor]]
    """The formula (outputs_BK, targets, ...) -> (B,), as a plain function that an exported script can carry."""

    if TYPE_CHECKING:  # Each class names its own.
        kind: Any

    def arguments(self) -> dict[str, Any]:
        """Further arguments of `per_row`, beside those that the objective gives."""
        return {}


class CrossEntropy(LossComponent):
    """-log p of the true class, p by sigmoid (one unit) or softmax (K units): maximum likelihood (Bishop, PRML, 2006, section 4.3)."""

    kind: Literal["cross_entropy"] = "cross_entropy"
    title: ClassVar[str] = "Cross-entropy"
    of_classes = "probabilities"

    @staticmethod
    def per_row(outputs_BK: torch.Tensor, targets: torch.Tensor, classes: int) -> torch.Tensor:
        from torch.nn import functional

        if classes == 2:
            return functional.binary_cross_entropy_with_logits(outputs_BK.squeeze(1), targets, reduction="none")
        return functional.cross_entropy(outputs_BK, targets, reduction="none")


class Hinge(LossComponent):
    """max(0, 1 - t * o), t = ±1, two classes: no loss beyond the margin (Cortes and Vapnik, 1995).

    It makes margins, not probabilities; the probability shown is sigmoid(2 * o), uncalibrated.
    """

    kind: Literal["hinge"] = "hinge"
    title: ClassVar[str] = "Hinge"
    of_classes = "margin"
    most_classes: ClassVar[int | None] = 2

    @staticmethod
    def per_row(outputs_BK: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return (1 - targets * outputs_BK.squeeze(1)).clamp(min=0)


class DistanceLoss(LossComponent):
    """A loss of o - t. On classes o goes through tanh (`squashed`) and t = ±1: one unit for two classes, else one a class."""

    of_classes = "agreement"
    for_numbers: ClassVar[bool] = True


class MeanSquaredError(DistanceLoss):
    """(o - t)^2, the mean over output units; twice the TensorFlow Playground's (Legendre, 1805; Gauss, 1809)."""

    kind: Literal["mse"] = "mse"
    title: ClassVar[str] = "Mean squared error"

    @staticmethod
    def per_row(outputs_BK: torch.Tensor, targets: torch.Tensor, squashed: bool) -> torch.Tensor:
        values = outputs_BK.tanh() if squashed else outputs_BK
        return (values - targets).square().mean(1)


class MeanAbsoluteError(DistanceLoss):
    """|o - t|, the mean over output units: outliers pull no harder than others (Boscovich, 1757; Laplace, 1793)."""

    kind: Literal["mae"] = "mae"
    title: ClassVar[str] = "Mean absolute error"

    @staticmethod
    def per_row(outputs_BK: torch.Tensor, targets: torch.Tensor, squashed: bool) -> torch.Tensor:
        values = outputs_BK.tanh() if squashed else outputs_BK
        return (values - targets).abs().mean(1)


class Huber(DistanceLoss):
    """e^2 / 2 for |e| <= delta, else delta * (|e| - delta / 2), e = o - t: squared near, absolute far (Huber, 1964)."""

    kind: Literal["huber"] = "huber"
    title: ClassVar[str] = "Huber"
    delta: float = Field(default=1.0, gt=0, le=100, description="Error from which the loss grows only linearly.")

    def arguments(self) -> dict[str, Any]:
        return {"delta": self.delta}

    @staticmethod
    def per_row(outputs_BK: torch.Tensor, targets: torch.Tensor, squashed: bool, delta: float) -> torch.Tensor:
        from torch.nn import functional

        values = outputs_BK.tanh() if squashed else outputs_BK
        return functional.huber_loss(values, targets, delta=delta, reduction="none").mean(1)


Loss = Annotated[CrossEntropy | Hinge | MeanSquaredError | MeanAbsoluteError | Huber, Field(discriminator="kind")]
