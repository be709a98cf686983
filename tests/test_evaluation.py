"""Scores, curves and examples are those of scikit-learn on the same rows, of plain counting, and of a sheet of paper."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, bootstrap
from sklearn import metrics
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression

from dlcore.component import kinds
from dlcore.datasets import Dataset
from dlcore.desks.jobs import JOBS
from dlcore.evaluation import name_parts, open_judged
from dlcore.evaluation.baselines import baselines
from dlcore.evaluation.curves import score_counts, threshold_curves
from dlcore.evaluation.examples import examples
from dlcore.evaluation.intervals import interval, resample_scores, score, score_interval
from dlcore.evaluation.scores import evaluate, score_classes, score_numbers
from tests.judging import answer, refused, saved, table_of, trained
from tests.layers_on import layers_on

MSE = {"loss": {"kind": "mse"}}
THREE = {"dataset": {"kind": "iris"}, "validation_fraction": 0.2, "test_fraction": 0.2}


@pytest.fixture(scope="module")
def circle() -> bytes:
    return saved(trained({}))


@pytest.fixture(scope="module")
def iris() -> bytes:
    return saved(trained({"dataset": {"kind": "iris"}}))


@pytest.fixture(scope="module")
def diabetes() -> bytes:
    return saved(trained({"dataset": {"kind": "diabetes"}, **MSE}))


# The rows are the run's own


@pytest.mark.parametrize(
    "kind",
    [kind for kind, cls in kinds(Dataset).items() if not cls().objective.answers_each_step],  # type: ignore[attr-defined]
)
def test_a_checkpoint_is_judged_as_its_run_judges_itself(kind: str) -> None:
    dataset = {"kind": kind}
    numbers = kinds(Dataset)[kind]().num_classes == 0  # type: ignore[attr-defined]
    trainer = trained({"dataset": dataset, **(MSE if numbers else {}), **layers_on(kind)}, epochs=2)
    for split, part in (("train", "train"), ("test", "watched")):
        own = getattr(trainer.scores(), part)
        found = answer(evaluate, saved(trainer), split=split)
        assert found["rows"] == len(getattr(trainer.data, part).y)
        assert found["loss"] == pytest.approx(own["loss"], rel=1e-5)
        assert found["r2" if numbers else "accuracy"] == pytest.approx(own["r2" if numbers else "accuracy"], abs=1e-6)


def test_parts_have_the_names_that_people_know(iris: bytes) -> None:
    assert list(name_parts(open_judged(iris))) == ["train", "test"]
    assert list(name_parts(open_judged(saved(trained(THREE, epochs=1))))) == ["train", "validation", "test"]
    assert refused(evaluate, iris, split="validation") == "no_split"


def test_networks_on_the_same_rows_share_them(iris: bytes) -> None:
    other = saved(trained({"dataset": {"kind": "iris"}, "layers": [], "optimizer": {"kind": "sgd"}}, epochs=1))
    assert open_judged(iris).data is open_judged(other).data
    elsewhere = saved(trained({"dataset": {"kind": "iris"}, "seed": 1}, epochs=1))
    assert not open_judged(iris).data.holds_same_rows(open_judged(elsewhere).data)


def test_a_sealed_test_is_scored_only_when_somebody_says_so() -> None:
    sealed = saved(trained({**THREE, "sealed": True}))
    assert refused(evaluate, sealed, split="test") == "test_sealed"
    assert refused(examples, sealed, split="test", unseal=False) == "test_sealed"
    assert "_judgement" not in vars(open_judged(sealed).final), "nobody has looked"
    assert answer(evaluate, sealed, split="validation")["rows"] == 30
    assert answer(evaluate, sealed, split="test", unseal=True)["rows"] == 30
    assert answer(evaluate, saved(trained(THREE)), split="test")["rows"] == 30


def test_answers_that_are_no_numbers_are_refused() -> None:
    trainer = trained(
        {"dataset": {"kind": "sine"}, **MSE, "layers": [{"kind": "dense", "activation": {"kind": "relu"}}]}, 1
    )
    weights = {name: np.full_like(value.numpy(), 3e38) for name, value in trainer.snapshot().weights.items()}
    trainer.load_weights(weights)
    assert refused(evaluate, saved(trainer)) == "predictions_not_finite"


def test_every_job_of_judging_is_there() -> None:
    for name in ("evaluate", "examples", "baselines", "learning_curve", "capacity", "guards"):
        assert callable(JOBS[name].load())


# Something else is the judge


@pytest.mark.parametrize("name", ["circle", "iris"])
def test_scores_of_classes_are_those_of_scikit_learn(name: str, request: pytest.FixtureRequest) -> None:
    payload = request.getfixturevalue(name)
    part = name_parts(open_judged(payload))["test"]
    y, p = part.split.y, part.predicted
    said = p.argmax(1)
    found = answer(evaluate, payload)
    assert found["accuracy"] == metrics.accuracy_score(y, said)
    assert found["balanced_accuracy"] == pytest.approx(metrics.balanced_accuracy_score(y, said))
    assert found["confusion"] == metrics.confusion_matrix(y, said).tolist()
    report = metrics.classification_report(y, said, output_dict=True, zero_division=0)  # type: ignore[arg-type]
    for label, one in enumerate(found["per_class"]):
        theirs = report[str(label)]  # type: ignore[index]
        assert [one["precision"], one["recall"], one["f1"], one["rows"]] == pytest.approx(
            [theirs["precision"], theirs["recall"], theirs["f1-score"], theirs["support"]]
        )
    assert found["macro"]["f1"] == pytest.approx(metrics.f1_score(y, said, average="macro"))
    for roc, pr in zip(found["roc"], found["pr"], strict=True):
        label = roc["class"]
        assert roc["auc"] == pytest.approx(metrics.roc_auc_score(y == label, p[:, label]))
        assert pr["ap"] == pytest.approx(metrics.average_precision_score(y == label, p[:, label]))
    assert [roc["class"] for roc in found["roc"]] == ([1] if name == "circle" else [0, 1, 2])


def test_scores_of_numbers_are_those_of_scikit_learn(diabetes: bytes) -> None:
    part = name_parts(open_judged(diabetes))["test"]
    y, p = part.split.y, part.predicted
    found = answer(evaluate, diabetes)
    assert found["r2"] == pytest.approx(metrics.r2_score(y, p))
    assert found["mae"] == pytest.approx(metrics.mean_absolute_error(y, p))
    assert found["rmse"] == pytest.approx(metrics.mean_squared_error(y, p) ** 0.5)
    shown = found["residuals"]
    np.testing.assert_allclose(shown["residual"], y[shown["row"]] - p[shown["row"]])
    assert sum(found["histogram"]["counts"]) == len(y)


def test_curves_go_through_the_points_of_scikit_learn() -> None:
    generator = np.random.default_rng(0)
    positive = generator.random(300) < 0.3
    scores = np.round(0.3 * positive + generator.random(300) * 0.7, 2)  # with ties
    roc, pr = threshold_curves(positive, scores)
    fpr, tpr, thresholds = metrics.roc_curve(positive, scores, drop_intermediate=False)
    np.testing.assert_allclose(roc["fpr"], fpr, atol=1e-6)
    np.testing.assert_allclose(roc["tpr"], tpr, atol=1e-6)
    np.testing.assert_allclose(roc["thresholds"][1:], thresholds[1:], atol=1e-6)
    precision, recall, _ = metrics.precision_recall_curve(positive, scores)
    np.testing.assert_allclose(pr["precision"], precision[::-1], atol=1e-6)
    np.testing.assert_allclose(pr["recall"], recall[::-1], atol=1e-6)


def test_long_curves_are_thinned_and_their_areas_are_not() -> None:
    generator = np.random.default_rng(1)
    positive = generator.random(20_000) < 0.5
    scores = generator.random(20_000) * 0.5 + 0.5 * positive * generator.random(20_000)
    roc, pr = threshold_curves(positive, scores)
    assert len(roc["fpr"]) == len(pr["precision"]) == 500
    assert (roc["fpr"][0], roc["fpr"][-1], roc["tpr"][-1]) == (0, 1, 1)
    assert roc["auc"] == pytest.approx(metrics.roc_auc_score(positive, scores))
    assert pr["ap"] == pytest.approx(metrics.average_precision_score(positive, scores))


def test_a_table_of_two_by_two_comes_out_as_on_paper() -> None:
    # 3 of 4 positives found, 1 of 6 negatives taken for positive.
    y = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0, 0])
    p = np.array([0.9, 0.8, 0.6, 0.3, 0.7, 0.4, 0.2, 0.2, 0.1, 0.1])
    found = score_classes(y, np.stack([1 - p, p], axis=1), ("no", "yes"))
    assert found["confusion"] == [[5, 1], [1, 3]]
    assert found["accuracy"] == 0.8
    assert found["balanced_accuracy"] == pytest.approx((5 / 6 + 3 / 4) / 2)
    yes = found["per_class"][1]
    assert (yes["precision"], yes["recall"], yes["f1"], yes["rows"]) == (0.75, 0.75, 0.75, 4)
    # Of 24 pairs of a positive and a negative, 21 are in order: 0.6 stands below 0.7, 0.3 below 0.7 and 0.4.
    assert found["roc"][0]["auc"] == pytest.approx(21 / 24)
    calibration = found["calibration"][0]
    assert sum(calibration["rows"]) == 10
    assert calibration["share"][0] == 0  # Of the two rows with p = 0.1 none is positive.


def test_what_does_not_exist_is_null() -> None:
    alone = score_classes(np.zeros(4, dtype=np.int64), np.tile([0.75, 0.25], (4, 1)), ("a", "b"))
    assert alone["roc"][0]["auc"] is None
    assert alone["pr"][0]["ap"] is None
    assert alone["roc"][0]["fpr"] == []
    same = score_numbers(np.ones(3), np.array([1.0, 2.0, 3.0]), np.arange(3))
    assert (same["r2"], same["interval"], same["mae"]) == (None, None, 1.0)
    one = score_numbers(np.ones(1), np.ones(1), np.arange(1))
    json.dumps([alone, same, one], allow_nan=False)


# Properties

claims = st.lists(st.tuples(st.booleans(), st.floats(0, 1, allow_subnormal=False)), min_size=2, max_size=60).map(
    lambda pairs: (np.array([one for one, _ in pairs]), np.array([p for _, p in pairs]))
)


@settings(max_examples=50)
@given(claims=claims, threshold=st.integers(0, 1000))
def test_a_dragged_threshold_counts_what_direct_counting_counts(claims: Any, threshold: int) -> None:
    positive, scores = claims
    counts = score_counts(positive, scores)
    edge = threshold / 1000
    for name, rows in (("positive", positive), ("negative", ~positive)):
        assert sum(counts[name]) == rows.sum()
        above = sum(counts[name][threshold:])
        # Up to one bin: a probability within rounding of an edge may lie on either side of it.
        assert (scores[rows] >= edge + 1e-9).sum() <= above + (edge == 1) * rows.sum()
        assert above <= (scores[rows] >= edge - 1e-9).sum()


@given(seed=st.integers(0, 10_000), rows=st.integers(10, 200), right=st.floats(0, 1))
def test_the_interval_contains_the_score(seed: int, rows: int, right: float) -> None:
    generator = np.random.default_rng(seed)
    y = generator.integers(0, 3, rows)
    said = np.where(generator.random(rows) < right, y, (y + 1) % 3)
    low, high = interval(resample_scores("accuracy", y, said))  # type: ignore[misc]
    assert 0 <= low <= score("accuracy", y, said) <= high <= 1  # type: ignore[operator]


@given(rows=st.integers(1, 3000), right=st.floats(0, 1))
def test_the_interval_of_an_accuracy_is_scipys_of_wilson(rows: int, right: float) -> None:
    hits = round(rows * right)
    said = np.arange(rows) < hits
    theirs = binomtest(hits, rows).proportion_ci(0.95, method="wilson")
    assert score_interval("accuracy", np.ones(rows, bool), said) == pytest.approx([theirs.low, theirs.high], abs=1e-9)


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), rows=st.integers(5, 80))
def test_the_order_of_rows_changes_nothing(seed: int, rows: int) -> None:
    generator = np.random.default_rng(seed)
    y, p = generator.integers(0, 3, rows), generator.dirichlet(np.ones(3), rows)
    order = generator.permutation(rows)
    one, other = score_classes(y, p, ("a", "b", "c")), score_classes(y[order], p[order], ("a", "b", "c"))
    for key in ("accuracy", "interval", "balanced_accuracy", "per_class", "confusion", "scores"):
        assert one[key] == other[key]
    for ours, theirs in zip(one["roc"], other["roc"], strict=True):
        assert ours["auc"] == pytest.approx(theirs["auc"]) or ours["auc"] is theirs["auc"] is None


def r2_by_hand(y: np.ndarray, p: np.ndarray, axis: int = -1) -> np.ndarray:
    return 1 - ((y - p) ** 2).sum(axis) / ((y - y.mean(axis, keepdims=True)) ** 2).sum(axis)


def test_intervals_are_those_of_scipys_bootstrap() -> None:
    generator = np.random.default_rng(2)
    y = generator.normal(size=120)
    p = y + generator.normal(size=120) * 0.6
    theirs = bootstrap((y, p), r2_by_hand, paired=True, method="percentile", n_resamples=1000, rng=0)
    ours = interval(resample_scores("r2", y, p))
    assert ours == pytest.approx(list(theirs.confidence_interval), abs=0.03)
    correct = generator.random(120) < 0.8
    theirs = bootstrap((correct,), np.mean, method="percentile", n_resamples=1000, rng=0)
    ours = interval(resample_scores("accuracy", np.ones(120), correct))
    assert ours == pytest.approx(list(theirs.confidence_interval), abs=0.02)


def test_intervals_of_large_numbers_do_not_cancel() -> None:
    generator = np.random.default_rng(3)
    y = generator.normal(size=200)
    p = y + generator.normal(size=200) * 0.5
    plain = interval(resample_scores("r2", y, p))
    assert interval(resample_scores("r2", y + 1e7, p + 1e7)) == pytest.approx(plain, abs=1e-5)


# Some of the rows


def test_a_subset_is_judged_by_its_rows_alone(iris: bytes) -> None:
    part = name_parts(open_judged(iris))["test"]
    column = open_judged(iris).data.raw_names[2]
    chosen = (part.split.raw[:, 2] >= 4) & (part.split.raw[:, 2] <= 5)
    found = answer(evaluate, iris, subset={"column": column, "low": 4, "high": 5})
    assert found["rows"] == chosen.sum()
    assert found["accuracy"] == (part.predicted[chosen].argmax(1) == part.split.y[chosen]).mean()
    open_ended = answer(evaluate, iris, subset={"column": column, "low": 4, "high": None})
    assert open_ended["rows"] == (part.split.raw[:, 2] >= 4).sum()
    assert (
        answer(evaluate, iris, subset={"column": column, "values": [1.5, 4.5]})["rows"]
        == np.isin(part.split.raw[:, 2], [1.5, 4.5]).sum()
    )


def test_the_wrong_rows_are_all_wrong(iris: bytes) -> None:
    found = answer(evaluate, iris, subset={"wrong": True})
    assert found["accuracy"] == 0
    assert found["rows"] == round(75 * (1 - answer(evaluate, iris)["accuracy"]))


def test_the_page_is_told_what_a_subset_may_be_chosen_by(iris: bytes) -> None:
    raw = name_parts(open_judged(iris))["train"].split.raw
    columns = answer(evaluate, iris, split="train")["columns"]
    assert [(one["low"], one["high"]) for one in columns] == list(zip(raw.min(0), raw.max(0), strict=True))


@pytest.mark.parametrize(
    ("subset", "key"),
    [
        ({"column": "nobody", "low": 0}, "subset_column"),
        ({}, None),
        ({"column": "sepal length (cm)", "low": 100}, "subset_empty"),
        ({"column": "sepal length (cm)", "low": "x"}, "subset_value"),
        ({"column": "sepal length (cm)", "low": float("nan")}, "subset_value"),
        ({"column": "sepal length (cm)", "values": 3}, "subset_value"),
        ({"column": "sepal length (cm)", "values": ["x"]}, "subset_value"),
    ],
)
def test_a_subset_that_cannot_be_is_refused(iris: bytes, subset: dict[str, Any], key: str | None) -> None:
    if key is None:
        assert answer(evaluate, iris, subset=subset)["rows"] == 75
    else:
        assert refused(evaluate, iris, subset=subset) == key


def test_numbers_are_never_simply_wrong(diabetes: bytes) -> None:
    assert refused(evaluate, diabetes, subset={"wrong": True}) == "subset_needs_classes"


# Examples


def test_a_cell_of_the_confusion_matrix_opens_its_rows(iris: bytes) -> None:
    confusion = answer(evaluate, iris, split="train")["confusion"]
    part = name_parts(open_judged(iris))["train"]
    for true, row in enumerate(confusion):
        for predicted, count in enumerate(row):
            found = answer(examples, iris, split="train", true=true, predicted=predicted)
            assert found["total"] == len(found["rows"]) == count
            assert set(found["true"]) <= {true}
            assert set(found["predicted"]) <= {predicted}
            for number, cells in zip(found["row_numbers"], found["rows"], strict=True):
                assert cells == part.split.raw[number].tolist()


def test_the_worst_examples_come_first(diabetes: bytes) -> None:
    part = name_parts(open_judged(diabetes))["test"]
    found = answer(examples, diabetes, worst=True, count=10)
    assert found["loss"] == sorted(part.losses, reverse=True)[:10]
    assert found["total"] == len(part.losses)
    assert found["certainty"] == [None] * 10
    order = answer(examples, diabetes, count=1000)
    assert order["row_numbers"] == list(range(200))


def test_a_class_that_is_not_there_has_no_examples(iris: bytes) -> None:
    assert refused(examples, iris, true=3) == "no_class"
    assert refused(examples, iris, predicted="0") == "no_class"
    assert refused(examples, iris, count=0) == "out_of_bounds"


def test_pictures_come_as_pixels() -> None:
    trainer = trained({"dataset": {"kind": "digits"}}, epochs=1)
    found = answer(examples, saved(trainer), count=3)
    assert (found["height"], found["width"], found["rows"]) == (8, 8, [])
    np.testing.assert_allclose(np.array(found["pixels"]) * 16, trainer.data.watched.raw[:3], atol=1e-2)


def test_cells_of_a_table_are_written_as_people_know_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLCORE_TABLES", str(tmp_path))
    generator = np.random.default_rng(0)
    rows = 60
    codes = generator.integers(-1, 3, rows).astype(np.int32)
    dataset = table_of(
        generator.integers(0, 2, rows), ("no", "yes"),
        size=np.where(np.arange(rows) % 7 == 0, np.nan, generator.normal(size=rows)),
        colour=("category", {"all": ["red", "green", "blue"], "values": ["red", "green"]}, codes),
        day=("date", {}, np.full(rows, 19_782.0)),
    )  # fmt: skip
    payload = saved(trained({"dataset": dataset, "test_fraction": 0.3}, epochs=1))
    found = answer(examples, payload, split="train")
    raw = name_parts(open_judged(payload))["train"].split.raw
    assert found["columns"] == ["size", "colour", "day"]
    written = {0.0: "red", 1.0: "green", -1.0: "(other)"}
    for (size, colour, day), (raw_size, raw_colour, _) in zip(
        found["rows"], raw[found["row_numbers"]].tolist(), strict=True
    ):
        assert (size is None) if np.isnan(raw_size) else size == raw_size
        assert colour == (None if np.isnan(raw_colour) else written[raw_colour])
        assert day == "2024-02-29"
    for value, code in (("green", 1), ("(other)", -1)):
        chosen = answer(evaluate, payload, split="train", subset={"column": "colour", "values": [value]})
        assert chosen["rows"] == (raw[:, 1] == code).sum()
    assert refused(evaluate, payload, subset={"column": "colour", "values": ["blue"]}) == "subset_value"
    assert answer(evaluate, payload, split="train")["columns"][1]["values"] == ["red", "green", "(other)"]


# Baselines


def test_baselines_are_scikit_learns_on_the_same_rows(iris: bytes) -> None:
    data = open_judged(iris).data
    found = answer(baselines, iris)
    by_key = {model["key"]: model for model in found["models"]}
    assert list(by_key) == ["majority", "logistic", "forest"]
    dummy = DummyClassifier().fit(data.train.X, data.train.y)
    assert by_key["majority"]["test"] == dummy.score(data.watched.X, data.watched.y)
    line = LogisticRegression(max_iter=500).fit(data.train.X, data.train.y)
    assert by_key["logistic"]["test"] == line.score(data.watched.X, data.watched.y)
    assert by_key["forest"]["train"] == 1
    assert found["network"]["test"] == answer(evaluate, iris)["accuracy"]
    assert found["network"]["intervals"]["test"] == answer(evaluate, iris)["interval"]


def test_baselines_of_numbers_are_a_mean_a_line_and_a_forest(diabetes: bytes) -> None:
    data = open_judged(diabetes).data
    by_key = {model["key"]: model for model in answer(baselines, diabetes)["models"]}
    assert by_key["mean"]["train"] == pytest.approx(0)
    line = LinearRegression().fit(data.train.X, data.train.y)
    assert by_key["linear"]["test"] == pytest.approx(line.score(data.watched.X, data.watched.y))
    assert by_key["forest"]["train"] > by_key["linear"]["train"]


def test_baselines_never_see_a_sealed_test() -> None:
    sealed = saved(trained({**THREE, "sealed": True}, epochs=1))
    found = answer(baselines, sealed)
    assert found["splits"] == ["train", "validation"]
    assert all("test" not in one for one in (*found["models"], found["network"]))
    assert answer(baselines, saved(trained(THREE, epochs=1)))["splits"] == ["train", "validation", "test"]


def test_baselines_tell_of_each_model_as_it_comes(iris: bytes) -> None:
    told: list[tuple[float, int]] = []
    baselines({}, iris, lambda share, partial: told.append((share, len(partial["models"]))))
    assert told == [(0, 0), (1 / 3, 1), (2 / 3, 2), (1, 3)]
