"""How good is it, how sure is that, compared with what: the present run, judged."""

from __future__ import annotations

from ui.compare import runs
from ui.evaluating import page
from ui.heading import heading, say
from ui.session import standing

standing.ensure_run()
runs.let_go()
messages = heading()
page.evaluation()
runs.stay_awake()
say(messages, None)
