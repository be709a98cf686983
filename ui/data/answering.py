"""The owner's answers about a column: which marks ("?", "-999") count as missing, whether near-equal spellings are one category."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import streamlit as st

from dlcore.datasets.columns import MOST_MARKS
from dlcore.problems import Problem
from ui import session
from ui.data import asking
from ui.data.brought import Brought, with_joined, with_missing
from ui.session import label, t, widgets

ASKED = ("found_maybe_missing", "found_far_away", "found_word_missing", "found_bounds", "found_near_equal")


def draw_answer(finding: dict[str, Any], index: int) -> None:
    """Draw a button at a finding that was decided by a guess; it switches to the other answer."""
    st.button(
        label(f"data.answer.{finding['key']}"), key=f"data_answer_{index}", on_click=switch, args=(finding["key"], finding["values"]),
        help=label("data.answer.help"), width="content",
    )  # fmt: skip


def draw_menus(column: dict[str, Any]) -> None:
    """Draw a card's menus for missing marks and near-equal spellings, each only if the column has some."""
    name = column["name"]
    marks = {text: cells for text, cells, _ in column.get("marks") or ()}
    if marks:
        shown = widgets.seed("/data/card/missing", _find_missing(column), (tuple(marks), name))
        st.multiselect(
            label("data.marks"), list(marks), shown, format_func=lambda mark: t("data.mark", mark=mark, cells=f"{marks[mark]:,}"),
            key=widgets.key_of("/data/card/missing"), on_change=choose_missing, args=(name,), help=label("data.marks.help"),
        )  # fmt: skip
    spellings = column.get("spellings") or ()
    if spellings:
        told = "; ".join(", ".join(each) for each in spellings)
        on = widgets.seed("/data/card/joined", column["joined"], name)
        st.toggle(
            label("data.joined"), on, key=widgets.key_of("/data/card/joined"), on_change=choose_joined, args=(name,),
            help=label("data.joined.help", spellings=told),
        )  # fmt: skip


@session.guard
def switch(key: str, values: dict[str, Any]) -> None:
    """Callback of that button: switch to the other answer to the finding of this key."""
    name = values["column"]
    if name not in {column["name"] for column in _with_answers().columns}:
        return  # The file was read anew meanwhile, and has no such column.
    missing = _find_missing(_with_answers().column(name))
    match key:
        case "found_near_equal":
            _join(name, True)
        case "found_maybe_missing":
            _miss(name, [*missing, values["mark"]])
        case "found_far_away":
            _miss(name, [*missing, values["value"]])
        case "found_word_missing":
            _miss(name, [mark for mark in missing if mark != values["mark"]])
        case "found_bounds":
            _miss(name, [mark for mark in missing if mark[0] not in "<>≤≥"])


@session.guard
def choose_missing(name: str) -> None:
    """Callback of the card's menu of missing marks."""
    _miss(name, widgets.read("/data/card/missing", []))


@session.guard
def choose_joined(name: str) -> None:
    """Callback of the card's switch that joins near-equal spellings."""
    _join(name, bool(widgets.read("/data/card/joined", False)))


def _miss(name: str, marks: Iterable[str]) -> None:
    table, marks = _with_answers(), list(dict.fromkeys(marks))
    if len(marks) > MOST_MARKS:
        raise Problem("out_of_bounds", path=name, expected=f"at most {MOST_MARKS} marks", came=len(marks))
    asking.profile_table(table.replace(options=with_missing(table.options, name, marks)))
    asking.bringing().changed = True


def _join(name: str, wanted: bool) -> None:
    table = _with_answers()
    asking.profile_table(table.replace(options=with_joined(table.options, name, wanted)))
    asking.bringing().changed = True


def _find_missing(column: dict[str, Any]) -> list[str]:
    return [text for text, _, is_missing in column.get("marks") or () if is_missing]


def _with_answers() -> Brought:
    """The table with all answers given so far, including one with which a desk is still reading it."""
    table, waiting = asking.bringing().brought, asking.bringing().waiting
    assert table is not None
    if waiting is not None and waiting.do in ("look", "look_long") and waiting.options.get("upload") == table.upload:
        said: Any = {name: value for name, value in waiting.options.items() if name not in ("upload", "name")}
        table = table.replace(options=said)
    return table
