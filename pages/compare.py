"""Runs side by side: played in step, their curves over one another, and in what they differ."""

from __future__ import annotations

from ui import comparing, playground, session

comparing.make_way()
session.ensure_run()
messages = playground.heading()
comparing.comparison()
comparing.stay_awake()
playground.say(messages, None)
