"""From a recipe to its rows: made, split, and then prepared by what the training rows say; and whether two recipes have the same ones.

Rows are the same if they are the same numbers in the same parts: training rows, watched rows, test rows. N rows, C raw columns, D inputs.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import numpy as np

from dlcore.datasets.drawn import Drawn, round_points
from dlcore.datasets.preparation import Preparation
from dlcore.datasets.split import Data, Split
from dlcore.datasets.toy import ToyDataset
from dlcore.experiment import Experiment
from dlcore.problems import Problem
from dlcore.randomness import derived_seed

#: Fields of a recipe that say how the rows are learned. Every other field counts as one that changes the rows, so that a field that
#: is added later makes rows be prepared once too often at worst, never shows or trains on the wrong ones.
HOW_ROWS_ARE_LEARNED = frozenset(
    {
        "version", "sealed", "layers", "loss", "optimizer", "schedule", "regularizer", "gradient_clip", "early_stopping", "restore_best",
        "batch_size", "class_weights", "journal",
    }
)  # fmt: skip
ROW_FIELDS = tuple(name for name in Experiment.model_fields if name not in HOW_ROWS_ARE_LEARNED)


def prepare(experiment: Experiment) -> Data:
    """Make, split and scale the rows of a recipe."""
    dataset = experiment.dataset
    table = dataset.sample(np.random.default_rng(derived_seed(experiment.seed, "data")))
    train, *others = _parts(experiment, table.y)
    features = experiment.input_features
    scaling = replace(dataset.prepare(table.X[train], table.y[train]), features=features)

    def part(rows: np.ndarray) -> Split:
        raw, y = table.X[rows], table.y[rows]
        return Split(raw, scaling.inputs(raw), y, dataset.objective.make_targets(y, scaling))

    names = features or dataset.input_names(table.column_names)
    splits = [part(train), *map(part, others)]
    for split in splits:
        _check_finite(split, scaling, table.column_names)
    final = splits[2] if len(splits) > 2 else None
    return Data(splits[0], splits[1], scaling, table.column_names, names, table.class_names, final)


def _parts(experiment: Experiment, y: np.ndarray) -> list[np.ndarray]:
    """Which rows are for training and which are watched; in a three-way split, third, which are for testing."""
    dataset = experiment.dataset
    rows = np.arange(len(y))
    if dataset.own_split or dataset.split_in_time:
        ends = [experiment.train_rows, experiment.train_rows + experiment.validation_rows]
        return np.split(rows, ends if experiment.validation_rows else ends[:1])
    strata = dataset.objective.strata(y)
    generator = np.random.default_rng(derived_seed(experiment.seed, "split"))
    # The test rows first: with or without validation rows they are the same ones.
    test = draw_stratified(strata, len(y), experiment.test_rows, generator)
    rest = np.delete(rows, test)
    parts = [rest, test]
    if experiment.validation_rows:
        generator = np.random.default_rng(derived_seed(experiment.seed, "validation"))
        strata = dataset.objective.strata(y[rest])
        chosen = draw_stratified(strata, len(rest), experiment.validation_rows, generator)
        parts = [np.delete(rest, chosen), rest[chosen], test]
    if dataset.ordered:
        return parts
    # Shuffled, as people sort their tables: where only the first rows are shown, they must stand for all.
    return [generator.permutation(part) for part in parts]


def _check_finite(split: Split, scaling: Preparation, names: tuple[str, ...]) -> None:
    """Raises Problem where a row is too far from the training rows to be a number for the network."""
    if np.isfinite(split.X).all():
        return
    with np.errstate(over="ignore"):
        finite = [
            np.isfinite(column.transform(values).astype(np.float32)).all()
            for column, values in zip(scaling.columns, split.raw.T, strict=True)
        ]
    # If all columns are finite, a feature (a square or a product of them) is not.
    raise Problem("table_out_of_scale", column=names[int(np.argmin(finite))])


def draw_stratified(y: np.ndarray | None, rows: int, count: int, generator: np.random.Generator) -> np.ndarray:
    """Sorted indices of `count` rows drawn without replacement; with classes y, each class gives its share (largest remainders first)."""
    if y is None:
        return np.sort(generator.permutation(rows)[:count])
    classes, sizes = np.unique(y, return_counts=True)
    shares = sizes * (count / rows)
    counts = np.floor(shares).astype(int)
    counts[np.argsort(counts - shares, kind="stable")[: count - counts.sum()]] += 1
    chosen = [generator.permutation(np.flatnonzero(y == label))[:n] for label, n in zip(classes, counts, strict=True)]
    return np.sort(np.concatenate(chosen))


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
    """A digest that identifies a recipe's test rows, however the other rows are shared out, prepared and learned."""
    return hashlib.sha256(json.dumps(_facts_of_test_rows(experiment)).encode()).hexdigest()[:32]


def _facts_of_test_rows(experiment: Experiment) -> Any:
    dataset = experiment.dataset
    if isinstance(dataset, Drawn):
        return dataset.test
    if isinstance(dataset, ToyDataset) and dataset.surface == "plane" and dataset.objective.has_classes:
        # The points themselves, so that the digest stays the same when somebody draws further training points.
        data = prepare(experiment)
        return round_points(data.watched if data.final is None else data.final)
    return [dataset.row_facts(), experiment.seed, experiment.test_rows]
