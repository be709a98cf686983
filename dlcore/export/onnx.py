"""A trained network as an ONNX model: raw columns in, probabilities or values out; features and scaling are part of the graph."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from dlcore.network import build_model

if TYPE_CHECKING:
    from onnx import ModelProto

    from dlcore.checkpoint import Checkpoint

OPSET = 20  # The first with Gelu; ONNX Runtime 1.17 (2024) and later run it.


class RawToPrediction(nn.Module):
    """Raw columns (N, D) float32 to probabilities (N, classes), or to values (N,) in the data's own units."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__()
        experiment, scaling = checkpoint.experiment, checkpoint.scaling
        self.features = experiment.input_features
        self.loss = experiment.loss
        self.classes = experiment.dataset.num_classes
        self.model = build_model(experiment)
        self.model.load_state_dict({name: torch.from_numpy(np.array(w)) for name, w in checkpoint.weights.items()})
        self.scales = bool((scaling.input_mean != 0).any() or (scaling.input_deviation != 1).any())
        self.mean = nn.Buffer(torch.from_numpy(scaling.input_mean.astype(np.float32)))
        self.deviation = nn.Buffer(torch.from_numpy(scaling.input_deviation.astype(np.float32)))
        self.target_mean = scaling.target_mean
        self.target_deviation = scaling.target_deviation

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        if self.features not in ((), ("x1", "x2")):
            X = _with_features(X, self.features)
        if self.scales:
            X = (X - self.mean) / self.deviation
        predictions = self.loss.predict(self.model(X), self.classes)
        if self.classes or (self.target_mean, self.target_deviation) == (0.0, 1.0):
            return predictions
        return predictions * self.target_deviation + self.target_mean


def _with_features(X: torch.Tensor, features: tuple[str, ...]) -> torch.Tensor:
    """As `dlcore.datasets.split.with_features`, in torch."""
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


def export_onnx(checkpoint: Checkpoint) -> bytes:
    """The ONNX file, checked. Input `columns` (N, D) float32 in the order of the metadata's column_names; output `probabilities`
    (N, classes) or `values` (N,)."""
    import onnx

    output = "probabilities" if checkpoint.class_names else "values"
    whole = RawToPrediction(checkpoint).eval()
    example = torch.zeros(2, len(checkpoint.column_names))
    with _quiet():
        program = torch.onnx.export(
            whole,
            (example,),
            input_names=["columns"],
            output_names=[output],
            dynamic_shapes=({0: torch.export.Dim("N")},),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    _tidy(model)
    facts = {
        "recipe": checkpoint.experiment.to_json(),
        "column_names": json.dumps(checkpoint.column_names),
        "class_names": json.dumps(checkpoint.class_names),
    }
    onnx.helper.set_model_props(model, facts)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def _tidy(model: ModelProto) -> None:
    """Without the exporter's notes: they hold the paths and the source lines of this machine."""
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
    """The exporter speaks of optional packages and of torch's own deprecations; neither concerns the reader."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
