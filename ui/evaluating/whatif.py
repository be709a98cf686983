"""What-if: one row, changed by hand: its new prediction, its path through the network, similar rows, and what would flip it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import streamlit as st

from dlcore.problems import Problem
from dlcore.rows import RowsKey
from dlcore.views import claim, path
from ui import session
from ui.evaluating import rows
from ui.evaluating.asking import ask, judging, moment
from ui.evaluating.drawing import draw_chart
from ui.evaluating.flipping import draw_flip, draw_pictures
from ui.grids import add_columns
from ui.messages import escape, sentence
from ui.session import label, t, widgets

SPLIT, START, RANK, SHOWN, VALUES = (
    "/whatif_split",
    "/whatif_start",
    "/whatif_place",
    "/whatif_shown",
    "/whatif_value/",
)
COVER = "/whatif_cover/"
MOST_SHOWN = 8  # inputs with a slider, unless more are asked for
MOST_CELLS = 6  # columns in the table of similar rows
STEPS = 200  # positions of a slider
ALMOST_ALL = 0.995
EPOCH = date(1970, 1, 1)


def draw_section() -> None:
    """Draw the row: its inputs on the left, the prediction on the right. A fragment: moving a slider reruns this alone."""
    st.fragment(_draw_or_explain)()


def _draw_or_explain() -> None:
    try:
        _draw()
    except Problem as problem:  # A fragment reruns without the page around it, which would show the problem.
        st.error(escape(sentence(session.current().language, problem)), icon=":material/error:")


def _draw() -> None:
    asked = _choose_row()
    start, _ = ask("whatif", **asked)
    memory = judging().whatif
    # The same arguments may find another row after the network or the data have changed: the old row's changes are dropped then.
    row = start["example"]["row"], RowsKey(moment().experiment)
    if (memory.asked, memory.row) != (asked, row):
        memory.begin(asked, row)
        for beginning in (VALUES, COVER, SHOWN):
            widgets.forget(beginning)
    left, right = st.columns([2, 3], gap="large")
    with left:
        _say_example(start)
        if "pixels" in start:
            memory.cover = _draw_cover(start)
        else:
            memory.values = _draw_inputs(start, asked)
    question = {**asked, "values": memory.values, "cover": memory.cover}
    now, _ = ask("whatif", **{name: value for name, value in question.items() if value})
    with left:
        if "pixels" in now:
            draw_pictures([(t("whatif.before"), now["start_pixels"]), (t("whatif.now"), now["pixels"])], now)
        st.button(
            label("whatif.back"), icon=":material/undo:", key="whatif_back", on_click=session.guard(put_back),
            disabled=not (memory.values or memory.cover),
        )  # fmt: skip
        draw_flip(question, now)
    with right:
        draw_chart(claim, now, "whatif_claim")
        _draw_path(now["path"])
    _draw_neighbours(now)


def _draw_path(traced: dict[str, Any] | None) -> None:
    if traced is None:
        st.caption(label("whatif.no_path"))
        return
    draw_chart(path, traced, "whatif_path")
    carried = min(traced["carried"])
    if carried < ALMOST_ALL:
        st.caption(label("whatif.carried", share=f"{carried:.0%}"))


# The row


def _choose_row() -> dict[str, Any]:
    """Draw the choice of a row; returns the arguments that ask for it."""
    splits = [name for name in rows.split_names() if not rows.is_shut(name)]
    starts = ["row", "wrong", "uncertain", "mean"] if is_of_classes() else ["row", "wrong", "mean"]
    titles = {one: label(f"whatif.start.{one}") for one in starts}
    if not is_of_classes():
        titles["wrong"] = label("whatif.start.far")
    parts = {name: escape(rows.name_rows(name)) for name in splits}
    with st.container(horizontal=True, vertical_alignment="bottom", key="whatif_row"):
        shown = widgets.seed(START, widgets.read(START, "uncertain" if is_of_classes() else "wrong"), tuple(starts))
        start = st.selectbox(
            label("whatif.start"), starts, widgets.find_position(starts, shown), key=widgets.key_of(START), width=260,
            format_func=titles.__getitem__,
        )  # fmt: skip
        if start == "mean":
            return {"split": splits[1], "start": start}
        held = widgets.read(SPLIT, splits[1])
        shown = widgets.seed(SPLIT, held if held in splits else splits[1], tuple(splits))
        split = st.selectbox(
            label("evaluate.rows"), splits, widgets.find_position(splits, shown), key=widgets.key_of(SPLIT), width=180,
            format_func=parts.__getitem__,
        )  # fmt: skip
        first = 0 if start == "row" else 1
        shown = widgets.seed(RANK, max(first, widgets.read(RANK, first)), start == "row")
        index = st.number_input(
            label("whatif.place" if start == "row" else "whatif.rank"), first, value=shown, key=widgets.key_of(RANK), width=150,
            help=label("whatif.place.help" if start == "row" else "whatif.rank.help"),
        )  # fmt: skip
    return {**rows.question(split), "start": start, "place": int(index) - first}


def is_of_classes() -> bool:
    """Whether the target is a class."""
    return bool(moment().class_names)


def _say_example(start: dict[str, Any]) -> None:
    example, names = start["example"], start["class_names"]
    if example["row"] is None:
        st.markdown(label("whatif.example.mean"))
        return
    true = names[int(example["true"])] if names else f"{example['true']:.4g}"
    said = start["before"]["predicted"]
    predicted = names[said] if names else f"{said:.4g}"
    st.markdown(
        label(
            "whatif.example", row=example["row"], split=rows.name_rows(example["split"]), true=true, predicted=predicted
        )
    )


@session.guard
def put_back() -> None:
    """Callback: undo all changes of the row."""
    memory = judging().whatif
    memory.begin(memory.asked, memory.row)
    for beginning in (VALUES, COVER):
        widgets.forget(beginning)


# Its inputs


def _draw_inputs(start: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    """Draw a control for each of the inputs that matter most; returns {column: new value} of those changed."""
    columns, moved = start["columns"], judging().whatif.values
    ranked = sorted(range(len(columns)), key=lambda index: -columns[index]["influence"])
    movable = [index for index in ranked if columns[index]["values"] or columns[index]["low"] < columns[index]["high"]]
    shown = movable
    if len(movable) > MOST_SHOWN:
        usual = [index for index in movable if columns[index]["name"] in moved]
        usual += [index for index in movable if index not in usual][: max(0, MOST_SHOWN - len(usual))]
        listed = widgets.seed(SHOWN, widgets.read(SHOWN, usual), asked)
        shown = st.multiselect(
            label("whatif.shown"), sorted(movable), listed, key=widgets.key_of(SHOWN), help=label("whatif.shown.help"),
            format_func=lambda index: escape(columns[index]["name"]),
        )  # fmt: skip
    values = {name: value for name, value in moved.items() if name not in {columns[index]["name"] for index in shown}}
    for index in sorted(shown):
        column = columns[index]
        value = _draw_control(index, column, moved.get(column["name"], column["start"]), asked)
        if value != column["start"]:
            values[column["name"]] = value
    return values


def _draw_control(index: int, column: dict[str, Any], value: Any, asked: dict[str, Any]) -> Any:
    """Draw a menu of a category's values, or a slider over the range of the training rows; returns its value."""
    where = f"{VALUES}{index}"
    key, name, signature = widgets.key_of(where), escape(column["name"]), (column["name"], asked)
    if column["values"]:
        own = column["start"]  # The row's value may be missing, or a category unknown to the recipe.
        options = [*([] if own in column["values"] else [own]), *column["values"]]
        shown = widgets.seed(where, widgets.read(where, value), signature)
        titles = {one: label("whatif.missing") if one is None else escape(one) for one in options}
        return st.selectbox(
            name, options, widgets.find_position(options, shown), key=key, format_func=titles.__getitem__
        )
    low, high = min(column["low"], column["start"], value), max(column["high"], column["start"], value)
    if column["kind"] == "date":
        shown = widgets.seed(
            where, min(max(widgets.read(where, _to_date(value)), _to_date(low)), _to_date(high)), signature
        )
        day = st.slider(name, _to_date(low), _to_date(high), shown, key=key, format="YYYY-MM-DD")
        return value if day == _to_date(value) else float((day - EPOCH).days)
    step = 1.0 if column["whole"] and high - low >= 1 else (high - low) / STEPS
    shown = widgets.seed(where, min(max(widgets.read(where, float(value)), float(low)), float(high)), signature)
    return st.slider(name, float(low), float(high), shown, step=step, key=key, format="%.4g")


