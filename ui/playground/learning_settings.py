"""The settings of learning, all of which take effect while the run trains, and of the device it computes on."""

from __future__ import annotations

import streamlit as st

from dlcore.component import kinds
from dlcore.editing.fitting import Draft, count_training_rows, fit_weights, list_fitting_losses, objective_of
from dlcore.optimizers import Optimizer
from ui import forms, live, session
from ui.playground.rates import Rates, draw_offer
from ui.playground.recipe_fields import FIELDS, draw_choice, draw_number
from ui.session import label, standing, t, widgets

DEVICES = ("auto", "cpu", "cuda", "mps")


def draw_learning_settings(draft: Draft) -> Draft:
    """How the network learns; all of it takes effect while it runs."""
    return {
        "optimizer": _draw_optimizer(draft["optimizer"]),
        "loss": draw_choice("loss", draft, list_fitting_losses(draft["dataset"])),
        "class_weights": _draw_class_weights(draft),
        "batch_size": _draw_batch_size(draft),
        "regularizer": draw_choice("regularizer", draft),
        "schedule": draw_choice("schedule", draft),
        "gradient_clip": draw_number("gradient_clip", draft, zero=t("off")),
        "early_stopping": draw_number("early_stopping", draft, zero=t("off")),
        "restore_best": _draw_restore_best(draft),
    }


def _draw_optimizer(before: Draft) -> Draft:
    """Draw the menu of optimizers, a word on the learning rate if it came from another one, and the chosen one's fields."""
    values = forms.kind_form("optimizer", before, "optimizer", "experiment.optimizer")
    rates = session.current().memory(Rates)
    rates.follow(before, values)
    under_the_menu = st.container()
    chosen = forms.component_form(
        kinds(Optimizer)[values["kind"]], "optimizer", values, "optimizer", tucked=("alpha", "beta1", "beta2")
    )
    rates.follow(values, chosen)
    with under_the_menu:
        draw_offer(chosen)  # Last, as the field below the menu may just have been given another rate.
    return chosen


def _draw_class_weights(draft: Draft) -> str:
    """Draw the class weights beside the loss, which they weight; a regression has none."""
    name = "class_weights"
    if not objective_of(draft["dataset"]).has_classes:
        return fit_weights(draft[name], draft["dataset"])
    return forms.field_form(FIELDS[name], name, draft[name], name, f"experiment.{name}")


def _draw_restore_best(draft: Draft) -> bool:
    name = "restore_best"
    return forms.field_form(FIELDS[name], name, draft[name], name, f"experiment.{name}")


def _draw_batch_size(draft: Draft) -> int:
    most = count_training_rows(draft)
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        value = draw_number("batch_size", draft, forms.Entry(1, most))
    right.button(
        label("batch.all"), key="batch_all", on_click=take_all_rows, args=(most,), width="stretch",
        help=label("batch.all.help"), disabled=value == most,
    )  # fmt: skip
    return value


@session.guard
def take_all_rows(most: int) -> None:
    """Set the batch to all training rows: batch gradient descent."""
    state = session.current()
    state.draft = {**state.draft, "batch_size": most}
    widgets.forget("batch_size")


def draw_device_settings() -> None:
    """Draw the choice of the device on which the run computes, where there is more than one."""
    found = live.pool().devices | {session.current().device}
    if not found - {"auto", "cpu"}:
        return
    options = tuple(device for device in DEVICES if device == "auto" or device in found)
    names = {device: t(f"device.{device}") for device in options}
    chosen = widgets.seed("/device", session.current().device, options)
    st.segmented_control(
        label("device"),
        options,
        default=chosen,
        format_func=names.__getitem__,
        key=widgets.key_of("/device"),
        help=label("device.help"),
        on_change=choose_device,
    )


@session.guard
def choose_device() -> None:
    """Move the run to the chosen device, if this computer has it."""
    chosen = widgets.read("/device", None)
    if chosen is not None:
        standing.choose_device(chosen)
