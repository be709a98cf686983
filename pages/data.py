"""Your own data: bring a table, see what was found out, choose what is asked of it, train on it."""

from __future__ import annotations

from ui import comparing, playground, session
from ui.data import asking, page

session.ensure_run()
comparing.let_go()
messages = playground.heading()
asking.settle()
page.make_way()
asking.wait()
page.bring_something()
page.what_was_found()
page.what_is_asked()
page.details()
page.kept_here()
comparing.stay_awake()
playground.say(messages, None)