def _to_date(days: float) -> date:
    return EPOCH + timedelta(days=int(days))


def _draw_cover(start: dict[str, Any]) -> dict[str, int] | None:
    """Draw the choice of a square of the image to cover with the mean training image (occlusion; Zeiler and Fergus, 2014)."""
    sides = {"size": min(start["height"], start["width"]), "top": start["height"] - 1, "left": start["width"] - 1}
    cover = {}
    for side, most in sides.items():
        where = f"{COVER}{side}"
        covered = widgets.seed(where, widgets.read(where, 0), None)
        cover[side] = st.slider(
            label(f"whatif.cover.{side}"),
            0,
            most,
            covered,
            key=widgets.key_of(where),
            help=label("whatif.cover.help"),
        )
    return cover if cover["size"] else None


# Similar rows


def _draw_neighbours(now: dict[str, Any]) -> None:
    st.markdown(f"**{label('whatif.nearest')}**", help=label("whatif.nearest.help"))
    names, found = now["class_names"], now["nearest"]
    true = [names[int(one["true"])] if names else f"{one['true']:.4g}" for one in found]
    if "nearest_pixels" in now:
        said = [
            t("whatif.nearest.said", true=name, distance=f"{one['distance']:.3g}")
            for name, one in zip(true, found, strict=True)
        ]
        draw_pictures(list(zip(said, now["nearest_pixels"], strict=True)), now)
        return
    ranked = sorted(range(len(now["columns"])), key=lambda index: -now["columns"][index]["influence"])[:MOST_CELLS]
    ours: dict[str, list[Any]] = {
        t("evaluate.row"): [one["row"] for one in found],
        t("whatif.distance"): [float(f"{one['distance']:.3g}") for one in found],
        t("evaluate.true"): true,
    }
    shown = sorted(ranked)
    names = [now["columns"][index]["name"] for index in shown]
    table = add_columns(ours, names, [[one["cells"][index] for index in shown] for one in found])
    st.dataframe(table, hide_index=True, alt=t("whatif.nearest"))
