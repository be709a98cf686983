"""What the list of runs remembers of one person; the runs themselves remember what was said about them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class MyRuns:
    """Whether the list is open (it stays so if the script runs again beneath it), and the run deleted last, which may still come back."""

    is_open: bool = False
    deleted: str = ""  # its token
    deleted_name: str = ""
    was_compared: bool = False
