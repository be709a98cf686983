"""Luggage: all of a run that is sent along when it moves to another worker, so that no viewer notices the move.

More than the state kept for a crash: also its version numbers (so that no viewer needs a new layout), its leash, its time line and its
acts with the networks of then, bit for bit. What is left behind: the moments that only an act still held, which undo would bring back.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

import numpy as np

from dlcore.arrays import from_bytes, to_bytes
from dlcore.learning.acts import Act, Standing, owner_of
from dlcore.learning.timeline import Moment
from dlcore.problems import Problem
from dlcore.runs.run import Run
from dlcore.wire import Header

Arrays = dict[str, np.ndarray]

# Fields of a moment that are plain JSON values.
FACTS = ("id", "structure", "step", "epoch", "progress", "value", "rows", "edited")
ACT_FACTS = ("kind", "step", "epoch", "target", "id")  # Of an act; the series that it began ends with the move.
STANDING_FACTS = ("structure", "step", "epoch", "spacing", "diverged")


def pack_run(run: Run, *, gently: bool) -> tuple[Header, bytes]:
    """Header and content for `unpack_run`; an empty header if the run must stay, as it may no longer read its rows, or as a `gently`
    made move would lose the rest of an epoch under way."""
    if gently and run.finishing_epoch:
        return {}, b""
    try:
        run.learner.recipe.check_readable()
    except Problem:
        return {}, b""
    header, _ = run.kept()
    moments, standings = run.timeline.moments, run.acts.standings
    recipes = list(dict.fromkeys(kept.packed_recipe for kept in (*moments, *standings) if kept is not None))
    histories = _longest_histories(standings)
    header["luggage"] = {
        "numbers": _numbers(run),
        "problem": _tell(run.problem),
        "recipes": [base64.b64encode(recipe).decode() for recipe in recipes],
        "moments": [_facts(moment) | {"recipe": recipes.index(moment.packed_recipe)} for moment in moments],
        "acts": [{name: getattr(act, name) for name in ACT_FACTS} for act in run.acts.acts],
        "standings": [_stood(standing, recipes, list(histories), moments) for standing in standings],
        "histories": len(histories),
    }
    states = [standing.state for standing in standings if standing is not None and standing.state is not None]
    states = [run.learner.state(), *(moment.state for moment in moments), *states]
    header["luggage"]["names"], arrays = _stack([*states, *({"history": rows} for rows in histories.values())])
    return header, to_bytes(arrays)


def unpack_run(run: Run, header: Header, content: bytes) -> None:
    """Bring `run`, a new one of the same recipe, to the state of the packed run."""
    luggage = header["luggage"]
    bare = sum(stood is not None and stood["history"] is not None for stood in luggage["standings"])
    count = 1 + len(luggage["moments"]) + bare + luggage["histories"]
    now, *states = _unstack(luggage["names"], from_bytes(content), count)
    recipes = [base64.b64decode(recipe) for recipe in luggage["recipes"]]
    moments = [
        Moment(
            **{name: facts[name] for name in FACTS},
            row=tuple(facts["row"]),
            packed_recipe=recipes[facts["recipe"]],
            state=states.pop(0),
            made=0.0,  # Counts as made long ago: the other worker's clock means nothing here.
        )
        for facts in luggage["moments"]
    ]
    histories = [state["history"] for state in states[bare:]]
    standings = [stood and _standing(stood, recipes, states, histories, moments) for stood in luggage["standings"]]
    problem, numbers = _problem(luggage["problem"]), luggage["numbers"]
    run.learner.restore(now)
    run.stand_elsewhere()
    run.timeline.adopt(moments, numbers["timeline"])
    run.acts.adopt([Act(**facts) for facts in luggage["acts"]], standings, numbers["acts"])
    run.history_since, run.next_moment.epoch = numbers["history_since"], numbers["keep_epoch"]
    run.editor.recall(header["editor"])
    run.leash, run.structure = numbers["leash"], numbers["structure"]
    run.set_speed(header["speed"])
    run.status, run.problem = run.learner.finished or header["status"], problem
    run.version = numbers["version"] + 1


def _numbers(run: Run) -> dict[str, Any]:
    """The version numbers by which viewers know what they have of this run, and its leash."""
    return {
        "version": run.version,
        "structure": run.structure,
        "history_since": run.history_since,
        "keep_epoch": run.next_moment.epoch,
        "leash": run.leash,
        "timeline": run.timeline.numbers,
        "acts": run.acts.version,
    }


# Acts: their histories are beginnings of a few long ones, of which each is packed once.


def _longest_histories(standings: Iterable[Standing | None]) -> dict[int, np.ndarray]:
    """By the identity of the array that they are views of, the longest history of each."""
    longest: dict[int, np.ndarray] = {}
    for standing in standings:
        if standing is not None and standing.history is not None:
            key = id(owner_of(standing.history))
            if key not in longest or len(longest[key]) < len(standing.history):
                longest[key] = standing.history
    return longest


def _stood(
    standing: Standing | None, recipes: list[bytes], histories: list[int], moments: tuple[Moment, ...]
) -> dict[str, Any] | None:
    if standing is None:
        return None
    rows, there = standing.history, {moment.id for moment in moments}
    return {name: getattr(standing, name) for name in STANDING_FACTS} | {
        "recipe": recipes.index(standing.packed_recipe),
        "history": None if rows is None else [histories.index(id(owner_of(rows))), len(rows)],
        "moments": [moment.id for moment in standing.moments if moment.id in there],
        "problem": _tell(standing.problem),
    }


def _standing(
    stood: dict[str, Any],
    recipes: list[bytes],
    states: list[Arrays],
    histories: list[np.ndarray],
    moments: list[Moment],
) -> Standing:
    """A packed standing; takes its state, the first of `states`, away."""
    known, history = {moment.id: moment for moment in moments}, stood["history"]
    return Standing(
        **{name: stood[name] for name in STANDING_FACTS},
        packed_recipe=recipes[stood["recipe"]],
        state=None if history is None else states.pop(0),
        history=None if history is None else histories[history[0]][: history[1]],
        moments=tuple(known[identifier] for identifier in stood["moments"]),
        problem=_problem(stood["problem"]),
    )


def _tell(problem: Problem | None) -> dict[str, Any] | None:
    return None if problem is None else problem.to_dict()


def _problem(told: dict[str, Any] | None) -> Problem | None:
    return None if told is None else Problem(told["key"], **told["values"])


def _stack(states: list[Arrays]) -> tuple[list[str], Arrays]:
    """The states as few large arrays: names, and {"3": all arrays named names[3] of one type and shape, "3/of": for each state that has
    one, its number and the index of its array}. What several states share is written once.

    Written one by one, the more than ten thousand small arrays of all moments would take too long.
    """
    alike: dict[tuple[Any, ...], list[tuple[int, np.ndarray]]] = {}
    for number, state in enumerate(states):
        for name, array in state.items():
            alike.setdefault((name, array.dtype.char, array.shape), []).append((number, array))
    arrays: Arrays = {}
    for key, found in enumerate(alike.values()):
        different = {id(array): array for _, array in found}
        indices = {identity: at for at, identity in enumerate(different)}
        arrays[str(key)] = np.array(list(different.values()))
        arrays[f"{key}/of"] = np.array([(number, indices[id(array)]) for number, array in found], np.int32)
    return [name for name, *_ in alike], arrays


def _unstack(names: list[str], arrays: Arrays, count: int) -> list[Arrays]:
    """The states that `_stack` was given."""
    states: list[Arrays] = [{} for _ in range(count)]
    for key, name in enumerate(names):
        stack = arrays[str(key)]
        found = [stack[row, ...].copy() for row in range(len(stack))]
        for number, at in arrays[f"{key}/of"].tolist():
            states[number][name] = found[at]
    return states


def _facts(moment: Moment) -> dict[str, Any]:
    return {name: getattr(moment, name) for name in FACTS} | {"row": moment.row}
