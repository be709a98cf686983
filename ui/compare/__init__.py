"""Runs side by side, drawn in the browser; their frames come over the live channel, as those of the canvas do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from streamlit.components.v2 import component

from dlcore.problems import TEMPLATES
from ui.assets import asset_version
from ui.canvas import LOADER
from ui.messages import catalogue

FOLDER = Path(__file__).parent

SCORES = ("test", "test_loss", "test_accuracy", "test_r2")
#: Keys of every text that the scripts draw, including those shared with the canvas.
STRINGS: tuple[str, ...] = (
    *(key for key in catalogue("en") if key.startswith("compare.")),
    *(
        f"canvas.{name}"
        for name in ("play", "pause", "reset", "loss", "accuracy", "r2", "train", "test", "epochs", "epoch_label")
    ),
    *(f"canvas.{name}" for name in ("gone", "reconnecting", "reset_zoom", "log_scale", "fastest", "speed_value")),
    *(f"canvas.{split}_{score}" for split in ("train", "test") for score in ("loss", "accuracy", "r2")),
    *(f"canvas.{name}.{watched}" for name in SCORES for watched in ("validation", "mixed")),
    *(f"problem.{key}" for key in TEMPLATES),
)

_side_by_side = component(
    "side_by_side",
    html=(FOLDER / "compare.html").read_text(encoding="utf-8"),
    css=(FOLDER / "compare.css").read_text(encoding="utf-8"),
    js=LOADER.replace("canvas/bundle.js", "compare/bundle.js"),
)


def side_by_side(data: dict[str, Any], *, key: str, on_action: Callable[[], None]) -> None:
    """Draw these runs.

    `data`: runs [{id, token, name, present}], rows [[setting, value of each run]], pairs {"id id": sentence}, strings, language.
    A press that Python must answer calls `on_action`; `st.session_state[key].action` is then {"do": ..., "run": id}.
    """
    _side_by_side(data={**data, "version": asset_version()}, key=key, on_action_change=on_action)
