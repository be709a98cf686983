"""Grids that show own data. They can be copied and downloaded into a spreadsheet, which would run cells that look like formulas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dlcore.spreadsheet import safe_cell


def escape_formula(value: Any) -> Any:
    """The cell, changed only if it is a text that a spreadsheet would run as a formula."""
    return safe_cell(value) if isinstance(value, str) else value


def add_columns(
    ours: Mapping[str, Sequence[Any]], names: Iterable[str], rows: Sequence[Sequence[Any]]
) -> dict[str, list[Any]]:
    """Our own columns with those of the data beside them, also if a column of the data has the name of one of ours."""
    columns = {title: [escape_formula(value) for value in values] for title, values in ours.items()}
    for index, name in enumerate(names):
        title = safe_cell(name)
        while title in columns:
            title += " ·"
        columns[title] = [escape_formula(row[index]) for row in rows]
    return columns
