"""Curves: effects of a threshold on the probability, and calibration; for regression, the residuals."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dlcore.views import calibration, precision_recall, predicted_true, residuals, roc, threshold
from dlcore.views.theme import class_name
from dlcore.views.threshold import Counts, count_at
from ui.evaluating import rows
from ui.evaluating.asking import ask
from ui.evaluating.drawing import draw_chart
from ui.messages import escape
from ui.session import label, widgets

CLASS, THRESHOLD = "/judged_class", "/judged_threshold"
HALF = 0.5
STEP = 0.01
#: Measures shown at the threshold.
FIGURES = (
    "true_positive", "false_positive", "false_negative", "true_negative", "precision", "recall", "accuracy",
)  # fmt: skip


def draw_section() -> None:
    """Draw the figures for the chosen rows."""
    asked = rows.choose()
    if asked is None:
        return
    found = ask("evaluate", **asked)[0]
    if "per_class" in found:
        _draw_curves(found)
    else:
        left, right = st.columns(2)
        with left:
            draw_chart(predicted_true, found, "predicted_true")
        with right:
            draw_chart(residuals, found, "residuals")


def _draw_curves(found: dict[str, Any]) -> None:
    numbers = {**found, "shown": _choose_class(found)}
    if found["roc"][numbers["shown"]]["auc"] is None:
        st.info(label("evaluate.one_class", name=_name_class(found, numbers["shown"])), icon=":material/info:")
        return
    st.fragment(_draw_threshold)(numbers)


def _choose_class(found: dict[str, Any]) -> int:
    """Draw the choice of the positive class; its index among the curves."""
    indices = list(range(len(found["roc"])))
    if len(indices) == 1:
        return 0
    shown = widgets.seed(
        CLASS, widgets.read(CLASS, 0) if widgets.read(CLASS, 0) in indices else 0, tuple(found["class_names"])
    )
    return st.selectbox(
        label("evaluate.class"), indices, widgets.find_position(indices, shown),
        format_func=lambda index: escape(_name_class(found, index)), key=widgets.key_of(CLASS),
        help=label("evaluate.class.help"), width=320,
    )  # fmt: skip


def _name_class(found: dict[str, Any], index: int) -> str:
    return found["class_names"][found["roc"][index]["class"]]


def _draw_threshold(numbers: dict[str, Any]) -> None:
    """Draw what the threshold does. A fragment: moving it reruns this alone, computed from the histogram of scores; no desk is asked."""
    scores = numbers["scores"][numbers["shown"]]
    shown = widgets.seed(THRESHOLD, widgets.read(THRESHOLD, HALF), None)
    cut = st.slider(
        label("evaluate.threshold", name=class_name(numbers, scores["class"])), 0.0, 1.0, shown, step=STEP, format="%.2f",
        key=widgets.key_of(THRESHOLD), help=label("evaluate.threshold.help"),
    )  # fmt: skip
    numbers = {**numbers, "threshold": cut}
    counts = count_at(scores, cut)
    with st.container(horizontal=True, gap="medium", key="counts"):
        for name in FIGURES:
            said = _write_count(name, counts)
            st.metric(
                label(f"evaluate.metric.{name}"), said, help=label(f"evaluate.metric.{name}.help"), width="content"
            )
    for pair in ((threshold, calibration), (roc, precision_recall)):
        for column, view in zip(st.columns(2), pair, strict=True):
            with column:
                draw_chart(view, numbers, view.TITLE)


def _write_count(name: str, counts: Counts) -> str:
    value = getattr(counts, name)
    if name == "precision" and not counts.true_positive + counts.false_positive:
        return "–"  # No row was predicted as this class: precision is not defined.
    return f"{value:,}" if isinstance(value, int) else f"{value:.1%}"
