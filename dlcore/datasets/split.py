"""From a recipe to the numbers a network sees: rows are split first, then prepared by what the training rows say.

N rows, C raw columns, D inputs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from dlcore.datasets.preparation import Preparation
from dlcore.problems import Problem
from dlcore.randomness import derived_seed

if TYPE_CHECKING:
    from dlcore.experiment import Experiment


@dataclass(frozen=True)
class Split:
    """One part of the rows."""

    raw: np.ndarray  # (N, C) float64, in the data's own units; NaN where a cell is missing
    X: np.ndarray  # (N, D) float32, prepared: what the network sees
    y: np.ndarray  # (N,) class index int64, or value float64 in the data's own units
    target: np.ndarray  # (N,) class index int64, or scaled value float32: what is learned


@dataclass(frozen=True)
class Data:
    """The rows of a recipe, in two parts or three, and how they were made."""

    train: Split
    test: Split  # The rows watched while it learns: with validation rows it is these.
    scaling: Preparation
    raw_names: tuple[str, ...]
    input_names: tuple[str, ...]
    class_names: tuple[str, ...]
    #: With validation rows: the test rows, which judge in the end. Nothing that learns or shows reads them.
    final: Split | None = None

    def holds_same_rows(self, other: Data) -> bool:
        """Whether a network sees and learns the same."""
        pairs = ((self.train, other.train), (self.test, other.test))
        return all(np.array_equal(a.X, b.X) and np.array_equal(a.target, b.target) for a, b in pairs)


def prepare(experiment: Experiment) -> Data:
    """Make, split and scale the rows of a recipe."""
    dataset = experiment.dataset
    table = dataset.sample(np.random.default_rng(derived_seed(experiment.seed, "data")))
    train, *others = _places(experiment, table.y)
    features = experiment.input_features
    scaling = replace(dataset.prepare(table.X[train], table.y[train]), features=features)

    def part(rows: np.ndarray) -> Split:
        raw, y = table.X[rows], table.y[rows]
        return Split(raw, scaling.inputs(raw), y, y if dataset.num_classes else scaling.targets(y))

    names = features or dataset.input_names(table.column_names)
    splits = [part(train), *map(part, others)]
    for split in splits:
        _check_finite(split, scaling, table.column_names)
    final = splits[2] if len(splits) > 2 else None
    return Data(splits[0], splits[1], scaling, table.column_names, names, table.class_names, final)


def _places(experiment: Experiment, y: np.ndarray) -> list[np.ndarray]:
    """Which rows are for training and which are watched; in a three-way split, third, which are for testing."""
    dataset = experiment.dataset
    rows = np.arange(len(y))
    if dataset.own_split:
        ends = [experiment.train_rows, experiment.train_rows + experiment.validation_rows]
        return np.split(rows, ends if experiment.validation_rows else ends[:1])
    classes = y if dataset.num_classes else None
    generator = np.random.default_rng(derived_seed(experiment.seed, "split"))
    # The test rows first: with or without validation rows they are the same ones.
    test = test_rows(classes, len(y), experiment.test_rows, generator)
    rest = np.setdiff1d(rows, test)
    parts = [rest, test]
    if experiment.validation_rows:
        generator = np.random.default_rng(derived_seed(experiment.seed, "validation"))
        classes = None if classes is None else y[rest]
        validation = rest[test_rows(classes, len(rest), experiment.validation_rows, generator)]
        parts = [np.setdiff1d(rest, validation), validation, test]
    if dataset.ordered:
        return parts
    # The first ones stand for all where only so many are shown: people sort their tables.
    return [generator.permutation(part) for part in parts]


def _check_finite(split: Split, scaling: Preparation, names: tuple[str, ...]) -> None:
    """Raises Problem where a row is too far from the training rows to be a number for the network."""
    if np.isfinite(split.X).all():
        return
    with np.errstate(over="ignore"):
        finite = [
            np.isfinite(column.prepared(values).astype(np.float32)).all()
            for column, values in zip(scaling.columns, split.raw.T, strict=True)
        ]
    # Where all columns are finite, a square or a product of them is not.
    raise Problem("table_out_of_scale", column=names[int(np.argmin(finite))])


def test_rows(y: np.ndarray | None, rows: int, count: int, generator: np.random.Generator) -> np.ndarray:
    """Sorted indices of `count` test rows; with classes y, each class gives its share (largest remainders first)."""
    if y is None:
        return np.sort(generator.permutation(rows)[:count])
    classes, sizes = np.unique(y, return_counts=True)
    shares = sizes * (count / rows)
    counts = np.floor(shares).astype(int)
    counts[np.argsort(counts - shares, kind="stable")[: count - counts.sum()]] += 1
    chosen = [generator.permutation(np.flatnonzero(y == label))[:n] for label, n in zip(classes, counts, strict=True)]
    return np.sort(np.concatenate(chosen))
