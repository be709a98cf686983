"""Runs side by side: trained in step, their curves in one figure, and a table of the settings in which they differ."""

from __future__ import annotations

from ui.compare import page, runs
from ui.heading import draw_heading, say_problems
from ui.session import standing

page.make_way()
standing.ensure_run()
messages = draw_heading()
page.draw_comparison()
runs.stay_awake()
say_problems(messages)
