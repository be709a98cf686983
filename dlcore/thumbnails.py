"""Small pictures of what there is to choose from: points of each data set, the curve of each activation, as plain numbers.

    python -m dlcore.thumbnails FILE.json

A server shows them on every page and must not import what they are made with, so they are made once and kept in a file, which a test
compares with its sources.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from dlcore.activations import Activation
from dlcore.component import kinds
from dlcore.datasets import Dataset
from dlcore.datasets.base import DatasetComponent
from dlcore.datasets.drawn import EDGE, Drawn
from dlcore.datasets.texts import TextDataset
from dlcore.editing.fitting import OWN_KINDS

POINTS = 120  # at most, of a data set
SIDE = 100  # coordinates reach from 0 to this
IMAGES = {8: 3, 28: 2}  # how many are shown of those with so many pixels in a line: fewer, if they are larger
SEQUENCES, STEPS_SHOWN = 4, 12
LINES, LONGEST_LINE = 4, 24  # texts, and characters of each that are shown
REACH = 3.0  # an activation is drawn for z from -REACH to REACH
STEPS = 49


def make_thumbnails() -> dict[str, dict[str, Any]]:
    """{"dataset": {kind: see `_picture_data`}, "activation": {kind: values at equal steps of z, from -REACH to REACH}}."""
    return {
        "dataset": {kind: _picture_data(cls) for kind, cls in kinds(Dataset).items() if kind not in OWN_KINDS},
        "activation": {kind: _evaluate(cls()) for kind, cls in kinds(Activation).items()},
    }


def _picture_data(cls: Any) -> dict[str, Any]:
    """{"points": [[x, y, target]]}, y from below, or {"images": [[pixels]], "width", "brightest"}, {"tokens": [[id]]}, {"texts":
    [beginning]}, or {"series": [[value]]}, from below, of a data set.

    A target is a class or, with "numbers", from -100 to 100. Of more than two inputs the first two principal components are shown.
    """
    dataset: DatasetComponent = cls(samples=POINTS) if "samples" in cls.model_fields else cls()
    if isinstance(dataset, Drawn):
        points = np.array(dataset.train)
        X, y = points[:, :2], points[:, 2]
    else:
        table = dataset.sample(np.random.default_rng(0))
        X, y = table.X, table.y
    if dataset.picture is not None:
        images = [X[row].astype(int).tolist() for row in range(IMAGES[dataset.picture.width])]
        return {"images": images, "width": dataset.picture.width, "brightest": dataset.picture.brightest}
    if isinstance(dataset, TextDataset):
        texts = dataset.texts()
        return {"texts": [texts[int(code)][:LONGEST_LINE] for code in X[:LINES, 0]]}
    if dataset.vocabulary:
        return {"tokens": X[:SEQUENCES, -STEPS_SHOWN:].astype(int).tolist()}
    if len(dataset.shape) == 2:
        series = X[:: len(X) // SEQUENCES][:SEQUENCES].reshape(SEQUENCES, *dataset.shape)[:, :, 0]
        return {"series": ((series - X.min()) * SIDE / (X.max() - X.min())).round().astype(int).tolist()}
    numbers = not dataset.objective.has_classes
    if X.shape[1] == 1:
        plane, targets = np.stack([X[:, 0], y * EDGE / 1.5], axis=1), np.zeros_like(y)
    elif X.shape[1] == 2:
        plane, targets = X, y * 100 / np.abs(y).max() if numbers else y
    else:
        plane, targets = project(X), (y - y.mean()) * 100 / np.abs(y - y.mean()).max() if numbers else y
    chosen = np.linspace(0, len(plane) - 1, min(POINTS, len(plane))).round().astype(int)
    scaled = np.clip((plane + EDGE) * SIDE / (2 * EDGE), 0, SIDE)
    points = np.column_stack([scaled, targets])[chosen].round().astype(int).tolist()
    return {"points": points, "numbers": numbers}


def project(X: np.ndarray) -> np.ndarray:
    """The rows on the first two principal components of the standardized columns, within -EDGE..EDGE."""
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    _, _, directions = np.linalg.svd(Z, full_matrices=False)
    first_two = directions[:2]
    # The sign of a component is free: its largest entry is made positive.
    largest = first_two[np.arange(2), np.abs(first_two).argmax(axis=1)]
    plane = Z @ (first_two * np.sign(largest)[:, None]).T
    return plane * EDGE / np.abs(plane).max(axis=0)


def _evaluate(activation: Any) -> list[float]:
    import torch

    with torch.no_grad():
        return [round(value, 3) for value in activation.build()(torch.linspace(-REACH, REACH, STEPS)).tolist()]


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(make_thumbnails(), separators=(",", ":")) + "\n", encoding="utf-8")
