"""Examples: which classes are confused, and the rows behind each number, the worst first."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from dlcore.views import confusion
from ui import session
from ui.evaluating import rows
from ui.evaluating.asking import ask
from ui.evaluating.drawing import QUIET, draw_heading
from ui.grids import add_columns
from ui.messages import escape
from ui.session import label, t, widgets

MATRIX, TRUE, PREDICTED = "confusion", "/judged_true", "/judged_predicted"
ANY = -1
MOST_ROWS = 60
PICTURE = 72  # pixels


def draw_section() -> None:
    """Draw the confusion matrix and the rows of the chosen cell; for regression, the rows with the largest errors."""
    asked = rows.choose()
    if asked is None:
        return
    found = ask("evaluate", **asked)[0]
    if "per_class" in found:
        left, right = st.columns([2, 3], gap="medium")
        with left:
            cell = _draw_matrix(found)
        with right:
            _draw_examples(asked, cell)
    else:
        _draw_examples(asked, {})


def _draw_matrix(found: dict[str, Any]) -> dict[str, int]:
    """Draw the matrix and two menus with the same choice, for the keyboard; returns the chosen true and predicted class."""
    draw_heading(confusion)
    st.plotly_chart(
        confusion.draw(found, t), key=MATRIX, on_select=choose_cell, selection_mode="points", config=QUIET, alt=t(confusion.TITLE)
    )  # fmt: skip
    st.caption(label("views.confusion.see"))
    names = found["class_names"]
    with st.container(horizontal=True):
        picked = {side: _choose_cells(path, side, names) for side, path in (("true", TRUE), ("predicted", PREDICTED))}
    return {side: index for side, index in picked.items() if index != ANY}


def _choose_cells(path: str, side: str, names: list[str]) -> int:
    options = [ANY, *range(len(names))]
    held = widgets.read(path, ANY)
    shown = widgets.seed(path, held if held in options else ANY, tuple(names))
    return st.selectbox(
        label(f"views.{side}_class"), options, widgets.find_position(options, shown), key=widgets.key_of(path),
        format_func=lambda index: label("evaluate.any_class") if index == ANY else escape(names[index]),
    )  # fmt: skip


@session.guard
def choose_cell() -> None:
    """Callback of a press on the matrix: the menus show the square's classes. A press beside the squares selects all rows again."""
    points = widgets.read_points(MATRIX)
    true, predicted = points[0]["customdata"] if points else (ANY, ANY)
    widgets.show(TRUE, int(true))
    widgets.show(PREDICTED, int(predicted))


def _draw_examples(asked: dict[str, Any], cell: dict[str, int]) -> None:
    header, _ = ask("examples", **asked, **cell, worst=True, count=MOST_ROWS)
    shown = len(header["row_numbers"])
    numbers = not header["class_names"]
    st.markdown(f"**{label('evaluate.worst')}**", help=label(f"evaluate.worst.{'numbers' if numbers else 'classes'}"))
    st.caption(label("evaluate.worst.count", shown=shown, total=f"{header['total']:,}"))
    if not shown:
        st.info(label("evaluate.worst.none"), icon=":material/info:")
    elif "pixels" in header:
        _draw_pictures(header)
    else:
        _draw_table(header)


def _name_value(header: dict[str, Any], value: int | float) -> str | float:
    names = header["class_names"]
    return names[int(value)] if names else float(f"{value:.4g}")


def _draw_table(header: dict[str, Any]) -> None:
    columns: dict[str, list[Any]] = {
        t("evaluate.row"): header["row_numbers"],
        t("evaluate.true"): [_name_value(header, value) for value in header["true"]],
        t("views.predicted"): [_name_value(header, value) for value in header["predicted"]],
    }
    if header["class_names"]:
        columns[t("evaluate.certainty")] = [f"{value:.1%}" for value in header["certainty"]]
    columns[t("evaluate.loss")] = [round(value, 4) for value in header["loss"]]
    table = add_columns(columns, header["columns"], header["rows"])
    st.dataframe(table, hide_index=True, alt=t("evaluate.worst"))


def _draw_pictures(header: dict[str, Any]) -> None:
    shape = header["height"], header["width"]
    with st.container(horizontal=True, gap="small", key="pictures"):
        for index, pixels in enumerate(header["pixels"]):
            true, predicted = (_name_value(header, header[side][index]) for side in ("true", "predicted"))
            said = t("evaluate.picture", true=true, predicted=predicted, certainty=_write_certainty(header, index))
            with st.container(width=PICTURE + 24, gap="xxsmall"):
                st.image(enlarge(np.array(pixels).reshape(shape)), width=PICTURE, alt=said)
                st.caption(escape(f"{true} → {predicted} · {_write_certainty(header, index)}"))


def _write_certainty(header: dict[str, Any], index: int) -> str:
    certainty = header["certainty"][index]
    return "–" if certainty is None else f"{certainty:.0%}"


def enlarge(pixels_HW: np.ndarray) -> np.ndarray:
    """The image enlarged, dark on white, each pixel a sharp square."""
    times = max(1, PICTURE // max(pixels_HW.shape))
    ink = 255 - (255 * pixels_HW.clip(0, 1)).astype(np.uint8)
    return ink.repeat(times, axis=0).repeat(times, axis=1)
