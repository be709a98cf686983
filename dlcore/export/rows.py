"""The rows of a recipe as a table: columns in the data's own units, class or value, and which split a row belongs to.

Runs in a desk: rows of real data come from scikit-learn or from the store.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterator
from typing import Any

from dlcore.datasets.columns import CategoryColumn, DateColumn
from dlcore.datasets.days import write_iso
from dlcore.datasets.own_texts import TextData
from dlcore.datasets.preparation import ROWS_AT_ONCE
from dlcore.datasets.split import Data, Split
from dlcore.datasets.table import TableData
from dlcore.experiment import Experiment
from dlcore.jobs import Answer, Progress
from dlcore.rows import prepare
from dlcore.spreadsheet import safe_cell, safe_text

Write = Callable[[float], Any]


def data_csv_job(arguments: dict[str, Any], payload: bytes, progress: Progress) -> Answer:
    """The job of a desk: from a recipe's JSON to the file."""
    return {}, data_csv(Experiment.from_json(payload))


def data_csv(experiment: Experiment) -> bytes:
    """The file: a header, then the training rows in the order in which the run has them, then the others. Raises Problem."""
    data = prepare(experiment)
    out = io.BytesIO()
    text = io.TextIOWrapper(out, "utf-8", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(safe_cell, list_columns(experiment, data.raw_names)))
    for name, split in split_by_name(experiment, data):
        for row in _write_rows(split, list_writers(experiment, data)):
            writer.writerow([*row, name])
    return out.getvalue()


def list_columns(experiment: Experiment, names: tuple[str, ...]) -> list[str]:
    """The columns, the target, and the split, each under a name of its own."""
    target, split = target_name(experiment), "split"
    while split in (*names, target):
        split = f"({split})"
    return [*names, target, split]


def target_name(experiment: Experiment) -> str:
    """What the column of the target is called."""
    dataset = experiment.dataset
    if isinstance(dataset, TableData | TextData):
        return dataset.target
    return "tokens" if dataset.objective.answers_each_step else "class" if dataset.objective.has_classes else "value"


def split_by_name(experiment: Experiment, data: Data) -> Iterator[tuple[str, Split]]:
    """The parts of the data, by the names that people know them by."""
    yield "train", data.train
    yield experiment.watched, data.watched
    if data.final is not None:
        yield "test", data.final


def list_writers(experiment: Experiment, data: Data) -> list[Write]:
    """How each cell of a row is written, the target's last."""
    dataset = experiment.dataset
    of_target = _name_writer(data.class_names) if data.class_names else _write_number
    if (column := data.scaling.text) is not None:
        return [lambda code: safe_text(column.texts[int(code)]), of_target]
    columns = dataset.columns if isinstance(dataset, TableData) else (None,) * dataset.num_columns
    if dataset.objective.answers_each_step:
        of_target = _token_writer(dataset.token_name)
    return [*map(_choose_writer, columns), of_target]


def _choose_writer(column: Any) -> Write:
    if isinstance(column, CategoryColumn):
        return _name_writer((*column.values, column.other))
    return _write_date if isinstance(column, DateColumn) else _write_number


def _name_writer(names: tuple[str, ...]) -> Write:
    """The name of a code; the last name for those below 0."""
    written = [safe_cell(name) for name in names]
    return lambda code: "" if math.isnan(code) else written[int(code)]


def _token_writer(token_name: Callable[[int], str]) -> Write:
    """The tokens of an answer at each step, from the first one that is asked for."""

    def write(tokens: Any) -> str:
        return safe_cell(" ".join(map(token_name, tokens)).strip())

    return write


def _write_number(value: float) -> float | str:
    return "" if math.isnan(value) else value


def _write_date(days: float) -> str:
    return "" if math.isnan(days) else write_iso(days)


def _write_rows(split: Split, writers: list[Write]) -> Iterator[list[Any]]:
    *of_columns, of_target = writers
    for start in range(0, len(split.y), ROWS_AT_ONCE):
        piece = slice(start, start + ROWS_AT_ONCE)
        for row, target in zip(split.raw[piece].tolist(), split.y[piece].tolist(), strict=True):
            cells = [write(cell) for write, cell in zip(of_columns, row, strict=True)]
            yield [*cells, of_target(target)]
