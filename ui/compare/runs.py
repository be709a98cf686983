"""The kept runs, beside the present one: how a run joins them, what they are called, how they live as long as their owner's session."""

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

MOST_RUNS = 4  # the present run and the kept ones together


# How a run joins the others


@session.guard
def keep_a_copy() -> None:
    """Callback of a button: `keep`, with a failure shown as a sentence."""
    keep()


@session.guard
def change_one_thing() -> None:
    """Callback of a button: `change_one`, with a failure shown as a sentence."""
    change_one()


def keep() -> None:
    """Add a copy of the present run, as it is now, to the kept runs; the present run goes on."""
    _make_room(1)
    state = session.current()
    with _new_runs() as new:
        token, experiment = _fork(None, new)
    run = KeptRun(token, experiment, _next_number())
    state.kept.append(run)
    state.notices.append(t("run.kept", name=name_run(run)))


def fork(moment: int | None) -> None:
    """Start a new run from this moment of the present one (None: from now) and make it the present run; the old one joins the kept runs."""
    _make_room(1)
    state = session.current()
    with _new_runs() as new:
        token, experiment = _fork(moment, new)
        before = put_by()
    standing.stand_on(token, experiment)
    state.number, state.name = _next_number(), ""
    state.notices.append(t("run.forked", before=name_run(before), name=name_present()))


def change_one() -> None:
    """Start two new runs of the present recipe, identical from step 0: one is kept, the other becomes the present run, to be changed.

    The old run joins the kept ones if it has trained at all; else it is closed.
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
    """A list for the tokens of runs that the block starts: if the block fails, all of them are closed, so they count against no limit."""
    tokens: list[str] = []
    try:
        yield tokens
    except BaseException:
        for token in tokens:
            with suppress(Problem):  # The error to report is the one that made the block fail.
                live.pool().close(token)
        raise


def _fork(moment: int | None, new: list[str]) -> tuple[str, Experiment]:
    """Start a run from this moment of the present one (None: from now), add its token to `new`; returns token and recipe."""
    state = session.current()
    header, content = live.pool().call(state.token, "fork", moment=moment)  # type: ignore[arg-type]
    new.append(standing.begin(header["recipe"], content))
    return new[-1], Experiment.from_json(header["recipe"])


def put_by() -> KeptRun:
    """Pause the present run and add it to the kept ones."""
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
    """The name that the pupil gave the run, else one made of its number."""
    return run.name or t("run.name", number=run.number)


def describe_present() -> KeptRun:
    """The present run in the form of the kept ones."""
    state = session.current()
    return KeptRun(state.token, state.experiment, state.number, state.name, state.life)  # type: ignore[arg-type]


def name_present() -> str:
    """The name of the present run."""
    return name_run(describe_present())


def list_runs() -> list[KeptRun]:
    """The kept runs and the present one, in the order in which they were made."""
    return sorted([*session.current().kept, describe_present()], key=lambda run: run.number)


# The playground's menu


def run_menu() -> None:
    """Draw the menu of runs: Keep, Change one thing, and the link to the page Compare."""
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
    """Lift the limits by which the page Compare kept runs in step: each trains at its own speed again."""
    memory = session.current().memory(Comparing)
    if not memory.leashed:
        return
    memory.leashed = False
    for run in list_runs():
        tell(run, "leash", value=None)


def tell(run: KeptRun, do: str, **values: Any) -> None:
    with suppress(Problem):  # Other parts of the page report a run that is gone or hangs.
        live.pool().call(run.token, do, **values)


def stay_awake() -> None:
    """Renew the session's hold on the kept runs every ten minutes, so that they are not put away while the page is open but idle."""
    if session.current().kept:
        st.fragment(standing.hold_kept_runs, run_every=600)()
