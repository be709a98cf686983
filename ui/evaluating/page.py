"""The frame of the page Evaluate: the moment it evaluates, the choice of a section, and a sentence if a section cannot be drawn."""

from __future__ import annotations

import streamlit as st

from dlcore.problems import Problem
from ui import live, session
from ui.evaluating.asking import judge_again, judging, moment, run_now
from ui.evaluating.sections import SECTIONS
from ui.messages import escape, sentence
from ui.session import label, widgets

CHOICE = "/section"
ADDRESS = "section"  # the parameter of the page's address that names the open section


def draw_evaluation() -> None:
    """Draw the whole page: the moment, the choice of a section, and the open section."""
    opened = widgets.read(CHOICE, None) is None
    chosen = _find_section()
    try:
        live.desks().wake()
        if opened:
            judge_again()  # The page was just opened: evaluate the run as it is now.
        _draw_moment()
        chosen = _choose(chosen)
        with st.container(key=f"evaluate_{chosen}"):
            SECTIONS[chosen]()
    except Problem as problem:
        st.error(escape(sentence(session.current().language, problem)), icon=":material/error:")
        st.button(label("evaluate.try_again"), icon=":material/refresh:", key="evaluate_try_again")


def _find_section() -> str:
    address = session.current().address
    wish = address.changed.get(ADDRESS, widgets.read(CHOICE, None)) or st.query_params.get(ADDRESS, "")
    return wish if wish in SECTIONS else next(iter(SECTIONS))


def _choose(chosen: str) -> str:
    shown = widgets.seed(CHOICE, chosen, tuple(SECTIONS))
    pressed = st.segmented_control(
        label("evaluate.sections"),
        list(SECTIONS),
        default=shown,
        format_func=lambda name: label(f"evaluate.section.{name}"),
        key=widgets.key_of(CHOICE),
        on_change=_say_in_address,
        required=True,
        label_visibility="collapsed",
        width="content",
    )
    return pressed or chosen


def _say_in_address() -> None:
    session.current().address.put(ADDRESS, widgets.read(CHOICE, ""))


def _draw_moment() -> None:
    """Draw the step and epoch of the moment, and whether the run has trained further since."""
    now = moment()
    run = run_now()
    apart = run["step"] != now.step
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="evaluate_moment"):
        key = (
            "evaluate.moment.moved"
            if apart
            else f"evaluate.moment.{'playing' if run['status'] == 'playing' else 'standing'}"
        )
        st.markdown(
            label(key, step=f"{now.step:,}", epoch=f"{now.epoch:,}", now=f"{run['step']:,}"), width="stretch",
            help=label("evaluate.moment.help"),
        )  # fmt: skip
        st.button(
            label("evaluate.again"), icon=":material/refresh:", key="judge_again", on_click=session.guard(judge_again),
            type="primary" if apart else "secondary", help=label("evaluate.again.help"),
        )  # fmt: skip
    assert judging().moment is now
