"""Metrics: what people ask of a network, beside the loss that it descends; and how scores are written."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from dlcore.component import Component

if TYPE_CHECKING:
    import torch

#: The scores by which networks are compared.
Measure = Literal["accuracy", "balanced_accuracy", "r2"]
#: How people write a score: a share in percent, a number with three decimals, an error in the data's own units.
Form = Literal["percent", "decimals", "units"]
FORMS: dict[str, Form] = {
    "accuracy": "percent",
    "balanced_accuracy": "percent",
    "precision": "percent",
    "recall": "percent",
    "f1": "percent",
    "sequence_accuracy": "percent",
    "r2": "decimals",
    "mae": "units",
    "rmse": "units",
}


HUGE = 1e6  # From here on a number is written with an exponent, however it is written else.


def number_text(value: float, form: str) -> str:
    """A number in this form; a huge one as -1.2e31."""
    if not math.isfinite(value) or abs(value) < HUGE:
        return format(value, form)
    digits, exponent = f"{value:.1e}".split("e")
    return f"{digits}e{int(exponent)}"


def score_text(name: str, value: float | None) -> str:
    """A score as people write it; a dash where there is none."""
    if value is None:
        return "–"
    match FORMS[name]:
        case "percent":
            return f"{value:.1%}"
        case "decimals":
            return number_text(value, ".3f")
        case "units":
            return number_text(value, ".4g")


class MetricComponent(Component):
    """What every metric has."""

    if TYPE_CHECKING:  # Each class names its own.
        kind: Any

    def measure(self, predictions: torch.Tensor, y: torch.Tensor) -> float:
        """From the predictions for rows and their true values to one number."""
        raise NotImplementedError

    def of_sum(self, total: Any, rows: int, spread: float) -> Any:
        """The metric from what the compiled kernels add up over the rows, a number or an array of them.

        `spread`: the sum of squared distances of y from its mean.
        """
        raise NotImplementedError


class Accuracy(MetricComponent):
    """Share of rows whose most probable class is the true one (Fawcett, 2006)."""

    kind: Literal["accuracy"] = "accuracy"
    title: ClassVar[str] = "Accuracy"

    def measure(self, predictions: torch.Tensor, y: torch.Tensor) -> float:
        """Probabilities (N, classes) and class indices (N,) to a number in 0..1."""
        return (predictions.argmax(1) == y).double().mean().item()

    def of_sum(self, total: Any, rows: int, spread: float) -> Any:
        """`total`: rows that are right."""
        return total / rows


class TokenAccuracy(Accuracy):
    """Share of the tokens asked for whose most probable one is the true one (Fawcett, 2006); 0 as target: none is asked for."""

    def measure(self, predictions: torch.Tensor, y: torch.Tensor) -> float:
        """Probabilities (N, steps, tokens) and ids (N, steps) to a number in 0..1."""
        return (predictions.argmax(-1) == y)[y != 0].double().mean().item()


class SequenceAccuracy(MetricComponent):
    """Share of the rows in which every token asked for is right, an exact match (Rajpurkar et al., 2016)."""

    kind: Literal["sequence_accuracy"] = "sequence_accuracy"
    title: ClassVar[str] = "Sequence accuracy"

    def measure(self, predictions: torch.Tensor, y: torch.Tensor) -> float:
        """Probabilities (N, steps, tokens) and ids (N, steps) to a number in 0..1."""
        return ((predictions.argmax(-1) == y) | (y == 0)).all(1).double().mean().item()


class R2(MetricComponent):
    """1 - sum (y - p)^2 / sum (y - mean y)^2: 1 is perfect, 0 as good as the mean (Wright, 1921)."""

    kind: Literal["r2"] = "r2"
    title: ClassVar[str] = "R²"

    def measure(self, predictions: torch.Tensor, y: torch.Tensor) -> float:
        """Predicted and true values (N,) to a number up to 1; 0 if all y are equal and missed."""
        errors = (y - predictions).double().square().sum().item()
        spread = (y - y.mean()).double().square().sum().item()
        return 1 - errors / spread if spread > 0 else float(errors == 0)

    def of_sum(self, total: Any, rows: int, spread: float) -> Any:
        """`total`: the sum of squared errors."""
        return 1 - total / spread if spread > 0 else (total == 0) * 1.0


Metric = Accuracy | SequenceAccuracy | R2
