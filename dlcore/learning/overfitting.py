"""When a network counts as learning its rows by heart, by its losses alone: what Describe says, and the coach."""

from __future__ import annotations

APART = 0.1  # of the loss at the start: a smaller difference of the two losses may be chance
ABOVE = 1.1  # times the training loss: less is no difference to speak of


def is_apart(train: float, watched: float, start: float) -> bool:
    """Whether the loss of the watched rows is well above that of the training rows; `start` is the former before the first step."""
    return watched - train > APART * abs(start) and watched > ABOVE * train
