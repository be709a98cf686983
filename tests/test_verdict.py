"""The verdict: differences of paired scores are scikit-learn's, their intervals agree with exact tests, each word has its numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, bootstrap
from sklearn import metrics
from sklearn.linear_model import LogisticRegression

from dlcore.evaluation import open_judged
from dlcore.evaluation.baselines import baselines, find_quick_models
from dlcore.evaluation.comparing import MARGIN, compare
from dlcore.evaluation.gap import find_gap
from dlcore.evaluation.guards import guards
from dlcore.evaluation.verdict import verdict
from tests.judging import answer, refused, saved, trained

THREE = {"dataset": {"kind": "iris"}, "validation_fraction": 0.2, "test_fraction": 0.2}
SEALED = {**THREE, "sealed": True}
MSE = {"loss": {"kind": "mse"}}


# Two models on the same rows


def answers(wins: int, losses: int, both: int, neither: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of class 1: those that only ours, only theirs, both or neither have right."""
    ours = np.array([1] * wins + [0] * losses + [1] * both + [0] * neither)
    theirs = np.array([0] * wins + [1] * losses + [1] * both + [0] * neither)
    return np.ones_like(ours), ours, theirs


def test_the_interval_of_a_paired_difference_is_that_of_bonett_and_price() -> None:
    # On paper: 50 rows, 12 and 2. (13, 3) / 52; centre 10 / 52; variance (16 / 52 - (10 / 52)²) / 52.
    found = compare("accuracy", *answers(12, 2, 30, 6))
    half = 1.959964 * ((16 / 52 - (10 / 52) ** 2) / 52) ** 0.5
    assert found["difference"] == pytest.approx(10 / 50)
    assert found["interval"] == pytest.approx([10 / 52 - half, 10 / 52 + half], abs=1e-6)
    assert found["kind"] == "better"


@pytest.mark.parametrize(("wins", "losses"), [(5, 0), (6, 0), (9, 1), (12, 6), (30, 10), (200, 260), (0, 8)])
def test_better_and_worse_are_what_mcnemars_exact_test_says(wins: int, losses: int) -> None:
    found = compare("accuracy", *answers(wins, losses, 500))
    surely = binomtest(wins, wins + losses).pvalue < 0.05
    assert (found["kind"] in ("better", "worse")) == surely
    if surely:
        assert found["kind"] == ("better" if wins > losses else "worse")


def test_the_same_answers_are_as_good_once_there_are_rows_enough() -> None:
    assert compare("accuracy", *answers(0, 0, 20))["kind"] == "undecided"
    assert compare("accuracy", *answers(0, 0, 200))["kind"] == "alike"
    low, high = compare("accuracy", *answers(0, 0, 200))["interval"]
    assert -MARGIN < low < 0 < high < MARGIN


@given(seed=st.integers(0, 10_000), rows=st.integers(3, 300))
def test_whoever_is_compared_with_whom_the_answer_turns_round(seed: int, rows: int) -> None:
    generator = np.random.default_rng(seed)
    y, ours, theirs = generator.integers(0, 3, (3, rows))
    for measure in ("accuracy", "balanced_accuracy"):
        one, other = compare(measure, y, ours, theirs), compare(measure, y, theirs, ours)
        assert one["difference"] == pytest.approx(-other["difference"])
        assert one["interval"] == pytest.approx([-end for end in reversed(other["interval"])])
        assert one["interval"][0] <= one["difference"] <= one["interval"][1]


def test_balanced_accuracies_differ_as_scikit_learns_do_and_one_class_is_the_plain_case() -> None:
    generator = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [80, 15, 5])
    ours, theirs = (np.where(generator.random(100) < share, y, (y + 1) % 3) for share in (0.9, 0.6))
    found = compare("balanced_accuracy", y, ours, theirs)
    expected = metrics.balanced_accuracy_score(y, ours) - metrics.balanced_accuracy_score(y, theirs)
    assert found["difference"] == pytest.approx(expected)
    one = answers(12, 2, 30, 6)
    assert compare("balanced_accuracy", *one)["interval"] == pytest.approx(compare("accuracy", *one)["interval"])


def test_the_interval_holds_the_true_difference_as_often_as_it_says() -> None:
    generator = np.random.default_rng(1)
    hits = 0
    for _ in range(400):
        draws = generator.multinomial(80, [0.12, 0.05, 0.83])
        low, high = compare("accuracy", *answers(*draws))["interval"]
        hits += low <= 0.07 <= high
    assert 0.92 < hits / 400 <= 1


def test_r2_is_compared_on_the_same_resamples_as_scipys_bootstrap_does() -> None:
    generator = np.random.default_rng(2)
    y = generator.normal(size=150)
    ours, theirs = (y + noise * generator.normal(size=150) for noise in (0.4, 0.5))

    def gain(y: np.ndarray, ours: np.ndarray, theirs: np.ndarray, axis: int = -1) -> np.ndarray:
        spread = ((y - y.mean(axis, keepdims=True)) ** 2).sum(axis)
        return (((y - theirs) ** 2).sum(axis) - ((y - ours) ** 2).sum(axis)) / spread

    expected = bootstrap((y, ours, theirs), gain, paired=True, method="percentile", n_resamples=1000, rng=0)
    found = compare("r2", y, ours, theirs)
    assert found["difference"] == pytest.approx(metrics.r2_score(y, ours) - metrics.r2_score(y, theirs))
    assert found["interval"] == pytest.approx(list(expected.confidence_interval), abs=0.03)
    # Far narrower than of two scores by themselves: hard rows are hard for both.
    assert compare("r2", y + 1e6, ours + 1e6, theirs + 1e6)["interval"] == pytest.approx(found["interval"], abs=1e-6)
    assert compare("r2", np.ones(9), ours[:9], theirs[:9]) == {
        "difference": None, "interval": None, "kind": "undecided",
    }  # fmt: skip


