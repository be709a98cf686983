"""The playground: settings at the side, the network in the middle. Widgets make a draft; a valid draft is sent to the run."""

from __future__ import annotations

from ui import coach, exporting, gallery, session, share
from ui.compare import runs
from ui.heading import draw_heading, say_problems
from ui.playground import mending, page, settings
from ui.session import editing, standing

coach.make_way()
token = standing.ensure_run()
runs.release_speed()
menus = (gallery.draw_button, lambda: share.share_menu(token), lambda: exporting.export_menu(token))
messages = draw_heading(*menus)
page.draw_canvas(token)
mending.follow_search()
draft = settings.draw_sidebar(session.current().draft)
problem = editing.submit(draft)
say_problems(messages, problem)
