"""Which rows a section evaluates: train, validation or test, all or some of them.

Where there are validation rows, the test rows are kept back, whether or not the recipe seals them: they have to be opened first.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import streamlit as st

from ui import session
from ui.evaluating.asking import SPLIT, ask, count_openings, judging, moment, unseal
from ui.messages import escape
from ui.session import label, t, widgets

COLUMN, RANGE, VALUES = "/judged_column", "/judged_range", "/judged_values"
ALL, WRONG = "", "wrong"

Range = tuple[float, float]


def split_names() -> list[str]:
    """The parts of the rows, as the recipe splits them."""
    return ["train", "validation", "test"] if moment().experiment.validation_rows else ["train", "test"]


def find_watched() -> str:
    """The part of the rows that was scored during training; looking at its scores again is free."""
    return moment().experiment.watched


def is_sealed(split: str) -> bool:
    """Whether the scores of these rows have to be opened, which is counted."""
    return split == "test" and find_watched() != "test"


def is_shut(split: str) -> bool:
    """Whether these rows are kept back and were not opened yet for the page's moment."""
    return is_sealed(split) and not moment().unsealed


def find_judged() -> str:
    """The part of the rows that the verdict speaks of: the watched rows until the test rows are opened."""
    return "test" if is_sealed("test") and not is_shut("test") else find_watched()


def open_all() -> dict[str, Any]:
    """The argument that opens the test rows to a job about all parts, once somebody has opened them."""
    return {"unseal": True} if is_sealed("test") and moment().unsealed else {}


def question(split: str, subset: dict[str, Any] | None = None) -> dict[str, Any]:
    """The arguments of a job about these rows."""
    asked: dict[str, Any] = {"split": split}
    if subset:
        asked["subset"] = subset
    if is_sealed(split):
        asked |= open_all()
    return asked


def name_rows(split: str) -> str:
    """The name of these rows; for those kept back with the number of openings."""
    name = t(f"evaluate.split.{split}")
    return t("evaluate.looked", name=name, looks=count_openings()) if is_sealed(split) and count_openings() else name


def choose() -> dict[str, Any] | None:
    """Draw the choice of rows; returns a job's arguments for the chosen ones, None if they are kept back and not opened."""
    memory, names = judging(), split_names()
    if memory.split not in names:
        memory.split = find_judged()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="judged_rows"):
        held = widgets.read(SPLIT, memory.split)
        shown = widgets.seed(SPLIT, held if held in names else memory.split, tuple(names))
        pressed = st.segmented_control(
            label("evaluate.rows"), names, default=shown, format_func=lambda name: label(f"evaluate.split.{name}"), required=True,
            key=widgets.key_of(SPLIT), help=label("evaluate.rows.help"), width="content",
        )  # fmt: skip
        memory.split = pressed or memory.split
        if is_shut(memory.split):
            subset = None
        else:
            subset = _draw_subset()
    if is_shut(memory.split):
        draw_seal()
        return None
    if is_sealed(memory.split):
        st.caption(label("evaluate.looked.note", looks=count_openings()))
    return question(memory.split, subset)


def draw_seal() -> None:
    """Draw what rows are kept back for, and the button that opens them."""
    with st.container(border=True, key="sealed"):
        st.markdown(label("evaluate.sealed", looks=count_openings()))
        st.button(
            label("evaluate.unseal"), icon=":material/lock_open:", key="unseal", on_click=session.guard(unseal),
            help=label("evaluate.unseal.help"),
        )  # fmt: skip


# Some of the rows


def describe_subset() -> str:
    """The chosen rows in words; "" for all of them."""
    subset = judging().subset
    if subset is None:
        return ""
    if WRONG in subset:
        return t("evaluate.subset.wrong")
    if "values" in subset:
        return t("evaluate.subset.values", column=subset["column"], values=", ".join(map(str, subset["values"])))
    return t("evaluate.subset.range", column=subset["column"], low=f"{subset['low']:.4g}", high=f"{subset['high']:.4g}")


