"""Presses on the canvas that Python answers: they change the network's shape or the drawn points, go to a moment, or start a run."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dlcore.editing.shaping import apply_edit, key_of_parts
from ui import coach, live, session
from ui.canvas import MOST_AT_ONCE
from ui.compare import runs
from ui.playground import mending
from ui.playground.memory import Playing
from ui.session import editing, standing, t

CANVAS = "canvas"  # key of the canvas component


def canvas_action() -> dict[str, Any]:
    """The last press on the canvas; its `before` lists earlier ones that may not have been answered."""
    return st.session_state[CANVAS].action or {}


def answer_canvas() -> None:
    """Do what a press on the canvas asks for, and update the page.

    The canvas is a fragment. An edit that the run's next frame shows reruns the canvas alone, so that nothing delays that frame; the
    settings are redrawn when the canvas reports that it has drawn the edit (`settled`). Any other press reruns the whole page at once.
    """
    memory = session.current().memory(Playing)
    follows = True
    for action in _list_unanswered(canvas_action()):
        memory.following = False
        _obey(action)
        follows = follows and memory.following
    memory.following = follows
    if not follows:
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
    """Carry out one action; one that names a layer, point or moment that no longer exists does nothing."""
    state = session.current()
    match action.get("do"):
        case "settled":
            pass  # The rerun that this message causes draws the settings that were left out while the canvas drew the edit.
        case "new_seed":
            editing.new_seed()
        case "renew":
            # The token is None in a new session, for which the page makes a run anyway.
            if state.token is not None and not live.pool().exists(state.token):
                standing.renew_run()
        case "resume":
            standing.resume(str(action.get("token")))
        case "back_to_sound":
            mending.go_back()
        case "coach":
            coach.mend(str(action.get("fix")))
        case "find_rate":
            mending.begin_search()
        case "rewind":
            if _is_id(action.get("moment")):
                standing.go_back("rewind", moment=action["moment"])
        case "undo" | "redo":
            state.memory(Playing).following = not standing.go_back(action["do"])
        case "jump":
            if _is_id(action.get("act")):
                state.memory(Playing).following = not standing.go_back("jump", act=action["act"])
        case "fork":
            if action.get("moment") is None or _is_id(action["moment"]):
                runs.fork(action.get("moment"))
        case "keep":
            runs.keep()
        case "change_one":
            runs.change_one()
        case _:
            _shape(action)


def _is_id(value: Any) -> bool:
    """Whether this can be the id of a moment, or of an act."""
    return type(value) is int and value >= 0


def _shape(action: dict[str, Any]) -> None:
    state = session.current()
    before = state.experiment
    change = apply_edit(before, action)
    if change is None or change.experiment == before:
        return
    after = change.experiment
    editing.take(after, **({} if change.origins is None else {"origins": change.origins}))
    if after.batch_size != before.batch_size:
        state.notices.append(t("adjusted.batch", rows=after.train_rows))
    if after.loss.kind != before.loss.kind:
        names = {"dataset": t(f"component.dataset.{after.dataset.kind}.title")}
        state.notices.append(t("adjusted.loss", loss=t(f"component.loss.{after.loss.kind}.title"), **names))
    if action.get("do") == "clear_points":
        state.notices.append(t(f"points.cleared{key_of_parts(after.dataset)}"))
    state.memory(Playing).following = not state.notices
