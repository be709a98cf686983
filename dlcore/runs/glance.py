"""A glance at a run: where it stands, its scores, and a small image of what it answers, to be recognised by in a list."""

from __future__ import annotations

import base64
import io
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from dlcore.problems import Problem

if TYPE_CHECKING:
    from dlcore.runs.run import Run

SIDE = 112  # pixels
DRAWN_FINER = 2
MOST_POINTS = 300
COLOURS = 32  # of the image
SHOWN = ("losses", "metrics", "metric", "watched")  # entries of a frame's header that the list shows


def glance(run: Run) -> dict[str, Any]:
    """{"status", "step", "epoch"}, the scores of training and watched rows, and "picture": a PNG in base64, "" where there is none."""
    contents = run.contents_maker.make_now(run.learner, run.version, run.structure, run.moving)
    scores = {name: value for name, value in contents.facts.items() if name in SHOWN}
    return {"status": run.status, "step": contents.step, "epoch": contents.epoch, **scores, "picture": _paint(contents)}


def keep_with_glance(run: Run) -> tuple[dict[str, Any], bytes]:
    """The run's `kept`, with a glance if there can be one: it is kept without rather than not at all."""
    header, state = run.kept()
    with suppress(Exception):
        header["glance"] = glance(run)
    return header, state


def _paint(contents: Any) -> str:
    try:
        contents.recipe.check_readable()
        shows_rows = True
    except Problem:
        shows_rows = False
    header, constants = contents.with_layout(shows_rows, slim=False)
    arrays = {**contents.arrays, **constants}
    output = header["layout"].get("output", {})
    from dlcore.pictures.painting import can_draw_rows, draw_answers  # Needs Pillow, which takes a moment to import.

    if "x_range" not in output and not can_draw_rows(output):
        return ""

    points = {name: array[:MOST_POINTS] if name.startswith("points/") else array for name, array in arrays.items()}
    image = draw_answers(output, points, contents.recipe.objective.has_classes, SIDE * DRAWN_FINER)
    file = io.BytesIO()
    image.resize((SIDE, SIDE)).convert("RGB").quantize(COLOURS).save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode()
