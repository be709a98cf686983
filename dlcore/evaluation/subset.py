"""Some rows of a part: those whose raw column lies in a range or has certain values, or those the network gets wrong.  N rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlcore.datasets.columns import UNKNOWN, CategoryColumn
from dlcore.datasets.table import TableData
from dlcore.datasets.texts import TextDataset
from dlcore.evaluation import Judged, Part
from dlcore.problems import Problem


def choose_rows(judged: Judged, part: Part, subset: dict[str, Any] | None) -> np.ndarray:
    """Sorted indices in the part: of all rows, or those of {"column", "low", "high"}, {"column", "values"} or {"wrong": true}.

    Bounds belong to the range; one that is missing is open. A missing value lies in no range. Raises Problem where none is left.
    """
    if not subset:
        return np.arange(len(part.split.y))
    chosen = np.flatnonzero(_find_wrong(judged, part) if "wrong" in subset else _select_by_column(judged, part, subset))
    if not len(chosen):
        raise Problem("subset_empty")
    return chosen


def _find_wrong(judged: Judged, part: Part) -> np.ndarray:
    if not judged.experiment.objective.has_classes:
        raise Problem("subset_needs_classes")
    return part.predicted.argmax(1) != part.split.y


def _select_by_column(judged: Judged, part: Part, subset: dict[str, Any]) -> np.ndarray:
    names = judged.data.raw_names
    if subset.get("column") not in names:
        raise Problem("subset_column", came=str(subset.get("column")))
    column = names.index(subset["column"])
    if column_kind(judged, column) == "text":
        raise Problem("subset_of_texts")
    values_N = part.split.raw[:, column]
    if "values" in subset:
        return np.isin(values_N, _codes(judged, column, subset["values"]))
    low, high = (_bound(subset.get(end), missing) for end, missing in (("low", -np.inf), ("high", np.inf)))
    return (values_N >= low) & (values_N <= high)


def _codes(judged: Judged, column: int, values: Any) -> list[float]:
    """Raw values as the rows hold them: a category's index among the recipe's values, or the number itself."""
    if not isinstance(values, list):
        raise Problem("subset_value", came=str(values))
    names = category_names(judged, column)
    found = []
    for value in values:
        if value in names:
            found.append(float(names.index(value)))
        elif names and value == other_name(judged, column):
            found.append(float(UNKNOWN))
        elif not names and isinstance(value, int | float):
            found.append(float(value))
        else:
            raise Problem("subset_value", came=str(value))
    return found


def _bound(value: Any, missing: float) -> float:
    if value is None:
        return missing
    if not isinstance(value, int | float) or np.isnan(value):
        raise Problem("subset_value", came=str(value))
    return float(value)


def column_kind(judged: Judged, column: int) -> str:
    """number, date, category or text: what a raw column holds."""
    dataset = judged.experiment.dataset
    if isinstance(dataset, TextDataset):
        return "text"
    return dataset.columns[column].kind if isinstance(dataset, TableData) else "number"


def category_names(judged: Judged, column: int) -> tuple[str, ...]:
    """The values of a raw column that holds categories; () for one of numbers."""
    dataset = judged.experiment.dataset
    described = dataset.columns[column] if isinstance(dataset, TableData) else None
    return described.values if isinstance(described, CategoryColumn) else ()


def other_name(judged: Judged, column: int) -> str:
    """The name for values that the recipe does not list, if a raw column holds categories; else ""."""
    dataset = judged.experiment.dataset
    described = dataset.columns[column] if isinstance(dataset, TableData) else None
    return described.other if isinstance(described, CategoryColumn) else ""
