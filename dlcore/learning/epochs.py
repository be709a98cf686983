"""Several epochs of a trainer in one call of its engine: Python's own work for an epoch would take as long as a tiny network's steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dlcore.experiment import MOST_EPOCHS
from dlcore.learning.learner import check_finite
from dlcore.learning.snapshot import Scores

if TYPE_CHECKING:
    from dlcore.learning.trainer import Trainer

_WATCHED_LOSS = 3  # Its place in a row of the history.


def take_epochs(trainer: Trainer, most: float, deadline: float) -> bool:
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
