"""A number: what is said should lie near the true value. One output unit, linear. B rows, K output units."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from dlcore.losses import LossComponent
from dlcore.metrics import R2, Measure, MetricComponent
from dlcore.objectives.base import Coding, ObjectiveComponent
from dlcore.objectives.links import LINEAR
from dlcore.problems import Problem

if TYPE_CHECKING:
    import numpy as np
    import torch

    from dlcore.datasets.preparation import Preparation


class Numbers(ObjectiveComponent):
    """A value, learned as the training rows scale it (Bishop, PRML, 2006, chapter 3)."""

    kind: Literal["numbers"] = "numbers"
    title: ClassVar[str] = "Numbers"
    task: ClassVar[Literal["classification", "regression"]] = "regression"
    usual_loss: ClassVar[str] = "mse"
    metrics: ClassVar[tuple[MetricComponent, ...]] = (R2(),)
    scores: ClassVar[tuple[str, ...]] = ("r2", "mae", "rmse")
    claims: ClassVar[str] = "values (B,)"
    has_classes: ClassVar[bool] = False

    @property
    def num_outputs(self) -> int:
        return 1

    def check_loss(self, loss: LossComponent, dataset: str) -> None:
        if not loss.for_numbers:
            raise Problem("loss_needs_classes", loss=loss.kind, dataset=dataset)

    def coding(self, loss: LossComponent) -> Coding:
        return Coding(loss, LINEAR, one_column, one_value, formula={"squashed": False})

    def make_targets(self, y_N: np.ndarray, scaling: Preparation) -> np.ndarray:
        return scaling.targets(y_N)

    def in_units(self, predicted: np.ndarray, scaling: Preparation) -> np.ndarray:
        return scaling.unscale_targets(predicted.astype("float64"))

    def score(self, class_weights: str) -> Measure:
        return "r2"

    def unit(self, scaling: Preparation) -> float:
        return scaling.target_deviation


def one_column(y: torch.Tensor) -> torch.Tensor:
    return y.float().unsqueeze(1)


def one_value(outputs_BK: torch.Tensor) -> torch.Tensor:
    return outputs_BK.squeeze(1)
