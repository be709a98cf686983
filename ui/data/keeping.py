"""What the server stores of this person: raw files and prepared rows, each with a button to remove it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import streamlit as st

from dlcore.component import kinds, validate
from dlcore.datasets import Dataset, OwnData, store
from dlcore.datasets.room import TABLE, UPLOAD
from ui import opening, session
from ui.data import asking
from ui.session import label, t


@dataclass(frozen=True)
class Kept:
    """A stored file, with the name by which its owner knows it."""

    suffix: str
    digest: str
    name: str
    rows: int = 0

    @property
    def kind(self) -> str:
        return "file" if self.suffix == UPLOAD else "rows"


def draw_kept() -> None:
    """Draw a line for each stored file of this person; nothing if there is none."""
    mine = [kept for kept in _list_files() if _is_mine(kept)]
    if not mine:
        return
    with st.container(border=True, key="data_kept"):
        st.markdown(f"**{label('data.kept')}**", help=label("data.kept.help"))
        for kept in mine:
            _draw_line(kept)


def _is_mine(kept: Kept) -> bool:
    """Whether this person owns the file; a classic data set belongs to everyone, whoever downloaded it."""
    owned = store.find_ownership(kept.digest, kept.suffix)
    return session.mark() in owned.owners and not owned.everyone


def _list_files() -> Iterator[Kept]:
    """The stored files behind the page's table or images and the run's data, each once."""
    state, bringing = session.current(), asking.bringing()
    table, brought = bringing.brought, bringing.pictures
    if table is not None:
        yield Kept(UPLOAD, table.upload, table.name)
    parts = [part for part in (brought and brought.dataset, bringing.own, state.experiment.dataset.to_dict()) if part]
    named = [part for part in parts if part.get("digest")]
    for digest in dict.fromkeys(part["digest"] for part in named):
        part = next(part for part in named if part["digest"] == digest)
        dataset = validate(kinds(Dataset)[part["kind"]], part)
        assert isinstance(dataset, OwnData)
        yield Kept(TABLE, digest, dataset.name, opening.count_kept_rows(dataset))


def _draw_line(kept: Kept) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        said = label(f"data.kept.{kept.kind}", name=kept.name, rows=f"{kept.rows:,}")
        if store.find_ownership(kept.digest, kept.suffix).nonce_of(session.mark()) is not None:
            said = f"{said} {label('data.kept.shared')}"
        st.caption(said, width="stretch")
        st.button(
            label(f"data.remove.{kept.kind}"), key=f"data_remove_{kept.kind}_{kept.digest}", icon=":material/delete:",
            on_click=remove, args=(kept,), help=label(f"data.remove.{kept.kind}.help"), width="content",
        )  # fmt: skip


@session.guard
def remove(kept: Kept) -> None:
    """Callback: end this person's ownership; the file is deleted if nobody else owns it."""
    store.disown(kept.digest, kept.suffix, session.mark())
    state, bringing = session.current(), asking.bringing()
    if bringing.brought is not None and bringing.brought.upload == kept.digest:
        asking.leave()
        bringing.brought = None
    if bringing.pictures is not None and bringing.pictures.dataset["digest"] == kept.digest:
        bringing.pictures = None
    if bringing.own is not None and bringing.own.get("digest") == kept.digest:
        bringing.own = None
    state.notices.append(t("data.removed", name=kept.name))
