"""The gallery of worked examples: a button in the heading opens it, a press opens an example in place of the present run."""

from __future__ import annotations

import streamlit as st

from dlcore.gallery import MOST_LEVELS, Entry, find_entry, list_entries
from ui import session
from ui.session import label, standing, t

ACROSS = 4  # examples beside one another
DIALOG = "gallery"


def draw_button() -> None:
    """Draw the button that opens the gallery."""
    if session.is_hidden("gallery"):
        return
    st.button(label("gallery"), key="gallery", icon=":material/school:", on_click=_show, args=(True,))
    if session.current().dialog == DIALOG:
        st.dialog(label("gallery.title"), width="large", icon=":material/school:", on_dismiss=lambda: _show(False))(
            _draw_entries
        )()


def open_example(entry: Entry) -> None:
    """Let the run begin anew as this example: one act, which Undo takes back with all that was learned."""
    _show(False)
    standing.send(entry.start, act="example", target={"id": entry.id}, anew=True)
    session.current().example = session.Example(entry.id, entry.start.dataset.kind, frozenset(entry.hidden))


def close() -> None:
    """Put the question away, and show what was hidden with it."""
    session.current().example = None


def write_question() -> dict[str, str] | None:
    """Name, question and kind of data of the example that is open, for the canvas."""
    example = session.find_example()
    entry = find_entry(example.id) if example else None
    return entry and {"id": entry.id, "question": t(entry.question), "dataset": entry.start.dataset.kind}


def _show(on: bool) -> None:
    session.current().dialog = DIALOG if on else ""


def _draw_entries() -> None:
    st.caption(label("gallery.caption"))
    for level in range(1, MOST_LEVELS + 1):
        st.subheader(label(f"gallery.level.{level}"), anchor=False)
        entries = [entry for entry in list_entries() if entry.level == level]
        for start in range(0, len(entries), ACROSS):
            columns = st.columns(ACROSS, gap="small")
            for column, entry in zip(columns, entries[start : start + ACROSS], strict=False):
                with column:
                    _draw_entry(entry)


def _draw_entry(entry: Entry) -> None:
    with st.container(border=True, gap="xsmall", height="stretch", key=f"gallery_{entry.id}"):
        st.image(str(entry.picture), width="stretch", alt=t("gallery.picture", epochs=entry.epochs))
        if st.button(
            label(entry.heading), key=f"gallery_open_{entry.id}", on_click=session.guard(open_example), args=(entry,),
            width="stretch",
        ):  # fmt: skip
            st.rerun()  # the whole page, without the gallery
        st.caption(label(entry.question))
