"""One setting of a recipe, named by its path: read, or replaced by another value. Pure functions.

replace_at(experiment, ("optimizer", "learning_rate"), 0.03)
replace_at(experiment, ("layers", "0", "units"), 8)
"""

from __future__ import annotations

from typing import Any, get_origin

from pydantic.fields import FieldInfo

from dlcore.component import Component
from dlcore.experiment import Experiment
from dlcore.problems import Problem

Path = tuple[str, ...]

OWN_KINDS = ("table", "images", "text")  # data that somebody has brought
SET_OF_OWN = ("samples", "tokens", "length", "size")  # their fields that are set one by one
NOT_SET = ("version", "kind", "journal")  # fields that are never set by themselves


def read_path(path: object) -> Path:
    """The parts of "layers.0.units"; () for anything else than a short text."""
    return tuple(path.split(".")) if isinstance(path, str) and 0 < len(path) < 100 else ()


def value_at(component: Any, path: Path) -> Any:
    """What stands at this path; None if nothing does."""
    for name in path:
        if isinstance(component, tuple):
            component = component[int(name)] if name.isdecimal() and int(name) < len(component) else None
        elif isinstance(component, Component) and name in type(component).model_fields:
            component = getattr(component, name)
        else:
            return None
    return component


def has_input(info: FieldInfo) -> bool:
    """Whether a person sets this field by itself; a list of points is edited on the map."""
    return get_origin(info.annotation) is not tuple


def can_be_set(experiment: Experiment, path: Path) -> bool:
    """Whether the path names a single value of the recipe that a person may set."""
    if not path or path[-1] in NOT_SET:
        return False
    holder = value_at(experiment, path[:-1]) if path[:-1] else experiment
    if not isinstance(holder, Component) or path[-1] not in type(holder).model_fields:
        return False
    if (
        path[0] == "dataset"
        and experiment.dataset.kind in OWN_KINDS
        and path[1:] not in [(name,) for name in SET_OF_OWN]
    ):
        return False  # What is done to own data is chosen on the page Data.
    info = type(holder).model_fields[path[-1]]
    return has_input(info) and path != ("features",) and not isinstance(getattr(holder, path[-1]), Component)


def replace_at(component: Any, path: Path, value: Any) -> Any:
    """The component with another value at this path, checked anew. Raises Problem, with the whole path."""
    name, *rest = path
    if not rest:
        return component.replace(**{name: value})
    child = getattr(component, name)
    try:
        if isinstance(child, tuple):
            changed: Any = _replace_in(child, tuple(rest), value)
        else:
            changed = replace_at(child, tuple(rest), value)
    except Problem as problem:
        raise _further_out(problem, name if not isinstance(child, tuple) else f"{name}.{rest[0]}") from None
    return component.replace(**{name: changed})


def _replace_in(items: tuple[Any, ...], path: Path, value: Any) -> tuple[Any, ...]:
    """The same items, but for another value at this path, whose first part is an index."""
    at, rest = int(path[0]), path[1:]
    if not rest:
        changed = value
    elif isinstance(items[at], tuple):
        changed = _replace_in(items[at], rest, value)
    else:
        changed = replace_at(items[at], rest, value)
    return (*items[:at], changed, *items[at + 1 :])


def _further_out(problem: Problem, name: str) -> Problem:
    """The problem of a part, with the path as the whole has it."""
    if "path" not in problem.values:
        return problem
    return Problem(problem.key, **{**problem.values, "path": f"{name}.{problem.values['path']}"})
