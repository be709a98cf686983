"""Report: the results as one self-contained HTML file, and a model card; each is made when its button is pressed."""

from __future__ import annotations

import streamlit as st

from ui import session
from ui.evaluating import rows
from ui.evaluating.asking import count_openings, moment
from ui.exporting import FILES
from ui.reporting import make_reporter
from ui.session import label

CONTENTS = {
    "report": ("scores", "warnings", "curves", "classes", "map", "baselines", "data", "recipe", "versions"),
    "card": (
        "details",
        "use",
        "factors",
        "metrics",
        "evaluation_data",
        "training_data",
        "analyses",
        "ethics",
        "caveats",
    ),
}


def draw_section() -> None:
    """Draw what each file contains, and its button."""
    st.caption(label("report.see"))
    sealed = rows.is_sealed("test")
    if sealed:
        st.info(
            label("report.unopened" if rows.is_shut("test") else "report.opened", looks=count_openings()),
            icon=":material/lock:",
        )
    now = moment()
    for column, what in zip(st.columns(len(CONTENTS)), CONTENTS, strict=True):
        with column, st.container(border=True, key=f"file_{what}"):
            st.markdown(f"**{label(f'report.file.{what}')}**", help=label(f"report.file.{what}.help"))
            st.markdown("\n".join(f"- {label(_write_title(what, part))}" for part in _list_contents(what)))
            name, mime, icon = FILES[what]
            st.download_button(
                label(f"export.{what}"), make_reporter(session.current(), what, now.token, now), name, mime, icon=icon,
                key=f"export_{what}", on_click="ignore", help=label(f"export.{what}.help"), type="primary",
            )  # fmt: skip


def _write_title(what: str, part: str) -> str:
    return f"{what}.{part}"


def _list_contents(what: str) -> list[str]:
    """The parts of this file that apply to these data."""
    parts, dataset = list(CONTENTS[what]), moment().experiment.dataset
    if what == "report" and not moment().class_names:
        parts[parts.index("classes")] = "residuals"
    if what == "report" and dataset.surface != "plane":
        parts[parts.index("map")] = "map.line"
    return [part for part in parts if part != "map.line" or dataset.surface == "line"]
