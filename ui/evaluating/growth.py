"""Growth: would more data help, or a larger network? Networks are trained anew at several sizes, in the background."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dlcore.views import growth
from ui import session
from ui.evaluating.asking import UNDER_WAY, begin, find_job, judge_again, moment, watch
from ui.evaluating.drawing import draw_chart
from ui.evaluating.warnings import draw
from ui.session import label, widgets

KIND, EPOCHS, REPEATS = "/growth_kind", "/growth_epochs", "/growth_repeats"
SECTION = "growth"  # its name in the address
KINDS = ("learning_curve", "capacity")
MOST_EPOCHS, MOST_REPEATS = 500, 10
FEWEST_EPOCHS, USUAL_REPEATS = 50, 3
LONGEST = 300  # seconds


def draw_section() -> None:
    """Draw what grows, how long each network trains, and Start; then the curve while it is computed."""
    shown = widgets.seed(KIND, widgets.read(KIND, KINDS[0]), KINDS)
    do = st.segmented_control(
        label("evaluate.growth.kind"), KINDS, default=shown, format_func=lambda kind: label(f"evaluate.growth.{kind}"), required=True,
        key=widgets.key_of(KIND), width="content",
    ) or KINDS[0]  # fmt: skip
    st.caption(label(f"evaluate.growth.{do}.help"))
    known = find_job(do)
    under_way = known is not None and known.job.state in UNDER_WAY
    with st.container(horizontal=True, vertical_alignment="bottom"):
        epochs = _draw_number(EPOCHS, _usual_epochs(), MOST_EPOCHS, "evaluate.growth.epochs")
        repeats = _draw_number(REPEATS, USUAL_REPEATS, MOST_REPEATS, "evaluate.growth.repeats")
        st.button(
            label("evaluate.growth.start"), icon=":material/play_arrow:", key=f"start_{do}", type="primary",
            on_click=session.guard(start), args=(do, epochs, repeats), disabled=under_way,
        )  # fmt: skip
    watch(do, _show)


def try_sizes() -> None:
    """Start on networks of other sizes, each trained as long as the run was."""
    judge_again()
    widgets.show(KIND, "capacity")
    start("capacity", _usual_epochs(), USUAL_REPEATS)


def _usual_epochs() -> int:
    return min(MOST_EPOCHS, max(FEWEST_EPOCHS, moment().epoch))


def _draw_number(path: str, usual: int, most: int, key: str) -> int:
    shown = widgets.seed(path, widgets.read(path, usual), None)
    return st.number_input(label(key), 1, most, shown, key=widgets.key_of(path), help=label(f"{key}.help"), width=180)


def start(do: str, epochs: int, repeats: int) -> None:
    """Callback: start the job with these numbers."""
    begin(do, epochs=epochs, repeats=repeats, budget=LONGEST)


def _show(header: dict[str, Any], payload: bytes) -> None:
    if header.get("points"):
        numbers = {**header, "metric": f"views.{header['metric']}"}
        draw_chart(growth, numbers, f"growth_{header['x']}", f"views.growth.title.{header['x']}")
    if header.get("cut") and "findings" in header:
        st.caption(label("evaluate.growth.cut", done=header["done"], planned=header["planned"], limit=LONGEST // 60))
    for index, finding in enumerate(header.get("findings", [])):
        draw(finding, f"growth_finding_{index}")
