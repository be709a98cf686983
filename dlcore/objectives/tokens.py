"""A token at each step of a sequence: the network answers as often as it is asked.  B rows of a batch, N of a split, T steps, V tokens."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import Field

from dlcore.losses import LossComponent
from dlcore.metrics import Measure, MetricComponent, SequenceAccuracy, TokenAccuracy
from dlcore.objectives.base import Coding, ObjectiveComponent
from dlcore.objectives.links import SOFTMAX
from dlcore.problems import Problem

if TYPE_CHECKING:
    import torch

    from dlcore.datasets.preparation import Preparation


class TokenAnswers(ObjectiveComponent):
    """Which of V tokens stands at each step, 0 where none is asked for (Sutskever, Vinyals and Le, 2014): (N, T) ids."""

    kind: Literal["tokens"] = "tokens"
    title: ClassVar[str] = "Tokens"
    task: ClassVar[Literal["classification", "regression"]] = "regression"
    usual_loss: ClassVar[str] = "cross_entropy"
    metrics: ClassVar[tuple[MetricComponent, ...]] = (TokenAccuracy(), SequenceAccuracy())
    scores: ClassVar[tuple[str, ...]] = ("accuracy", "sequence_accuracy")
    claims: ClassVar[str] = "probabilities (B, steps, tokens)"
    #: A row has no class: it is right step by step.
    has_classes: ClassVar[bool] = False
    answers_each_step: ClassVar[bool] = True
    vocabulary: int = Field(default=4, ge=3, le=10_000, description="Number of tokens; 0 is padding, 1 unknown.")

    @property
    def num_outputs(self) -> int:
        return self.vocabulary

    def check_loss(self, loss: LossComponent, dataset: str) -> None:
        if loss.of_classes != "probabilities":
            raise Problem("loss_needs_one_answer", loss=loss.kind, dataset=dataset)

    def coding(self, loss: LossComponent) -> Coding:
        return Coding(loss, SOFTMAX, ids, shares_of_tokens, row_loss=loss_of_tokens)

    def make_targets(self, y_N: np.ndarray, scaling: Preparation) -> np.ndarray:
        return y_N

    def drawn(self, y_N: np.ndarray) -> np.ndarray:
        return np.ones(len(y_N))

    def drawn_range(self, y_N: np.ndarray) -> tuple[float, float]:
        return 0.0, 1.0

    def drawn_prediction(self, predicted: np.ndarray) -> np.ndarray:
        """How sure it is: the largest probability, the mean over the steps."""
        return predicted.max(-1).reshape(len(predicted), -1).mean(1)

    def answers(self, predicted: np.ndarray) -> np.ndarray:
        return predicted.argmax(-1)

    def score(self, class_weights: str) -> Measure:
        return "accuracy"


@lru_cache(maxsize=64)
def objective_of_tokens(vocabulary: int) -> TokenAnswers:
    """The objective for so many tokens."""
    return TokenAnswers(vocabulary=vocabulary)


def ids(y: torch.Tensor) -> torch.Tensor:
    return y.long()


def shares_of_tokens(outputs_BTV: torch.Tensor) -> torch.Tensor:
    return outputs_BTV.softmax(-1)


def loss_of_tokens(outputs_BTV: torch.Tensor, targets_BT: torch.Tensor) -> torch.Tensor:
    from torch.nn import functional

    # Steps at which nothing is asked have 0 as target and do not count.
    losses_BT = functional.cross_entropy(outputs_BTV.transpose(1, 2), targets_BT, ignore_index=0, reduction="none")
    return losses_BT.sum(1) / (targets_BT != 0).sum(1).clamp(min=1)
