"""How long a run will hold its worker up at one go, guessed from its sizes before it does.

The sizes decide where a run lives. What it really takes is measured too, but counts only where the guess is within DOUBT of it:
the clock of a thread runs on while the machine is busy elsewhere (a first picture of 15 ms was measured at 400), and where
two cores are shared by many, each run would be found heavy one day and sent to wait among the heavy ones.
"""

from __future__ import annotations

from dlcore.recipe import Recipe

HEAVY = 0.1  # Seconds of computing that nobody may hold the others up for.
DOUBT = (
    4.0  # So many times longer than guessed the longest act of a run may be: 1 to 3 were measured, on a quiet machine.
)
OPERATIONS_A_SECOND = 8e10  # Of one core in large matrix products: 79 to 113 thousand million were measured.


def longest_act(recipe: Recipe) -> float:
    """Seconds of one core for the longest thing that a run of this recipe does at one go."""
    return recipe.most_operations / OPERATIONS_A_SECOND


def is_heavy(recipe: Recipe) -> bool:
    """Whether it will hold others up, by its sizes alone."""
    return longest_act(recipe) > HEAVY


def may_be_heavy(recipe: Recipe) -> bool:
    """Whether to believe it when it is measured to hold others up."""
    return longest_act(recipe) * DOUBT > HEAVY
