"""The base of every choice: frozen, bounded, described, JSON.

One choice is one class: a `kind` that names it in the recipe, a `title` for people, a docstring with formula and source, fields with
bounds and description, and one verb (`build`, `sample`, `factor`...). A family is the union on the last line of its file.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema

from dlcore.problems import Problem, clean
from dlcore.strict import without_guessing


class Component(BaseModel):
    """One bounded choice. Two components with equal fields are equal; `replace` validates anew."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        validate_default=True,
        strict=False,
        use_attribute_docstrings=True,
    )

    title: ClassVar[str] = ""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Numbers are numbers and switches are true or false: pydantic by itself also takes true for 1 and "7" for 7."""
        return without_guessing(handler(source))

    def replace(self, **changes: Any) -> Any:
        """A copy with the named fields changed and everything checked anew. Raises Problem."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return validate(type(self), {**values, **changes})

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return self.model_dump(mode="json")


def validate(model: type[BaseModel], values: Any) -> Any:
    """`values` as a `model`, or a Problem that names the first thing that is wrong and where."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise problem_of(error) from None
    except RecursionError:
        raise Problem("wrong_type", path="recipe", expected="a flat recipe", came="endless nesting") from None


def problem_of(error: ValidationError) -> Problem:
    """The first of pydantic's findings as one of our sentences."""
    for finding in error.errors():
        raised = finding.get("ctx", {}).get("error")
        if isinstance(raised, Problem):
            return raised
    # An unknown key is usually a misspelt one: the likeliest cause of what else was found.
    first = min(error.errors(), key=lambda finding: finding["type"] != "extra_forbidden")
    path = clean(_path(first["loc"])).strip() or "recipe"
    context = first.get("ctx", {})
    came = _came(first.get("input"))
    match first["type"]:
        case "extra_forbidden":
            return Problem("unknown_key", path=path)
        case "union_tag_invalid":
            expected = context["expected_tags"].replace("'", "")
            return Problem("unknown_kind", path=f"{path}.kind", came=str(context["tag"]), expected=expected)
        case "union_tag_not_found":
            return Problem("wrong_type", path=path, expected="an object with a 'kind'", came=came)
        case "literal_error" if path == "version":
            return Problem("unknown_version", came=_as_written(first.get("input"), came))
        case "literal_error":
            return Problem("unknown_kind", path=path, came=came, expected=context["expected"].replace("'", ""))
        case "greater_than_equal":
            return Problem("out_of_bounds", path=path, expected=f"at least {context['ge']:g}", came=came)
        case "greater_than":
            return Problem("out_of_bounds", path=path, expected=f"more than {context['gt']:g}", came=came)
        case "less_than_equal":
            return Problem("out_of_bounds", path=path, expected=f"at most {context['le']:g}", came=came)
        case "less_than":
            return Problem("out_of_bounds", path=path, expected=f"less than {context['lt']:g}", came=came)
        case "too_long":
            return Problem("out_of_bounds", path=path, expected=f"at most {context['max_length']} entries", came="more")
        case "too_short":
            return Problem(
                "out_of_bounds", path=path, expected=f"at least {context['min_length']} entries", came="fewer"
            )
        case "missing":
            return Problem("wrong_type", path=path, expected="a value", came="nothing")
        case "finite_number":
            return Problem("wrong_type", path=path, expected="a finite number", came=came)
        case kind:
            expected = _EXPECTED.get(kind.split("_")[0], "another value")
            return Problem("wrong_type", path=path, expected=expected, came=_as_written(first.get("input"), came))


_EXPECTED = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "text",
    "tuple": "a list",
    "list": "a list",
    "model": "an object",
    "dict": "an object",
}


def kinds(union: Any) -> dict[str, type[Component]]:
    """{kind: class} of a family, in the order of the union."""
    alternatives = get_args(union)
    if alternatives and not isinstance(alternatives[0], type):  # Annotated[A | B, Field(...)]
        alternatives = get_args(alternatives[0])
    return {kind_of(cls): cls for cls in alternatives or (union,)}


def list_fields(cls: type[Component]) -> dict[str, FieldInfo]:
    """The fields of a component except its kind."""
    return {name: info for name, info in cls.model_fields.items() if name != "kind"}


def options_of(annotation: Any) -> tuple[Any, ...]:
    """The words that a field may have, if it takes one of a few; () for any other field."""
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def kind_of(component: type[Component]) -> str:
    """The stable name of a class in the recipe."""
    return component.model_fields["kind"].default


def _path(location: tuple[int | str, ...]) -> str:
    # Pydantic adds the chosen kind of a union to the location ("optimizer", "adam", "learning_rate"): people do not write it.
    parts: list[str] = []
    for position, part in enumerate(location):
        previous = location[position - 1] if position else None
        # "step" is a field of the journal's entries, and also the kind of a data set.
        if position > 1 and location[position - 2] == "journal":
            parts.append(str(part))
            continue
        is_kind = (
            isinstance(part, str) and part in _all_kinds() and (isinstance(previous, int) or previous in _UNION_FIELDS)
        )
        if not is_kind:
            parts.append(str(part))
    return ".".join(parts) or "recipe"


_UNION_FIELDS = {
    "dataset",
    "reading",
    "loss",
    "optimizer",
    "schedule",
    "regularizer",
    "activation",
    "initializer",
    "layers",
}


def _all_kinds() -> set[str]:
    found: set[str] = set()
    waiting = list(Component.__subclasses__())
    while waiting:
        cls = waiting.pop()
        waiting.extend(cls.__subclasses__())
        if "kind" in cls.model_fields:
            found.add(kind_of(cls))
    return found


def _as_written(value: Any, came: str) -> str:
    """The value as the recipe's text has it, since its type matters in a message: "7" is not 7."""
    return (
        json.dumps(came, ensure_ascii=False)
        if isinstance(value, str)
        else came.lower()
        if isinstance(value, bool)
        else came
    )


def _came(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, (list, tuple)):
        return "a list"
    return str(value)[:200] if value is not None else "nothing"
