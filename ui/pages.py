"""The pages, in the order of the navigation: one value each, which the frame, the links and the tests read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SCRIPTS = Path(__file__).parent.parent / "pages"


@dataclass(frozen=True)
class Page:
    """One screen: where its script is, what it is called, and what of it a link can take away."""

    script: Path
    title: str  # the key of its message
    icon: str
    path: str  # in the address; "" is where one comes first
    groups: tuple[str, ...] = ()  # of its controls: each can be taken away by a link
    hidden_by: str = ""  # the group with which the whole page goes


PLAYGROUND = Page(
    SCRIPTS / "playground.py", "page.playground", ":material/hub:", "",
    groups=(  # Tabs at the side, menus above, parts of the canvas.
        "data", "network", "learning", "home", "share", "compare", "play", "speed", "seed", "edit", "points", "show", "timeline",
        "curves",
    ),
)  # fmt: skip
DATA = Page(SCRIPTS / "data.py", "page.data", ":material/table_chart:", "data", hidden_by="data")
EVALUATE = Page(SCRIPTS / "evaluate.py", "page.evaluate", ":material/analytics:", "evaluate")
COMPARE = Page(SCRIPTS / "compare.py", "page.compare", ":material/compare:", "compare", hidden_by="compare")

PAGES = (PLAYGROUND, DATA, EVALUATE, COMPARE)
#: Groups of controls that a link can take away, as the teacher's link names them.
GROUPS = tuple(dict.fromkeys(group for page in PAGES for group in page.groups))
