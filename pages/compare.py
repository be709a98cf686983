"""Runs side by side: played in step, their curves over one another, and in what they differ."""

from __future__ import annotations

from ui import comparing
from ui.heading import heading, say
from ui.session import standing

comparing.make_way()
standing.ensure_run()
messages = heading()
comparing.comparison()
comparing.stay_awake()
say(messages, None)
