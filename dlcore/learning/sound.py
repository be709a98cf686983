"""Sound moments: those from which it is worth going on once the loss has ceased to be a finite number."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from dlcore.learning.timeline import Moment

# So many times the loss that the network had before the first step: one that is further off has lost all that it learned, and more.
MOST = 10.0
LOSS = 2  # column of a trainer's history with the loss of the training rows


def is_sound(moment: Moment, history: np.ndarray) -> bool:
    """Whether weights and scores of this moment of a trainer are finite, and its loss is not far above the first in its history."""
    weights = (array for name, array in moment.state.items() if name.startswith("tensors/"))
    return (
        all(map(math.isfinite, moment.row))
        and moment.row[LOSS] <= MOST * float(history[0, LOSS])
        and all(np.isfinite(array).all() for array in weights)
    )
