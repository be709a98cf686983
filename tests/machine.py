"""A machine whose clock stands still unless somebody works: what takes how long is up to the test."""

from __future__ import annotations


class Machine:
    """Its clock, and how much of its processor was used."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.used = 0.0

    def clock(self) -> float:
        return self.now

    def processor(self) -> float:
        return self.used

    def work(self, seconds: float) -> None:
        """The processor is busy for so long."""
        self.now += seconds
        self.used += seconds

    def wait(self, seconds: float) -> None:
        """Time goes by."""
        self.now += seconds
