"""Two changes of the same recipe, made at the same time in two places, as one recipe that has both."""

from __future__ import annotations

from dlcore.recipe import Recipe


def merge(base: Recipe, changed: Recipe, present: Recipe) -> Recipe:
    """`present` with the fields in which `changed` differs from `base`, of which both were made. Raises Problem if that is no recipe.

    A field of the recipe is the unit: of two changes of the layers the later one wins.
    """
    if present == base or type(present) is not type(changed) or type(base) is not type(changed):
        return changed
    names = type(changed).model_fields
    differing = {name: new for name in names if (new := getattr(changed, name)) != getattr(base, name)}
    return present.replace(**differing)
