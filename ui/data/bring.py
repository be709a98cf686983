"""A file, a pasted text or a classic set: the ways in. The bytes go to the store at once, the page remembers their digest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from dlcore.arrays import from_bytes
from dlcore.problems import Problem, clean
from ui import session
from ui.data import asking
from ui.data.brought import Brought, Pictures
from ui.data.using import take_neighbour
from ui.messages import escape
from ui.session import label, t, uploads

WARNING = ":material/warning:"
ICONS = {"file": ":material/upload_file:", "paste": ":material/content_paste:", "classic": ":material/local_library:"}
IDX = b"\0\0\x08"  # how MNIST's files begin
CLASSIC = ("titanic", "penguins", "california", "boston", "mnist", "fashion_mnist")
ICON_OF = {
    "titanic": ":material/sailing:", "penguins": ":material/ac_unit:", "california": ":material/sunny:",
    "boston": ":material/location_city:", "mnist": ":material/looks_3:", "fashion_mnist": ":material/checkroom:",
}  # fmt: skip
#: What is here without a connection and asks something alike.
NEIGHBOURS = {
    "titanic": "breast_cancer", "penguins": "iris", "california": "diabetes", "boston": "diabetes", "mnist": "digits",
    "fashion_mnist": "digits",
}  # fmt: skip
MOST_ROWS = 100_000
LONGEST_TEXT = 1_000_000  # characters that are taken from the clipboard


def draw_ways_in() -> None:
    """The three ways in, beside each other."""
    ways = (("file", _draw_file), ("paste", _draw_paste), ("classic", _draw_classic))
    for container, (name, draw) in zip(st.columns(len(ways), gap="small"), ways, strict=True):
        with container.container(border=True, height="stretch", key=f"data_way_{name}"):
            st.markdown(f"{ICONS[name]} **{label(f'data.way.{name}')}**")
            draw()


# A file


def _draw_file() -> None:
    key = _key_of_uploader()
    st.file_uploader(
        label("data.file"), accept_multiple_files=True, key=key, help=label("data.file.help"),
        on_change=take_files, args=(key,),
    )  # fmt: skip
    st.caption(label("data.file.caption"))


def _key_of_uploader() -> str:
    """The key of the present uploader; another one each time something was taken from it."""
    return f"data_upload_{session.current().uploads}"


@session.guard
def take_files(key: str) -> None:
    """Put what was chosen into the store and look at it. The uploader lets go of it, and is a new one."""
    if key != _key_of_uploader():
        return  # The one before, from which the files were taken: it tells that it is empty now.
    files = uploads.take_files(key)
    if not files:
        raise Problem("upload_gone")
    pictures = [(name, content) for name, content in files if is_picture(name, content)]
    if pictures:
        names = [_clean_name(name) for name, _ in pictures]
        digests = [uploads.keep_upload(content) for _, content in pictures]
        asking.submit("images", "data.looking", names[0], _take_pictures, uploads=digests, names=names)
        return
    name, content = files[-1]
    if len(files) > 1:
        session.current().notices.append(t("data.one_table", name=_clean_name(name)))
    asking.profile_table(Brought(uploads.keep_upload(content), _clean_name(name), {}))


def _clean_name(name: str) -> str:
    return clean(Path(name).name) or "table"


def is_picture(name: str, content: bytes) -> bool:
    """Whether a file holds pictures: one of NumPy's archives, or an IDX file of MNIST."""
    return name.lower().endswith((".npz", "ubyte.gz", "idx.gz")) or content.startswith(IDX)


def _take_pictures(header: dict[str, Any], payload: bytes) -> None:
    samples = from_bytes(payload)["X"] if payload else None
    state = asking.bringing()
    assert samples is not None
    state.pictures, state.brought = Pictures(header["dataset"], header["classes"], header["rows"], samples), None


# A text


def _draw_paste() -> None:
    with st.form("data_paste", border=False):
        st.text_area(
            label("data.paste"), key="data_pasted", height=230, max_chars=LONGEST_TEXT, placeholder=t("data.paste.placeholder"),
            help=label("data.paste.help"),
        )  # fmt: skip
        st.form_submit_button(label("data.paste.take"), icon=":material/content_paste_go:", on_click=take_text)


@session.guard
def take_text() -> None:
    """Look at the pasted text as at a file. It leaves the session with that."""
    text = uploads.take_text("data_pasted")
    asking.profile_table(Brought(uploads.keep_upload(text.encode()), t("data.paste.name"), {}))


# A classic set


def _draw_classic() -> None:
    for name in CLASSIC:
        with st.container(gap="xxsmall"):
            st.button(
                f"**{label(f'classic.{name}')}**", key=f"take_classic_{name}", icon=ICON_OF[name], on_click=fetch, args=(name,),
                type="tertiary", help=label("data.classic.take.help", name=t(f"classic.{name}")),
            )  # fmt: skip
            st.caption(label(f"classic.{name}.help"))
            if name == "boston":
                st.caption(f"{WARNING} {label('classic.boston.note')}")


@session.guard
def fetch(name: str) -> None:
    """Ask a desk for a classic set."""
    shown = t(f"classic.{name}")
    asking.submit("classic", "data.fetching", shown, _take_fetched_file, name=name)


def _take_fetched_file(header: dict[str, Any], payload: bytes) -> None:
    if "dataset" in header:
        _take_pictures(header, payload)
    else:
        asking.profile_table(Brought(header["upload"], header["name"], {}, header.get("options", {})))
        asking.settle()


# What can be done where a way led nowhere


def draw_ways_out() -> None:
    """A sample of what is too long, a bundled set for one that is out of reach: where there is such a thing to offer."""
    state = asking.bringing()
    if state.too_many is not None:
        st.button(
            label("data.sample.take", rows=f"{MOST_ROWS:,}"), key="data_sample", icon=":material/filter_alt:", type="primary",
            on_click=take_sample, help=label("data.sample.help"),
        )  # fmt: skip
    if state.offline in NEIGHBOURS:
        neighbour = NEIGHBOURS[state.offline]
        st.button(
            label("data.neighbour", name=t(f"component.dataset.{neighbour}.title")), key="data_neighbour", type="primary",
            icon=":material/offline_pin:", on_click=take_neighbour, args=(neighbour,),
            help=escape(t(f"component.dataset.{neighbour}.help")),
        )  # fmt: skip


@session.guard
def take_sample() -> None:
    """Button: look at so many rows, drawn at random, of a table that has too many."""
    table = asking.bringing().too_many
    if table is not None:
        asking.profile_table(table.replace(options={**table.options, "sample": MOST_ROWS}))
