"""What the page asks of a desk, and what stands there while somebody waits: nothing here takes longer than a moment."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from dlcore.problems import Problem
from ui import live, session
from ui.data.brought import Bringing, Brought, Options, Waiting
from ui.session import label, standing

HOURGLASS = ":material/hourglass_top:"
MOMENT = 0.6  # seconds that the page waits itself: most tables are read by then
GLANCE = 0.02
UNDER_WAY = ("waiting", "working")
TOO_MANY_ROWS = ("upload_too_many_rows", "upload_more_rows")
LARGE = "large"  # what a quick look says of a table that needs a longer one
OFFLINE = ("classic_offline", "classic_changed")

_log = logging.getLogger(__name__)

Arrived = Callable[[dict[str, Any], bytes], None]


def bringing() -> Bringing:
    """What this person is about to bring."""
    return session.current().memory(Bringing)


def submit(do: str, said: str, shown: str, arrived: Arrived, /, **arguments: Any) -> None:
    """Let a desk do this job; one that was waited for is of no more use. Raises Problem."""
    leave()
    state = bringing()
    job = live.desks().submit(do, **session.name_owner(standing.name_page()), **arguments)
    state.waiting = Waiting(job, do, said, shown, arrived, arguments)


def leave() -> None:
    """Wait no longer. What stands on the page stays."""
    state = bringing()
    if state.waiting is not None and state.waiting.job.state in UNDER_WAY:
        state.waiting.job.cancel()
    state.waiting = None
    state.too_many, state.offline = None, ""


def profile_table(table: Brought) -> None:
    """Find out about a table, with what its owner has said of it. Until the answer is there, the one before stands."""
    submit(
        "look_long" if table.large else "look",
        "data.looking_long" if table.large else "data.looking",
        table.name,
        partial(_take_profile, table),
        upload=table.upload,
        name=table.name,
        **table.options,
    )


def _take_profile(table: Brought, profile: dict[str, Any], _: bytes) -> None:
    if profile.get("form") == LARGE:
        profile_table(table.replace(large=True))
        return
    state = bringing()
    state.brought, state.pictures = table.replace(profile=profile), None
    live.pool().expect_tables()
    names = [column["name"] for column in profile["columns"]]
    if state.card not in names:
        state.card = next(iter([*state.brought.inputs, *names]))


def settle() -> None:
    """Take what has arrived; where nothing has, wait a moment for it. A job that failed is a sentence."""
    state = bringing()
    waiting = state.waiting
    if waiting is None:
        return
    end = time.monotonic() + MOMENT
    while waiting.job.state in UNDER_WAY and time.monotonic() < end:
        time.sleep(GLANCE)
    if waiting.job.state in UNDER_WAY:
        return
    try:
        waiting.arrived(*waiting.job.result())
    except Problem as problem:
        _explain_refusal(waiting, problem)
    except Exception:
        _log.exception("What %s has found could not be taken.", waiting.job)
        _explain_refusal(waiting, Problem("internal"))
    # Last: a press in the browser may have ended this run of the script at any look at the session, and the next one goes on here.
    if state.waiting is waiting:
        state.waiting = None


def _explain_refusal(waiting: Waiting, problem: Problem) -> None:
    """Say why, and remember what can be offered instead."""
    state = bringing()
    state.grids += 1  # It may show what was asked for.
    if problem.key == "job_cancelled":
        return
    if problem.key in TOO_MANY_ROWS:
        options: Options = {key: value for key, value in waiting.options.items() if key not in ("upload", "name")}
        large = waiting.do == "look_long"
        state.too_many = Brought(waiting.options["upload"], waiting.name, {}, options, large=large)
    if problem.key in OFFLINE:
        state.offline = waiting.options["name"]
    session.current().problems.append(problem)


def wait() -> None:
    """What is under way, how many are ahead, and the way out."""
    if bringing().waiting is not None:
        st.fragment(_draw_waiting, run_every=0.4)()


def _draw_waiting() -> None:
    waiting = bringing().waiting
    standing.name_page()
    if waiting is None or waiting.job.state not in UNDER_WAY:
        st.rerun()
    ahead = waiting.job.ahead if waiting.job.state == "waiting" else 0
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="data_waiting"):
        said = label(waiting.said, name=waiting.name)
        if ahead:
            said = f"{said} {label('data.ahead', count=ahead)}"
        st.progress(min(1.0, max(0.02, waiting.job.share)), text=f"{HOURGLASS} {said}")
        st.button(label("data.cancel"), key="data_cancel", on_click=give_up, width="content")


@session.guard
def give_up() -> None:
    """Button: wait no longer."""
    leave()
