"""A number is a number and a switch is true or false: pydantic by itself also takes true for 1, and "7" for 7.

Its own strict mode would refuse a list where a tuple is meant, and 7.0 for 7; JSON has one kind of number, and some programs write it so.
"""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

from pydantic_core import PydanticKnownError
from pydantic_core.core_schema import no_info_before_validator_function


def without_guessing(schema: Any) -> Any:
    """The same schema where no number or switch is made of another kind of value."""
    if type(schema) in (list, tuple):
        return type(schema)(without_guessing(each) for each in schema)
    if not isinstance(schema, dict) or schema.get("strict"):
        return schema
    found = {key: without_guessing(value) for key, value in schema.items()}
    match found.get("type"):
        case "bool":
            return {**found, "strict": True}
        case "int":
            return no_info_before_validator_function(_whole, {**found, "strict": True})  # type: ignore[arg-type]
        case "float":
            return no_info_before_validator_function(_number, {**found, "strict": True})  # type: ignore[arg-type]
        case "literal" if any(isinstance(one, int) for one in found["expected"]):
            return no_info_before_validator_function(_no_switch, found)  # type: ignore[arg-type]
    return found


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return int(value) if isinstance(value, Integral) and not isinstance(value, bool) else value


def _number(value: Any) -> Any:
    if isinstance(value, (int, float)):
        return value
    return float(value) if isinstance(value, Real) else value  # NumPy's


def _no_switch(value: Any) -> Any:
    if isinstance(value, bool):
        raise PydanticKnownError("literal_error", {"expected": "another value"})
    return value
