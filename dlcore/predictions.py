"""Predictions for a new file: jobs "predict", "predict_long" (what comes of it?) and "predictions_csv" (all of them, as the command line
prints them).

N rows, K classes.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, TextIO, cast

import numpy as np

from dlcore.checkpoint import Checkpoint, open_checkpoint, predict
from dlcore.datasets import store
from dlcore.datasets.upload.bounds import MOST_ROWS, QUICK_CELLS
from dlcore.datasets.upload.cells import Cells
from dlcore.datasets.upload.reading import is_large_workbook
from dlcore.jobs import Answer, Progress
from dlcore.new_rows import Brought, Cell, NewRows, cells_of, new_rows, table_of
from dlcore.problems import Problem, clean
from dlcore.spreadsheet import safe_cell

LARGE = "large"  # the form of what takes longer than a quick look
MOST_SHOWN, MOST_COLUMNS_SHOWN = 50, 12
PREDICTION = "prediction"


@dataclass(frozen=True)
class Predicted:
    """New rows and what a network says of them."""

    rows: NewRows
    class_names: tuple[str, ...]
    said: (
        np.ndarray
    )  # (N, K) probabilities, (N, T, K) where it answers at each step, or (N,) values in the data's own units
    write_token: Callable[[int], str] = str  # how a token is written, by its id

    @cached_property
    def finite(self) -> np.ndarray:
        """(N,) whether a row has a prediction: a missing cell that nothing fills makes all outputs NaN."""
        return np.array(np.isfinite(self.said.reshape(len(self.rows), -1)).all(axis=1))

    @property
    def header(self) -> list[str]:
        """The columns of the CSV: the prediction, the target where the file has it, for classes the probability of each."""
        names = [PREDICTION, *(f"probability_{name}" for name in self.class_names)]
        if self.rows.target is None:
            return names
        target = safe_cell(self.rows.target)
        while target in names:
            target = f"({target})"
        return [PREDICTION, target, *names[1:]]

    def lines(self) -> Iterator[list[str]]:
        """A line for each row of the file, in its order; without a prediction where there is none."""
        target = self.rows.target
        blank = [""] * (1 + len(self.class_names))
        for place, (row, good) in enumerate(zip(self.said, self.finite.tolist(), strict=True)):
            prediction, *probabilities = self._write(row) if good else blank
            true = [] if target is None else [write_cell(self.rows.cell(target, place))]
            yield [prediction, *true, *probabilities]

    def _write(self, row: Any) -> list[str]:
        if self.said.ndim == 3:
            return [safe_cell(self.write_tokens(row))]
        if self.class_names:
            return [safe_cell(self.class_names[row.argmax()]), *map(str, row)]
        return [repr(float(row))]

    def write_tokens(self, shares_TV: np.ndarray) -> str:
        """The most probable token of each step."""
        return " ".join(map(self.write_token, shares_TV.argmax(1).tolist()))

    def write(self, file: TextIO) -> None:
        """The whole as CSV."""
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(self.header)
        writer.writerows(self.lines())

    def refusal(self) -> Problem | None:
        """Why the first row without a prediction has none; None where all have one."""
        bad = np.flatnonzero(~self.finite)
        if not len(bad):
            return None
        place = int(bad[0])
        if not self.rows.holes[place]:
            return Problem("table_out_of_range", path=self.rows.file, row=place + 1)
        column = self.rows.first_hole(place)
        came = write_cell(self.rows.cell(column, place))
        return Problem("table_not_a_number", path=self.rows.file, row=place + 1, column=column, came=came)


def predict_rows(checkpoint: Checkpoint, rows: NewRows) -> Predicted:
    """What the network says of rows that have all its columns. Raises Problem for others."""
    if rows.missing:
        missing, others = ", ".join(f"'{name}'" for name in rows.missing), ", ".join(rows.unused) or "–"
        raise Problem("table_columns_missing", path=rows.file, expected=missing, came=others)
    token_name = checkpoint.experiment.dataset.token_name
    said = predict(replace(checkpoint, scaling=rows.scaling), rows.raw)
    return Predicted(rows, checkpoint.class_names, said, token_name)


def write_cell(cell: Cell) -> str:
    """A cell of somebody's file, safe to be opened in a spreadsheet."""
    if isinstance(cell, str):
        return safe_cell(cell)
    if cell is None or math.isnan(cell):
        return ""
    return str(int(cell)) if float(cell).is_integer() and abs(cell) < 2**53 else repr(cell)


