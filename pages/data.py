"""Your own data: bring a table, see what was found in it, choose the target and the inputs, train on it."""

from __future__ import annotations

from ui.compare import runs
from ui.data import asking, page
from ui.heading import draw_heading, say_problems
from ui.session import standing

standing.ensure_run()
runs.release_speed()
messages = draw_heading()
asking.settle()
page.make_way()
asking.wait()
page.draw_ways_in()
page.draw_findings()
page.draw_question()
page.draw_details()
page.kept_here()
say_problems(messages)
