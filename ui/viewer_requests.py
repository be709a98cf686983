"""Checks a viewer's messages on the live channel: commands, and requests for the next frame."""

from __future__ import annotations

import json
import re
from typing import Any

COMMANDS = ("play", "pause", "step", "epoch", "reset", "speed", "device", "leash", "undo", "redo", "recover")
TO_A_NUMBER = ("rewind", "jump")  # Commands that name a moment or an act by its id.
ADDRESSED = ("set", "freeze", "silence")  # Commands that name a layer, a unit or a weight.
ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3})*")  # of a stage
LONGEST_ADDRESS = 60  # characters
LONGEST_MESSAGE = 4096  # characters


def read_request(text: str | None) -> dict[str, Any] | None:
    """A viewer's message, if it is a valid one, else None."""
    if text is None or len(text) > LONGEST_MESSAGE:
        return None
    try:
        request = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(request, dict):
        return None
    do, value = request.get("do"), request.get("value")
    match request.get("type"):
        case "command" if do in ADDRESSED:
            return request if _is_intervention(value) else None
        case "command" if do in TO_A_NUMBER:
            return request if _is_count(value) else None
        case "command" if do == "edit":  # What it names and says is checked where the recipe is.
            return request if isinstance(value, dict) else None
        case "command" if do in COMMANDS:
            return request if _is_scalar(value) else None
        case "ready":
            return _ready(request)
    return None


def _ready(request: dict[str, Any]) -> dict[str, Any] | None:
    held = {name: request.get(name) for name in ("version", "structure", "history", "moments", "recipe", "frame")}
    held["history"] = request.get("history", 0)  # null: no rows are wanted now.
    switches = {name: request.get(name, False) for name in ("now", "slim")}
    wants = request.get("wants")
    if not all(value is None or _is_count(value) for value in held.values()):
        return None
    if not all(type(value) is bool for value in switches.values()) or (wants is not None and not _are_wants(wants)):
        return None
    return {"type": "ready", **held, **switches, "wants": wants}


def _are_wants(wants: object) -> bool:
    """Whether this can be a request for parts of a frame, all optional: what is wanted beside the usual, of which moment."""
    if not isinstance(wants, dict):
        return False
    switches = (wants.get("gradients", False), wants.get("histograms", False))
    probe, example, kernel, moment = (wants.get(name) for name in ("probe", "example", "kernel", "moment"))
    named = all(one is None or _is_row(one) for one in (probe, example)) and (kernel is None or _is_unit(kernel))
    return all(type(switch) is bool for switch in switches) and named and (moment is None or _is_count(moment))


def _is_row(value: object) -> bool:
    """Whether this can name a row of the data."""
    return isinstance(value, dict) and value.get("split") in ("train", "test") and _is_count(value.get("row"))


def _is_unit(value: object) -> bool:
    """Whether this can name a unit."""
    return isinstance(value, dict) and _is_address(value.get("address")) and _is_count(value.get("unit"))


def _is_intervention(value: object) -> bool:
    """Whether this can be an intervention at a weight, a unit or a layer; the worker checks that these exist."""
    if not isinstance(value, dict) or not all(_is_scalar(part) for part in value.values()):
        return False
    source, on = value.get("input"), value.get("on", False)
    return (
        _is_count(value.get("structure"))
        and _is_address(value.get("address"))
        and (value.get("unit") is None or _is_count(value["unit"]))
        and (source is None or source == "bias" or _is_count(source))
        and type(on) is bool
    )


def _is_address(value: object) -> bool:
    """Whether this has the form of a stage's address, as "2" or "2.0.1"."""
    return isinstance(value, str) and len(value) <= LONGEST_ADDRESS and ADDRESS.fullmatch(value) is not None


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**53


def _is_scalar(value: object) -> bool:
    return isinstance(value, (str, int, float, type(None)))
