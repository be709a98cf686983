"""The button that makes the brought data the data of the run."""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from dlcore.component import kinds
from dlcore.datasets import Dataset
from dlcore.editing.fitting import OWN_KINDS
from ui import live, pages, session
from ui.data import asking
from ui.data.brought import Brought, Part, Pictures, fit_recipe, with_treatments
from ui.session import label, standing, t

NOTE = ":material/info:"


def draw_use(table: Brought) -> None:
    """Draw a summary of what the network will be given, and the button."""
    classes = len(table.classes)
    with st.container(border=True, height="stretch", key="data_use"):
        st.markdown(f"**{label('data.use')}**")
        asked = label("data.use.classes", count=classes) if classes else label("data.use.number")
        st.caption(
            label(
                _describe_inputs(table), rows=f"{table.trained:,}", columns=len(table.inputs), inputs=table.num_inputs
            )
        )
        st.caption(asked)
        reason = _find_what_is_missing(table)
        st.button(
            label("data.train"), key="data_train", icon=":material/play_arrow:", type="primary", on_click=train, width="stretch",
            disabled=bool(reason) or asking.bringing().waiting is not None, help=reason or label("data.train.help"),
        )  # fmt: skip
        if reason:
            st.caption(f"{NOTE} {reason}")


def _describe_inputs(table: Brought) -> str:
    if table.text is not None:
        return "data.use.summary.text"
    if len(table.inputs) != 1:
        return "data.use.summary"
    return "data.use.summary.one_input" if table.num_inputs == 1 else "data.use.summary.one_column"


def _find_what_is_missing(table: Brought) -> str:
    if table.target is None:
        return label("data.no_target")
    return "" if table.inputs else label("data.no_inputs")


@session.guard
def train() -> None:
    """Callback: let a desk import the table; then the run trains on it. Until then the run goes on with its present data."""
    table = asking.bringing().brought
    assert table is not None
    arguments: dict[str, Any] = {
        **table.options,
        "upload": table.upload,
        "name": table.name,
        "types": {column["name"]: column["kind"] for column in table.columns},
        "target": table.target,
        "task": table.profile["task"],
        "inputs": table.inputs,
    }
    asking.submit("import", "data.importing", table.name, partial(_take_import, table), **arguments)


def _take_import(table: Brought, header: dict[str, Any], _: bytes) -> None:
    state = session.current()
    dropped = header.get("dropped")
    if dropped:
        state.notices.append(t("data.dropped.one") if dropped == 1 else t("data.dropped", count=f"{dropped:,}"))
    go_on_with(with_treatments(header["dataset"], table))


def use_pictures(pictures: Pictures) -> None:
    """Draw the same summary and button for images."""
    with st.container(border=True, height="stretch", key="data_use"):
        st.markdown(f"**{label('data.use')}**")
        height, width, channels = (pictures.dataset.get(name, 1) for name in ("height", "width", "channels"))
        inputs = height * width * channels
        st.caption(label("data.pictures.summary", rows=f"{pictures.rows:,}", height=height, width=width, inputs=inputs))
        st.caption(label("data.use.classes", count=len(pictures.classes)))
        st.button(
            label("data.train.pictures"), key="data_train", icon=":material/play_arrow:", type="primary", width="stretch",
            on_click=train_on_pictures, help=label("data.train.help"),
        )  # fmt: skip


@session.guard
def train_on_pictures() -> None:
    """Callback: let the run train on the images."""
    pictures = asking.bringing().pictures
    assert pictures is not None
    go_on_with(pictures.dataset)


def go_on_with(dataset: Part) -> None:
    """Change the run to these data, let it train, and go to the playground. Raises Problem and changes nothing if that fails."""
    standing.follow_run()
    state = session.current()
    standing.send(fit_recipe(state.experiment.to_dict(), dataset))
    if dataset["kind"] in OWN_KINDS:
        asking.bringing().own = dataset
    live.pool().call(state.token, "play")  # type: ignore[arg-type]
    asking.bringing().leaving = True


@session.guard
def take_neighbour(kind: str) -> None:
    """Callback: train on a bundled data set in place of a classic one that could not be downloaded."""
    asking.leave()
    go_on_with(kinds(Dataset)[kind]().to_dict())


def make_way() -> None:
    """Switch to the playground once training on new data has begun."""
    state = asking.bringing()
    if state.leaving:
        state.leaving = False
        st.switch_page(pages.PLAYGROUND.script, query_params=st.query_params.to_dict())
