"""This person's present run and the others: started, held while the session lives, revived from the shelf, closed with the session."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import streamlit as st

from dlcore.experiment import Experiment
from dlcore.problems import Problem
from ui import live, opening
from ui.session.state import Session, current, mark, owner
from ui.session.words import t

FULL = ("class_full", "session_full", "visitors_full")  # Problems for lack of room, which pass by themselves.


@st.cache_resource(scope="session", on_release=lambda token: live.pool().release(token), show_spinner=False)
def lease(token: str) -> str:
    """Bind the run to the session: Streamlit clears this cache entry when the session ends, which releases the run."""
    return token


@st.cache_resource(scope="session", on_release=lambda visit: live.desks().release(visit), show_spinner=False)
def _watch_page(visit: str) -> str:
    """Bind this name to the session: Streamlit clears the entry when the session ends or loses its page, and the desks are told."""
    return visit


def name_page() -> str:
    """The name under which desks work for this page; each call also tells the desks that the page is open."""
    visit = _watch_page(current().visit)
    live.desks().hold(visit)
    return visit


def ensure_run() -> str:
    """The token of this session's run. One that has ended is replaced by a new one of the same experiment."""
    session = current()
    if session.token is None:
        _new_run(session)
        if session.wishes.playing:
            live.pool().call(session.token, "play")  # type: ignore[arg-type]
    else:
        try:
            live.pool().hold(session.token)
        except Problem:
            renew_run()
    hold_others()
    return lease(session.token)  # type: ignore[arg-type]


def find_refusal() -> Problem | None:
    """The problem for which this session can have no run at present; None when it has one."""
    session = current()
    name_page()
    try:
        if session.token is None or not live.pool().exists(session.token):
            ensure_run()
    except Problem as problem:
        if problem.key not in FULL:
            raise
        return problem
    return None


def hold_others() -> None:
    """Tell the pool that this session still needs its other runs, where the shelf would not give them back."""
    if owner() and live.pool().keeps_runs:
        return
    for run in live.pool().listing.list_awake(mark()):
        with suppress(Problem):  # It has ended meanwhile.
            live.pool().hold(run.token)
            lease(run.token)


def let_wait(token: str) -> None:
    """Let a run that is not the present one go to the shelf, if it can come back from there."""
    if owner() and live.pool().keeps_runs:
        live.pool().release(token)


def wake(token: str) -> None:
    """Bring this person's run to a worker, if it is in none, and hold it there. Raises Problem if that cannot be."""
    if not live.pool().exists(token):
        _check_rows(live.pool().find_standing(token, owner())["recipe"])
        live.pool().revive(token, owner())
    live.pool().hold(token)
    lease(token)


def renew_run() -> None:
    """Revive the session's run from the shelf, else start a new one of the last valid experiment; the page tells which, in a sentence."""
    session = current()
    experiment = None if session.token is None else _revive(session, session.token)
    if experiment is None:
        _renew(session)
        return
    session.life += 1
    stand_on(session.token, experiment)  # type: ignore[arg-type]


def _revive(session: Session, token: str) -> Experiment | None:
    """Revive a run that was put on the shelf; returns its experiment, None if the shelf has nothing of it."""
    try:
        _check_rows(live.pool().find_standing(token, owner())["recipe"])
        standing = live.pool().revive(token, owner())
    except Problem as problem:
        if problem.key in FULL:
            raise
        return None
    session.notices.append(t("page.revived", epoch=standing["epoch"]))
    return Experiment.from_json(standing["recipe"])


def resume(token: str) -> None:
    """Go on with another run of this browser; it becomes the present run."""
    session = current()
    if token == session.token:
        return
    fresh = session.token
    _check_rows(
        live.pool().find_standing(token, owner())["recipe"]
    )  # First: what it raises leaves the present run unharmed.
    if fresh is not None and live.pool().exists(fresh):
        # Reads the last kept state and does not wait for the worker: a wait would let a rerun apply the old run's widgets meanwhile.
        learned = live.pool().find_standing(fresh, owner())["step"] > 0
        if not learned and not live.pool().listing.find(fresh).label.kept:
            live.pool().close(fresh)  # First, so that there is room in a class that is full.
            session.token = None
        else:
            let_wait(fresh)
    found = live.pool().revive(token, owner())
    stand_on(token, Experiment.from_json(found["recipe"]))
    session.device = found["device"]


def _check_rows(recipe: str) -> None:
    """Raise Problem if this person may not, or no longer, see the rows of this recipe."""
    refusal = opening.find_refusal(Experiment.from_json(recipe), mark())
    if refusal is not None:
        raise refusal


def begin(recipe: str, state: bytes = b"") -> str:
    """Start a run that belongs to this person's browser; returns its token. `state` is what a fork of another run gave."""
    return live.pool().create(recipe, current().device, state, owner(), mark())


def _renew(session: Session) -> None:
    _new_run(session)
    session.notices.append(t("page.renewed"))


def _new_run(session: Session) -> None:
    refusal = opening.find_refusal(session.experiment, mark())
    if refusal is not None:
        session.problems.append(refusal)
        session.experiment = opening.without_rows(session.experiment)
    session.token = begin(session.experiment.to_json())


def send(experiment: Experiment, **more: Any) -> None:
    """Change the run to this experiment. `more` is what `Run.change` takes beside: `origins` of layers and units, `act`.

    With `anew` the run begins anew, whatever it has learned.
    """
    session = current()
    arguments: dict[str, Any] = {"recipe": experiment.to_json(), **more}
    try:
        live.pool().call(session.token, "change", **arguments)  # type: ignore[arg-type]
    except Problem as problem:
        if problem.key != "run_gone":
            raise
        if _revive(session, session.token) is None:  # type: ignore[arg-type]
            session.experiment = experiment
            _renew(session)
        else:
            session.life += 1
            live.pool().call(session.token, "change", **arguments)  # type: ignore[arg-type]
    session.experiment = experiment


def stand_on(token: str, experiment: Experiment) -> None:
    """Make this the present run."""
    session = current()
    session.token, session.experiment = token, experiment


def follow_run() -> None:
    """Ask on which recipe and device the run stands, and whether as an example: the canvas changes all three without a script.

    A run whose worker has not started yet, or was lost, stands as it was made or last kept: no page waits for that.
    """
    session = current()
    if session.token is None or not live.pool().exists(session.token):
        return
    ready = live.pool().link_of(session.token).ready.is_set()
    header = live.pool().call(session.token, "stand")[0] if ready else live.pool().find_standing(session.token, owner())
    session.experiment, session.device = Experiment.from_json(header["recipe"]), header["device"]
    if not ready:
        return  # Whether it stands as an example, its worker alone knows.
    if session.example is not None and header.get("example") != session.example.id:
        session.example = None  # Undo took its opening back: its question is about another run.
