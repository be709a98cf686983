"""Heavy runs: those that keep their worker busy for so long at a time that other runs have to wait noticeably.

Whether a run is heavy is estimated from its sizes, before it starts. It is measured too, but a measurement counts only if the
estimate is within a factor DOUBT of HEAVY: on a busy machine measurements are too large (a first picture of 15 ms was measured at
400), and any run would be called heavy at some time and sent to wait among the heavy ones.
"""

from __future__ import annotations

from dlcore.recipe import Recipe

HEAVY = 0.1  # Seconds of computing at a time that make a run heavy.
# How many times longer than estimated a run's longest computation may take: 1 to 3 measured on a free machine.
DOUBT = 4.0
OPERATIONS_A_SECOND = 8e10  # Of one core in large matrix products: 79 to 113 billion were measured.


def longest_act(recipe: Recipe) -> float:
    """Estimated seconds, on one core, of the longest computation that a run of this recipe does at a time."""
    return recipe.most_operations / OPERATIONS_A_SECOND


def is_heavy(recipe: Recipe) -> bool:
    """Whether a run of this recipe is heavy by its estimate."""
    return longest_act(recipe) > HEAVY


def may_be_heavy(recipe: Recipe) -> bool:
    """Whether to believe a measurement that calls a run of this recipe heavy."""
    return longest_act(recipe) * DOUBT > HEAVY
