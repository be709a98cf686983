"""Several epochs of a trainer in one call of its engine: Python's own work for an epoch would take as long as a tiny network's steps."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from dlcore.experiment import MOST_EPOCHS, Experiment
from dlcore.learning.history import History
from dlcore.learning.judging import Judging
from dlcore.learning.learner import check_finite
from dlcore.learning.snapshot import Scores
from dlcore.learning.stopping import Stopping
from dlcore.learning.supervised import Supervised

_WATCHED_LOSS = 3  # Its place in a row of the history.


class Trained(Protocol):
    """What this needs to know of a trainer, and moves on."""

    experiment: Experiment
    supervised: Supervised
    judging: Judging
    history: History
    stopping: Stopping
    step: int
    epoch: int
    finished: str | None

    @property
    def steps_per_epoch(self) -> int:
        """Updates in an epoch."""
        ...

    def settle(self) -> None:
        """Training ends here."""
        ...


def take_epochs(trainer: Trained, most: float, deadline: float) -> bool:
    """Take at most so many whole epochs, whose rows the history gets; False where nothing was done, as one at a time is better.

    Raises Diverged.
    """
    # Whoever goes back to the best epoch must keep its weights as soon as it ends.
    if trainer.experiment.early_stopping or trainer.experiment.restore_best:
        return False
    taken = trainer.supervised.take_epochs(trainer.epoch, min(most, MOST_EPOCHS - trainer.epoch), deadline)
    if taken is None:
        return False
    made, loss, scores = taken
    count = np.arange(1, len(scores) + 1)
    rows = np.column_stack([trainer.epoch + count, trainer.step + count * trainer.steps_per_epoch, scores])
    trainer.history.extend(rows)
    for epoch, watched in enumerate(rows[:, _WATCHED_LOSS].tolist(), trainer.epoch + 1):
        trainer.stopping = trainer.stopping.after(epoch, watched)
    trainer.step += made
    trainer.epoch += len(scores)
    trainer.judging.forget_scores()
    check_finite(loss, trainer.step)
    trainer.judging.take_over(Scores.from_row(trainer.experiment.objective.columns, rows[-1].tolist()))
    if trainer.epoch >= MOST_EPOCHS:
        trainer.finished = "epoch_limit"
        trainer.settle()
    return True
