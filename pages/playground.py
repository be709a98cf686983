"""The playground: settings at the side, the network in the middle; see DESIGN for the way of the data."""

from __future__ import annotations

from ui import comparing, playground, session, settings, share

token = session.ensure_run()
comparing.let_go()
messages = playground.heading(comparing.run_menu, lambda: share.share_menu(token))
playground.canvas(token)
draft = settings.sidebar(session.current().draft, token)
problem = session.submit(draft)
comparing.stay_awake()
playground.say(messages, problem)
