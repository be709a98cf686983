"""Two changes of the same recipe, made at the same time in two places, as one recipe that has both."""

from __future__ import annotations

from typing import Any, TypeVar

from dlcore.component import Component
from dlcore.recipe import Recipe

Kind = TypeVar("Kind", bound=Recipe)


def merge(base: Kind, changed: Kind, present: Kind) -> Kind:
    """`present` with what `changed` changed of `base`, of which both were made. Raises Problem if that is no recipe.

    Of two changes of the same field the later one, `changed`, wins. Layers are merged one by one; where one of the changes added or
    removed some, those of `present` stay, as nobody can tell which of them the other change was about.
    """
    return _merge(base, changed, present)


def _merge(base: Any, changed: Any, present: Any) -> Any:
    if changed == base or present == base:
        return present if changed == base else changed
    if all(map(_is_list_of_components, (base, changed, present))):
        alike = len(base) == len(changed) == len(present)
        return tuple(map(_merge, base, changed, present)) if alike else present
    if not isinstance(changed, Component) or not type(base) is type(changed) is type(present):
        return changed
    names = type(changed).model_fields
    return present.replace(
        **{name: _merge(*(getattr(one, name) for one in (base, changed, present))) for name in names}
    )


def _is_list_of_components(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(one, Component) for one in value)
