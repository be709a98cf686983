"""Luggage: all that a run takes along when it goes on in another worker, so that nobody sees that it has moved.

More than what is kept of it for a bad day: its numbers (no viewer needs a new layout), its leash and its time line go
along, bit for bit. What a hand did stays done, but can no longer be taken back there.
"""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from dlcore.arrays import from_bytes, to_bytes
from dlcore.learning.snapshot import Scores
from dlcore.learning.timeline import Moment
from dlcore.problems import Problem
from dlcore.runs.run import Run
from dlcore.wire import Header

# What else of a moment is plain.
FACTS = ("id", "structure", "step", "epoch", "progress", "learning_rate", "rows", "edited")


def pack_run(run: Run, *, gently: bool) -> tuple[Header, bytes]:
    """What `unpack_run` takes; {} when it has to stay: it trains on rows that it would not get again, or has something to lose and
    is to be moved gently."""
    if gently and (run.finishing_epoch or len(run.interventions)):
        return {}, b""
    try:
        run.trainer.experiment.dataset.check_readable()
    except Problem:
        return {}, b""
    header, _ = run.kept()
    moments = run.timeline.moments
    recipes = list(dict.fromkeys(moment.recipe for moment in moments))
    header["luggage"] = {
        "numbers": run.numbers,
        "problem": None if run.problem is None else run.problem.to_dict(),
        "recipes": [base64.b64encode(recipe).decode() for recipe in recipes],
        "moments": [_facts(moment) | {"recipe": recipes.index(moment.recipe)} for moment in moments],
    }
    arrays = {f"now/{name}": array for name, array in run.trainer.state().items()}
    for index, moment in enumerate(moments):
        arrays |= {f"{index}/{name}": array for name, array in moment.state.items()}
    return header, to_bytes(arrays)


def unpack_run(run: Run, header: Header, content: bytes) -> None:
    """Stand where the packed run stood; `run` is a new one of the same recipe."""
    luggage = header["luggage"]
    states: dict[str, dict[str, np.ndarray]] = {}
    for name, array in from_bytes(content).items():
        whose, _, name = name.partition("/")
        states.setdefault(whose, {})[name] = array
    recipes = [base64.b64decode(recipe) for recipe in luggage["recipes"]]
    moments = [
        Moment(
            **{name: facts[name] for name in FACTS},
            recipe=recipes[facts["recipe"]],
            scores=Scores.from_dict(facts["scores"]),
            state=states[str(index)],
            made=0.0,  # Long ago, on this machine's clock.
        )
        for index, facts in enumerate(luggage["moments"])
    ]
    problem = luggage["problem"] and Problem(luggage["problem"]["key"], **luggage["problem"]["values"])
    run.stand_as(states["now"], moments, luggage["numbers"], header["status"], header["speed"], problem)


def _facts(moment: Moment) -> dict[str, Any]:
    return {name: getattr(moment, name) for name in FACTS} | {"scores": moment.scores.to_dict()}
