"""The top of every page: a line with title, menus and language, and problems and notices below it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dlcore.problems import Problem
from ui import session
from ui.messages import LANGUAGES, escape, sentence
from ui.session import label, widgets


def draw_heading(*menus: Callable[[], None]) -> DeltaGenerator:
    """Draw title, these menus and the language switch; returns the container for messages below them."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="heading"):
        st.title(label("app.title"), anchor=False, width="stretch")
        for menu in menus:
            menu()
        chosen = widgets.seed("/language", session.current().language, None)
        st.segmented_control(
            label("app.language"),
            list(LANGUAGES),
            default=chosen,
            format_func=LANGUAGES.__getitem__,
            key=widgets.key_of("/language"),
            on_change=choose_language,
            label_visibility="collapsed",
            width="content",
        )
    return st.container(gap="small", key="problems")


@session.guard
def choose_language() -> None:
    """Callback: switch to the chosen language. A press on the present one changes nothing."""
    session.speak(widgets.read("/language", None) or session.current().language)


def say_problems(container: DeltaGenerator, problem: Problem | None) -> None:
    """Show each problem as a sentence in the container, and each notice as a toast.

    Problems with the link that opened the page are shown until the experiment changes, not once: the script runs several times
    while a page opens.
    """
    state = session.current()
    if state.arrival is not None and state.arrival[0] != state.experiment:
        state.arrival = None
    arrival = () if state.arrival is None else state.arrival[1]
    problems, notices = [*arrival, *state.problems, *([problem] if problem else [])], state.notices
    state.problems, state.notices = [], []
    state.complained = bool(problems)
    for one in problems:
        container.error(escape(sentence(state.language, one)), icon=":material/error:")
    for notice in notices:
        st.toast(escape(notice), icon=":material/info:", duration="long")
