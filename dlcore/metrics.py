"""Metrics: what people ask of a network, beside the loss that it descends."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from dlcore.component import Component

if TYPE_CHECKING:
    import torch


class Accuracy(Component):
    """Share of rows whose most probable class is the true one (Fawcett, 2006)."""

    kind: Literal["accuracy"] = "accuracy"
    title: ClassVar[str] = "Accuracy"
    for_classes: ClassVar[bool] = True

    def measure(self, predictions: torch.Tensor, y: torch.Tensor) -> float:
        """Probabilities (N, classes) and class indices (N,) to a number in 0..1."""
        return (predictions.argmax(1) == y).double().mean().item()


class R2(Component):
    """1 - sum (y - p)^2 / sum (y - mean y)^2: 1 is perfect, 0 as good as the mean (Wright, 1921)."""

    kind: Literal["r2"] = "r2"
    title: ClassVar[str] = "R²"
    for_classes: ClassVar[bool] = False

    def measure(self, predictions: torch.Tensor, y: torch.Tensor) -> float:
        """Predicted and true values (N,) to a number up to 1; 0 if all y are equal and missed."""
        errors = (y - predictions).double().square().sum().item()
        spread = (y - y.mean()).double().square().sum().item()
        return 1 - errors / spread if spread > 0 else float(errors == 0)


Metric = Accuracy | R2


def metric_for(task: str) -> Accuracy | R2:
    """The metric of a task."""
    return Accuracy() if task == "classification" else R2()
