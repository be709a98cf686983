"""The settings of learning, all of which take effect while the run goes on, and of where it computes."""

from __future__ import annotations

import streamlit as st

from ui import forms, session
from ui.fitting import Draft, fitted_weights, fitting_losses, most_rows, objective_of
from ui.playground.recipe_fields import FIELDS, choice, number
from ui.session import label, standing, t, widgets

DEVICES = ("auto", "cpu", "cuda", "mps")


def learning_settings(draft: Draft) -> Draft:
    """How the network learns; all of it takes effect while it runs."""
    return {
        "optimizer": choice("optimizer", draft, tucked=("alpha", "beta1", "beta2")),
        "loss": choice("loss", draft, fitting_losses(draft["dataset"])),
        "class_weights": _class_weights(draft),
        "batch_size": _batch_size(draft),
        "regularizer": choice("regularizer", draft),
        "schedule": choice("schedule", draft),
        "gradient_clip": number("gradient_clip", draft, zero=t("off")),
        "early_stopping": number("early_stopping", draft, zero=t("off")),
    }


def _class_weights(draft: Draft) -> str:
    """Beside the loss, of which they are a part; where a number is the target there are none."""
    name = "class_weights"
    if not objective_of(draft["dataset"]).has_classes:
        return fitted_weights(draft[name], draft["dataset"])
    return forms.field_form(FIELDS[name], name, draft[name], name, f"experiment.{name}")


def _batch_size(draft: Draft) -> int:
    most = most_rows(draft)
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        value = number("batch_size", draft, forms.Entry(1, most))
    right.button(
        label("batch.all"), key="batch_all", on_click=take_all_rows, args=(most,), width="stretch",
        help=label("batch.all.help"), disabled=value == most,
    )  # fmt: skip
    return value


@session.guard
def take_all_rows(most: int) -> None:
    """Batch gradient descent."""
    state = session.current()
    state.draft = {**state.draft, "batch_size": most}
    widgets.forget("batch_size")


def device_settings() -> None:
    """Where the run computes."""
    names = {device: t(f"device.{device}") for device in DEVICES}
    chosen = widgets.seed("/device", session.current().device, DEVICES)
    st.segmented_control(
        label("device"),
        DEVICES,
        default=chosen,
        format_func=names.__getitem__,
        key=widgets.key_of("/device"),
        help=label("device.help"),
        on_change=choose_device,
    )


@session.guard
def choose_device() -> None:
    """Compute there, if there is such a device here."""
    chosen = widgets.read("/device", None)
    if chosen is not None:
        standing.choose_device(chosen)
