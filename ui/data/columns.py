"""Each column's use as an input, type, values and treatment: a grid with one row for each column, and a card for one in detail."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dlcore.views import values
from ui import session
from ui.data import answering, asking
from ui.data.brought import FILLS, INPUT_KINDS, KINDS, SCALES, TEXT, Brought, with_type
from ui.data.question import STILL
from ui.grids import escape_formula
from ui.messages import escape
from ui.rail.scales import write_number
from ui.session import label, t, widgets

BARS = 16  # of the histograms in the grid
ROW, TALLEST = 34, 560  # pixels


@st.fragment
def draw_columns() -> None:
    """Draw the grid and the card. A fragment: choosing another column for the card redraws these alone."""
    state = asking.bringing()
    if state.changed:
        state.changed = False
        st.rerun()
    table = state.brought
    if table is None:
        return
    grid, card = st.columns([5, 3], gap="medium")
    with grid:
        _draw_grid(table)
    with card:
        _draw_card(table)


# The grid


def _draw_grid(table: Brought) -> None:
    rows = [_make_row(table, column) for column in table.columns]
    cells = {name: [escape_formula(row[name]) for row in rows] for name in rows[0]}
    column = st.column_config
    kinds = {kind: t(f"data.kind.{kind}") for kind in KINDS}
    key = _key_of_grid(table)
    st.data_editor(
        cells,
        key=key,
        on_change=edit,
        args=(key, [row["name"] for row in rows]),
        hide_index=True,
        height=min(TALLEST, ROW * (len(rows) + 1) + 3),
        row_height=ROW,
        alt=t("data.columns"),
        disabled=("name", "bars", "missing", "distinct", "becomes"),
        column_config={
            "input": column.CheckboxColumn(t("data.input"), width=84, help=t("data.input.help")),
            "name": column.TextColumn(t("data.column"), width=140),
            "kind": column.SelectboxColumn(
                t("data.kind"),
                options=list(kinds),
                format_func=lambda kind: kinds[str(kind)],
                required=True,
                width=100,
                help=t("data.kind.help"),
            ),
            "bars": column.BarChartColumn(t("data.values"), width=110, y_min=0),
            "missing": column.ProgressColumn(t("data.missing"), min_value=0, max_value=1, format="percent", width=105),
            "distinct": column.NumberColumn(t("data.distinct"), format="localized", width=80),
            "becomes": column.TextColumn(t("data.becomes"), help=t("data.becomes.help")),
        },
    )
    st.caption(label("data.columns.caption"))


def _make_row(table: Brought, column: dict[str, Any]) -> dict[str, Any]:
    name = column["name"]
    return {
        "input": table.is_input(name),
        "name": name,
        "kind": column["kind"],
        "bars": _make_bars(column),
        "missing": round(column["missing"] / max(1, table.profile["rows"]), 3),
        "distinct": column["distinct"],
        "becomes": describe_inputs(table, name),
    }


def _make_bars(column: dict[str, Any]) -> list[int]:
    counts = (column.get("histogram") or {}).get("counts")
    if not counts:
        return [rows for _, rows in column.get("top") or ()] or [0]
    size = -(-len(counts) // BARS)
    return [sum(counts[start : start + size]) for start in range(0, len(counts), size)]


def describe_inputs(table: Brought, name: str) -> str:
    """What becomes of this column as inputs of the network, in a few words."""
    column = table.column(name)
    if name == table.target:
        return t("data.becomes.target")
    if table.text == name:
        return t("data.becomes.tokens")
    if column["kind"] not in INPUT_KINDS:
        return t(f"data.becomes.{column['kind']}")
    if not table.is_input(name):
        return t("data.becomes.nothing")
    treatment = table.treatment(name)
    fills = column["missing"] and treatment["impute"] != "none"
    words = [t("data.becomes.filled", value=t(f"data.fill.{treatment['impute']}"))] if fills else []
    if column["kind"] == "category":
        words.append(t("data.becomes.one_hot", count=table.network_inputs(name)))
    else:
        words.append(t(f"data.becomes.{treatment['scale']}"))
    return ", ".join(words)


def _key_of_grid(table: Brought) -> str:
    """The key of the grid; it changes whenever code changes the cells, or Streamlit would apply earlier edits to the new cells."""
    state = asking.bringing()
    cells = (table.upload, tuple((column["name"], column["kind"]) for column in table.columns), table.target)
    if state.shown != cells:
        state.shown = cells
        state.grids += 1
    return f"data_columns_{state.grids}"


@session.guard
def edit(key: str, names: list[str]) -> None:
    """Callback: apply the edits of this grid, if the table still has these columns; the grid may be an older one."""
    table = asking.bringing().brought
    if table is None or [column["name"] for column in table.columns] != names:
        return
    edited = widgets.read_grid(key)
    for index, cells in edited.items():
        column = table.columns[index]
        if "kind" in cells and cells["kind"] != column["kind"]:
            retype(column["name"], cells["kind"])
            return
        if "input" in cells and cells["input"] != table.is_input(column["name"]):
            _choose(column["name"], cells["input"])


def retype(name: str, kind: str) -> None:
    """Let a desk read this column as another type."""
    table = asking.bringing().brought
    assert table is not None
    asking.profile_table(table.replace(options=with_type(table.options, name, kind)))
    asking.bringing().changed = True


def _choose(name: str, wanted: bool) -> None:
    """Make this column an input, or none; if it cannot be one, a notice says why."""
    state = asking.bringing()
    table = state.brought
    assert table is not None
    kind = table.column(name)["kind"]
    if wanted and name == table.target:
        session.current().notices.append(t("data.is_target", name=name))
    elif wanted and kind not in (*INPUT_KINDS, TEXT):
        session.current().notices.append(t("data.not_an_input", name=name, kind=t(f"data.kind.{kind}")))
    else:
        state.brought = table.with_input(name, wanted)
        if len(state.brought.inputs) != len(table.inputs) + (1 if wanted else -1):
            state.grids += 1  # A new grid: other ticks have changed with this one.
    if state.brought is table:
        state.grids += 1  # A new grid, without the tick that was refused.
    state.changed = True


# The card


def _draw_card(table: Brought) -> None:
    """Draw one column in detail; its menus, ordinary widgets unlike the grid's canvas, can do all that the grid can, and more."""
    names = [column["name"] for column in table.columns]
    state = asking.bringing()
    with st.container(border=True, key="data_card"):
        shown = widgets.seed("/data/card", state.card if state.card in names else names[0], tuple(names))
        st.selectbox(
            label("data.card"),
            names,
            widgets.find_position(names, shown),
            key=widgets.key_of("/data/card"),
            on_change=look_at,
        )
        name = widgets.read("/data/card", names[0])
        column = table.column(name)
        _draw_facts(table, column)
        if column.get("top") or (column.get("histogram") or {}).get("counts"):
            st.plotly_chart(values.draw(column, t), config=STILL, key="data_values", alt=t("data.values_of", name=name))
        usable = column["kind"] in (*INPUT_KINDS, TEXT) and name != table.target
        on = widgets.seed("/data/card/input", table.is_input(name), (name, table.upload))
        st.toggle(
            label("data.input"), on, key=widgets.key_of("/data/card/input"), on_change=toggle, args=(name,), disabled=not usable,
            help=label("data.input.help"),
        )  # fmt: skip
        left, right = st.columns(2)
        with left:
            _draw_kind_menu(column)
        if table.is_input(name) and column["kind"] in INPUT_KINDS:
            with right:
                _draw_treatment_menu(table, name, "impute", FILLS[column["kind"]], "data.fill")
            if SCALES[column["kind"]]:
                with left:
                    _draw_treatment_menu(table, name, "scale", SCALES[column["kind"]], "data.scale")
        answering.draw_menus(column)
        st.caption(escape(describe_inputs(table, name)))


