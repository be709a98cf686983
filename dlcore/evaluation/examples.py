"""The job "examples": the rows behind a number, as people know them.  N rows of a part, n of them shown."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlcore.datasets.days import write_iso
from dlcore.evaluation import Judged, Part, choose_part, open_judged
from dlcore.evaluation.subset import category_names, choose_rows, column_kind, other_name
from dlcore.jobs import Answer, Progress
from dlcore.problems import Problem, clean

MOST_EXAMPLES = 200
LONGEST_SHOWN = 300  # characters of a text


def examples(arguments: dict[str, Any], payload: bytes, progress: Progress) -> Answer:
    """Rows of the part "split" and its "subset" that are of class "true" and were taken for "predicted", where these are given.

    With "worst" those of the largest loss come first, else they stand in their order; at most "count". Raises Problem.
    """
    judged = open_judged(payload)
    part = choose_part(judged, arguments)
    count = min(arguments.get("count", MOST_EXAMPLES), MOST_EXAMPLES)
    if count < 1:
        raise Problem("out_of_bounds", path="count", expected="at least 1", came=str(count))
    rows = choose_rows(judged, part, arguments.get("subset"))
    y_N, classes = part.split.y, judged.data.class_names
    predicted_N = part.predicted.argmax(1) if classes else part.predicted
    for labels_N, asked in ((y_N, arguments.get("true")), (predicted_N, arguments.get("predicted"))):
        if asked is not None:
            rows = rows[labels_N[rows] == _read_label(asked, len(classes))]
    total = len(rows)
    if arguments.get("worst"):
        rows = rows[np.argsort(-part.losses[rows], kind="stable")]
    rows = rows[:count]
    found = {
        "split": arguments.get("split", "test"),
        "total": total,
        "class_names": list(classes),
        "row_numbers": rows.tolist(),
        "true": y_N[rows].tolist(),
        "predicted": predicted_N[rows].tolist(),
        "certainty": part.predicted[rows].max(1, initial=0).tolist() if classes else [None] * len(rows),
        "loss": part.losses[rows].tolist(),
    }
    return found | write_rows(judged, part, rows), b""


def _read_label(asked: Any, classes: int) -> int:
    if type(asked) is not int or not 0 <= asked < classes:
        raise Problem("no_class", came=str(asked), limit=classes)
    return asked


def write_rows(judged: Judged, part: Part, rows: np.ndarray) -> dict[str, Any]:
    """Pixels of pictures, from 0 to 1; the cells of any other data."""
    raw = part.split.raw[rows]
    picture = judged.experiment.dataset.picture
    if picture is None:
        columns = [cells(judged, index, raw[:, index]) for index in range(raw.shape[1])]
        return {"columns": list(judged.data.raw_names), "rows": [list(row) for row in zip(*columns, strict=True)]}
    return {"columns": [], "rows": [], "pixels": picture.shades(raw), "height": picture.height, "width": picture.width}


def cells(judged: Judged, column: int, values_n: np.ndarray) -> list[Any]:
    """Raw values of one column as people know them: numbers, names of categories, dates; None where the cell is missing."""
    names = _list_names(judged, column)
    is_date = column_kind(judged, column) == "date"
    if (texts := judged.data.scaling.text) is not None:
        return [clean(texts.texts[int(value)], LONGEST_SHOWN) for value in values_n.tolist()]

    def cell(value: float) -> Any:
        if not np.isfinite(value):
            return None
        if names:
            return names[int(value)]
        return write_iso(value) if is_date else value

    return [cell(value) for value in values_n.tolist()]


def _list_names(judged: Judged, column: int) -> tuple[str, ...]:
    """The names of a column's categories; the last name, found by index -1, stands for all that the recipe does not list."""
    names = category_names(judged, column)
    return (*names, other_name(judged, column)) if names else ()
