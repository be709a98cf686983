"""The page shown while the server has no room for another run: one sentence, one button, and it tries again by itself."""

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
    """What the page remembers of a person who waits."""

    tries: int = 0  # so far, to get a run


def show_waiting_room() -> None:
    """Draw this page in place of any other, until there is room for a run."""
    st.html(style("waiting.css"))
    draw_heading()
    with st.container(key="waiting", horizontal_alignment="center"):
        st.header(label("waiting.title"), anchor=False, text_alignment="center")
        st.fragment(_knock, run_every=TRY_EVERY)()


def _knock() -> None:
    """Reload the page if there is room for a run now, else show why not."""
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