def look_at() -> None:
    """Callback: show the card of another column."""
    state = asking.bringing()
    state.card = widgets.read("/data/card", state.card)


def _draw_facts(table: Brought, column: dict[str, Any]) -> None:
    """Draw the column's type with the reason for it, missing values, distinct values, and range."""
    missing = column["missing"] / max(1, table.profile["rows"])
    said = [
        label("data.fact.missing", count=f"{column['missing']:,}", share=f"{missing:.1%}"),
        label("data.fact.distinct", count=f"{column['distinct']:,}"),
    ]
    low, high = column.get("min"), column.get("max")
    if low is not None and high is not None:
        said.append(label("data.fact.range", low=_shorten(low), high=_shorten(high)))
    if column["kind"] == "number" and column.get("mean") is not None:
        said.append(label("data.fact.mean", mean=_shorten(column["mean"]), deviation=_shorten(column["deviation"])))
    st.caption(" · ".join(said))
    if column.get("reason"):
        st.caption(label(f"data.reason.{column['reason']}"))


def _shorten(value: float | str) -> str:
    return value if isinstance(value, str) else write_number(value)


def _draw_kind_menu(column: dict[str, Any]) -> None:
    titles = {kind: t(f"data.kind.{kind}") for kind in KINDS}
    shown = widgets.seed("/data/card/kind", column["kind"], (KINDS, column["name"]))
    st.selectbox(
        label("data.kind"), KINDS, widgets.find_position(KINDS, shown), format_func=titles.__getitem__,
        key=widgets.key_of("/data/card/kind"), on_change=choose_kind, args=(column["name"],), help=label("data.kind.help"),
    )  # fmt: skip


def _draw_treatment_menu(table: Brought, name: str, part: str, options: tuple[str, ...], words: str) -> None:
    titles = {option: t(f"{words}.{option}") for option in options}
    path = f"/data/card/{part}"
    shown = widgets.seed(path, table.treatment(name)[part], (options, name))
    st.selectbox(
        label(words), options, widgets.find_position(options, shown), format_func=titles.__getitem__, key=widgets.key_of(path),
        on_change=treat, args=(name, part), help=label(f"{words}.help"),
    )  # fmt: skip


@session.guard
def toggle(name: str) -> None:
    """Callback of the card's switch: the column becomes an input, or none."""
    state = asking.bringing()
    state.grids += 1
    _choose(name, bool(widgets.read("/data/card/input", False)))


@session.guard
def choose_kind(name: str) -> None:
    """Callback of the card's menu of types."""
    retype(name, widgets.read("/data/card/kind", None))


@session.guard
def treat(name: str, part: str) -> None:
    """Callback of the card's menus for filling and scaling: take the choice for this part of the treatment."""
    state = asking.bringing()
    table = state.brought
    assert table is not None
    wished = {**table.treatments.get(name, {}), part: widgets.read(f"/data/card/{part}", None)}
    state.brought = table.replace(treatments={**table.treatments, name: wished})
