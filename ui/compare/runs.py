"""The runs beside the present one: how a run joins them, what they are called, and that they last while their owner is here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import streamlit as st

from dlcore.experiment import Experiment
from dlcore.problems import Problem
from ui import live, pages, session
from ui.compare.memory import Comparing
from ui.session import KeptRun, label, standing, t, widgets

MOST_RUNS = 4  # the present one and those kept


# How a run joins the others


@session.guard
def keep_a_copy() -> None:
    """Button: the same as `keep`."""
    keep()


@session.guard
def change_one_thing() -> None:
    """Button: the same as `change_one`."""
    change_one()


def keep() -> None:
    """A copy of the present run as it stands now joins the kept ones; the present one goes on."""
    _make_room(1)
    state = session.current()
    with _new_runs() as new:
        token, experiment = _fork(None, new)
    run = KeptRun(token, experiment, _next_number())
    state.kept.append(run)
    state.notices.append(t("run.kept", name=name_run(run)))


def fork(moment: int | None) -> None:
    """A new run goes on from that moment (or now) and becomes the present one; the old one joins the kept runs."""
    _make_room(1)
    state = session.current()
    with _new_runs() as new:
        token, experiment = _fork(moment, new)
        before = put_by()
    standing.stand_on(token, experiment)
    state.number, state.name = _next_number(), ""
    state.notices.append(t("run.forked", before=name_run(before), name=name_present()))


def change_one() -> None:
    """Two fresh runs of the present recipe, alike from step 0: one is kept, the other is to be changed.

    What the present run has learned is not lost: it joins the kept ones.
    """
    state = session.current()
    _make_room(1)
    stood, _ = live.pool().call(state.token, "standing")  # type: ignore[arg-type]
    learned = stood.get("step", 0) > 0
    _make_room(1 + learned)
    recipe = state.experiment.to_json()
    with _new_runs() as twins:
        for _ in range(2):
            twins.append(standing.begin(recipe))
        if learned:
            put_by()
    if learned:
        state.number, state.name = _next_number(), ""
    else:
        live.pool().close(state.token)  # type: ignore[arg-type]
    state.kept.append(KeptRun(twins[0], state.experiment, state.number, state.name))
    standing.stand_on(twins[1], state.experiment)
    state.number, state.name = _next_number(), ""
    state.notices.append(t("run.change_one"))


@contextmanager
def _new_runs() -> Iterator[list[str]]:
    """Tokens of runs that are begun meanwhile: they end again if what has to come with them fails, and count against no limit."""
    tokens: list[str] = []
    try:
        yield tokens
    except BaseException:
        for token in tokens:
            with suppress(Problem):  # What went wrong first is what is said.
                live.pool().close(token)
        raise


def _fork(moment: int | None, new: list[str]) -> tuple[str, Experiment]:
    """A new run that goes on from there: its token, which joins the `new` ones, and its recipe."""
    state = session.current()
    header, content = live.pool().call(state.token, "fork", moment=moment)  # type: ignore[arg-type]
    new.append(standing.begin(header["recipe"], content))
    return new[-1], Experiment.from_json(header["recipe"])


def put_by() -> KeptRun:
    """The present run, paused, is one of the kept ones from now on."""
    state = session.current()
    live.pool().call(state.token, "pause")  # type: ignore[arg-type]
    run = KeptRun(state.token, state.experiment, state.number, state.name)  # type: ignore[arg-type]
    state.kept.append(run)
    return run


def _make_room(runs: int) -> None:
    if len(session.current().kept) + runs > MOST_RUNS - 1:
        raise Problem("runs_full", limit=MOST_RUNS)


def _next_number() -> int:
    state = session.current()
    state.numbered += 1
    return state.numbered


# Names


def name_run(run: KeptRun) -> str:
    """As somebody has called it, else by its number."""
    return run.name or t("run.name", number=run.number)


def describe_present() -> KeptRun:
    """The present run, described as the others are."""
    state = session.current()
    return KeptRun(state.token, state.experiment, state.number, state.name, state.life)  # type: ignore[arg-type]


def name_present() -> str:
    """What the present run is called."""
    return name_run(describe_present())


def list_runs() -> list[KeptRun]:
    """The kept ones and the present one, in the order they were made."""
    return sorted([*session.current().kept, describe_present()], key=lambda run: run.number)


# The playground's menu


def run_menu() -> None:
    """Keep, change one thing, and the way to the page Compare."""
    if session.is_hidden("compare"):
        return
    kept = len(session.current().kept)
    menu = st.popover(
        label("compare_menu", count=kept) if kept else label("compare_menu.empty"),
        icon=":material/compare:",
        key=widgets.key_of("/compare"),
        on_change="rerun",
    )
    if menu.open:
        with menu:
            st.button(
                label("run.keep"), icon=":material/content_copy:", key="run_keep", on_click=keep_a_copy, width="stretch",
                help=label("run.keep.help"),
            )  # fmt: skip
            st.button(
                label("run.change_one_thing"), icon=":material/difference:", key="run_change_one",
                on_click=change_one_thing, width="stretch", help=label("run.change_one_thing.help"),
            )  # fmt: skip
            st.page_link(
                pages.COMPARE.script, label=label("page.compare.open"), icon=":material/arrow_forward:",
                query_params=st.query_params.to_dict(),
            )  # fmt: skip


# On every page


def release_speed() -> None:
    """Runs that the page Compare has held together may go at their own pace again."""
    memory = session.current().memory(Comparing)
    if not memory.leashed:
        return
    memory.leashed = False
    for run in list_runs():
        tell(run, "leash", value=None)


def tell(run: KeptRun, do: str, **values: Any) -> None:
    with suppress(Problem):  # A run that is gone or hangs is told of elsewhere.
        live.pool().call(run.token, do, **values)


def stay_awake() -> None:
    """Kept runs are held while their owner is here, even if no script runs for long."""
    if session.current().kept:
        st.fragment(standing.hold_kept_runs, run_every=600)()
