"""The page's jobs for a desk, and their progress while somebody waits. Nothing here holds up the page for more than MOMENT."""

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
from ui.session import label, standing, uploads

HOURGLASS = ":material/hourglass_top:"
# seconds that a script waits for a job before it draws the page with a progress bar: most tables are read by then
MOMENT = 0.6
GLANCE = 0.02
UNDER_WAY = ("waiting", "working")
TOO_MANY_ROWS = ("upload_too_many_rows", "upload_more_rows")
PASTED = "data_pasted"  # key of the field for a pasted table
LARGE = "large"  # `form` in the result of the quick job "look" for a table that needs the job "look_long"
OFFLINE = ("classic_offline", "classic_changed")

_log = logging.getLogger(__name__)

Arrived = Callable[[dict[str, Any], bytes], None]


def bringing() -> Bringing:
    """What the page Data remembers of this person."""
    return session.current().memory(Bringing)


def submit(do: str, said: str, shown: str, arrived: Arrived, /, **arguments: Any) -> None:
    """Give a desk this job, in place of one that the page waits for. `arrived` takes its result. Raises Problem."""
    leave()
    state = bringing()
    job = live.desks().submit(do, **session.name_owner(standing.name_page()), **arguments)
    state.waiting = Waiting(job, do, said, shown, arrived, arguments)


def leave() -> None:
    """Cancel the job that the page waits for, if any. What the page shows stays."""
    state = bringing()
    if state.waiting is not None and state.waiting.job.state in UNDER_WAY:
        state.waiting.job.cancel()
    state.waiting = None
    state.too_many, state.offline = None, ""


def profile_table(table: Brought) -> None:
    """Let a desk profile this table, with its owner's corrections. The page shows the profile before until the new one arrives."""
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
    state.pasted = ""
    live.pool().expect_tables()
    names = [column["name"] for column in profile["columns"]]
    if state.card not in names:
        state.card = next(iter([*state.brought.inputs, *names]))


def settle() -> None:
    """Wait up to MOMENT for the job under way; take its result if it has ended. A failed job becomes a sentence on the page."""
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
    # Last: Streamlit may stop this script at any access to the session, after a press; then the next script must still find the job.
    if state.waiting is waiting:
        state.waiting = None


def _explain_refusal(waiting: Waiting, problem: Problem) -> None:
    """Show why the job failed, and remember what can be offered instead."""
    state = bringing()
    state.grids += 1  # A new grid: the present one may show the edit that was refused.
    if state.pasted and waiting.options.get("upload") == state.pasted and not uploads.read_text(PASTED):
        uploads.write_text(PASTED, uploads.read_upload(state.pasted).decode())
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
    """Draw the progress of the job under way, how many jobs are ahead of it, and a button to cancel it."""
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
    """Callback of the button Cancel."""
    leave()
