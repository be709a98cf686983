"""Limits: what a server allows its class, read from the environment in this one place.

DLCORE_MAX_RUNS=120 DLCORE_PAUSE_AFTER=30 streamlit run app.py
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from dlcore.folders import cache_folder
from dlcore.problems import Problem

MOST_WORKERS = 8  # By default; DLCORE_WORKERS may ask for more.
FURTHER_BACK, LAST_NICENESS = 4, 19


def setting(variable: str, default: Any, least: float, most: float) -> Any:
    """A number from the environment, inside its bounds."""
    return field(default=default, metadata={"variable": variable, "least": least, "most": most})


@dataclass(frozen=True)
class Limits:
    """Numbers of workers and runs, seconds of patience, bytes of memory and disk."""

    workers: int = setting("DLCORE_WORKERS", min(os.cpu_count() or 1, MOST_WORKERS), 1, 256)
    # For runs whose single step would hold up others. A core is left to those who wait for small networks.
    heavy_workers: int = setting("DLCORE_HEAVY_WORKERS", max(1, min(2, (os.cpu_count() or 1) - 1)), 0, 256)
    niceness: int = setting("DLCORE_NICENESS", 15, 0, 19)  # Of workers, so that the server answers people first.
    max_runs: int = setting("DLCORE_MAX_RUNS", 300, 1, 100_000)
    max_runs_per_owner: int = setting("DLCORE_MAX_RUNS_PER_SESSION", 24, 1, 100_000)
    max_runs_without_cookie: int = setting(
        "DLCORE_MAX_RUNS_WITHOUT_COOKIE", 24, 1, 100_000
    )  # Of all visitors without a cookie together.
    pause_after: float = setting("DLCORE_PAUSE_AFTER", 60.0, 0, 1e6)  # Until a run without viewers is paused.
    # After the end of its session a run goes on the shelf.
    end_after: float = setting("DLCORE_END_AFTER", 60.0, 0, 1e6)
    free_after: float = setting("DLCORE_FREE_AFTER", 1800.0, 0, 1e6)  # An unused run goes on the shelf.
    hung_after: float = setting("DLCORE_HUNG_AFTER", 10.0, 0.1, 1e6)  # A silent worker is ended.
    heavy_hung_after: float = setting("DLCORE_HEAVY_HUNG_AFTER", 60.0, 0.1, 1e6)
    memory_mb: int = setting("DLCORE_MEMORY_MB", 4096, 64, 1_000_000)  # Of a worker, above its imports.
    desks: int = setting("DLCORE_DESKS", 2, 1, 64)  # Processes that parse and judge at once, beside those of long jobs.
    desk_mb: int = setting("DLCORE_DESK_MB", 1024, 64, 1_000_000)  # Of a desk, above its imports.
    shelf_mb: int = setting("DLCORE_SHELF_MB", 256, 0, 1_000_000)  # 0: nothing is kept on disk.
    newcomers: int = setting("DLCORE_NEWCOMERS_PER_MINUTE", 600, 1, 1_000_000)  # New browsers of one address.
    uploads_mb: int = setting("DLCORE_UPLOADS_MB", 256, 32, 1_000_000)  # Of files that no page has taken yet.
    shelf: Path = field(default_factory=lambda: cache_folder("runs", os.environ))

    @property
    def low_niceness(self) -> int:
        """The niceness of heavy workers and of desks: people who wait for a small network come before those who wait for a large one."""
        return min(self.niceness + FURTHER_BACK, LAST_NICENESS)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Limits:
        """The defaults, but for what the environment says. Raises Problem for a value that is no such number."""
        shelf = cache_folder("runs", environment)
        if environment.get("DLCORE_SHELF"):
            shelf = Path(environment["DLCORE_SHELF"]).expanduser()
        return cls(**numbers_set(cls, environment), shelf=shelf)


def numbers_set(cls: type, environment: Mapping[str, str]) -> dict[str, Any]:
    """{field: number} of those settings of a dataclass that the environment gives. Raises Problem for a value that is no such number."""
    found = {}
    for each in fields(cls):
        variable = each.metadata.get("variable")
        if variable and (text := environment.get(variable, "").strip()):
            found[each.name] = _number(variable, text, type(each.default), **_bounds(each.metadata))
    return found


def _bounds(metadata: Mapping[str, Any]) -> dict[str, float]:
    return {"least": metadata["least"], "most": metadata["most"]}


def _number(variable: str, text: str, kind: type, least: float, most: float) -> float:
    try:
        number = kind(text)
    except ValueError:
        number = None
    if number is None or not least <= number <= most:
        what = "a whole number" if kind is int else "a number"
        raise Problem("bad_setting", name=variable, expected=f"{what} from {least:g} to {most:g}", came=text)
    return number
