"""The playground: settings at the side, the network in the middle; see DESIGN for the way of the data."""

from __future__ import annotations

from ui import session, share
from ui.compare import runs
from ui.heading import heading, say
from ui.playground import page, settings
from ui.session import editing, standing

token = standing.ensure_run()
runs.let_go()
messages = heading(runs.run_menu, lambda: share.share_menu(token))
page.canvas(token)
draft = settings.sidebar(session.current().draft, token)
problem = editing.submit(draft)
runs.stay_awake()
say(messages, problem)
