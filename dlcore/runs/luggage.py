"""Luggage: all of a run that is sent along when it moves to another worker, so that no viewer notices the move.

More than the state kept for a crash: also its version numbers (so that no viewer needs a new layout), its leash and its time line, bit
for bit. The effects of interventions move along, but not what is needed to undo them.
"""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from dlcore.arrays import from_bytes, to_bytes
from dlcore.learning.timeline import Moment
from dlcore.problems import Problem
from dlcore.runs.run import Run
from dlcore.wire import Header

Arrays = dict[str, np.ndarray]

# Fields of a moment that are plain JSON values.
FACTS = ("id", "structure", "step", "epoch", "progress", "value", "rows", "edited")


def pack_run(run: Run, *, gently: bool) -> tuple[Header, bytes]:
    """Header and content for `unpack_run`; an empty header if the run must stay, as it may no longer read its rows, or as a `gently`
    made move would lose something: the rest of an epoch under way, or the means to undo interventions."""
    if gently and (run.finishing_epoch or len(run.interventions)):
        return {}, b""
    try:
        run.learner.recipe.check_readable()
    except Problem:
        return {}, b""
    header, _ = run.kept()
    moments = run.timeline.moments
    recipes = list(dict.fromkeys(moment.packed_recipe for moment in moments))
    header["luggage"] = {
        "numbers": run.numbers,
        "problem": None if run.problem is None else run.problem.to_dict(),
        "recipes": [base64.b64encode(recipe).decode() for recipe in recipes],
        "moments": [_facts(moment) | {"recipe": recipes.index(moment.packed_recipe)} for moment in moments],
    }
    header["luggage"]["names"], arrays = _stacked([run.learner.state(), *(moment.state for moment in moments)])
    return header, to_bytes(arrays)


def unpack_run(run: Run, header: Header, content: bytes) -> None:
    """Bring `run`, a new one of the same recipe, to the state of the packed run."""
    luggage = header["luggage"]
    now, *states = _unstacked(luggage["names"], from_bytes(content), 1 + len(luggage["moments"]))
    recipes = [base64.b64decode(recipe) for recipe in luggage["recipes"]]
    moments = [
        Moment(
            **{name: facts[name] for name in FACTS},
            row=tuple(facts["row"]),
            packed_recipe=recipes[facts["recipe"]],
            state=state,
            made=0.0,  # Counts as made long ago: the other worker's clock means nothing here.
        )
        for state, facts in zip(states, luggage["moments"], strict=True)
    ]
    problem = luggage["problem"] and Problem(luggage["problem"]["key"], **luggage["problem"]["values"])
    run.stand_as(now, moments, luggage["numbers"], header["status"], header["speed"], problem)


def _stacked(states: list[Arrays]) -> tuple[list[str], Arrays]:
    """The states as few large arrays: names, and {"3": all arrays named names[3] of one type and shape, "3/of": for each state that has
    one, its number and the place of its array}. What several states share is written once.

    Written one by one, the more than ten thousand small arrays of all moments would take too long.
    """
    alike: dict[tuple[Any, ...], list[tuple[int, np.ndarray]]] = {}
    for number, state in enumerate(states):
        for name, array in state.items():
            alike.setdefault((name, array.dtype.char, array.shape), []).append((number, array))
    arrays: Arrays = {}
    for place, found in enumerate(alike.values()):
        different = {id(array): array for _, array in found}
        places = {identity: at for at, identity in enumerate(different)}
        arrays[str(place)] = np.array(list(different.values()))
        arrays[f"{place}/of"] = np.array([(number, places[id(array)]) for number, array in found], np.int32)
    return [name for name, *_ in alike], arrays


def _unstacked(names: list[str], arrays: Arrays, count: int) -> list[Arrays]:
    """The states that `_stacked` was given."""
    states: list[Arrays] = [{} for _ in range(count)]
    for place, name in enumerate(names):
        stack = arrays[str(place)]
        found = [stack[row, ...].copy() for row in range(len(stack))]
        for number, at in arrays[f"{place}/of"].tolist():
            states[number][name] = found[at]
    return states


def _facts(moment: Moment) -> dict[str, Any]:
    return {name: getattr(moment, name) for name in FACTS} | {"row": moment.row}
