"""What is to be predicted: the target column, whether it holds classes or numbers, and how its values are distributed."""

from __future__ import annotations

import streamlit as st

from dlcore.views import balance, values
from ui import session
from ui.data import asking
from ui.data.brought import Brought, with_target
from ui.session import label, t, widgets

TASKS = ("classification", "regression")
STILL = {"displayModeBar": False}


def draw_question(table: Brought) -> None:
    """Draw the menus of target and task."""
    with st.container(border=True, height="stretch", key="data_question"):
        st.markdown(f"**{label('data.question')}**")
        names = [column["name"] for column in table.columns]
        waiting = asking.bringing().waiting
        wished = waiting.options if waiting else {}
        target = wished.get("target", table.target)
        shown = widgets.seed_anew("/data/target", target if target in names else None, tuple(names))
        st.selectbox(
            label("data.target"), names, key=widgets.key_of("/data/target"), index=None if shown is None else names.index(shown),
            placeholder=t("data.target.placeholder"), on_change=choose_target, help=label("data.target.help"),
        )  # fmt: skip
        titles = {task: t(f"data.task.{task}") for task in TASKS}
        task = widgets.seed_anew("/data/task", wished.get("task", table.profile["task"]), TASKS)
        st.segmented_control(
            label("data.task"), TASKS, default=task, format_func=titles.__getitem__, key=widgets.key_of("/data/task"),
            on_change=choose_task, help=label("data.task.help"), width="stretch",
        )  # fmt: skip


def draw_spread(table: Brought) -> None:
    """Draw the classes with their numbers of rows, or the histogram of the numbers to predict."""
    with st.container(border=True, height="stretch", key="data_spread"):
        if table.target is None:
            st.caption(label("data.no_target"))
        elif table.classes:
            st.markdown(f"**{label('data.balance')}**")
            told = ", ".join(f"{one['name']} {one['rows']}" for one in table.classes)
            figure = balance.draw({"classes": table.classes}, t)
            st.plotly_chart(figure, config=STILL, key="data_balance", alt=told)
        else:
            st.markdown(f"**{label('data.target_values')}**")
            profile = table.column(table.target)
            st.plotly_chart(values.draw(profile, t), config=STILL, key="data_balance", alt=t("data.target_values"))


@session.guard
def choose_target() -> None:
    """Callback: predict another column."""
    table = asking.bringing().brought
    target = widgets.read("/data/target", None)
    assert table is not None
    if target is not None and target != table.target:
        asking.profile_table(table.replace(options=with_target(table.options, target)))


@session.guard
def choose_task() -> None:
    """Callback: classification or regression. A press on the present task changes nothing."""
    table = asking.bringing().brought
    task = widgets.read("/data/task", None)
    assert table is not None
    if task is not None and task != table.profile["task"]:
        asking.profile_table(table.replace(options={**table.options, "target": table.target, "task": task}))
