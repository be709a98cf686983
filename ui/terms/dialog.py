"""The dialog with the cards: a menu of all terms that one can type in, and the card of the chosen one."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from ui import session
from ui.session import label, t
from ui.terms.terms import TERMS

DIALOG = "terms"


@dataclass
class Reading:
    """The card that was read last, and how often one was opened, by which each menu of terms has a key of its own."""

    term: str = next(iter(TERMS))
    opened: int = 0


@session.guard
def open_term(term: str = "") -> None:
    """Callback: open the card of this term; "" opens the one that was read last."""
    memory = session.current().memory(Reading)
    memory.term = term if term in TERMS else memory.term
    memory.opened += 1
    session.current().dialog = DIALOG


def draw_dialog() -> None:
    """Draw the dialog if it is open."""
    if session.current().dialog == DIALOG:
        st.dialog(label("terms.title"), icon=":material/menu_book:", on_dismiss=_close)(_draw_cards)()


@session.guard
def _close() -> None:
    session.current().dialog = ""


def _draw_cards() -> None:
    memory = session.current().memory(Reading)
    terms = sorted(TERMS, key=lambda term: t(f"terms.{term}").casefold())
    key = f"terms_menu_{memory.opened}"  # Another menu each time, as one that was drawn would stay at what was chosen in it.
    memory.term = st.selectbox(
        label("terms.choose"), terms, index=terms.index(memory.term), format_func=lambda term: t(f"terms.{term}"), key=key,
    )  # fmt: skip
    _draw_card(memory.term)


def _draw_card(term: str) -> None:
    with st.container(key="term_card"):
        st.subheader(label(f"terms.{term}"), anchor=False)
        st.markdown(label(f"terms.{term}.text"))
        st.image(TERMS[term].picture(), width=420, alt=t(f"terms.{term}.picture"))
        st.caption(label(f"terms.{term}.picture"))
        if TERMS[term].formula:
            st.latex(TERMS[term].formula)
