"""What the page Compare remembers of one person; the runs beside the present one belong to the session."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Comparing:
    """What the page has done to the runs, and where it leads."""

    leashed: bool = False  # it may have held the runs together
    leaving: bool = False  # it is to make way for the playground
