"""Runs side by side: played in step, their curves over one another, and in what they differ."""

from __future__ import annotations

from ui.compare import page, runs
from ui.heading import heading, say
from ui.session import standing

page.make_way()
standing.ensure_run()
messages = heading()
page.comparison()
runs.stay_awake()
say(messages, None)
