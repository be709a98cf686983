"""What the page Compare remembers of one person; the runs beside the present one belong to the session."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Comparing:
    """Whether the page holds the runs in step, and whether the next page is the playground."""

    leashed: bool = False  # the page may have set limits that keep the runs in step
    leaving: bool = False  # the browser is to go on to the playground
