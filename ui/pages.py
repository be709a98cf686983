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
    """One screen: where its script is, what it is called, what it remembers of a person, and what of it a link can take away."""

    script: Path
    title: str  # the key of its message
    icon: str
    path: str  # in the address; "" is where one comes first
    memory: type[Memory]  # of its own folder; a new one remembers nothing
    groups: tuple[str, ...] = ()  # of its controls: each can be taken away by a link
    hidden_by: str = ""  # the group with which the whole page goes


PLAYGROUND = Page(
    SCRIPTS / "playground.py", "page.playground", ":material/hub:", "", Playing,
    groups=(  # Tabs at the side, menus above, parts of the canvas.
        "data", "network", "learning", "home", "share", "compare", "play", "speed", "seed", "edit", "points", "show", "timeline",
        "curves",
    ),
)  # fmt: skip
DATA = Page(SCRIPTS / "data.py", "page.data", ":material/table_chart:", "data", Bringing, hidden_by="data")
EVALUATE = Page(SCRIPTS / "evaluate.py", "page.evaluate", ":material/analytics:", "evaluate", Judging)
COMPARE = Page(SCRIPTS / "compare.py", "page.compare", ":material/compare:", "compare", Comparing, hidden_by="compare")

PAGES: tuple[Page[Any], ...] = (PLAYGROUND, DATA, EVALUATE, COMPARE)
#: Groups of controls that a link can take away, as the teacher's link names them.
GROUPS = tuple(dict.fromkeys(group for page in PAGES for group in page.groups))
