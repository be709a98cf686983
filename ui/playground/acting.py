"""Presses on the canvas that Python answers, as they need the session: what the run answers by itself goes over the live channel."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import streamlit as st

from dlcore.problems import Problem
from ui import coach, gallery, live, session
from ui.canvas import MOST_AT_ONCE
from ui.myruns import acts
from ui.playground import mending
from ui.playground.memory import Playing
from ui.session import standing

CANVAS = "canvas"  # key of the canvas component


def canvas_action() -> dict[str, Any]:
    """The last press on the canvas; its `before` lists earlier ones that may not have been answered."""
    return st.session_state[CANVAS].action or {}


def answer_canvas() -> None:
    """Do what presses on the canvas ask for, and update the page."""
    with suppress(Problem):  # What a press is about may be a run that is gone.
        standing.follow_run()
    for action in _list_unanswered(canvas_action()):
        _obey(action)
    st.rerun()


def _list_unanswered(told: dict[str, Any]) -> list[dict[str, Any]]:
    """The actions not yet answered, oldest first.

    Of several actions that arrive before the script runs, Streamlit keeps only the last. So each action brings along those before it
    (`before`), each with its `number`, and `by`, a mark of the canvas that numbered them.
    """
    before, number, memory = told.get("before"), told.get("number"), session.current().memory(Playing)
    if not isinstance(before, list) or type(number) is not int:
        return [told]
    answered = memory.answered["number"] if memory.answered["by"] == told.get("by") else 0
    memory.answered = {"by": told.get("by"), "number": max(number, answered)}
    actions = [one for one in [*before, told] if isinstance(one, dict) and type(one.get("number")) is int]
    return [one for one in actions[-MOST_AT_ONCE:] if one["number"] > answered]


@session.guard
def _obey(action: dict[str, Any]) -> None:
    """Carry out one action; one that names a moment that no longer exists does nothing."""
    state = session.current()
    match action.get("do"):
        case "renew":
            # The token is None in a new session, for which the page makes a run anyway.
            if state.token is not None and not live.pool().exists(state.token):
                standing.renew_run()
        case "resume":
            standing.resume(str(action.get("token")))
        case "coach":
            coach.mend(str(action.get("fix")))
        case "close_example":
            gallery.close()
        case "find_rate":
            mending.begin_search()
        case "fork":
            if action.get("moment") is None or _is_id(action["moment"]):
                acts.fork(action.get("moment"))


def _is_id(value: Any) -> bool:
    """Whether this can be the id of a moment."""
    return type(value) is int and value >= 0
