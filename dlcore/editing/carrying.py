"""What stays when another kind is chosen in a menu: SGD to Adam changes the optimizer, and not its learning rate as well.

A field that means the same in both kinds keeps its value, even where the kinds have other defaults. A kind that is chosen again gets
back the values that it had when it was left. Pure functions, and what they remember of one person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic.fields import FieldInfo

from dlcore.component import Component, kind_of, list_fields

Values = dict[str, Any]


@dataclass
class Left:
    """The values with which each kind was left, {(path in the recipe, kind): values}."""

    values: dict[tuple[str, str], Values] = field(default_factory=dict)

    def change_kind(self, path: str, values: Mapping[str, Any], old: type[Component], new: type[Component]) -> Values:
        """Values for the new kind at this path, from those of the old one, which are remembered."""
        self.values[path, kind_of(old)] = dict(values)
        return carry_over(values, old, new, self.values.get((path, kind_of(new)), {}))


def carry_over(
    values: Mapping[str, Any], old: type[Component], new: type[Component], otherwise: Mapping[str, Any] | None = None
) -> Values:
    """Values for a new kind: fields that mean the same in both kinds keep theirs; the others get those of `otherwise`, else defaults."""
    before, after = list_fields(old), list_fields(new)
    usual = {name: plain_default(info) for name, info in after.items()} | dict(otherwise or {})
    return {
        name: values[name] if name in values and _means_the_same(before.get(name), info) else usual[name]
        for name, info in after.items()
    }


def _means_the_same(old: FieldInfo | None, new: FieldInfo) -> bool:
    """Whether the fields have the same bounds, and either the same description or the same default.

    Every optimizer describes its learning rate in the same words. "Epochs" of two schedules have the same bounds and are not the same.
    """
    if old is None or (old.annotation, old.metadata) != (new.annotation, new.metadata):
        return False
    return old.description == new.description or old.default == new.default


def plain_default(info: FieldInfo) -> Any:
    """A field's default as a plain recipe value."""
    if isinstance(info.default, Component):
        return info.default.to_dict()
    return [list(point) for point in info.default] if isinstance(info.default, tuple) else info.default
