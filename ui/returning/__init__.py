"""The way back to an earlier run, on every page but the playground, whose status line offers the same (ui/canvas/time/offers.js)."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.components.v2 import component

from dlcore.problems import Problem
from ui import live, session
from ui.assets import asset_version
from ui.canvas import LOADER
from ui.session import standing, t

FOLDER = Path(__file__).parent
KEY = "returning"
STRINGS = tuple(
    f"canvas.{name}" for name in ("way_back", "way_back_restarted", "way_back_none", "resume", "start_anew")
)

_returning = component(
    "returning",
    html=(FOLDER / "returning.html").read_text(encoding="utf-8"),
    css=(FOLDER / "returning.css").read_text(encoding="utf-8"),
    js=LOADER.replace("canvas/bundle.js", "returning/bundle.js"),
)


def offer_way_back() -> None:
    """Let the browser offer the run that this tab stood on before, if it is another one than the present and has got somewhere."""
    state = session.current()
    with st.container(key="returning_place"):
        _returning(
            data={
                "token": state.token, "visit": {"server": live.SERVER, "session": state.visit},
                "strings": {name: t(name) for name in STRINGS}, "language": state.language.replace("_", "-"),
                "version": asset_version(),
            },
            key=KEY, on_action_change=session.guard(resume),
        )  # fmt: skip


def resume() -> None:
    """Callback: go on with the run that was offered."""
    action = st.session_state[KEY].action or {}
    if not isinstance(action.get("token"), str):
        raise Problem("run_gone")
    standing.resume(action["token"])
