"""A trained network as an ONNX model: raw columns in, probabilities or values out; features and scaling are part of the graph."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from dlcore.checkpoint_facts import preparation_facts
from dlcore.datasets.columns import CategoryColumn
from dlcore.datasets.preparation import Preparation, PreparedCategory, PreparedNumber
from dlcore.datasets.table import TableData
from dlcore.network import build_model

if TYPE_CHECKING:
    from onnx import ModelProto

    from dlcore.checkpoint import Checkpoint

NO_CODE, UNSEEN = -1.0, -2.0  # Codes that no category has: of a missing cell, and of a category not seen in training.
#: Parts of the file's description, for people who have nothing but the file.
COLUMNS = "columns: (N, {columns}) {kind}, the raw columns in the order of column_names, in the data's own units."
CELLS = (
    " By column_kinds: a number as it is; a date as days since 1970-01-01 00:00, with fractions for the time of day; a category as its"
    " place in categories[name], counted from 0, or -1 for any other. A missing cell is NaN. What the graph then does stands in"
    " preparation, column by column: a missing number becomes fill, then (x - shift) / divisor * factor + offset; a missing category"
    " becomes the category at the place fill (null: none of them), then there is one input a category, 1 where it is that one and"
    " seen says that a training row had it, else 0."
)
IDS = (
    "tokens: (N, {length}) float32, the ids of a text's last {length} tokens ({unit}): 0 is padding before a shorter text,"
    " 1 any token that is not in the vocabulary, n + 2 the token at place n of the vocabulary, counted from 0."
)
PROBABILITIES = "probabilities: (N, {classes}), in the order of class_names."
VALUES = "values: (N,), in the target's own units."
TOKENS = (
    "probabilities: (N, steps, tokens), at each step of each of the {tokens} tokens by its id; 0 is padding, 1 unknown."
)
OPSET = 20  # The first with Gelu; ONNX Runtime 1.17 (2024) and later run it.


class RawToPrediction(nn.Module):
    """Raw columns (N, C) to probabilities (N, classes), or to values (N,) in the data's own units."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__()
        experiment, scaling = checkpoint.experiment, checkpoint.scaling
        self.features = experiment.input_features
        self.objective, self.coding = experiment.objective, experiment.coding
        self.model = build_model(experiment)
        self.model.load_state_dict({name: torch.from_numpy(np.array(w)) for name, w in checkpoint.weights.items()})
        self.prepared = _Table(scaling) if isinstance(experiment.dataset, TableData) else _Numbers(scaling)
        self.target_mean = scaling.target_mean
        self.target_deviation = scaling.target_deviation

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        X = self.prepared(X)
        if self.features not in ((), ("x1", "x2")):
            X = _with_features(X, self.features)
        predictions = self.coding.predict(self.model(X.float()))
        if self.objective.has_classes or (self.target_mean, self.target_deviation) == (0.0, 1.0):
            return predictions
        return predictions * self.target_deviation + self.target_mean


class _Numbers(nn.Module):
    """(x - mean) / deviation of each column."""

    def __init__(self, scaling: Preparation) -> None:
        super().__init__()
        numbers = [column for column in scaling.columns if isinstance(column, PreparedNumber)]
        self.scales = any((column.shift, column.divisor) != (0, 1) for column in numbers)
        self.mean = nn.Buffer(torch.tensor([column.shift for column in numbers]))
        self.deviation = nn.Buffer(torch.tensor([column.divisor for column in numbers]))

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        return (X - self.mean) / self.deviation if self.scales else X


class _Table(nn.Module):
    """As `Preparation.inputs` before features, for numbers and categories at once; missing cells are NaN, categories are codes."""

    def __init__(self, scaling: Preparation) -> None:
        super().__init__()
        numbers = [(column, c) for column, c in enumerate(scaling.columns) if isinstance(c, PreparedNumber)]
        categories = [(column, c) for column, c in enumerate(scaling.columns) if isinstance(c, PreparedCategory)]
        values = [(column, c.fill, code, seen) for column, c in categories for code, seen in enumerate(c.seen)]
        self.numbers, self.categories = bool(numbers), bool(categories)
        # In float64, as in training: dates and large numbers lose nothing.
        self.number_columns = nn.Buffer(torch.tensor([column for column, _ in numbers], dtype=torch.int64))
        self.fill = nn.Buffer(torch.tensor([column.fill or 0.0 for _, column in numbers], dtype=torch.float64))
        self.shift = nn.Buffer(torch.tensor([column.shift for _, column in numbers], dtype=torch.float64))
        self.divisor = nn.Buffer(torch.tensor([column.divisor for _, column in numbers], dtype=torch.float64))
        self.factor = nn.Buffer(torch.tensor([column.factor for _, column in numbers], dtype=torch.float64))
        self.offset = nn.Buffer(torch.tensor([column.offset for _, column in numbers], dtype=torch.float64))
        self.value_columns = nn.Buffer(torch.tensor([column for column, *_ in values], dtype=torch.int64))
        stands_in = [NO_CODE if fill is None else fill for _, fill, _, _ in values]
        self.stands_in = nn.Buffer(torch.tensor(stands_in, dtype=torch.float64))
        codes = [code if seen else UNSEEN for *_, code, seen in values]
        self.codes = nn.Buffer(torch.tensor(codes, dtype=torch.float64))
        came_from = [column for column, _ in numbers] + [column for column, *_ in values]
        self.order = nn.Buffer(torch.from_numpy(np.argsort(came_from, kind="stable")))

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        parts = []
        if self.numbers:
            numbers = X[:, self.number_columns]
            numbers = torch.where(numbers.isnan(), self.fill, numbers)
            parts.append((numbers - self.shift) / self.divisor * self.factor + self.offset)
        if self.categories:
            codes = X[:, self.value_columns]
            parts.append((torch.where(codes.isnan(), self.stands_in, codes) == self.codes).double())
        return torch.cat(parts, dim=1)[:, self.order] if len(parts) == 2 else parts[0]


