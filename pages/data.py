"""Your own data: bring a table, see what was found out, choose what is asked of it, train on it."""

from __future__ import annotations

from ui.compare import runs
from ui.data import asking, page
from ui.heading import heading, say
from ui.session import standing

standing.ensure_run()
runs.let_go()
messages = heading()
asking.settle()
page.make_way()
asking.wait()
page.bring_something()
page.what_was_found()
page.what_is_asked()
page.details()
page.kept_here()
runs.stay_awake()
say(messages, None)
