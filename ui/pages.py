"""The pages, in the order of the navigation: one value each, which the frame, the links and the tests read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from ui.compare.memory import Comparing
from ui.data.brought import Bringing
from ui.evaluating.judging import Judging
from ui.playground.memory import Playing

SCRIPTS = Path(__file__).parent.parent / "pages"


Memory = TypeVar("Memory")


@dataclass(frozen=True)
class Page(Generic[Memory]):
    """One page: its script, title and path, what it remembers of a person, and which of its controls a link can hide."""

    script: Path
    title: str  # key of the message with the title
    icon: str
    path: str  # in the address; "" is the first page
    memory: type[Memory]  # class of what the page remembers, defined in the page's folder
    groups: tuple[str, ...] = ()  # groups of controls, each of which a link can hide
    hidden_by: str = ""  # the group with which the whole page is hidden


PLAYGROUND = Page(
    SCRIPTS / "playground.py", "page.playground", ":material/hub:", "", Playing,
    groups=(  # Sections of the settings, menus in the heading, parts of the canvas.
        "data", "network", "learning", "home", "share", "compare", "play", "speed", "seed", "edit", "points", "show", "timeline",
        "curves", "coach", "gallery",
    ),
)  # fmt: skip
DATA = Page(SCRIPTS / "data.py", "page.data", ":material/table_chart:", "data", Bringing, hidden_by="data")
EVALUATE = Page(SCRIPTS / "evaluate.py", "page.evaluate", ":material/analytics:", "evaluate", Judging)
COMPARE = Page(SCRIPTS / "compare.py", "page.compare", ":material/compare:", "compare", Comparing, hidden_by="compare")

PAGES: tuple[Page[Any], ...] = (PLAYGROUND, DATA, EVALUATE, COMPARE)
#: All groups of controls that a link can hide, by their names in the teacher's link.
GROUPS = tuple(dict.fromkeys(group for page in PAGES for group in page.groups))
