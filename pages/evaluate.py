"""How good is it, how sure is that, compared with what: the present run, judged."""

from __future__ import annotations

from ui.compare import runs
from ui.evaluating import page
from ui.heading import draw_heading, say_problems
from ui.session import standing

standing.ensure_run()
runs.release_speed()
messages = draw_heading()
page.draw_evaluation()
runs.stay_awake()
say_problems(messages, None)
