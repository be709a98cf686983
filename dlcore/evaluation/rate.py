"""The job "find_rate": a learning rate that is known to work, as it was tried: with it the loss falls and stays finite.

Judged from the initial weights, or from a moment of a run, for some epochs each; from the present rate on by thirds.
"""

from __future__ import annotations

import math
import time
from typing import Any

from dlcore.arrays import from_bytes
from dlcore.experiment import Experiment
from dlcore.jobs import Answer, Progress
from dlcore.learning.learner import Diverged
from dlcore.learning.trainer import Trainer
from dlcore.problems import Problem

TRIES = 16  # from the present rate down to a ten millionth of it
EPOCHS = 100  # of a try
LOOKS = 5  # at the loss, in a try
SECONDS_A_TRY = 2.0
SECONDS = 20.0


def find_rate(arguments: dict[str, Any], payload: bytes, progress: Progress) -> Answer:
    """{"recipe": its JSON, "then": the recipe of the moment whose state is the payload} -> {"rate", "was", "cause", "epochs"}.

    `cause` says whether the present rate was found not to work. Raises Problem where no rate that was tried does.
    """
    experiment = Experiment.from_json(arguments["recipe"]).without_journal()
    experiment = experiment.replace(early_stopping=0, restore_best=False)
    begin = Trainer(Experiment.from_json(arguments["then"]) if payload else experiment, "cpu")
    if payload:
        begin.restore(from_bytes(payload))
        begin.change(experiment)
    state, present = begin.state(), experiment.optimizer.learning_rate
    deadline = time.monotonic() + SECONDS
    rate = present
    for tried in range(TRIES):
        trainer = Trainer(with_rate(experiment, rate), "cpu", begin.data)
        trainer.restore(state)
        if works(trainer, min(deadline, time.monotonic() + SECONDS_A_TRY)):
            return {"rate": rate, "was": present, "cause": tried > 0, "epochs": trainer.epoch - begin.epoch}, b""
        if time.monotonic() >= deadline:
            break
        progress((tried + 1) / TRIES, {"rate": rate})
        rate = float(f"{present / 3 ** (tried + 1):.2g}")
    raise Problem("no_rate_works", most=f"{present:g}", least=f"{rate:g}")


def with_rate(experiment: Experiment, rate: float) -> Experiment:
    """The recipe with another learning rate."""
    return experiment.replace(optimizer=experiment.optimizer.replace(learning_rate=rate))


def works(trainer: Trainer, deadline: float) -> bool:
    """Train until the deadline, or for EPOCHS; whether the loss of the training rows stays finite and is lower in the end."""
    first, begun = trainer.scores().train["loss"], trainer.epoch
    loss = first
    try:
        for look in range(1, LOOKS + 1):
            while trainer.finished is None and trainer.epoch < begun + EPOCHS * look // LOOKS:
                trainer.advance(deadline=deadline)
                if time.monotonic() >= deadline:
                    break
            loss = trainer.scores().train["loss"]
            if not math.isfinite(loss):
                return False
    except Diverged:
        return False
    return loss < first