def _draw_subset() -> dict[str, Any] | None:
    memory = judging()
    columns = {column["name"]: column for column in ask("evaluate", **question("train"))[0]["columns"]}
    wrong = [WRONG] if moment().class_names else []
    options = [ALL, *wrong, *(f"{COLUMN}{name}" for name in columns)]
    words = {ALL: t("evaluate.subset.all"), WRONG: t("evaluate.subset.wrong")}
    titles = {one: words.get(one, one.removeprefix(COLUMN)) for one in options}
    held = widgets.read(COLUMN, _name_option(memory.subset))
    with st.popover(
        label("evaluate.subset.chosen", rows=describe_subset()) if memory.subset else label("evaluate.subset"),
        icon=":material/filter_alt:", key="subset",
    ):  # fmt: skip
        shown = widgets.seed(COLUMN, held if held in options else ALL, tuple(options))
        picked = st.selectbox(
            label("evaluate.subset.by"), options, widgets.find_position(options, shown), format_func=lambda one: escape(titles[one]),
            key=widgets.key_of(COLUMN), help=label("evaluate.subset.help"),
        )  # fmt: skip
        if picked == ALL:
            memory.subset = None
        elif picked == WRONG:
            memory.subset = {WRONG: True}
        else:
            memory.subset = _draw_bounds(columns[picked.removeprefix(COLUMN)], memory.subset)
    return memory.subset


def _name_option(subset: dict[str, Any] | None) -> str:
    if subset is None:
        return ALL
    return WRONG if WRONG in subset else COLUMN + subset["column"]


def _draw_bounds(column: dict[str, Any], before: dict[str, Any] | None) -> dict[str, Any]:
    name = column["name"]
    chosen = before if before is not None and before.get("column") == name else {}
    if "values" in column:
        path = f"{VALUES}/{name}"
        held = [value for value in widgets.read(path, chosen.get("values", [])) if value in column["values"]]
        shown = widgets.seed(path, held or column["values"][:1], tuple(column["values"]))
        values = st.multiselect(
            label("evaluate.subset.of_values"),
            column["values"],
            shown,
            format_func=escape,
            key=widgets.key_of(path),
        )
        return {"column": name, "values": values or column["values"][:1]}
    low, high = column["low"], column["high"]
    if low == high:
        return {"column": name, "low": low, "high": high}
    held = chosen.get("low", low), chosen.get("high", (low + high) / 2)
    start, end = (_draw_days if name in _find_dates() else _draw_numbers)(name, held, (low, high))
    return {"column": name, "low": start, "high": end}


def _draw_numbers(name: str, held: Range, ends: Range) -> Range:
    """Draw a slider with two thumbs; the chosen range."""
    path, (low, high) = f"{RANGE}/{name}", ends
    start, end = (min(max(one, low), high) for one in widgets.read(path, held))
    shown = widgets.seed(path, (start, end), ends)
    chosen: Any = st.slider(
        escape(name), low, high, shown, step=(high - low) / 100, format="%.4g", key=widgets.key_of(path)
    )
    return chosen


def _draw_days(name: str, held: Range, ends: Range) -> Range:
    """Draw the same for a column of days since 1970, shown as dates."""
    path, first, last = f"{RANGE}/{name}", _to_date(ends[0]), _to_date(ends[1] + 1)
    start, end = (min(max(one, first), last) for one in widgets.read(path, (_to_date(held[0]), _to_date(held[1]))))
    shown = widgets.seed(path, (start, end), ends)
    chosen: Any = st.slider(escape(name), first, last, shown, format="YYYY-MM-DD", key=widgets.key_of(path))
    return _to_days(chosen[0]), _to_days(chosen[1])


def _find_dates() -> set[str]:
    """The names of the columns that hold days since 1970."""
    columns = getattr(moment().experiment.dataset, "columns", ())
    return {column.name for column in columns if column.kind == "date"}


def _to_date(days: float) -> date:
    return date(1970, 1, 1) + timedelta(days=int(days))


def _to_days(day: date) -> float:
    return float((day - date(1970, 1, 1)).days)
