"""The runs of the page Compare: awake while it shows them, held in step by it, let go by every other page."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import streamlit as st

from dlcore.problems import Problem
from dlcore.runs.server.listing import Listed
from ui import live, session
from ui.compare.memory import Comparing
from ui.myruns import acts
from ui.session import standing


def wake_compared() -> list[Listed]:
    """The ticked runs, each in a worker and held there. One that cannot come back is said to the reader, and is ticked no longer."""
    runs = acts.list_compared()
    for run in runs:
        try:
            standing.wake(run.token)
        except Problem as problem:
            session.current().problems.append(problem)
            live.pool().listing.label(run.token, compared=False)
    return [run for run in acts.list_compared() if run.awake]


def hold_still() -> None:
    """Pause all of them when the page opens: on it they train only in step with each other, by its own Play button."""
    memory = session.current().memory(Comparing)
    if not memory.leashed:
        memory.leashed = True
        for run in acts.list_compared():
            tell(run.token, "pause")


def release_speed() -> None:
    """Lift the limits by which the page Compare kept runs in step: each trains at its own speed again, or waits on the shelf."""
    state = session.current()
    memory = state.memory(Comparing)
    if not memory.leashed:
        return
    memory.leashed = False
    runs = acts.list_compared()
    live.pool().listing.look([run.token for run in runs])
    for run in runs:
        tell(run.token, "leash", value=None)
        if run.token != state.token:
            standing.let_wait(run.token)


def tell(token: str, do: str, **values: Any) -> None:
    with suppress(Problem):  # Other parts of the page report a run that is gone or hangs.
        live.pool().call(token, do, **values)


def stay_awake() -> None:
    """Renew the session's hold on the compared runs every ten minutes, so that they are not put away while the page is open but idle."""
    st.fragment(wake_compared, run_every=600)()
