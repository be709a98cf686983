"""Judging: scores and predictions of the current weights on all rows. Computed when asked for, and kept until something changes.

N rows, the training rows first, then those that are watched.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from dlcore.datasets.split import Split
from dlcore.learning.snapshot import Scores

if TYPE_CHECKING:
    from dlcore.learning.supervised import Supervised

JUDGING_SHARE = 0.2  # At most this share of the time of a run that plays goes into judging all rows.
LONG_JUDGING = 0.004  # Seconds: where judging takes less, its share of the time is not limited.


class Judging:
    """The judge of one learner's network; `clock` says how long it takes."""

    def __init__(self, supervised: Supervised, clock: Callable[[], float] = time.monotonic) -> None:
        self.supervised = supervised
        self.clock = clock
        self.forget()

    def forget(self) -> None:
        """Discard scores and predictions, and how long judging took."""
        self._again_at = 0.0
        self.forget_scores()

    def forget_scores(self) -> None:
        """Discard scores and predictions, as the weights have changed; `recent_scores` still gives the last scores."""
        self.known: Scores | None = None  # Scores of the current weights; None until asked for.
        self._predicted: torch.Tensor | None = None

    def scores(self, compiled: bool = True) -> Scores:
        """Loss and metrics of the current weights on all rows that are learned from, and on all that are watched.

        By the compiled kernels where they can, unless `compiled` says otherwise; else by torch.
        """
        if self.known is None:
            start = self.clock()
            self.known = self._latest = self._judge(compiled)
            taken = self.clock() - start
            self._again_at = start + taken / JUDGING_SHARE if taken > LONG_JUDGING else 0.0
        return self.known

    def take_over(self, scores: Scores) -> None:
        """The engine that has just trained the network has scored it, too."""
        self.forget_scores()
        self.known = self._latest = scores

    @property
    def may_be_old(self) -> bool:
        """Whether the scores of a moment ago are good enough: judging many rows for each picture would leave no time to learn."""
        return self.known is None and self.clock() < self._again_at

    def recent_scores(self) -> Scores:
        """The last scores that were computed, maybe of earlier weights."""
        return self._latest

    def scores_of(self, split: Split) -> dict[str, float]:
        """Loss and metrics of the current weights on other rows, by torch."""
        device = self.supervised.device
        X, y = torch.from_numpy(split.X), torch.from_numpy(split.target)
        targets = self.supervised.experiment.coding.encode(y)
        return self._measure(*self.supervised.judge(X.to(device), targets.to(device)), y)

    def predictions(self) -> torch.Tensor:
        """The prediction for every row, on the CPU: (N, classes) probabilities, or (N,) values."""
        if self._predicted is None:
            self._predicted = self.supervised.judge()[1]
        return self._predicted

    def _judge(self, compiled: bool) -> Scores:
        dense = self.supervised.dense_engine() if compiled else None
        if dense is not None:
            return dense.score()
        # Both splits in one pass: for small networks the number of calls counts, not the number of rows.
        losses, self._predicted = self.supervised.judge()
        train, predictions, y = self.supervised.train_rows, self._predicted, self.supervised.y
        parts = slice(None, train), slice(train, None)
        return Scores(*(self._measure(losses[rows], predictions[rows], y[rows]) for rows in parts))

    def _measure(self, losses_N: torch.Tensor, predictions: torch.Tensor, y_N: torch.Tensor) -> dict[str, float]:
        metrics = self.supervised.experiment.objective.metrics
        return {
            "loss": losses_N.mean().item(),
            **{metric.kind: metric.measure(predictions, y_N) for metric in metrics},
        }
