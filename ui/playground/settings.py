"""The settings at the side: each group draws its widgets and returns its part of the draft."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from dlcore.editing.fitting import Draft, count_training_rows, find_fitting, has_features, take_fitted
from dlcore.problems import Problem
from ui import session
from ui.messages import sentence
from ui.playground.data_settings import draw_data_settings
from ui.playground.learning_settings import draw_device_settings, draw_learning_settings
from ui.playground.memory import Playing
from ui.playground.network_settings import draw_network_settings
from ui.session import editing, label, widgets

TABS = ("data", "network", "learning")
# Parts of the recipe that change nothing shown in another tab; the noise of the data is a further one.
OF_ONE_TAB = {
    "layers", "optimizer", "batch_size", "regularizer", "schedule", "gradient_clip", "early_stopping", "seed",
    "class_weights", "restore_best",
}  # fmt: skip


def _draw_learning_and_device(draft: Draft) -> Draft:
    chosen = draw_learning_settings(draft)
    draw_device_settings()
    return chosen


GROUPS: dict[str, Callable[[Draft], Draft]] = {
    "data": draw_data_settings,
    "network": draw_network_settings,
    "learning": _draw_learning_and_device,
}


def draw_sidebar(draft: Draft) -> Draft:
    """Draw all settings at the side, unless the address hides every group."""
    if not list_tabs():
        return draft
    with st.sidebar:
        return draw_all_settings(draft)


def list_tabs() -> tuple[str, ...]:
    """The groups of settings that the address does not hide."""
    return tuple(name for name in TABS if not session.is_hidden(name))


def draw_all_settings(draft: Draft) -> Draft:
    """Draw the settings; returns the whole recipe as the widgets state it.

    The first script run of a session draws the first tab alone, so that the page opens sooner; the canvas asks for the others once it
    has drawn its first picture. Drawing a tab only when it is opened does not work: Streamlit's tabs that report their opening jump
    back when two are pressed quickly.
    """
    state = session.current()
    shown = list_tabs()
    tabs = dict(zip(shown, st.tabs([label(f"tab.{name}") for name in shown]), strict=True))
    memory = state.memory(Playing)
    drawn = shown if memory.furnished else shown[:1]
    memory.furnished = memory.drawing = True
    state.draft = draft
    try:
        for name, settings in GROUPS.items():
            if name in drawn:
                with tabs[name]:
                    _draw_group(settings)
            if name == "data":
                state.draft = _fit_batch(state.draft)
    finally:
        memory.drawing = False
    return state.draft


@st.fragment
def _draw_group(settings: Callable[[Draft], Draft]) -> None:
    """Draw the settings of a tab. A fragment: a change that concerns no other tab reruns this one alone, a third of the page's work."""
    state = session.current()
    draft = {**state.draft, **settings(state.draft)}
    if not has_features(draft["dataset"]):
        draft.pop("features", None)
    if state.memory(Playing).drawing:
        state.draft = draft
        return
    before = state.experiment.to_dict()
    elsewhere = state.complained or state.problems or concerns_other_tabs(before, draft)
    if elsewhere or editing.submit(draft) or state.notices:
        st.rerun()


def concerns_other_tabs(before: Draft, after: Draft) -> bool:
    """Whether the change affects what another tab or the rest of the page shows."""
    return _fits_differently(before, after) or any(
        _without_noise(before.get(name)) != _without_noise(after.get(name)) for name in {*before, *after} - OF_ONE_TAB
    )


def _fits_differently(before: Draft, after: Draft) -> bool:
    """Whether the settings have become, or are no longer, those that fit the data, which the tab of the data says."""
    one, other = take_fitted(before), take_fitted(after)
    return one != other and (one == find_fitting(before)) != (other == find_fitting(after))


def _without_noise(part: Any) -> Any:
    return {name: value for name, value in part.items() if name != "noise"} if isinstance(part, dict) else part


def _fit_batch(draft: Draft) -> Draft:
    most = count_training_rows(draft)
    if draft["batch_size"] <= most:
        return draft
    state = session.current()
    state.notices.append(sentence(state.language, Problem("adjusted_batch", rows=most)))
    widgets.forget("batch_size")
    return {**draft, "batch_size": most}
