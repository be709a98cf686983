"""The page of somebody for whom there is no room yet: one sentence, one button, and it tries by itself."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from ui import session
from ui.assets import style
from ui.heading import draw_heading
from ui.messages import escape, sentence
from ui.session import label, standing

TRY_EVERY = 15  # seconds


@dataclass
class Waiting:
    """What is remembered of somebody who waits."""

    tries: int = 0  # to get in


def show_waiting_room() -> None:
    """In the place of every page, until a run comes free."""
    st.html(style("waiting.css"))
    draw_heading()
    with st.container(key="waiting", horizontal_alignment="center"):
        st.header(label("waiting.title"), anchor=False, text_alignment="center")
        st.fragment(_knock, run_every=TRY_EVERY)()


def _knock() -> None:
    """Go in if there is room, else say why not."""
    problem = standing.find_refusal()
    if problem is None:
        st.rerun()
    state = session.current()
    memory = state.memory(Waiting)
    memory.tries += 1
    with st.container(horizontal_alignment="center", key="waiting_words"):
        st.markdown(escape(sentence(state.language, problem)), text_alignment="center")
        st.button(label("waiting.try"), icon=":material/refresh:", type="primary", key="knock")
        st.caption(label("waiting.by_itself", seconds=TRY_EVERY, count=memory.tries), text_alignment="center")
