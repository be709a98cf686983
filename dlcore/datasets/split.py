"""From a recipe to the numbers a network sees: rows are split first, then scaled by what the training rows say.  N rows, D inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dlcore.randomness import derived_seed

if TYPE_CHECKING:
    from dlcore.experiment import Experiment


@dataclass(frozen=True)
class Scaling:
    """scaled = (raw - mean) / deviation. For data on a common scale: mean 0, deviation 1."""

    input_mean: np.ndarray  # (D,)
    input_deviation: np.ndarray  # (D,)
    target_mean: float = 0.0
    target_deviation: float = 1.0

    def inputs(self, X: np.ndarray) -> np.ndarray:
        """Raw (N, D) to what the network sees, float32."""
        return ((X - self.input_mean) / self.input_deviation).astype(np.float32)

    def targets(self, y: np.ndarray) -> np.ndarray:
        """Raw numbers (N,) to what the network learns, float32."""
        return ((y - self.target_mean) / self.target_deviation).astype(np.float32)

    def unscale_targets(self, y: np.ndarray) -> np.ndarray:
        """What the network says, in the data's own units."""
        return y * self.target_deviation + self.target_mean


@dataclass(frozen=True)
class Split:
    """One part of the rows."""

    raw: np.ndarray  # (N, raw inputs) float64, in the data's own units
    X: np.ndarray  # (N, D) float32, features made and scaled: what the network sees
    y: np.ndarray  # (N,) class index int64, or value float64 in the data's own units
    target: np.ndarray  # (N,) class index int64, or scaled value float32: what is learned


@dataclass(frozen=True)
class Data:
    """Training and test rows of a recipe, and how they were made."""

    train: Split
    test: Split
    scaling: Scaling
    raw_names: tuple[str, ...]
    input_names: tuple[str, ...]
    class_names: tuple[str, ...]

    def holds_same_rows(self, other: Data) -> bool:
        """Whether a network sees and learns the same."""
        pairs = ((self.train, other.train), (self.test, other.test))
        return all(np.array_equal(a.X, b.X) and np.array_equal(a.target, b.target) for a, b in pairs)


def prepare(experiment: Experiment) -> Data:
    """Make, split and scale the rows of a recipe."""
    dataset = experiment.dataset
    table = dataset.sample(np.random.default_rng(derived_seed(experiment.seed, "data")))
    if dataset.own_split:
        train, test = np.split(np.arange(len(table.y)), [experiment.train_rows])
    else:
        test = test_rows(
            table.y if dataset.num_classes else None,
            len(table.y),
            experiment.test_rows,
            np.random.default_rng(derived_seed(experiment.seed, "split")),
        )
        train = np.setdiff1d(np.arange(len(table.y)), test)
    features = experiment.input_features
    X = with_features(table.X, features)
    scaling = fit_scaling(X[train], table.y[train], dataset.standardized, dataset.num_classes)

    def part(rows: np.ndarray) -> Split:
        y = table.y[rows]
        target = y if dataset.num_classes else scaling.targets(y)
        return Split(table.X[rows], scaling.inputs(X[rows]), y, target)

    return Data(part(train), part(test), scaling, table.input_names, features or table.input_names, table.class_names)


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


def with_features(X: np.ndarray, features: tuple[str, ...]) -> np.ndarray:
    """(N, 2) to (N, features): x1, x2, their squares, product and sines; as they are where no feature is named."""
    if not features:
        return X
    x1, x2 = X[:, 0], X[:, 1]
    columns = {
        "x1": x1,
        "x2": x2,
        "x1_squared": x1**2,
        "x2_squared": x2**2,
        "x1_x2": x1 * x2,
        "sin_x1": np.sin(x1),
        "sin_x2": np.sin(x2),
    }
    return np.stack([columns[name] for name in features], axis=1)


def fit_scaling(X: np.ndarray, y: np.ndarray, standardize: bool, classes: int) -> Scaling:
    """Mean and deviation of the training rows (a constant column is only centred), or the identity."""
    inputs = X.shape[1]
    if not standardize:
        return Scaling(np.zeros(inputs), np.ones(inputs))
    deviation = X.std(axis=0)
    deviation[deviation == 0] = 1.0
    if classes:
        return Scaling(X.mean(axis=0), deviation)
    return Scaling(X.mean(axis=0), deviation, float(y.mean()), float(y.std()) or 1.0)
