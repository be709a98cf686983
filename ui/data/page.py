"""The page's parts in their order, each drawn if there is something to show."""

from __future__ import annotations

import streamlit as st

from ui import live
from ui.data import asking, bring, columns, found, keeping, pictures, question, relations, using
from ui.session import label

make_way = using.make_way
kept_here = keeping.draw_kept


def draw_ways_in() -> None:
    """Draw the ways to bring data: open while there are none, else folded."""
    live.desks().wake()
    state = asking.bringing()
    bring.draw_ways_out()
    if state.brought is None and state.pictures is None:
        st.markdown(f"## {label('data.bring')}")
        st.caption(label("data.bring.caption"))
        bring.draw_ways_in()
        return
    here = state.brought.upload if state.brought is not None else state.pictures.dataset["digest"]  # type: ignore[union-attr]
    # The key changes with the data, so that the expander is closed again after other data have come.
    with st.expander(label("data.bring_another"), icon=":material/upload_file:", key=f"data_another_{here}"):
        bring.draw_ways_in()


def draw_findings() -> None:
    """Draw the file's format, and findings."""
    table = asking.bringing().brought
    if table is not None:
        found.draw_form(table)
        found.draw_findings(table)


def draw_question() -> None:
    """Draw target and task, the distribution of the target, and the button that trains."""
    state = asking.bringing()
    if state.pictures is not None:
        left, right = st.columns([3, 2], gap="small")
        with left:
            pictures.draw_samples(state.pictures)
            using.use_pictures(state.pictures)
        with right:
            pictures.draw_classes(state.pictures)
    if state.brought is not None:
        left, middle, right = st.columns([4, 4, 3], gap="small")
        with left:
            question.draw_question(state.brought)
        with middle:
            question.draw_spread(state.brought)
        with right:
            using.draw_use(state.brought)


def draw_details() -> None:
    """Draw columns, first rows and correlations."""
    table = asking.bringing().brought
    if table is None:
        return
    asking.bringing().changed = False
    names = ("columns", "preview", "correlation")
    first, second, third = st.tabs([label(f"data.{name}") for name in names])
    with first:
        columns.draw_columns()
    with second:
        relations.draw_first_rows(table)
    with third:
        relations.draw_correlations(table)
