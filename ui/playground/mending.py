"""After the loss has ceased to be a finite number: back to where it was one, and a learning rate that was tried and works."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from dlcore.desks.job import Job
from dlcore.problems import Problem
from ui import live, session
from ui.session import standing, t

LOOK_EVERY = 0.5  # seconds
UNDER_WAY = ("waiting", "working")


@dataclass
class Mending:
    """The search for a rate that this person has begun, and the run that it is for."""

    job: Job | None = None
    token: str | None = None


def is_searching() -> bool:
    """Whether a rate is looked for, for the present run."""
    memory = session.current().memory(Mending)
    return memory.job is not None and memory.token == session.current().token


def begin_search() -> None:
    """Let a desk look for a learning rate that works from the last moment from which the run can go on."""
    state = session.current()
    if is_searching() or state.token is None:
        return
    pool = live.pool()
    moment = pool.call(state.token, "sound")[0]["moment"]
    then, content = ({"recipe": ""}, b"") if moment is None else pool.call(state.token, "fork", moment=moment)
    whose = session.name_owner(standing.name_page())
    job = live.desks().submit("find_rate", content, recipe=state.experiment.to_json(), then=then["recipe"], **whose)
    memory = state.memory(Mending)
    memory.job, memory.token = job, state.token


def follow_search() -> None:
    """Draw nothing; while a rate is looked for, see every now and then whether it is found, and go on with it."""
    if is_searching():
        st.fragment(_look, run_every=LOOK_EVERY)()


def _look() -> None:
    job = session.current().memory(Mending).job
    if job is None or job.state in UNDER_WAY:
        return
    _go_on_with_what_was_found(job)
    st.rerun()


@session.guard
def _go_on_with_what_was_found(job: Job) -> None:
    standing.follow_run()
    state = session.current()
    state.memory(Mending).job = None
    found: dict[str, Any] = job.result()[0]
    token = state.token
    if token is None or live.pool().call(token, "standing")[0]["status"] != "diverged":
        return  # The person has done something else meanwhile.
    optimizer = state.experiment.optimizer
    if optimizer.learning_rate != found["was"]:
        raise Problem("job_cancelled")
    live.pool().call(token, "recover")
    standing.send(state.experiment.replace(optimizer=optimizer.replace(learning_rate=found["rate"])))
    live.pool().call(token, "play")
    key = "rate.found" if found["cause"] else "rate.not_cause"
    state.notices.append(t(key, was=f"{found['was']:g}", rate=f"{found['rate']:g}"))
