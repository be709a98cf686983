"""The page's parts in their order, each where there is something to show."""

from __future__ import annotations

import streamlit as st

from ui import live
from ui.data import asking, bring, columns, found, keeping, pictures, question, relations, using
from ui.session import label

make_way = using.make_way
kept_here = keeping.kept_here


def bring_something() -> None:
    """The ways in: open while nothing is there, else folded."""
    live.desks().wake()
    state = asking.bringing()
    bring.ways_out()
    if state.brought is None and state.pictures is None:
        st.markdown(f"## {label('data.bring')}")
        st.caption(label("data.bring.caption"))
        bring.bring()
        return
    here = state.brought.upload if state.brought is not None else state.pictures.dataset["digest"]  # type: ignore[union-attr]
    # Another key: it closes when something else has come.
    with st.expander(label("data.bring_another"), icon=":material/upload_file:", key=f"data_another_{here}"):
        bring.bring()


def what_was_found() -> None:
    """The file's form, and findings."""
    table = asking.bringing().brought
    if table is not None:
        found.form(table)
        found.findings(table)


def what_is_asked() -> None:
    """Target and task, the spread of the target, and the button."""
    state = asking.bringing()
    if state.pictures is not None:
        left, right = st.columns([3, 2], gap="small")
        with left:
            pictures.samples(state.pictures)
            using.use_pictures(state.pictures)
        with right:
            pictures.classes(state.pictures)
    if state.brought is not None:
        left, middle, right = st.columns([4, 4, 3], gap="small")
        with left:
            question.question(state.brought)
        with middle:
            question.spread(state.brought)
        with right:
            using.use(state.brought)


def details() -> None:
    """Columns, first rows, correlations."""
    table = asking.bringing().brought
    if table is None:
        return
    asking.bringing().changed = False
    names = ("columns", "preview", "correlation")
    first, second, third = st.tabs([label(f"data.{name}") for name in names])
    with first:
        columns.columns()
    with second:
        relations.first_rows(table)
    with third:
        relations.correlations(table)
