"""How long a run will hold its worker up at one go, guessed from its sizes before it does.

The guess only decides where a run begins; what it really takes is measured, and moves it either way (see moving.py).
"""

from __future__ import annotations

from dlcore.experiment import Experiment

HEAVY = 0.1  # Seconds of computing that nobody may hold the others up for.
OPERATIONS_A_SECOND = 8e10  # Of one core in large matrix products: 79 to 113 thousand million were measured.
POINTS = 100 * 100  # That the output is drawn at, and every neuron on the way to it.
FORWARD = 2  # operations for each parameter and row


def longest_act(experiment: Experiment) -> float:
    """Seconds of one core for its longest act: a picture, for which all rows are judged too.

    A step costs three times as much a row, but has so few of them that it is never longer.
    """
    return FORWARD * (POINTS + experiment.dataset.rows) * experiment.num_parameters / OPERATIONS_A_SECOND
