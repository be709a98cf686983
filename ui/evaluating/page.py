"""The page Evaluate: the verdict, below it the figures, or one of them opened large; and a sentence if something cannot be drawn."""

from __future__ import annotations

import streamlit as st

from dlcore.problems import Problem
from ui import live, session
from ui.assets import style
from ui.evaluating import grid, verdict
from ui.evaluating.asking import judge_again, judging, moment, run_now
from ui.evaluating.sections import SECTIONS, name_key
from ui.messages import escape, sentence
from ui.session import label

ADDRESS = "section"  # the parameter of the page's address that names what is opened large
AGAIN, CLOSE = "judge_again", "close_section"  # keys of buttons


def draw_evaluation() -> None:
    """Draw the whole page."""
    st.html(style("evaluating/evaluate.css"))
    opened = AGAIN not in st.session_state  # Streamlit forgets the buttons of a page that somebody has left.
    memory, refusal = judging(), None
    try:
        live.desks().wake()
        if opened:
            judge_again()  # The page was just opened: evaluate the run as it is now.
        memory.section = _find_section(opened)
        refusal = _draw_verdict(memory.section)
        if memory.section:
            _draw_section(memory.section)
        elif refusal is None:
            grid.draw_grid(open_section)
        else:  # What cannot be judged may still be trained anew.
            grid.draw_cards(open_section, grid.SECTIONS_IN_WORDS)
    except Problem as problem:
        if refusal is None or refusal.key != problem.key:
            _say(problem)


def _draw_verdict(section: str) -> Problem | None:
    """Draw the verdict, in brief above a section; or say why there is none, which is then returned."""
    with st.container(key="verdict_brief" if section else "verdict"):
        try:
            found = verdict.find_verdict()
        except Problem as problem:
            with st.container(horizontal=True, vertical_alignment="center", gap="small", key="evaluate_moment"):
                _draw_moment()
            _say(problem)
            return problem
        verdict.draw_sentence(found, _draw_moment)
        if not section:
            verdict.draw_facts(found)
    return None


def _say(problem: Problem) -> None:
    st.error(escape(sentence(session.current().language, problem)), icon=":material/error:")
    st.button(label("evaluate.try_again"), icon=":material/refresh:", key=f"evaluate_try_again_{problem.key}")


def _find_section(opened: bool) -> str:
    """The section that is opened large, as the address says at first and after Back; "" for none."""
    named = st.query_params.get(ADDRESS, "") if opened else judging().section
    wish = session.current().address.changed.get(ADDRESS, named)
    return wish if wish in SECTIONS else ""


def _draw_section(name: str) -> None:
    """Draw the section with its name, the same in plain words, and the way back to all figures."""
    key = name_key(name, bool(moment().class_names))
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="section_head"):
        st.button(
            label("evaluate.all_figures"), icon=":material/arrow_back:", key=CLOSE, on_click=session.guard(open_section),
            args=("",),
        )  # fmt: skip
        st.subheader(label(key), anchor=False, width="content")
        st.caption(label(f"{key}.plain"), width="stretch")
    with st.container(key=f"evaluate_{name}"):
        SECTIONS[name]()


def open_section(name: str) -> None:
    """Callback: open this section large; "" shows all figures again."""
    judging().section = name
    session.current().address.put(ADDRESS, name)


def _draw_moment() -> None:
    """Draw the step and epoch of the moment, whether the run has trained further since, and the button that takes the present one."""
    now = moment()
    run = run_now()
    apart = run["step"] != now.step
    key = (
        "evaluate.moment.moved"
        if apart
        else f"evaluate.moment.{'playing' if run['status'] == 'playing' else 'standing'}"
    )
    st.caption(
        label(key, step=f"{now.step:,}", epoch=f"{now.epoch:,}", now=f"{run['step']:,}"), width="content",
        help=label("evaluate.moment.help"),
    )  # fmt: skip
    st.button(
        label("evaluate.again"), icon=":material/refresh:", key=AGAIN, on_click=session.guard(judge_again),
        type="primary" if apart else "secondary", help=label("evaluate.again.help"),
    )  # fmt: skip
    assert judging().moment is now
