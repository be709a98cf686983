"""The live canvas of the playground: the network in the middle of the page."""

from __future__ import annotations

import functools

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
        on_action=acting.answer_canvas,
    )


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
