"""What `python -m dlcore table` says of a file: how it was read, what was found and guessed in it, and what was left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dlcore.problems import Problem

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "blank"}
SIGNS = {".": "point", ",": "comma"}
QUOTES = {'"': "double", "'": "single"}
USABLE = ("number", "category", "date")

Part = dict[str, Any]


def summarise(profile: Part, part: Part, num_inputs: int) -> Iterator[Problem]:
    """Sentences about a profile, and about the recipe's part that was made of it."""
    yield _describe_form(part["reading"])
    yield Problem("table_size", rows=profile["rows"], columns=len(profile["columns"]))
    for found in profile["findings"]:
        yield Problem(found["key"], **found["values"])
    columns = [part["text"]] if part["kind"] == "text" else [column["name"] for column in part["columns"]]
    for column in profile["columns"]:
        if column["name"] != part["target"]:
            yield _describe_input(column) if column["name"] in columns else _list_left_out(column)
    if not part["classes"]:
        yield Problem("table_target_number", target=part["target"])
    else:
        yield Problem("table_target_classes", target=part["target"], count=len(part["classes"]))
        for one in profile["classes"]:
            yield Problem("table_class", name=one["name"], rows=one["rows"])
    if part["kind"] == "text":
        yield Problem(f"table_{part['tokens']}", column=part["text"], length=part["length"], size=part["size"])
    yield Problem("table_made", rows=part["rows"], columns=len(columns), inputs=num_inputs)


def _describe_form(reading: Part) -> Problem:
    """How the cells were found."""
    words = {"separator": SEPARATORS, "decimal": SIGNS, "quote": QUOTES}
    values = {name: words[name][value] if name in words else value for name, value in reading.items() if name != "kind"}
    return Problem(f"table_read_{reading['kind']}", **values)


def _describe_input(column: Part) -> Problem:
    facts = {"kind": column["kind"], "distinct": column["distinct"], "missing": column["missing"]}
    return Problem("table_input", column=column["name"], **facts)


def _list_left_out(column: Part) -> Problem:
    if column["distinct"] < 2:
        return Problem("table_left_out_constant", column=column["name"], distinct=column["distinct"])
    if column["kind"] not in USABLE:
        return Problem("table_left_out_kind", column=column["name"], kind=column["kind"])
    return Problem("table_left_out_asked", column=column["name"])
