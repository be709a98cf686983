"""Changes of the recipe: from the widgets' draft, from a given experiment, from a file, or by editing the list of layers."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import streamlit as st

from dlcore.editing.shaping import LARGEST_SEED
from dlcore.experiment import Experiment
from dlcore.problems import Problem
from ui import live, messages, opening
from ui.session.standing import follow_run, send, stand_on
from ui.session.state import current
from ui.session.widgets import forget, put
from ui.session.words import guard


def submit(draft: dict[str, Any]) -> Problem | None:
    """Send the draft to the run if it is valid and differs from the present experiment; returns the problem of an invalid one."""
    session = current()
    session.draft = draft
    try:
        experiment = Experiment.from_dict(draft)
        if experiment != session.experiment:
            send(experiment, base=session.experiment.to_json(), **_origins_of_draft())
            if session.experiment != experiment:  # The canvas has changed something else: the widgets have to show it.
                st.rerun()
        session.moved = None
    except Problem as problem:
        return problem
    return None


def _origins_of_draft() -> dict[str, Any]:
    session = current()
    fits = session.moved is not None and len(session.moved) == len(session.draft["layers"])
    return {"origins": {"layers": session.moved}} if fits else {}


def take(experiment: Experiment, **more: Any) -> None:
    """Change the run to this experiment at once, see `standing.send`; the widgets show it at their next drawing."""
    send(experiment, **more)
    put(experiment.to_dict())


def load(name: str, content: bytes) -> None:
    """Load a recipe or a checkpoint from a file. Raises Problem, and changes nothing, if the file is not valid."""
    session = current()
    if name.lower().endswith(".json"):
        experiment, told = opening.start_without_journal(Experiment.from_json(content))
        take(experiment, act="recipe")
        if told is not None:
            session.notices.append(messages.sentence(session.language, told))
    else:
        header, _ = live.pool().call(session.token, "load", content)  # type: ignore[arg-type]
        stand_on(session.token, Experiment.from_json(header["recipe"]))  # type: ignore[arg-type]


@guard
def new_seed() -> None:
    """Set a new seed: other data and other initial weights."""
    session = current()
    session.draft = {**session.draft, "seed": (session.draft["seed"] + 1) % LARGEST_SEED}
    forget("seed")


@guard
def edit_layers(edit: Callable[..., None], *arguments: Any) -> None:
    """Change the list of layers by this edit: add, remove or move one."""
    follow_run()  # The canvas may have changed the same list.
    session = current()
    layers = copy.deepcopy(session.draft["layers"])
    before = list(layers)
    origins = session.moved or list(range(len(layers)))
    known = {id(layer): origin for layer, origin in zip(before, origins, strict=True)}
    edit(layers, *arguments)
    session.moved = [known.get(id(layer)) for layer in layers]
    session.draft = {**session.draft, "layers": layers}
    forget("layers.")
