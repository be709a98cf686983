"""How long a run will hold its worker up at one go, guessed from its sizes before it does.

The sizes decide where a run lives. What it really takes is measured too, but counts only where the guess is within DOUBT of it:
the clock of a thread runs on while the machine is busy elsewhere (a first picture of 15 ms was measured at 400), and where
two cores are shared by many, each run would be found heavy one day and sent to wait among the heavy ones.
"""

from __future__ import annotations

from dlcore.experiment import Experiment

HEAVY = 0.1  # Seconds of computing that nobody may hold the others up for.
DOUBT = (
    4.0  # So many times longer than guessed the longest act of a run may be: 1 to 3 were measured, on a quiet machine.
)
OPERATIONS_A_SECOND = 8e10  # Of one core in large matrix products: 79 to 113 thousand million were measured.
POINTS = 100 * 100  # That the output is drawn at, and every neuron on the way to it.
FORWARD = 2  # operations for each parameter and row


def longest_act(experiment: Experiment) -> float:
    """Seconds of one core for its longest act: a picture, for which all rows are judged too.

    A step costs three times as much a row, but has so few of them that it is never longer.
    """
    return FORWARD * (POINTS + experiment.dataset.rows) * experiment.num_parameters / OPERATIONS_A_SECOND


def is_heavy(experiment: Experiment) -> bool:
    """Whether it will hold others up, by its sizes alone."""
    return longest_act(experiment) > HEAVY


def may_be_heavy(experiment: Experiment) -> bool:
    """Whether to believe it when it is measured to hold others up."""
    return longest_act(experiment) * DOUBT > HEAVY
