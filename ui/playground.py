"""The main area of the playground: a line with the title and the language, what there is to say, the canvas."""

from __future__ import annotations

import functools
from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dlcore.activations import Activation
from dlcore.component import kinds
from dlcore.datasets import Dataset
from dlcore.problems import TEMPLATES, Problem
from ui import acting, live, session
from ui.canvas import STRINGS, network_canvas
from ui.messages import LANGUAGES, escape, sentence, text
from ui.pages import GROUPS
from ui.session import label


def heading(*menus: Callable[[], None]) -> DeltaGenerator:
    """Title, these menus and the language switch; the place for messages below them."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="heading"):
        st.title(label("app.title"), anchor=False, width="stretch")
        for menu in menus:
            menu()
        chosen = session.seed("/language", session.current().language, None)
        st.segmented_control(
            label("app.language"),
            list(LANGUAGES),
            default=chosen,
            format_func=LANGUAGES.__getitem__,
            key=session.widget_key("/language"),
            on_change=choose_language,
            label_visibility="collapsed",
            width="content",
        )
    return st.container(gap="small")


@session.guarded
def choose_language() -> None:
    """Speak it from now on. A second press changes nothing."""
    session.speak(session.held("/language", None) or session.current().language)


@st.fragment
def canvas(token: str) -> None:
    """The live picture of the run. A fragment: a press on it runs the page only where `acting` says so."""
    language = session.current().language
    network_canvas(
        token,
        _strings(language),
        language.replace("_", "-"),
        key=session.CANVAS,
        hidden=hidden_groups(),
        life=session.current().life,
        visit={"server": live.SERVER, "session": session.current().visit},
        answered=session.current().answered,
        on_action=acting.answer_canvas,
    )


@functools.cache
def _strings(language: str) -> dict[str, str]:
    problems = [f"problem.{key}" for key in TEMPLATES]
    families = {"dataset": Dataset, "activation": Activation}
    titles = [f"component.{name}.{kind}.title" for name, family in families.items() for kind in kinds(family)]
    return {key: text(language, key) for key in (*STRINGS, *problems, *titles)}


def hidden_groups() -> str:
    """What the address takes away from the canvas, as its style sheet reads it."""
    wishes = session.current().wishes
    return " ".join(sorted({*wishes.hidden, *(["text"] if wishes.quiet else [])} & {*GROUPS, "text"}))


def say(place: DeltaGenerator, problem: Problem | None) -> None:
    """What is wrong, each in one sentence, above the canvas; what was done on the way, as a passing line.

    What the address has led to stays until something is changed: the script runs several times while a page opens.
    """
    state = session.current()
    if state.arrival is not None and state.arrival[0] != state.experiment:
        state.arrival = None
    arrival = () if state.arrival is None else state.arrival[1]
    problems, notices = [*arrival, *state.problems, *([problem] if problem else [])], state.notices
    state.problems, state.notices = [], []
    state.complained = bool(problems)
    for one in problems:
        place.error(escape(sentence(state.language, one)), icon=":material/error:")
    for notice in notices:
        st.toast(escape(notice), icon=":material/info:", duration="long")
