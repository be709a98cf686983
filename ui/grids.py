"""Grids that show what somebody has brought. They can be downloaded and copied, and a spreadsheet would run a formula: it is text here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dlcore.spreadsheet import safe_cell


def escape_formula(value: Any) -> Any:
    """The cell as it is, but for a text that a spreadsheet would run."""
    return safe_cell(value) if isinstance(value, str) else value


def add_columns(
    ours: Mapping[str, Sequence[Any]], names: Iterable[str], rows: Sequence[Sequence[Any]]
) -> dict[str, list[Any]]:
    """Columns of our own, and beside them those of the data; one of these may be called as one of ours."""
    columns = {title: [escape_formula(value) for value in values] for title, values in ours.items()}
    for index, name in enumerate(names):
        title = safe_cell(name)
        while title in columns:
            title += " ·"
        columns[title] = [escape_formula(row[index]) for row in rows]
    return columns
