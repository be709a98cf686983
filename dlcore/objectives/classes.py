"""Which of several classes a row belongs to. One output unit for two classes, otherwise one a class.

B rows, K output units.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from dlcore.losses import LossComponent
from dlcore.metrics import Accuracy, Measure, MetricComponent
from dlcore.objectives.base import Coding, ObjectiveComponent
from dlcore.objectives.links import LINEAR, SIGMOID, SOFTMAX, TANH
from dlcore.problems import Problem

if TYPE_CHECKING:
    import numpy as np
    import torch

    from dlcore.datasets.preparation import Preparation


class Classes(ObjectiveComponent):
    """Which of K classes: the answer is right or wrong, the claim a probability for each (Bishop, PRML, 2006, chapter 4)."""

    kind: Literal["classes"] = "classes"
    title: ClassVar[str] = "Classes"
    task: ClassVar[Literal["classification", "regression"]] = "classification"
    usual_loss: ClassVar[str] = "cross_entropy"
    metrics: ClassVar[tuple[MetricComponent, ...]] = (Accuracy(),)
    scores: ClassVar[tuple[str, ...]] = ("accuracy", "balanced_accuracy", "precision", "recall", "f1")
    claims: ClassVar[str] = "probabilities (B, classes)"
    has_classes: ClassVar[bool] = True
    count: int = Field(default=2, ge=1, le=10_000, description="Number of classes.")

    @property
    def num_outputs(self) -> int:
        return self.count if self.count > 2 else 1

    @property
    def num_classes(self) -> int:
        return self.count

    def check_loss(self, loss: LossComponent, dataset: str) -> None:
        if loss.most_classes is not None and self.count > loss.most_classes:
            raise Problem("loss_needs_two_classes", loss=loss.kind, dataset=dataset, classes=self.count)

    def coding(self, loss: LossComponent) -> Coding:
        known, two = {"classes": self.count}, self.count == 2
        match loss.of_classes:
            case "probabilities":
                return Coding(
                    loss, SIGMOID if two else SOFTMAX, labels, probabilities, known, known, 1.0 if two else None
                )
            case "margin":
                return Coding(loss, LINEAR, sides, squashed_margin, steepness=2.0)
            case "agreement":
                return Coding(loss, TANH, signs, shares, known, {"squashed": True}, 2.0 if two else None)

    def make_targets(self, y_N: np.ndarray, scaling: Preparation) -> np.ndarray:
        return y_N

    def strata(self, y_N: np.ndarray) -> np.ndarray | None:
        return y_N

    def answers(self, predicted: np.ndarray) -> np.ndarray:
        return predicted.argmax(1)

    def score(self, class_weights: str) -> Measure:
        """Where all classes count the same in the loss, the accuracy in which they do too."""
        return "accuracy" if class_weights == "none" else "balanced_accuracy"


@lru_cache(maxsize=64)
def objective_of_classes(count: int) -> Classes:
    """The objective for so many classes."""
    return Classes(count=count)


# By logits: a probability for each class.


def labels(y: torch.Tensor, classes: int) -> torch.Tensor:
    return y.float() if classes == 2 else y.long()


def probabilities(outputs_BK: torch.Tensor, classes: int) -> torch.Tensor:
    if classes == 2:
        return _both(outputs_BK.squeeze(1).sigmoid())
    return outputs_BK.softmax(1)


# By a margin: one unit whose sign is the class.


def sides(y: torch.Tensor) -> torch.Tensor:
    return y.float() * 2 - 1


def squashed_margin(outputs_BK: torch.Tensor) -> torch.Tensor:
    return _both((2 * outputs_BK.squeeze(1)).sigmoid())


# By agreement: +1 for the class and -1 for all others, each unit through tanh.


def signs(y: torch.Tensor, classes: int) -> torch.Tensor:
    if classes == 2:
        return y.float().unsqueeze(1) * 2 - 1
    from torch.nn import functional

    return functional.one_hot(y.long(), classes).float() * 2 - 1


def shares(outputs_BK: torch.Tensor, classes: int) -> torch.Tensor:
    claims = (outputs_BK.tanh() + 1) / 2
    if classes == 2:
        return _both(claims.squeeze(1))
    return claims / claims.sum(1, keepdim=True).clamp(min=1e-12)


def _both(p_of_1: torch.Tensor) -> torch.Tensor:
    import torch

    return torch.stack([1 - p_of_1, p_of_1], dim=1)
