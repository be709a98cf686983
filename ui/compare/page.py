"""The page Compare: what it shows, and what its buttons do."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import streamlit as st

from dlcore.problems import clean
from ui import live, pages, session
from ui.compare import STRINGS, side_by_side
from ui.compare.memory import Comparing
from ui.compare.runs import keep_a_copy, list_runs, name_run, put_by, tell
from ui.differences import compare_recipes, write_difference
from ui.session import KeptRun, label, standing, t

COMPARE = "compare"  # the key of the component


def draw_comparison() -> None:
    """All runs side by side; where there is only one, how to make a second one."""
    state = session.current()
    if not state.kept:
        st.markdown(label("compare_page.empty"))
        st.button(
            label("compare_page.duplicate"), icon=":material/content_copy:", key="duplicate", on_click=keep_a_copy
        )
        return
    runs = list_runs()
    if not session.current().memory(Comparing).leashed:
        session.current().memory(Comparing).leashed = True
        for run in runs:
            tell(run, "pause")  # Runs on this page train only in step with each other, by its own Play button.
    experiments = [run.experiment for run in runs]
    names = [name_run(run) for run in runs]
    side_by_side(
        {
            "runs": [
                {
                    "id": run.number,
                    "token": run.token,
                    "life": run.life,
                    "name": name,
                    "present": run.number == state.number,
                }
                for run, name in zip(runs, names, strict=True)
            ],
            "rows": [[row.label, *row.values] for row in compare_recipes(experiments, t)],
            "pairs": dict(_describe_pairs(runs)),
            "strings": {key: t(key) for key in STRINGS},
            "language": state.language.replace("_", "-"),
        },
        key=COMPARE,
        on_action=answer_compare,
    )


def _describe_pairs(runs: list[KeptRun]) -> Iterator[tuple[str, str]]:
    """("1 3", a sentence on how the settings of runs 1 and 3 differ) for each pair of runs."""
    for one, other in combinations(runs, 2):
        names = (name_run(one), name_run(other))
        yield f"{one.number} {other.number}", write_difference(names, (one.experiment, other.experiment), t)


def compare_action() -> dict[str, Any]:
    """The last press on the page Compare: {"do": ..., "run": id}; see `side_by_side`."""
    return st.session_state[COMPARE].action or {}


@session.guard
def answer_compare() -> None:
    """Rename, remove, or go on with a run. A press that names a run that no longer exists does nothing."""
    action = compare_action()
    state = session.current()
    run = next((run for run in state.kept if run.number == action.get("run")), None)
    match action.get("do"):
        case "rename":
            name = clean(str(action.get("name", ""))).strip()
            if run is not None:
                run.name = name
            elif action.get("run") == state.number:
                state.name = name
        case "remove" if run is not None:
            state.kept.remove(run)
            live.pool().close(run.token)
        case "go_on" if run is not None:
            put_by()
            state.kept.remove(run)
            standing.stand_on(run.token, run.experiment)
            state.number, state.name = run.number, run.name
            session.current().memory(Comparing).leaving = True


def make_way() -> None:
    """Switch to the playground if the last press asked to go on with a run there."""
    memory = session.current().memory(Comparing)
    if memory.leaving:
        memory.leaving = False
        st.switch_page(pages.PLAYGROUND.script, query_params=st.query_params.to_dict())
