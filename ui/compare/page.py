"""The page Compare: what it shows, and what its buttons do."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import streamlit as st

from dlcore.coaching.contrasts import list_contrasts
from dlcore.experiment import Experiment
from dlcore.runs.server.listing import Listed
from ui import pages, session
from ui.compare import STRINGS, runs, side_by_side
from ui.compare.memory import Comparing
from ui.differences import compare_recipes, write_difference
from ui.messages import escape
from ui.myruns import acts
from ui.myruns.names import name_by_difference
from ui.session import label, t

COMPARE = "compare"  # the key of the component
ACROSS = 4  # contrasts beside one another


def draw_comparison() -> None:
    """The ticked runs side by side; where there are fewer than two, what the present one could be compared with."""
    compared = runs.wake_compared()
    if len(compared) < 2:
        _draw_beginning()
        return
    runs.hold_still()
    experiments = [Experiment.from_json(run.recipe) for run in compared]
    names = name_by_difference([run.label.name for run in compared], experiments, t)
    state = session.current()
    side_by_side(
        {
            "runs": [
                {
                    "id": _number(run),
                    "token": run.token,
                    "life": run.life,
                    "name": name,
                    "present": run.token == state.token,
                }
                for run, name in zip(compared, names, strict=True)
            ],
            "rows": [[row.label, *row.values] for row in compare_recipes(experiments, t)],
            "pairs": dict(_describe_pairs(compared, names, experiments)),
            "strings": {key: t(key) for key in STRINGS},
            "language": state.language.replace("_", "-"),
        },
        key=COMPARE,
        on_action=answer_compare,
    )
    if len(compared) < acts.MOST_COMPARED:
        st.header(label("compare_page.add"), anchor=False)
        _draw_contrasts()


def _draw_beginning() -> None:
    st.header(label("compare_page.begin"), anchor=False)
    st.markdown(label("compare_page.begin.how", name=acts.name_present()))
    _draw_contrasts()
    st.caption(label("compare_page.begin.own"))


def _draw_contrasts() -> None:
    """A button for each recipe that is worth comparing with the present one: a press trains both from the same start."""
    present = session.current().experiment
    contrasts = list(list_contrasts(present).items())
    for start in range(0, len(contrasts), ACROSS):
        columns = st.columns(ACROSS, gap="small")
        for column, (name, changed) in zip(columns, contrasts[start : start + ACROSS], strict=False):
            with column:
                st.button(
                    escape(_name_contrast(name, present, changed)), key=f"contrast_{name}", width="stretch",
                    on_click=contrast, args=(name,),
                )  # fmt: skip


def _name_contrast(name: str, present: Experiment, changed: Experiment) -> str:
    """What is changed, with both values where they are short: "Optimizer: Adam or SGD"."""
    left, right = compare_recipes([present, changed], t)[0].values
    return t(f"contrast.{name}", left=left, right=right)


@session.guard
def contrast(name: str) -> None:
    """Callback: start the present recipe and this contrast to it from the same start, beside one another."""
    changed = list_contrasts(session.current().experiment).get(name)
    if changed is not None:
        acts.change_one(changed)


def _number(run: Listed) -> int:
    """A number of the run for the browser, which stays the same whatever becomes of the others."""
    return zlib.crc32(run.token.encode())


def _describe_pairs(
    compared: Sequence[Listed], names: Sequence[str], experiments: Sequence[Experiment]
) -> Iterator[tuple[str, str]]:
    """("1 3", a sentence on how the settings of runs 1 and 3 differ) for each pair of runs, in the order of the list."""
    for (one, a, first), (other, b, second) in combinations(zip(compared, names, experiments, strict=True), 2):
        yield f"{_number(one)} {_number(other)}", write_difference((a, b), (first, second), t)


def compare_action() -> dict[str, Any]:
    """The last press on the page Compare: {"do": ..., "run": id}; see `side_by_side`."""
    return st.session_state[COMPARE].action or {}


@session.guard
def answer_compare() -> None:
    """Rename, take out, or go on with a run. A press that names a run that no longer exists does nothing."""
    action = compare_action()
    run = next((run for run in acts.list_own() if _number(run) == action.get("run")), None)
    if run is None:
        return
    match action.get("do"):
        case "rename":
            acts.rename(run.token, str(action.get("name", "")))
        case "remove":
            acts.tick(run.token, False)
        case "go_on":
            acts.open_run(run.token)
            session.current().memory(Comparing).leaving = True


def make_way() -> None:
    """Switch to the playground if the last press asked to go on with a run there."""
    memory = session.current().memory(Comparing)
    if memory.leaving:
        memory.leaving = False
        st.switch_page(pages.PLAYGROUND.script, query_params=st.query_params.to_dict())
