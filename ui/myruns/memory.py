"""What the list of runs remembers of one person; the runs themselves remember what was said about them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dlcore.runs.server.listing import Listed


@dataclass
class MyRuns:
    """The page to which a press in the list leads, and the run deleted last, which may still come back."""

    next_page: Path | None = None
    deleted: Listed | None = None
    deleted_name: str = ""
