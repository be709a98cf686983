"""How the page's sections ask desks: quick questions, for which the page waits, and long jobs with progress."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import streamlit as st

from dlcore.jobs import Answer
from dlcore.problems import Problem
from ui import live, session
from ui.evaluating.judging import Begun, Judging, Moment
from ui.messages import escape, sentence
from ui.session import label, standing, t, widgets

PATIENCE = 180.0  # seconds that a page waits for an answer, time in the queue included
HISTORY_ROWS = 400  # rows of the history kept with a moment: as many as the curves of a report show
UNDER_WAY = ("waiting", "working")
SPLIT = "/judged_split"  # path of the widget that chooses which part of the rows is evaluated


def judging() -> Judging:
    """What this person's page Evaluate remembers."""
    return session.current().memory(Judging)


# The moment


def moment() -> Moment:
    """The moment that the page evaluates: the run as it was when the page was opened, or at the last press on "Judge again"."""
    memory = judging()
    if memory.moment is None or memory.moment.token != session.current().token:
        memory.moment = _take_moment()
    return memory.moment


def moment_of(token: str) -> Moment:
    """The present state of this run, as a moment."""
    _, content = live.pool().call(token, "checkpoint")
    history = b""
    with suppress(Problem):  # Without a history there is a report too, which says that it is missing.
        _, history = live.pool().call(token, "history", most=HISTORY_ROWS)
    return Moment.of(token, content, history.decode())


def judge_again() -> None:
    """Evaluate the run as it is now."""
    judging().moment = _take_moment()


def _take_moment() -> Moment:
    token = session.current().token
    assert token is not None, "The page makes its run first."
    taken = moment_of(token)
    before = judging().moment
    if before is not None and before.token == token and before.content == taken.content:
        return before  # The run has not changed: the answers remembered with that moment still hold.
    return taken


def run_now() -> dict[str, Any]:
    """The run's present {"status", "step", "epoch"}."""
    return live.pool().call(moment().token, "standing")[0]


# Quick questions


def ask(do: str, **arguments: Any) -> Answer:
    """A desk's answer to a question about the page's moment. Remembered with the moment, so each is asked once. Raises Problem."""
    now = moment()
    found = recall(do, **arguments)
    if found is None:
        with st.spinner(t("evaluate.asking")):
            header, payload = live.desks().ask(
                do, now.content, **session.name_owner(standing.name_page()), patience=PATIENCE, **arguments
            )
        now.keep(_write_question(do, arguments), header, payload)
        found = header, payload
    return found


def recall(do: str, **arguments: Any) -> Answer | None:
    """The answer to this question if it was asked about the page's moment; nobody is asked for it."""
    return moment().recall(_write_question(do, arguments))


def _write_question(do: str, arguments: dict[str, Any]) -> str:
    return json.dumps([do, arguments], sort_keys=True)


# Long jobs


def begin(do: str, **arguments: Any) -> None:
    """Start a long job about the page's moment in the background; a job of the same kind that is under way is cancelled first."""
    cancel(do)
    now = moment()
    job = live.desks().submit(do, now.content, **session.name_owner(standing.name_page()), **arguments)
    judging().begun[do] = Begun(job, now.step, now.epoch, arguments)


def cancel(do: str) -> None:
    """Cancel the job of this kind, if it is under way."""
    begun = judging().begun.get(do)
    if begun is not None and begun.job.state in UNDER_WAY:
        begun.job.cancel()


def find_job(do: str) -> Begun | None:
    """The job of this kind that this person started last; None if there is none."""
    return judging().begun.get(do)


def find_done(do: str) -> dict[str, Any] | None:
    """What the job of this kind has found about the page's moment, if it is done; else None."""
    known, now = find_job(do), moment()
    if known is None or known.job.state in UNDER_WAY or (known.step, known.epoch) != (now.step, now.epoch):
        return None
    with suppress(Problem):
        return known.job.result()[0]
    return None


def watch(do: str, show: Callable[[dict[str, Any], bytes], None]) -> None:
    """Draw the job of this kind: its progress, Cancel and what it has found so far; after its end the result, or why there is none."""
    known = find_job(do)
    if known is None:
        return
    if known.job.state in UNDER_WAY:
        st.fragment(_progress, run_every=1.0)(do, show)
        return
    try:
        header, payload = known.job.result()
    except Problem as problem:
        if problem.key == "job_cancelled":
            found = known.job.partial
            st.info(label("evaluate.cancelled" if found else "evaluate.cancelled.empty"), icon=":material/cancel:")
            if found:
                show(found, b"")
        else:
            st.error(escape(sentence(session.current().language, problem)), icon=":material/error:")
        return
    now = moment()
    if (known.step, known.epoch) != (now.step, now.epoch):
        st.caption(label("evaluate.of_another_moment", step=f"{known.step:,}", epoch=f"{known.epoch:,}"))
    show(header, payload)


def _progress(do: str, show: Callable[[dict[str, Any], bytes], None]) -> None:
    known = find_job(do)
    standing.name_page()
    if known is None or known.job.state not in UNDER_WAY:
        st.rerun()  # Reruns the whole page, whose section then shows the result.
    job = known.job
    waiting = job.state == "waiting"
    with st.container(horizontal=True, vertical_alignment="center"):
        said = (
            label("evaluate.waiting", ahead=job.ahead)
            if waiting
            else label("evaluate.share", share=round(100 * job.share))
        )
        st.progress(min(1.0, max(0.0, job.share)), text=said)
        st.button(
            label("evaluate.cancel"),
            key=f"cancel_{do}",
            icon=":material/cancel:",
            on_click=session.guard(cancel),
            args=(do,),
        )
    if job.partial:
        show(job.partial, b"")


# The test rows that are kept back


def count_openings() -> int:
    """How often this person has opened the scores of these test rows, with this network or another."""
    return judging().looks.get(moment().test_rows, 0)


def unseal() -> None:
    """Open the test rows for the page's moment, and show them; counted once for each moment."""
    now = moment()
    judging().split = "test"
    widgets.forget(SPLIT)
    if not now.unsealed:
        now.unsealed = True
        counted = judging().looks
        counted[now.test_rows] = counted.get(now.test_rows, 0) + 1
