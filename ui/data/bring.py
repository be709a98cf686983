"""Ways to bring data: a file, a pasted text or a classic data set. Bytes go to the store at once; the page remembers their digest."""

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
from ui.messages import escape, sentence
from ui.session import label, t, uploads

WARNING = ":material/warning:"
ICONS = {"file": ":material/upload_file:", "paste": ":material/content_paste:", "classic": ":material/local_library:"}
IDX = b"\0\0\x08"  # first bytes of MNIST's files
CLASSIC = ("titanic", "penguins", "california", "boston", "mnist", "fashion_mnist")
ICON_OF = {
    "titanic": ":material/sailing:", "penguins": ":material/ac_unit:", "california": ":material/sunny:",
    "boston": ":material/location_city:", "mnist": ":material/looks_3:", "fashion_mnist": ":material/checkroom:",
}  # fmt: skip
#: {classic set: bundled set with a similar task, or a part of the same}: the bundled one is offered if the other cannot be downloaded.
NEIGHBOURS = {
    "titanic": "breast_cancer", "penguins": "iris", "california": "diabetes", "boston": "diabetes", "mnist": "mnist",
    "fashion_mnist": "fashion_mnist",
}  # fmt: skip
MOST_ROWS = 100_000
LONGEST_TEXT = 1_000_000  # characters in the field for pasted text


def draw_ways_in() -> None:
    """Draw the three ways side by side."""
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
    """The key of the uploader; it changes whenever files were taken, so that the next uploader is empty."""
    return f"data_upload_{session.current().uploads}"


@session.guard
def take_files(key: str) -> None:
    """Callback of the uploader: put the chosen files into the store and let a desk profile them; a new uploader replaces this one."""
    if key != _key_of_uploader():
        return  # An earlier uploader, which reports that it is empty since its files were taken.
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
    """Whether a file holds images: a zip of pictures, a NumPy archive (.npz), or an IDX file as of MNIST."""
    return name.lower().endswith((".zip", ".npz", "ubyte.gz", "idx.gz")) or content.startswith(IDX)


def _take_pictures(header: dict[str, Any], payload: bytes) -> None:
    samples = from_bytes(payload)["X"] if payload else None
    state = asking.bringing()
    assert samples is not None
    state.pictures, state.brought = Pictures(header["dataset"], header["classes"], header["rows"], samples), None
    told = [Problem(found["key"], **found["values"]) for found in header.get("findings", ())]
    session.current().notices.extend(sentence(session.current().language, problem) for problem in told)


# A text


def _draw_paste() -> None:
    with st.form("data_paste", border=False):
        st.text_area(
            label("data.paste"), key=asking.PASTED, height=230, max_chars=LONGEST_TEXT, placeholder=t("data.paste.placeholder"),
            help=label("data.paste.help"),
        )  # fmt: skip
        st.form_submit_button(label("data.paste.take"), icon=":material/content_paste_go:", on_click=take_text)


@session.guard
def take_text() -> None:
    """Callback: put the pasted text into the store and profile it like a file. It leaves the field, and comes back if it is refused."""
    digest = uploads.keep_upload(uploads.read_text(asking.PASTED).encode())
    asking.profile_table(Brought(digest, t("data.paste.name"), {}))
    asking.bringing().pasted = digest
    uploads.write_text(asking.PASTED, "")


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
    """Callback: let a desk download this classic data set, or take it from the store."""
    shown = t(f"classic.{name}")
    asking.submit("classic", "data.fetching", shown, _take_fetched_file, name=name)


def _take_fetched_file(header: dict[str, Any], payload: bytes) -> None:
    if "dataset" in header:
        _take_pictures(header, payload)
    else:
        asking.profile_table(Brought(header["upload"], header["name"], {}, header.get("options", {})))
        asking.settle()


# What is offered if a way failed


def draw_ways_out() -> None:
    """Offer a sample of a table with too many rows, or a bundled set in place of a classic one that could not be downloaded."""
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
    """Callback: profile MOST_ROWS random rows of a table that has too many."""
    table = asking.bringing().too_many
    if table is not None:
        asking.profile_table(table.replace(options={**table.options, "sample": MOST_ROWS}))
