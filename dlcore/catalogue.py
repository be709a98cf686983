"""What there is to choose from, as JSON: every family, its kinds, their fields with bounds and help; and the recipe's JSON Schema.

Both are read off the classes. Imports no torch.
"""

from __future__ import annotations

import inspect
from typing import Any, get_args

from pydantic import BaseModel

from dlcore.activations import Activation
from dlcore.component import Component, kinds
from dlcore.datasets import Dataset
from dlcore.experiment import Experiment
from dlcore.initializers import Initializer
from dlcore.layers import Layer
from dlcore.losses import Loss
from dlcore.metrics import Metric
from dlcore.optimizers import Optimizer
from dlcore.regularizers import Regularizer
from dlcore.schedules import Schedule

FAMILIES: dict[str, Any] = {
    "dataset": Dataset,
    "layer": Layer,
    "activation": Activation,
    "initializer": Initializer,
    "loss": Loss,
    "metric": Metric,
    "optimizer": Optimizer,
    "schedule": Schedule,
    "regularizer": Regularizer,
}


def catalogue() -> dict[str, dict[str, Any]]:
    """{family: {kind: {"title", "help", "fields": {name: {"type", "default", bounds, "help"}}}}}; "recipe" holds the recipe itself."""
    families = {
        family: {kind: _describe(cls) for kind, cls in kinds(union).items()} for family, union in FAMILIES.items()
    }
    return {"recipe": {"experiment": {**_describe(Experiment), "title": "Recipe"}}, **families}


def schema() -> dict[str, Any]:
    """The recipe's JSON Schema (draft 2020-12)."""
    described = Experiment.model_json_schema()
    for definition in described["$defs"].values():
        if "kind" in definition.get("properties", {}):
            definition["required"] = ["kind"]  # Without it the member of the family is unknown.
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **described, "title": "Recipe"}


def _describe(cls: type[Component]) -> dict[str, Any]:
    schema = cls.model_json_schema()
    # Of a component that may hold its like, it stands among the definitions.
    properties = (schema if "properties" in schema else schema["$defs"][cls.__name__])["properties"]
    fields = {name: _field(cls, name, properties[name]) for name in cls.model_fields if name not in ("kind", "version")}
    return {"title": cls.title, "help": inspect.getdoc(cls) or "", "fields": fields}


def _field(cls: type[Component], name: str, described: dict[str, Any]) -> dict[str, Any]:
    """Type, default, bounds (under JSON Schema's names) and help of one field."""
    default = cls.model_fields[name].default
    family = _family(cls.model_fields[name].annotation)
    # A field that may be left out says what it is otherwise; one that names no type is a component.
    alternatives = described.get("anyOf") or [{"type": "array"}]
    field: dict[str, Any] = {"type": described.get("type", alternatives[0].get("type", "object"))}
    if family:
        field = {"type": "family", "family": family, "list": isinstance(default, tuple)}
    field["default"] = _plain(default)
    for alternative in (described, *described.get("anyOf", ())):
        field |= {bound: alternative[bound] for bound in _BOUNDS if bound in alternative and not family}
        if choices := alternative.get("enum") or alternative.get("items", {}).get("enum"):
            field["choices"] = choices
    return {**field, "help": described.get("description", "")}


_BOUNDS = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "maxItems")


def _family(annotation: Any) -> str | None:
    """The family that a field takes its value, or the entries of its list, from."""
    names = {cls: family for family, union in FAMILIES.items() for cls in kinds(union).values()}
    waiting = [annotation]
    while waiting:
        part = waiting.pop()
        if isinstance(part, type) and part in names:
            return names[part]
        waiting += get_args(part)
    return None


def _plain(default: Any) -> Any:
    if isinstance(default, tuple):
        return [_plain(entry) for entry in default]
    return default.model_dump(mode="json") if isinstance(default, BaseModel) else default
