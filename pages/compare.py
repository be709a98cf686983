"""Runs side by side: played in step, their curves over one another, and in what they differ."""

from __future__ import annotations

from ui.compare import page, runs
from ui.heading import draw_heading, say_problems
from ui.session import standing

page.make_way()
standing.ensure_run()
messages = draw_heading()
page.draw_comparison()
runs.stay_awake()
say_problems(messages, None)
