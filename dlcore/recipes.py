"""The union of recipes, told apart by their field `learning`. Without it learning is supervised, for which it is never written."""

from __future__ import annotations

from typing import Any

from dlcore.experiment import Experiment
from dlcore.recipe import Recipe, values_of_json

SUPERVISED = "supervised"
#: By the value of `learning`; a further kind of learning has a line here, and one in runs/kinds.py.
RECIPES: dict[str, type[Recipe]] = {SUPERVISED: Experiment}


def learning_of(recipe: Recipe) -> str:
    """The kind of learning of a recipe."""
    return getattr(recipe, "learning", SUPERVISED)


def recipe_from_dict(values: Any) -> Recipe:
    """Check plain JSON values. Raises Problem with the path of what is wrong, as for any unknown key where `learning` names no kind."""
    learning = values.get("learning") if isinstance(values, dict) else None
    kind = RECIPES.get(learning) if isinstance(learning, str) else None
    return (kind or Experiment).from_dict(values)


def recipe_from_json(text: str | bytes) -> Recipe:
    """Check a recipe's text. Raises Problem."""
    return recipe_from_dict(values_of_json(text, max(kind.longest for kind in RECIPES.values())))
