"""What every objective has in common: what is asked of the outputs of a network, as a value.

An objective says how many output units there are, which losses fit, how rows become targets, what the network claims, by which metrics it
is judged and how those are called. It follows from the data set; a recipe does not name it. B rows of a batch, N of a split, K output
units; `outputs_BK` are the plain sums of the last linear layer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from dlcore.component import Component
from dlcore.losses import LossComponent
from dlcore.metrics import Measure, MetricComponent

if TYPE_CHECKING:
    import numpy as np
    import torch

    from dlcore.datasets.preparation import Preparation
    from dlcore.objectives.links import Link


@dataclass(frozen=True)
class Coding:
    """How targets and outputs of one objective are coded for one loss (output coding: Dietterich and Bakiri, 1995).

    `encoding` and `claim` are plain functions of a tensor and the arguments `known`, so that an exported script can carry them; `formula`
    are those of the loss's `per_row`. `steepness`: of two classes by one unit, p of class 1 is sigmoid(steepness * o); None: otherwise.
    """

    loss: LossComponent
    link: Link
    encoding: Callable[..., torch.Tensor]
    claim: Callable[..., torch.Tensor]
    known: Mapping[str, Any] = field(default_factory=dict)
    formula: Mapping[str, Any] = field(default_factory=dict)
    steepness: float | None = None
    #: The loss of each row, where it is not the loss's own `per_row`.
    row_loss: Callable[..., torch.Tensor] | None = None

    @property
    def per_row(self) -> Callable[..., torch.Tensor]:
        """The formula (outputs_BK, targets, ...) -> (B,), as a plain function that an exported script can carry."""
        return self.row_loss or self.loss.per_row

    def encode(self, y_N: torch.Tensor) -> torch.Tensor:
        """What is learned as the loss takes it."""
        return self.encoding(y_N, **self.known)

    def losses(self, outputs_BK: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """The loss of each row: (B,)."""
        return self.per_row(outputs_BK, targets, **self.formula, **self.loss.arguments())

    def predict(self, outputs_BK: torch.Tensor) -> torch.Tensor:
        """What the network claims: (B, classes) probabilities that sum to 1, or values as they are learned."""
        return self.claim(outputs_BK, **self.known)


class ObjectiveComponent(Component):
    """What is asked of the outputs."""

    if TYPE_CHECKING:  # Each class names its own.
        kind: Any
    task: ClassVar[Literal["classification", "regression"]]  # As people know it: classification, regression.
    usual_loss: ClassVar[str]  # The loss that a recipe on such data begins with, by its kind.
    metrics: ClassVar[tuple[MetricComponent, ...]]  # The history has columns of each; the first one is shown.
    scores: ClassVar[tuple[str, ...]]  # By what a trained network is judged, the first one first.
    claims: ClassVar[str]  # What a prediction is, in words for a reader of a script.
    #: Whether an answer is one of several classes, so that it is right or wrong.
    has_classes: ClassVar[bool]

    #: Whether it asks for an answer at each step of a sequence, not for one a row.
    answers_each_step: ClassVar[bool] = False

    @property
    def num_outputs(self) -> int:
        """Units of the output layer."""
        raise NotImplementedError

    @property
    def num_classes(self) -> int:
        """How many classes there are; 0 where an answer is none."""
        return 0

    @property
    def metric(self) -> MetricComponent:
        """The one that is shown."""
        return self.metrics[0]

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """What is recorded of the training rows and of the watched rows: the loss and every metric."""
        return ("loss", *(metric.kind for metric in self.metrics))

    def check_loss(self, loss: LossComponent, dataset: str) -> None:
        """Raises Problem for a loss that does not fit; `dataset` is the kind of the data."""
        raise NotImplementedError

    def coding(self, loss: LossComponent) -> Coding:
        """How this loss, which fits, reads the output units."""
        raise NotImplementedError

    def make_targets(self, y_N: np.ndarray, scaling: Preparation) -> np.ndarray:
        """What is learned, from classes or values as the data have them."""
        raise NotImplementedError

    def in_units(self, predicted: np.ndarray, scaling: Preparation) -> np.ndarray:
        """What `Coding.predict` gave, in the data's own units."""
        return predicted

    def unit(self, scaling: Preparation) -> float:
        """How much a difference of 1 between predictions is in the data's own units."""
        return 1.0

    def strata(self, y_N: np.ndarray) -> np.ndarray | None:
        """By what rows are shared out evenly to the parts of a split; None: by nothing."""
        return None

    def drawn(self, y_N: np.ndarray) -> np.ndarray:
        """(N,) the class or number with which a row of these targets is drawn."""
        return y_N

    def drawn_range(self, y_N: np.ndarray) -> tuple[float, float]:
        """From which number to which one a map of predicted numbers reaches."""
        low, high = float(y_N.min()), float(y_N.max())
        return (low, high) if high > low else (low - 1, high + 1)

    def drawn_prediction(self, predicted: np.ndarray) -> np.ndarray:
        """(N,) the number that a map shows of these predictions, in the data's own units."""
        return predicted

    def answers(self, predicted: np.ndarray) -> np.ndarray:
        """(N,) what predictions come to: one answer a row."""
        return predicted

    def score(self, class_weights: str) -> Measure:
        """By what networks are compared."""
        raise NotImplementedError