def _with_features(X: torch.Tensor, features: tuple[str, ...]) -> torch.Tensor:
    """As `dlcore.datasets.preparation.with_features`, in torch."""
    x1, x2 = X[:, 0], X[:, 1]
    columns = {
        "x1": x1,
        "x2": x2,
        "x1_squared": x1**2,
        "x2_squared": x2**2,
        "x1_x2": x1 * x2,
        "sin_x1": x1.sin(),
        "sin_x2": x2.sin(),
    }
    return torch.stack([columns[name] for name in features], dim=1)


def _nobody_watches(share: float) -> None:
    """A progress function for a caller who waits for the file and is told nothing on the way."""


def export_onnx(checkpoint: Checkpoint, progress: Callable[[float], None] = _nobody_watches) -> bytes:
    """The ONNX file, checked. Input `columns` (of texts `tokens`), output `probabilities` or `values`; its description says what they are.

    `progress` is told the share of the work that is done.
    The columns of a table are float64, as dates and large numbers need it; all else is float32.
    """
    progress(0.05)
    import onnx

    objective = checkpoint.experiment.objective
    output = "probabilities" if checkpoint.class_names or objective.answers_each_step else "values"
    whole = RawToPrediction(checkpoint).eval()
    dataset = checkpoint.experiment.dataset
    kind = torch.float64 if isinstance(dataset, TableData) else torch.float32
    text = checkpoint.scaling.text
    name, width = ("columns", len(checkpoint.column_names)) if text is None else ("tokens", text.length)
    example = torch.zeros(2, width, dtype=kind)
    progress(0.2)
    with _quiet():
        program = torch.onnx.export(
            whole,
            (example,),
            input_names=[name],
            output_names=[output],
            dynamic_shapes=({0: torch.export.Dim("N")},),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    progress(0.9)
    model = program.model_proto
    _tidy(model)
    facts = {
        "recipe": checkpoint.experiment.to_json(),
        "column_names": json.dumps(checkpoint.column_names, ensure_ascii=False),
        "class_names": json.dumps(checkpoint.class_names, ensure_ascii=False),
    }
    columns = COLUMNS.format(columns=len(checkpoint.column_names), kind=str(kind).removeprefix("torch."))
    if isinstance(dataset, TableData):
        categories = {c.name: c.values for c in dataset.columns if isinstance(c, CategoryColumn)}
        facts |= {
            "column_kinds": json.dumps([column.kind for column in dataset.columns]),
            "categories": json.dumps(categories, ensure_ascii=False),
            "preparation": json.dumps(preparation_facts(checkpoint.scaling)),
        }
        columns += CELLS
    if text is not None:
        facts |= {"tokens": text.unit, "vocabulary": json.dumps(text.vocabulary, ensure_ascii=False)}
        columns = IDS.format(length=text.length, unit=text.unit)
    onnx.helper.set_model_props(model, facts)
    said = PROBABILITIES.format(classes=len(checkpoint.class_names)) if checkpoint.class_names else VALUES
    if objective.answers_each_step:
        said = TOKENS.format(tokens=objective.num_outputs)
    model.graph.input[0].doc_string, model.graph.output[0].doc_string = columns, said
    model.doc_string = f"{columns}\n{said}"
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def _tidy(model: ModelProto) -> None:
    """Remove the exporter's notes, which hold paths and source lines of this machine."""
    graph = model.graph
    for noted in (
        model,
        graph,
        *graph.node,
        *graph.input,
        *graph.output,
        *graph.value_info,
        *graph.initializer,
        *model.functions,
    ):
        del noted.metadata_props[:]
        noted.doc_string = ""


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporter's messages on optional packages and on torch's own deprecations, which do not concern the reader."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
