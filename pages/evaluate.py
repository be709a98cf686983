"""How good is it, how sure is that, compared with what: the present run, judged."""

from __future__ import annotations

from ui import comparing, playground, session
from ui.evaluating import page

session.ensure_run()
comparing.let_go()
messages = playground.heading()
page.evaluation()
comparing.stay_awake()
playground.say(messages, None)
