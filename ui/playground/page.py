"""The live canvas of the playground: the network in the middle of the page."""

from __future__ import annotations

import functools
from typing import Any

import streamlit as st

from dlcore.activations import Activation
from dlcore.component import kinds
from dlcore.datasets import Dataset
from dlcore.losses import Loss
from dlcore.problems import TEMPLATES
from ui import gallery, live, session
from ui.canvas import STRINGS, network_canvas
from ui.messages import text
from ui.pages import GROUPS
from ui.playground import acting, mending
from ui.playground.memory import Playing

MOST_NOTICES = 3  # in the status line


@st.fragment
def draw_canvas(token: str) -> None:
    """Draw the canvas of this run. A fragment: what a press asks for is done before the whole page runs again."""
    language = session.current().language
    network_canvas(
        token,
        _collect_strings(language),
        language.replace("_", "-"),
        key=acting.CANVAS,
        hidden=hidden_groups(),
        life=session.current().life,
        visit={"server": live.SERVER, "session": session.current().visit},
        answered=session.current().memory(Playing).answered,
        searching=mending.is_searching(),
        example=gallery.write_question(),
        notices=_take_notices(),
        on_action=acting.answer_canvas,
    )


def _take_notices() -> tuple[dict[str, Any], ...]:
    """The notices for the canvas's status line, the newest last; none of before once something has gone wrong."""
    state = session.current()
    memory = state.memory(Playing)
    before = () if state.problems else memory.notices
    new = [{"number": number, "words": words} for number, words in enumerate(state.notices, start=memory.told + 1)]
    memory.told += len(new)
    state.notices = []
    memory.notices = (*before, *new)[-MOST_NOTICES:]
    return memory.notices


def pass_notices_on() -> None:
    """Draw the canvas again if what came after it has a notice for its status line."""
    if session.current().notices:
        st.rerun()


@functools.cache
def _collect_strings(language: str) -> dict[str, str]:
    problems = [f"problem.{key}" for key in TEMPLATES]
    families = {"dataset": Dataset, "activation": Activation, "loss": Loss}
    titles = [f"component.{name}.{kind}.title" for name, family in families.items() for kind in kinds(family)]
    return {key: text(language, key) for key in (*STRINGS, *problems, *titles)}


def hidden_groups() -> str:
    """The groups of controls that the address hides, by the names that the canvas's style sheet knows."""
    quiet = ["text"] if session.current().wishes.quiet else []
    return " ".join(sorted({*session.find_hidden(), *quiet} & {*GROUPS, "text"}))
