"""Settings that fit the data: taken over with a data set by whoever has changed none of them, and offered to everyone else."""

from __future__ import annotations

import streamlit as st

from dlcore.datasets.drawn import Drawn
from dlcore.editing.fitting import Draft, find_fitting, take_fitted, with_fitting
from ui import session
from ui.differences import FEATURE_SIGNS, write_number
from ui.playground.memory import Playing
from ui.playground.recipe_fields import read_title
from ui.session import label, standing, t, widgets


def has_own_settings(draft: Draft) -> bool:
    """Whether a person chose layers, features, optimizer or batch: they are neither those that fit the data nor the page's own choice."""
    settings = take_fitted(draft)
    return settings not in (find_fitting(draft), session.current().memory(Playing).proposed)


def follow_data(draft: Draft, own: bool) -> Draft:
    """The draft, on data just chosen, with settings that fit them, unless the person's own are to stay."""
    # Drawn points begin as the points of the data set before, for which the settings were chosen.
    if own or draft["dataset"]["kind"] == Drawn().kind:
        return draft
    fitted = with_fitting(draft)
    session.current().memory(Playing).proposed = take_fitted(fitted)
    return fitted


def draw_proposal(draft: Draft) -> None:
    """Draw what fits these data, and the button that takes it, while other settings are in use."""
    fitting = find_fitting(draft)
    if take_fitted(draft) == fitting:
        return
    st.caption(label("fitting.settings", dataset=_name_data(draft), settings=_write(fitting)))
    st.button(
        label("fitting.take"), key="fitting_take", icon=":material/auto_fix_high:", on_click=take_fitting,
        help=label("fitting.help"), width="stretch",
    )  # fmt: skip


@session.guard
def take_fitting() -> None:
    """Callback: give the run the settings that fit its data."""
    standing.follow_run()
    state = session.current()
    fitted = with_fitting(state.draft)
    state.memory(Playing).proposed = take_fitted(fitted)
    widgets.put(fitted)


def _name_data(draft: Draft) -> str:
    return draft["dataset"].get("name") or read_title("dataset", draft["dataset"]["kind"])


def _write(fitting: Draft) -> str:
    """The settings in a few words: "8-8 Tanh; x₁, x₂, sin x₁, sin x₂; Adam 0.01; batch size 10"."""
    layers, optimizer = fitting["layers"], fitting["optimizer"]
    units = "-".join(str(layer["units"]) for layer in layers)
    parts = [f"{units} {read_title('activation', layers[-1]['activation']['kind'])}"]
    if "features" in fitting:
        parts.append(t("differ.comma").join(map(FEATURE_SIGNS.__getitem__, fitting["features"])))
    parts.append(f"{read_title('optimizer', optimizer['kind'])} {write_number(optimizer['learning_rate'])}")
    parts.append(t("fitting.batch", rows=fitting["batch_size"]))
    return t("fitting.and").join(parts)
