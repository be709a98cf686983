"""Limits: what a server allows its class, read from the environment in this one place.

DLCORE_MAX_RUNS=120 DLCORE_PAUSE_AFTER=30 streamlit run app.py
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from dlcore.problems import Problem

MOST_WORKERS = 8  # That nobody has asked for.


def setting(variable: str, default: Any, least: float, most: float) -> Any:
    """A number from the environment, inside its bounds."""
    return field(default=default, metadata={"variable": variable, "least": least, "most": most})


@dataclass(frozen=True)
class Limits:
    """Numbers of workers and runs, seconds of patience, bytes of memory and disk."""

    workers: int = setting("DLCORE_WORKERS", min(os.cpu_count() or 1, MOST_WORKERS), 1, 256)
    heavy_workers: int = setting("DLCORE_HEAVY_WORKERS", 2, 0, 256)  # For runs whose single step would hold up others.
    max_runs: int = setting("DLCORE_MAX_RUNS", 300, 1, 100_000)
    max_runs_per_owner: int = setting("DLCORE_MAX_RUNS_PER_SESSION", 24, 1, 100_000)
    pause_after: float = setting("DLCORE_PAUSE_AFTER", 60.0, 0, 1e6)  # Nobody looks: it stands.
    end_after: float = setting("DLCORE_END_AFTER", 60.0, 0, 1e6)  # Its session has ended: it goes on the shelf.
    free_after: float = setting("DLCORE_FREE_AFTER", 1800.0, 0, 1e6)  # Nobody was there for so long: the same.
    hung_after: float = setting("DLCORE_HUNG_AFTER", 10.0, 0.1, 1e6)  # No sign of life: the worker is ended.
    heavy_hung_after: float = setting("DLCORE_HEAVY_HUNG_AFTER", 60.0, 0.1, 1e6)
    memory_mb: int = setting("DLCORE_MEMORY_MB", 4096, 64, 1_000_000)  # Of a worker, above its imports.
    desks: int = setting("DLCORE_DESKS", 1, 1, 64)  # Processes that parse, fit and judge at once.
    desk_mb: int = setting("DLCORE_DESK_MB", 1024, 64, 1_000_000)  # Of a desk, above its imports.
    shelf_mb: int = setting("DLCORE_SHELF_MB", 256, 0, 1_000_000)  # 0: nothing is kept on disk.
    newcomers: int = setting("DLCORE_NEWCOMERS_PER_MINUTE", 600, 1, 1_000_000)  # New browsers of one address.
    uploads_mb: int = setting("DLCORE_UPLOADS_MB", 256, 32, 1_000_000)  # Of files that no page has taken yet.
    shelf: Path = field(default_factory=lambda: default_shelf(os.environ))

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Limits:
        """The defaults, but for what the environment says. Raises Problem for a value that is no such number."""
        values: dict[str, Any] = {"shelf": default_shelf(environment)}
        if environment.get("DLCORE_SHELF"):
            values["shelf"] = Path(environment["DLCORE_SHELF"]).expanduser()
        for each in fields(cls):
            variable = each.metadata.get("variable")
            if variable and (text := environment.get(variable, "").strip()):
                values[each.name] = _number(variable, text, type(each.default), **_bounds(each.metadata))
        return cls(**values)


def default_shelf(environment: Mapping[str, str]) -> Path:
    """A folder of this user's own: below the cache if there is a home, else below the temporary folder."""
    cache = environment.get("XDG_CACHE_HOME") or (environment.get("HOME") and f"{environment['HOME']}/.cache")
    if cache and os.access(next(filter(Path.exists, [Path(cache), *Path(cache).parents])), os.W_OK):
        return Path(cache) / "dlcore" / "runs"
    return Path(tempfile.gettempdir()) / f"dlcore-runs-{os.getuid()}"


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
