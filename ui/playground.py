"""The main area of the playground: a line with the title and the language, what there is to say, the canvas."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dlcore.component import kinds
from dlcore.datasets import Dataset
from dlcore.problems import TEMPLATES, Problem
from ui import session
from ui.canvas import STRINGS, network_canvas
from ui.messages import LANGUAGES, escape, sentence
from ui.session import label, t


def heading() -> DeltaGenerator:
    """Title and language switch; the place for messages below them."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", key="heading"):
        st.markdown(f"#### {label('app.title')}", width="content")
        session.seed("/language", session.current().language, None)
        st.segmented_control(
            label("app.language"),
            list(LANGUAGES),
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


def canvas(token: str) -> None:
    """The live picture of the run."""
    language = session.current().language
    problems = [f"problem.{key}" for key in TEMPLATES]
    titles = [f"component.dataset.{kind}.title" for kind in kinds(Dataset)]
    strings = {key: t(key) for key in (*STRINGS, *problems, *titles)}
    network_canvas(
        token,
        strings,
        language.replace("_", "-"),
        key=session.CANVAS,
        on_action=session.answer_canvas,
    )


def say(place: DeltaGenerator, problem: Problem | None) -> None:
    """What is wrong, each in one sentence, above the canvas; what was done on the way, as a passing line."""
    state = session.current()
    problems, notices = [*state.problems, *([problem] if problem else [])], state.notices
    state.problems, state.notices = [], []
    for one in problems:
        place.error(escape(sentence(state.language, one)), icon=":material/error:")
    for notice in notices:
        st.toast(escape(notice), icon=":material/info:", duration="long")