# The gap


@pytest.fixture(scope="module")
def overfitted() -> bytes:
    """Many units on few and noisy rows."""
    recipe = {
        "dataset": {"kind": "circle", "samples": 120, "noise": 0.7}, "layers": [{"kind": "dense", "units": 64}] * 2,
        "optimizer": {"kind": "adam", "learning_rate": 0.01},
    }  # fmt: skip
    return saved(trained(recipe, 300))


def test_a_gap_is_called_overfitting_where_the_warnings_call_it_so(overfitted: bytes) -> None:
    judged = open_judged(overfitted)
    found = find_gap(judged, judged.watched)
    train, watched = (metrics.accuracy_score(part.split.y, part.answers) for part in (judged.train, judged.watched))
    assert found["gap"] == pytest.approx(train - watched)
    assert found["interval"][0] < found["gap"] < found["interval"][1]
    assert found["kind"] == "overfits"
    assert "overfitting" in [one["key"] for one in answer(guards, overfitted)["findings"]]


def test_the_training_rows_themselves_have_no_gap() -> None:
    judged = open_judged(saved(trained({}, 20)))
    assert find_gap(judged, judged.train)["kind"] == "level"


@pytest.mark.parametrize(
    ("rows", "train", "watched", "kind"),
    [
        (2000, 0.99, 0.96, "slightly"),  # No chance, and less than a tenth of the skill is lost.
        (2000, 0.99, 0.90, "overfits"),
        (2000, 0.96, 0.96, "level"),
        (100, 0.99, 0.96, "unsure"),  # So few rows may hide a gap of seven points, or none.
        (100, 0.92, 0.96, "level"),
    ],
)
def test_a_gap_is_named_by_what_its_interval_holds(rows: int, train: float, watched: float, kind: str) -> None:
    class Rows:
        def __init__(self, right: float) -> None:
            y = np.arange(rows) % 2
            self.split, self.answers = type("Split", (), {"y": y}), np.where(np.arange(rows) < rows * right, y, 1 - y)

    judged: Any = type("Network", (), {})()
    judged.train, other = Rows(train), Rows(watched)
    judged.experiment = open_judged(saved(trained({}, 1))).experiment
    assert find_gap(judged, other)["kind"] == kind  # type: ignore[arg-type]


# The job


def test_the_verdict_speaks_of_the_watched_rows_and_of_others_when_asked() -> None:
    content = saved(trained(THREE, 20))
    judged = open_judged(content)
    for name, part, asked in (("validation", judged.watched, {}), ("test", judged.final, {"split": "test"})):
        assert part is not None
        found = answer(verdict, content, **asked)
        assert found["split"] == name
        assert found["rows"] == {"train": len(judged.train.split.y), name: len(part.split.y)}
        hits = int((part.answers == part.split.y).sum())
        assert found["network"][name] == hits / len(part.split.y)
        wilson = binomtest(hits, len(part.split.y)).proportion_ci(0.95, "wilson")
        assert found["intervals"][name] == pytest.approx([wilson.low, wilson.high])
        assert found["method"] == "wilson"


def test_a_sealed_test_is_not_spoken_of_until_it_is_opened() -> None:
    content = saved(trained(SEALED, 1))
    assert refused(verdict, content, split="test") == "test_sealed"
    opened = answer(verdict, content, split="test", unseal=True)
    assert answer(baselines, content)["splits"] == ["train", "validation"]
    found = answer(baselines, content, unseal=True)
    assert found["splits"] == ["train", "validation", "test"]
    by_key = {model["key"]: model for model in found["models"]}
    for model in opened["models"]:
        assert model["compared"]["test"] == by_key[model["key"]]["compared"]["test"]


def test_the_network_is_compared_with_the_very_models_of_scikit_learn() -> None:
    content = saved(trained({"dataset": {"kind": "iris"}}, 10))
    judged = open_judged(content)
    train, test = judged.train.split, judged.watched.split
    linear = LogisticRegression(max_iter=500).fit(train.X, train.y)
    (found,) = [model for model in answer(verdict, content)["models"] if model["key"] == "logistic"]
    expected = compare("accuracy", test.y, judged.watched.answers, linear.predict(test.X))
    assert found["compared"]["test"] == expected
    assert found["test"] == pytest.approx(linear.score(test.X, test.y))


def test_only_models_that_take_a_moment_are_fitted_for_a_verdict() -> None:
    few = open_judged(saved(trained({"dataset": {"kind": "iris"}}, 1)))
    assert find_quick_models(few) == ["majority", "logistic", "forest"]
    digits = open_judged(saved(trained({"dataset": {"kind": "digits"}}, 1)))
    assert find_quick_models(digits) == ["majority", "logistic"]  # 900 rows of 64 inputs are many for 100 trees.


def test_numbers_have_a_verdict_like_classes() -> None:
    found = answer(verdict, saved(trained({"dataset": {"kind": "diabetes"}, **MSE}, 30)))
    assert (found["metric"], found["method"]) == ("r2", "bootstrap")
    assert [model["key"] for model in found["models"]] == ["mean", "linear", "forest"]
    (mean,) = [model for model in found["models"] if model["key"] == "mean"]
    assert mean["compared"]["test"]["difference"] == pytest.approx(found["network"]["test"] - mean["test"])
