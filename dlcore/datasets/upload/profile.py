"""The profile of a table: everything that the page shows of it, as JSON."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dlcore.datasets.days import write_iso
from dlcore.datasets.upload.arrow import compute as pc
from dlcore.datasets.upload.bounds import PREVIEW_ROWS
from dlcore.datasets.upload.cells import Cells
from dlcore.datasets.upload.column import Column
from dlcore.datasets.upload.hints import find_hints
from dlcore.datasets.upload.numbers import write_number
from dlcore.datasets.upload.question import Question
from dlcore.datasets.upload.relations import correlation_ratio, pearson
from dlcore.problems import clean

TOP = 8
BARS = 20
MOST_CORRELATED = 40
FILL = {"number": "median", "date": "median", "category": "most_frequent"}
MOSTLY_MISSING = 0.2  # Share of missing cells above which filling in the most frequent value would invent data.


def make_profile(name: str, cells: Cells, columns: list[Column], question: Question) -> dict[str, Any]:
    """What was found out, what is proposed, and the first rows."""
    classes = [{"name": each, "rows": int(rows)} for each, rows in zip(question.classes, question.rows, strict=True)]
    return {
        "form": "table",
        "name": name,
        "format": cells.format,
        "options": cells.options,
        "sheets": list(cells.sheets),
        "rows": cells.rows,
        "rows_in_file": cells.rows_in_file,
        "trained": int(question.known.sum()),
        "columns": [profile_column(column) for column in columns],
        "preview": preview(columns),
        "target": question.target.name,
        "task": question.task,
        "inputs": [column.name for column in question.inputs],
        "classes": classes,
        "correlation": correlation(question),
        "findings": [*cells.findings, *find_hints(columns, question)],
    }


def profile_column(column: Column) -> dict[str, Any]:
    """One column: its type and why, and how its values lie."""
    facts: dict[str, Any] = {
        "name": column.name,
        "kind": column.kind,
        "reason": column.reason,
        "missing": int(column.missing.sum()),
        "distinct": column.distinct,
        "treatment": propose_treatment(column),
        "marks": [[mark.text, mark.cells, mark.is_missing] for mark in column.marks],
        "spellings": [list(each) for each in column.spellings],
        "joined": column.said.is_joined,
    }
    if column.kind in ("number", "date"):
        return facts | _numbers(column)
    return facts | {"top": _list_top(column)}


def propose_treatment(column: Column) -> dict[str, Any]:
    """What is proposed to be done to a column, in the words of scikit-learn's SimpleImputer and scalers, and how its cells are read."""
    if column.kind not in FILL:
        return {}
    if column.kind == "category":
        impute = "none" if column.missing.mean() > MOSTLY_MISSING else FILL["category"]
        return {"impute": impute, **_list_options(column)}
    return {"impute": FILL[column.kind], "scale": "standard", **_list_options(column)}


def _list_options(column: Column) -> dict[str, Any]:
    """The options of a column's reading that differ from the defaults: the recipe keeps them, so that another file is read the same."""
    said = {
        "unit": column.unit,
        "order": column.order,
        "missing": None if column.said.missing is None else list(column.said.missing),
        "joined": column.said.is_joined,
    }
    kept = {"number": ("unit", "missing"), "date": ("order",), "category": ("missing", "joined")}[column.kind]
    return {name: said[name] for name in kept if said[name] not in ("", None, False)}


def _numbers(column: Column) -> dict[str, Any]:
    assert column.numbers is not None
    values = column.numbers[~column.missing]
    if not len(values):
        return {"min": None, "max": None, "mean": None, "deviation": None, "histogram": {"edges": [], "counts": []}}
    low, high, mean = float(values.min()), float(values.max()), float(values.mean())
    facts: dict[str, Any] = {"mean": mean, "deviation": float(values.std())}
    if column.kind == "date":
        facts |= {"min": write_iso(low), "max": write_iso(high), "mean": write_iso(mean)}
    else:
        facts |= {"min": low, "max": high}
    return facts | {"histogram": _histogram(values, _bars(column, low, high))}


def _histogram(values: np.ndarray, bars: int) -> dict[str, list[float]]:
    """Bars of equal width; one where all values are the same, and fewer where no number lies between two edges."""
    low, high = float(values.min()), float(values.max())
    if low == high:
        return {"edges": [low, high], "counts": [len(values)]}
    edges = np.linspace(low, high, bars + 1)
    distinct = np.unique(edges)
    counts, edges = np.histogram(values, bars if len(distinct) == len(edges) else distinct)
    return {"edges": edges.tolist(), "counts": counts.tolist()}


def _bars(column: Column, low: float, high: float) -> int:
    """One bar a value where the values are few whole numbers."""
    return int(high - low) + 1 if column.is_whole and high - low < BARS else BARS


def _list_top(column: Column) -> list[list[Any]]:
    """The most frequent values and their rows."""
    if column.kind == "category":
        coded = column.coded
        return [[coded.values[index], int(coded.counts[index])] for index in coded.most_frequent(TOP)]
    counts = pc.value_counts(column.cells.drop_null())
    if not len(counts):
        return []
    rows = np.array(counts.field("counts").to_numpy(zero_copy_only=False))
    indices = np.argsort(-rows, kind="stable")[:TOP]
    return [[_show(counts.field("values")[int(index)].as_py()), int(rows[index])] for index in indices]


def preview(columns: list[Column]) -> list[list[str]]:
    """The first rows as they stand in the file, safe to show."""
    shown = [[_show(value) for value in column.cells[:PREVIEW_ROWS].to_pylist()] for column in columns]
    return [list(row) for row in zip(*shown, strict=True)]


def _show(value: Any) -> str:
    if value is None:
        return ""
    return write_number(value) if isinstance(value, float) else clean(value[:256])


def correlation(question: Question) -> dict[str, Any]:
    """Pearson's r of the numbers among inputs and target; for classes the correlation ratio in the target's row."""
    numbers = [column for column in question.inputs if column.numbers is not None and column.kind in ("number", "date")]
    numbers = numbers[: MOST_CORRELATED - 1]
    columns = [column.numbers for column in numbers if column.numbers is not None]
    if question.task == "regression" and question.target.numbers is not None:
        columns.append(question.y)
    if not columns:
        return {"names": [], "values": []}
    values = pearson(np.stack(columns, axis=1))
    if question.task == "classification":
        eta = [correlation_ratio(column, question.y) for column in columns]
        values = np.block([[values, np.array([eta]).T], [np.array([eta]), np.ones((1, 1))]])
    names = [column.name for column in numbers]
    names += [question.target.name] if len(values) > len(names) else []
    return {
        "names": names,
        "values": [[round(r, 6) if math.isfinite(r) else None for r in row] for row in values.tolist()],
    }
