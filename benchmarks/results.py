"""benchmarks/RESULTS.md: the newest kept section of each benchmark, and above them all goals in one table."""

from __future__ import annotations

from pathlib import Path

from benchmarks.tables import joined_goals

PATH = Path(__file__).parent / "RESULTS.md"
TITLE = "# Measured\n\nWritten by `python -m benchmarks`. Ratios hold, absolutes drift."
ALL = "All goals"


def keep(sections: dict[str, str], order: tuple[str, ...], path: Path = PATH) -> None:
    """Replace these sections ({name: Markdown}) in the file."""
    found = read_kept(path) | sections
    there = {name: found[name] for name in order if name in found}
    whole = {ALL: joined_goals(there.values()), **there}
    path.write_text("\n\n".join([TITLE, *(f"## {name}\n\n{text}" for name, text in whole.items())]) + "\n", "utf-8")


def read_kept(path: Path = PATH) -> dict[str, str]:
    """The sections in the file, {name: Markdown}."""
    if not path.exists():
        return {}
    parts = [part.partition("\n") for part in path.read_text("utf-8").split("\n## ")[1:]]
    return {name: text.strip() for name, _, text in parts if name != ALL}
