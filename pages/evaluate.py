"""The present run evaluated: its scores, their uncertainty, and baselines to compare with."""

from __future__ import annotations

from ui.compare import runs
from ui.evaluating import page
from ui.heading import draw_heading, say_problems
from ui.session import standing

standing.ensure_run()
runs.release_speed()
messages = draw_heading()
page.draw_evaluation()
say_problems(messages)
