"""The rows, judged by scikit-learn and by the rules on paper.  N rows, D inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import datasets as sklearn_datasets
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from dlcore import Experiment
from dlcore.component import kinds
from dlcore.datasets import Dataset, Table, toy
from dlcore.datasets.preparation import standardize, with_features
from dlcore.datasets.split import Data
from dlcore.datasets.tabular import Tabular
from dlcore.editing.fitting import USUAL
from dlcore.randomness import derived_seed
from dlcore.rows import draw_stratified, prepare

TABLES = list(kinds(Tabular))
ALL = [kind for kind, cls in kinds(Dataset).items() if not cls.own_split]


def data_of(kind: str, **more: Any) -> Data:
    return prepare(experiment_of(kind, **more))


def experiment_of(kind: str, **more: Any) -> Experiment:
    dataset: Any = kinds(Dataset)[kind]()
    usual = {**USUAL, "dataset": dataset.to_dict(), "loss": {"kind": dataset.objective.usual_loss}, "batch_size": 1}
    layers = dataset.fitting(10).parts()["layers"] if dataset.vocabulary else USUAL["layers"]
    return Experiment.from_dict({**usual, "layers": layers, **more})


@pytest.mark.parametrize("kind", TABLES)
def test_a_table_is_scikit_learns(kind: str) -> None:
    dataset: Any = kinds(Tabular)[kind]()
    bunch = getattr(sklearn_datasets, f"load_{kind}")()
    table = dataset.sample(np.random.default_rng(0))
    assert (dataset.rows, dataset.inputs) == bunch.data.shape
    assert np.array_equal(table.X, bunch.data)
    assert np.array_equal(table.y, bunch.target)
    assert list(table.column_names) == [str(name) for name in bunch.feature_names]
    if dataset.num_classes:
        assert list(table.class_names) == [str(name) for name in bunch.target_names]
        assert dataset.num_classes == len(bunch.target_names)


@pytest.mark.parametrize("kind", TABLES)
def test_scaling_is_a_standard_scaler_fitted_on_the_training_rows_alone(kind: str) -> None:
    data = data_of(kind, test_fraction=0.3, seed=4)
    judge = StandardScaler().fit(data.train.raw)
    for split in (data.train, data.watched):
        np.testing.assert_allclose(split.X, judge.transform(split.raw), atol=1e-5)
    columns: Any = data.scaling.columns
    np.testing.assert_allclose([column.shift for column in columns], judge.mean_)
    np.testing.assert_allclose([column.divisor for column in columns], judge.scale_)
    if not data.class_names:
        target = StandardScaler().fit(data.train.y[:, None])
        for split in (data.train, data.watched):
            np.testing.assert_allclose(split.target, target.transform(split.y[:, None])[:, 0], atol=1e-5)
            np.testing.assert_allclose(data.scaling.unscale_targets(split.target), split.y, rtol=1e-5)


@pytest.mark.parametrize("kind", TABLES)
def test_other_test_rows_do_not_move_the_scaling(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = experiment_of(kind)
    honest = prepare(experiment)
    dataset = type(experiment.dataset)
    sample = dataset.sample
    rows = places_of_test_rows(experiment)

    def spoilt(self: Any, generator: np.random.Generator) -> Table:
        table = sample(self, generator)
        X, y = table.X.copy(), table.y.copy()
        X[rows] += 1e6
        if not table.class_names:
            y[rows] -= 1e6
        return Table(X, y, table.column_names, table.class_names)

    monkeypatch.setattr(dataset, "sample", spoilt)
    leaky = prepare(experiment)
    assert np.array_equal(leaky.train.X, honest.train.X)
    assert np.array_equal(leaky.train.target, honest.train.target)
    assert leaky.scaling == honest.scaling
    assert not np.array_equal(leaky.watched.X, honest.watched.X)


def places_of_test_rows(experiment: Experiment) -> np.ndarray:
    """The places of the test rows in the table, found by looking for the rows themselves."""
    data = prepare(experiment)
    table = experiment.dataset.sample(np.random.default_rng(0))
    train = {row.tobytes() for row in np.column_stack([data.train.raw, data.train.y])}
    rows = [i for i, row in enumerate(np.column_stack([table.X, table.y])) if row.tobytes() not in train]
    assert rows
    return np.array(rows)


@pytest.mark.parametrize("kind", ALL)
def test_no_row_is_lost_and_none_is_on_both_sides(kind: str) -> None:
    experiment = experiment_of(kind, test_fraction=0.3)
    data = prepare(experiment)
    assert len(data.watched.y) == experiment.test_rows == round(experiment.dataset.rows * 0.3)
    assert len(data.train.y) == experiment.train_rows
    both = np.column_stack(
        [np.concatenate([data.train.raw, data.watched.raw]), np.concatenate([data.train.y, data.watched.y])]
    )
    table = experiment.dataset.sample(np.random.default_rng(derived_seed(experiment.seed, "data")))
    expected = np.column_stack([table.X, table.y])
    assert np.array_equal(both[np.lexsort(both.T)], expected[np.lexsort(expected.T)])


@given(st.lists(st.integers(3, 40), min_size=2, max_size=6), st.floats(0.1, 0.9), st.integers(0, 99))
@settings(max_examples=150)
def test_a_stratified_split_gives_each_class_its_share(sizes: list[int], fraction: float, seed: int) -> None:
    y = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    count = round(len(y) * fraction)
    chosen = draw_stratified(y, len(y), count, np.random.default_rng(seed))
    assert len(np.unique(chosen)) == len(chosen) == count
    for label, size in enumerate(sizes):
        assert abs((y[chosen] == label).sum() - size * count / len(y)) < 1


@pytest.mark.parametrize("kind", [kind for kind in ALL if kinds(Dataset)[kind]().num_classes])
@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.77])
def test_every_class_is_on_both_sides_in_its_share(kind: str, fraction: float) -> None:
    data = data_of(kind, test_fraction=fraction, batch_size=1)
    y = np.concatenate([data.train.y, data.watched.y])
    for label in np.unique(y):
        assert abs((data.watched.y == label).sum() - fraction * (y == label).sum()) <= 1.5


def test_another_test_fraction_or_batch_size_leaves_the_rows_alone() -> None:
    def rows(**more: Any) -> np.ndarray:
        data = data_of("moons", **more)
        together = np.concatenate([data.train.raw, data.watched.raw])
        return together[np.lexsort(together.T)]

    assert np.array_equal(rows(), rows(test_fraction=0.2))
    assert np.array_equal(rows(), rows(batch_size=1))
    assert not np.array_equal(rows(), rows(seed=1))


def test_toy_data_are_seen_as_they_are() -> None:
    data = data_of("xor")
    assert np.array_equal(data.train.X, data.train.raw.astype(np.float32))


def test_the_seven_features_on_paper() -> None:
    X = np.array([[2.0, -3.0], [0.5, 1.0]])
    names = ("x1", "x2", "x1_squared", "x2_squared", "x1_x2", "sin_x1", "sin_x2")
    expected = [[2, -3, 4, 9, -6, np.sin(2), np.sin(-3)], [0.5, 1, 0.25, 1, 0.5, np.sin(0.5), np.sin(1)]]
    np.testing.assert_allclose(with_features(X, names), expected)
    np.testing.assert_allclose(with_features(X, names[::-1]), np.array(expected)[:, ::-1])
    assert data_of("circle", features=["sin_x2", "x1"]).input_names == ("sin_x2", "x1")


def test_a_constant_column_is_centred_only() -> None:
    scaling = standardize(np.array([[3.0, 1.0], [3.0, 2.0]]), None)
    assert scaling.inputs(np.array([[3.0, 1.5]])).tolist() == [[0.0, 0.0]]
    assert np.isfinite(scaling.inputs(np.array([[9.0, 9.0]]))).all()


# The rules of the toy data


def rows_of(rule: Any, noise: float = 0.0, **more: Any) -> tuple[np.ndarray, np.ndarray]:
    return rule(600, noise, generator=np.random.default_rng(1), **more)


def test_circle_is_a_disc_in_a_ring() -> None:
    X, y = rows_of(toy.circle)
    radius = np.hypot(*X.T)
    assert np.array_equal(y, radius < 2.5)
    assert not ((radius > 2.5) & (radius < 3.5)).any()
    assert radius.max() <= 5
    assert y.sum() == 300


def test_xor_is_the_sign_of_the_product_with_a_gap_at_the_axes() -> None:
    X, y = rows_of(toy.xor)
    assert np.array_equal(y, X[:, 0] * X[:, 1] >= 0)
    assert np.abs(X).min() >= 0.3
    assert np.abs(X).max() <= 5.3


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_gauss_has_the_playgrounds_means_and_variance(noise: float) -> None:
    X, y = rows_of(toy.gauss, noise)
    for label, centre in ((1, 2), (0, -2)):
        assert X[y == label].mean() == pytest.approx(centre, abs=0.25)
        assert X[y == label].var(axis=0).mean() == pytest.approx(0.5 + 7 * noise, rel=0.15)


def test_spiral_arms_are_each_others_mirror_at_the_origin() -> None:
    X, y = rows_of(toy.spiral)
    np.testing.assert_allclose(X[y == 1], -X[y == 0], atol=1e-12)
    radius = np.hypot(*X[y == 1].T)
    np.testing.assert_allclose(radius, np.arange(300) / 300 * 5, atol=1e-12)
    turned = np.unwrap(np.arctan2(X[y == 1][1:, 0], X[y == 1][1:, 1]))
    assert (turned[-1] - turned[0]) / (2 * np.pi) == pytest.approx(1.75, abs=0.02)


def test_rings_checkerboard_and_blobs_lie_where_they_say() -> None:
    X, y = rows_of(toy.rings)
    radius = np.hypot(*X.T)
    assert np.array_equal(y == 0, (radius > 2.3 - 1e-9) & (radius < 3.3 + 1e-9))
    X, y = rows_of(toy.checkerboard)
    assert np.array_equal(y, (np.floor(X[:, 0] / 2.5) + np.floor(X[:, 1] / 2.5)) % 2)
    X, y = rows_of(toy.blobs, classes=6)
    centres = np.array([X[y == label].mean(axis=0) for label in range(6)])
    np.testing.assert_allclose(np.hypot(*centres.T), 3.5, atol=0.1)
    assert np.bincount(y).tolist() == [100] * 6


def test_the_plane_is_a_plane() -> None:
    X, y = rows_of(toy.plane)
    np.testing.assert_allclose(y, X.sum(axis=1) / 10)
    assert LinearRegression().fit(X, y).score(X, y) == pytest.approx(1)


def test_multi_gauss_has_three_hills_and_three_hollows() -> None:
    X, y = rows_of(toy.multi_gauss)
    peaks = {(-4, 2.5): 1, (0, 2.5): -1, (4, 2.5): 1, (-4, -2.5): -1, (0, -2.5): 1, (4, -2.5): -1}
    for x, value in zip(X, y, strict=True):
        heights = [sign * max(0.0, 1 - np.hypot(x[0] - at[0], x[1] - at[1]) / 2) for at, sign in peaks.items()]
        assert value == pytest.approx(max(heights, key=abs))


def test_lines_are_the_functions_they_say() -> None:
    X, y = rows_of(toy.sine)
    np.testing.assert_allclose(y, np.sin(X[:, 0]))
    X, y = rows_of(toy.step)
    assert np.array_equal(y, np.where(X[:, 0] >= 0, 1, -1))
    _, noisy = rows_of(toy.step, 1.0)
    assert (np.abs(noisy) - 1).std() == pytest.approx(0.5, rel=0.2)


@pytest.mark.parametrize("kind", ["circle", "xor", "spiral", "moons", "rings", "checkerboard"])
def test_a_line_is_not_enough_but_neighbours_are(kind: str) -> None:
    data = prepare(Experiment.from_dict({"dataset": {"kind": kind, "samples": 2000, "noise": 0}}))
    line = LogisticRegression().fit(data.train.X, data.train.y).score(data.watched.X, data.watched.y)
    neighbours = KNeighborsClassifier(3).fit(data.train.X, data.train.y).score(data.watched.X, data.watched.y)
    assert line < 0.93
    assert neighbours > 0.92


@pytest.mark.parametrize("kind", kinds(toy.Toy))
def test_noise_changes_something_and_samples_are_counted(kind: str) -> None:
    cls: Any = kinds(Dataset)[kind]
    quiet = cls(noise=0, samples=201).sample(np.random.default_rng(0))
    loud = cls(noise=1, samples=201).sample(np.random.default_rng(0))
    assert len(quiet.y) == len(loud.y) == 201
    assert not (np.array_equal(quiet.X, loud.X) and np.array_equal(quiet.y, loud.y))