# Jobs


def look(arguments: dict[str, Any], payload: bytes, progress: Progress) -> Answer:
    """What this network can say of a file: {"upload": digest, "name"} and a checkpoint. Raises Problem.

    A large file would keep others waiting: the answer is then only {"form": "large"}, and the job "predict_long" reads it.
    """
    if is_large_workbook(store.get_upload(arguments["upload"])):
        return {"form": LARGE}, b""
    checkpoint = open_checkpoint(payload)
    cells = _cells(arguments["upload"], checkpoint)
    if cells.rows * len(cells.columns) > QUICK_CELLS:
        return {"form": LARGE}, b""
    return _describe(checkpoint, cells, _name(arguments)), b""


def look_long(arguments: dict[str, Any], payload: bytes, progress: Progress) -> Answer:
    """As `look`, for a file of any size."""
    checkpoint = open_checkpoint(payload)
    cells = _cells(arguments["upload"], checkpoint)
    progress(0.5, {})
    return _describe(checkpoint, cells, _name(arguments)), b""


def as_csv(arguments: dict[str, Any], payload: bytes, progress: Progress) -> Answer:
    """All predictions for a file: {"upload", "name"} and a checkpoint to CSV. Raises Problem."""
    checkpoint = open_checkpoint(payload)
    rows = new_rows(checkpoint, _cells(arguments["upload"], checkpoint), _name(arguments))
    progress(0.3, {})
    whole = predict_rows(checkpoint, rows)
    progress(0.5, {})
    out = io.StringIO(newline="")
    whole.write(out)
    return {}, out.getvalue().encode()


def _name(arguments: dict[str, Any]) -> str:
    return clean(str(arguments.get("name") or "")) or "table"


def _cells(digest: str, checkpoint: Checkpoint) -> Cells:
    """The cells of an upload; the last ones are cached for the CSV. Raises Problem."""
    store.check_upload(digest)  # For cached cells too.
    cells = _read(digest, checkpoint.column_names, cast(Hashable, table_of(checkpoint)))
    if cells.rows > MOST_ROWS:
        raise Problem("predict_too_many_rows", came=cells.rows, limit=MOST_ROWS)
    return cells


@lru_cache(maxsize=2)
def _read(digest: str, wanted: tuple[str, ...], dataset: Hashable) -> Cells:
    return cells_of(store.get_upload(digest), wanted, cast(Brought | None, dataset))


def _describe(checkpoint: Checkpoint, cells: Cells, name: str) -> dict[str, Any]:
    """The facts of the file, and its first predictions with the cells that they were made of."""
    rows = new_rows(checkpoint, cells, name)
    facts = {
        "rows": len(rows),
        "predicted": 0,
        "missing": list(rows.missing),
        "unused": list(rows.unused),
        "target": rows.target,
        "findings": list(rows.findings),
        "refusal": None,
        "class_names": list(checkpoint.class_names),
        "first": [],
    }
    if rows.missing:
        return facts
    whole = predict_rows(checkpoint, rows)
    refusal = whole.refusal()
    shown = checkpoint.column_names[:MOST_COLUMNS_SHOWN]
    return facts | {
        "predicted": int(whole.finite.sum()),
        "refusal": refusal and refusal.to_dict(),
        "columns": list(shown),
        "first": [_show(whole, place, shown) for place in range(min(len(rows), MOST_SHOWN))],
    }


def _show(whole: Predicted, place: int, columns: tuple[str, ...]) -> dict[str, Any]:
    """A row of the grid."""
    said, names, rows = whole.said[place], whole.class_names, whole.rows
    found: dict[str, Any] = {"cells": [_cell(rows.cell(name, place)) for name in columns]}
    if rows.target is not None:
        found["true"] = _cell(rows.cell(rows.target, place))
    if not whole.finite[place]:
        return found | {"prediction": None, "certainty": None}
    if said.ndim == 2:
        return found | {"prediction": whole.write_tokens(said), "certainty": float(said.max(1).mean())}
    if names:
        return found | {"prediction": names[said.argmax()], "certainty": float(said.max())}
    return found | {"prediction": float(said), "certainty": None}


def _cell(cell: Cell) -> Cell:
    """The cell, safe to show and to send as JSON."""
    if isinstance(cell, str):
        return clean(cell)
    return cell if cell is not None and np.isfinite(cell) else None
