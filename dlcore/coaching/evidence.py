"""Evidence: what a run of supervised learning shows of how it learns.  E epochs since the last change of the run, K units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dlcore.evaluation.findings import skill
from dlcore.evaluation.intervals import measure_of, wilson_interval
from dlcore.evaluation.shape import score_of_constant
from dlcore.experiment import Experiment
from dlcore.learning.overfitting import is_apart
from dlcore.learning.trainer import Trainer
from dlcore.metrics import Measure

RECENT = 20  # epochs that count as now: one alone says little


@dataclass(frozen=True)
class Evidence:
    """What a run shows; all columns begin with the last change of the run, as what came before was another network's."""

    experiment: Experiment
    epochs: np.ndarray  # (E,)
    train_loss: np.ndarray  # (E,)
    watched_loss: np.ndarray  # (E,)
    train_score: np.ndarray  # (E,)
    start: float  # the loss of the watched rows before the first step
    measure: Measure
    baseline: float  # the score of a constant answer on the training rows
    train_rows: int
    gradients: tuple[float, ...]  # root mean square of each layer's gradient in the last step, the first layer first
    health: tuple[np.ndarray, ...]  # of each hidden layer with units its codes, see dlcore.pictures.questions: (K,)

    def __len__(self) -> int:
        """Epochs that were trained since the last change."""
        return len(self.epochs) - 1

    @property
    def epoch_of_change(self) -> int:
        """The epoch of the last change of the run."""
        return int(self.epochs[0])

    @cached_property
    def best(self) -> int:
        """The row with the lowest loss of the watched rows."""
        return int(np.argmin(self.watched_loss))

    @property
    def scale(self) -> float:
        """The loss against which differences are large or small."""
        return abs(self.start)

    @cached_property
    def recent_watched(self) -> np.ndarray:
        """The loss of the watched rows in the last epochs, at most half of those since the change."""
        return self.watched_loss[-self._count_recent :]

    @cached_property
    def recent_train(self) -> np.ndarray:
        """The training loss in the last epochs."""
        return self.train_loss[-self._count_recent :]

    @cached_property
    def score(self) -> float:
        """The median score on the training rows in the last epochs."""
        return float(np.median(self.train_score[-self._count_recent :]))

    @property
    def _count_recent(self) -> int:
        return max(1, min(RECENT, len(self.epochs) // 2))

    @property
    def share_left(self) -> float:
        """The share of a constant answer's errors that is left on the training rows."""
        return 1 - skill(self.score, self.baseline)

    @property
    def has_learned(self) -> bool:
        """Whether the network is surely better on the training rows than a constant answer."""
        if self.measure == "r2":
            return self.score > 0.05
        low, _ = wilson_interval(round(self.score * self.train_rows), self.train_rows)
        return low > self.baseline

    @property
    def overfits(self) -> bool:
        """Whether the losses are apart now."""
        return is_apart(float(np.median(self.recent_train)), float(np.median(self.recent_watched)), self.start)

    @property
    def jumps(self) -> float:
        """All rises of the training loss in the last epochs together, as a share of the loss at the start."""
        return float(np.clip(np.diff(self.recent_train), 0, None).sum()) / self.scale

    def fall_of(self, loss: np.ndarray, share: float) -> float:
        """By how much the lowest of this loss fell in this last share of the epochs, as a share of the loss at the start."""
        at = int(len(loss) * (1 - share))
        return float(loss[: at + 1].min() - loss.min()) / self.scale


def read_evidence(trainer: Trainer, arrays: Mapping[str, np.ndarray]) -> Evidence | None:
    """What the run shows now; `arrays` are those of its picture. None before the first epoch, and where numbers are not finite."""
    experiment, history = trainer.experiment, trainer.history
    rows, columns = history.view_rows(), history.columns
    changed = trainer.journal[-1].step if trainer.journal else 0
    since = max(0, int(np.searchsorted(rows[:, columns.index("step")], changed, "right")) - 1)
    part = rows[since:]
    measure = measure_of(experiment)
    if len(part) < 2 or f"train_{measure}" not in columns:
        return None

    def column(name: str) -> np.ndarray:
        return part[:, columns.index(name)]

    found = [column(name) for name in ("epoch", "train_loss", "test_loss", f"train_{measure}")]
    start, y = float(rows[0, columns.index("test_loss")]), trainer.data.train.y
    answers = y[y != 0] if experiment.objective.answers_each_step else y
    if not all(np.isfinite(values).all() for values in found) or not start:
        return None
    gradient = trainer.engine.split_by_name(trainer.engine.gradient())
    weights = [values for name, values in gradient.items() if name.endswith("weight")]
    return Evidence(
        experiment,
        *found,
        start=start,
        measure=measure,
        baseline=score_of_constant(measure, answers, answers),
        train_rows=len(y),
        gradients=tuple(float(values.square().mean().sqrt()) for values in weights),
        health=tuple(codes for name, codes in arrays.items() if name.startswith("health/")),
    )
