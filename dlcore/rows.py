"""Which rows a recipe has: the one answer to whether two recipes have the same ones, and to whether the same rows test them.

Rows are the same if they are the same numbers in the same parts: training rows, watched rows, test rows.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from dlcore.datasets.drawn import Drawn, points_of
from dlcore.datasets.split import Data, prepare
from dlcore.datasets.toy import ToyDataset
from dlcore.experiment import Experiment

#: Fields of a recipe that say how the rows are learned. Every other field counts as one that changes the rows, so that a field that
#: is added later makes rows be prepared once too often at worst, never shows or trains on the wrong ones.
HOW_ROWS_ARE_LEARNED = frozenset(
    {
        "version", "sealed", "layers", "loss", "optimizer", "schedule", "regularizer", "gradient_clip", "early_stopping",
        "batch_size", "class_weights", "journal",
    }
)  # fmt: skip
ROW_FIELDS = tuple(name for name in Experiment.model_fields if name not in HOW_ROWS_ARE_LEARNED)


class RowsKey:
    """A recipe as a key of what is made from its rows: equal to the key of every recipe that has the same rows."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RowsKey) and same_rows(self.experiment, other.experiment)

    def __hash__(self) -> int:
        return hash(_row_values(self.experiment))


def same_rows(one: Experiment, other: Experiment) -> bool:
    """Whether both recipes have the same rows in the same parts."""
    return one is other or _row_values(one) == _row_values(other)


def rows_of(experiment: Experiment, known: Experiment, data: Data) -> Data:
    """The rows of `experiment`: `data`, the rows of the recipe `known`, where they are the same."""
    return data if same_rows(experiment, known) else prepare(experiment)


def _row_values(experiment: Experiment) -> tuple[Any, ...]:
    return tuple(getattr(experiment, name) for name in ROW_FIELDS)


def digest_of_test_rows(experiment: Experiment) -> str:
    """By which the test rows of a recipe are known again, however the other rows are shared out, prepared and learned."""
    return hashlib.sha256(json.dumps(_facts_of_test_rows(experiment)).encode()).hexdigest()[:32]


def _facts_of_test_rows(experiment: Experiment) -> Any:
    dataset = experiment.dataset
    if isinstance(dataset, Drawn):
        return dataset.test
    if isinstance(dataset, ToyDataset) and dataset.surface == "plane" and dataset.num_classes:
        # The points themselves: whoever draws on among them does not change the test points.
        data = prepare(experiment)
        return points_of(data.test if data.final is None else data.final)
    return [dataset.row_facts(), experiment.seed, experiment.test_rows]
