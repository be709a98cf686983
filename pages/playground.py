"""The playground: menus above, and the canvas, which draws the network with its settings and talks to the run by itself."""

from __future__ import annotations

from ui import coach, exporting, gallery, share
from ui.compare import runs
from ui.heading import draw_heading, say_problems
from ui.playground import mending, page
from ui.session import standing

coach.make_way()
token = standing.ensure_run()
runs.release_speed()
menus = (gallery.draw_button, lambda: share.share_menu(token), lambda: exporting.export_menu(token))
messages = draw_heading(*menus)
page.draw_canvas(token)
mending.follow_search()
page.pass_notices_on()
say_problems(messages)
