"""Learning and capacity curves are what plain trainers on the same rows give, and what is said of them follows its rule."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.dummy import DummyClassifier

from dlcore import Experiment, Trainer
from dlcore.evaluation import open_judged
from dlcore.evaluation.findings import skill
from dlcore.evaluation.growth import capacity, learning_curve
from dlcore.evaluation.shape import constant_score, judge_capacity, judge_learning
from tests.judging import answer, refused, saved, trained

MSE = {"loss": {"kind": "mse"}}
SMALL = {"dataset": {"kind": "circle", "samples": 100}}


@pytest.fixture(scope="module")
def small() -> bytes:
    return saved(trained(SMALL))


def run(recipe: dict[str, Any], epochs: int) -> Trainer:
    """The recipe, trained as anybody would."""
    trainer = Trainer(Experiment.from_dict(recipe), device="cpu")
    while trainer.epoch < epochs:
        trainer.advance()
    return trainer


# Learning curve


@pytest.mark.parametrize("recipe", [SMALL, {"dataset": {"kind": "diabetes"}, **MSE}])
def test_all_rows_and_the_first_seed_are_the_recipe_itself(recipe: dict[str, Any]) -> None:
    found = answer(learning_curve, saved(trained(recipe, 1)), epochs=4, repeats=1)
    scores = run(recipe, 4).scores()
    metric = found["metric"]
    assert found["points"][-1]["train"] == [pytest.approx(scores.train[metric], abs=1e-6)]
    assert found["points"][-1]["test"] == [pytest.approx(scores.watched[metric], abs=1e-6)]


def test_sizes_double_and_each_has_all_seeds(small: bytes) -> None:
    found = answer(learning_curve, small, epochs=1, repeats=2)
    assert [point["x"] for point in found["points"]] == [10, 12, 25, 50]
    assert {len(point[name]) for point in found["points"] for name in ("train", "test")} == {2}
    assert (found["done"], found["planned"], found["cut"]) == (8, 8, 0)
    assert (found["x"], found["watched"]) == ("rows", "test")


def test_few_rows_are_learned_by_heart_in_as_many_steps() -> None:
    # Ten rows in the steps of fifty: each is seen five times an epoch, and what is scored are these ten.
    found = answer(
        learning_curve, saved(trained({**SMALL, "layers": [{"kind": "dense", "units": 16}]}, 1)), epochs=15, repeats=1
    )
    assert found["points"][0]["train"] == [1.0]
    assert found["points"][0]["test"][0] < found["points"][-1]["test"][0]


def test_every_fit_takes_as_many_steps_and_sees_its_rows_equally_often(
    small: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = []

    class Watched(Trainer):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            counts.append(np.unique(named["data"].train.X, axis=0, return_counts=True)[1])
            super().__init__(*arguments, **named)

    monkeypatch.setattr("dlcore.evaluation.growth.Trainer", Watched)
    answer(learning_curve, small, epochs=1, repeats=1)
    assert [len(one) for one in counts] == [10, 12, 25, 50]
    assert [one.sum() for one in counts] == [50] * 4
    assert all(np.ptp(one) <= 1 for one in counts)


def test_scores_of_few_rows_count_each_row_once(small: bytes) -> None:
    for point in answer(learning_curve, small, epochs=1, repeats=3)["points"]:
        for one in point["train"]:
            assert one * point["x"] == pytest.approx(round(one * point["x"]))


def test_another_number_of_seeds_changes_no_seed_before(small: bytes) -> None:
    one = answer(learning_curve, small, epochs=2, repeats=1)["points"]
    three = answer(learning_curve, small, epochs=2, repeats=3)["points"]
    assert [point["test"][0] for point in one] == [point["test"][0] for point in three]
    assert any(len(set(point["test"])) == 3 for point in three)


def test_the_test_rows_of_three_are_never_read() -> None:
    three = {**SMALL, "test_fraction": 0.3, "validation_fraction": 0.2, "sealed": True}
    payload = saved(trained(three, 1))
    found = answer(learning_curve, payload, epochs=2, repeats=1)
    assert found["watched"] == "validation"
    assert found["points"][-1]["test"] == [run(three, 2).scores().watched["accuracy"]]
    assert "_judgement" not in vars(open_judged(payload).final)


def test_it_tells_how_far_it_is_and_what_it_has(small: bytes) -> None:
    told: list[tuple[float, int, int]] = []

    def progress(share: float, partial: dict[str, Any]) -> None:
        told.append((share, partial["done"], sum(len(point["test"]) for point in partial["points"])))

    learning_curve({"epochs": 3, "repeats": 2}, small, progress)
    shares = [share for share, _, _ in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert [done for share, done, _ in told] == [fits for share, _, fits in told]
    assert {done for _, done, _ in told} == set(range(9))


def test_it_stops_in_time_and_says_what_was_cut(small: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(np.arange(0, 1e6, 0.25))  # Each look at the clock is a quarter of a second later.
    monkeypatch.setattr("dlcore.evaluation.growth.time.monotonic", lambda: float(next(clock)))
    found = answer(learning_curve, small, epochs=2, repeats=3, budget=5)
    assert 0 < found["done"] < found["planned"] == 12
    assert found["cut"] == 12 - found["done"]
    assert found["done"] == sum(len(point["test"]) for point in found["points"])
    monkeypatch.setattr("dlcore.evaluation.growth.time.monotonic", lambda: float(next(clock)))
    assert refused(learning_curve, small, epochs=10_000, budget=1) == "growth_too_slow"


def test_fits_that_diverge_are_counted_and_not_scored() -> None:
    wild = {"dataset": {"kind": "plane", "samples": 100}, **MSE, "optimizer": {"kind": "sgd", "learning_rate": 10}, "batch_size": 1,
            "layers": [{"kind": "dense", "units": 8, "activation": {"kind": "linear"}}]}  # fmt: skip
    payload = saved(Trainer(Experiment.from_dict(wild), device="cpu"))
    found = answer(learning_curve, payload, epochs=20, repeats=1)
    assert [point["diverged"] for point in found["points"]] == [1] * len(found["points"])
    assert [point["test"] for point in found["points"]] == [[]] * len(found["points"])
    assert found["findings"] == []


@pytest.mark.parametrize("wish", [{"epochs": 0}, {"epochs": "x"}, {"repeats": 99}, {"budget": -1}])
def test_wishes_have_bounds(small: bytes, wish: dict[str, Any]) -> None:
    assert refused(learning_curve, small, **wish) == "out_of_bounds"


# Capacity


def test_widths_are_the_recipes_times_the_factors() -> None:
    recipe = {**SMALL, "layers": [{"kind": "dense", "units": 8}, {"kind": "dropout"}, {"kind": "dense", "units": 3}]}
    found = answer(capacity, saved(trained(recipe, 1)), epochs=1, repeats=1)
    assert [point["widths"] for point in found["points"]] == [[2, 1], [4, 2], [8, 3], [16, 6], [32, 12]]
    assert [point["x"] for point in found["points"]] == [3, 6, 11, 22, 44]
    # 2 inputs, 8 and 3 units, 1 output: 8 * 3 + 3 * 9 + 1 * 4 weights and biases.
    assert found["points"][2]["parameters"] == 55


def test_the_recipes_own_width_is_the_recipe_itself(small: bytes) -> None:
    found = answer(capacity, small, epochs=4, repeats=1, widths=[1])
    assert found["points"][0]["test"] == [pytest.approx(run(SMALL, 4).scores().watched["accuracy"])]


def test_widths_beyond_the_bounds_are_left_out_and_twins_are_one() -> None:
    wide = saved(trained({**SMALL, "layers": [{"kind": "dense", "units": 200}]}, 1))
    assert [point["x"] for point in answer(capacity, wide, epochs=1, repeats=1)["points"]] == [50, 100, 200, 400]
    narrow = saved(trained({**SMALL, "layers": [{"kind": "dense", "units": 1}]}, 1))
    assert [point["x"] for point in answer(capacity, narrow, epochs=1, repeats=1)["points"]] == [1, 2, 4]


def test_a_network_without_hidden_layers_has_no_width() -> None:
    assert refused(capacity, saved(trained({**SMALL, "layers": []}, 1))) == "capacity_no_layers"
    assert refused(capacity, saved(trained(SMALL, 1)), widths=["x"]) == "out_of_bounds"


# What the shape means: worked examples. Circle, 50 watched rows, about half of them of each class.


def points(*scores: tuple[float, float]) -> list[dict[str, Any]]:
    return [{"x": 10 * 2**place, "train": [train], "test": [watched]} for place, (train, watched) in enumerate(scores)]


@pytest.mark.parametrize(
    ("train", "watched", "key"),
    [
        (0.99, 0.98, "balanced"),
        (0.86, 0.86, "high_bias"),
        (1.0, 0.7, "high_variance"),
        (0.8, 0.55, "bias_and_variance"),
    ],
)
def test_bias_and_variance_are_told_apart(small: bytes, train: float, watched: float, key: str) -> None:
    judged = open_judged(small)
    (found,) = judge_learning(judged, points((train, watched)))
    assert found["key"] == key
    baseline = constant_score(judged, judged.watched)
    assert found["evidence"]["left"] == pytest.approx(1 - (train - baseline) / (1 - baseline))
    assert found["evidence"]["gap"] == pytest.approx((train - watched) / (1 - baseline))


def test_a_gap_that_so_few_rows_make_by_chance_is_no_variance(small: bytes) -> None:
    # 0.92 of 50 rows: two standard errors are 0.077, more than the gap; of 2500 rows they are 0.011.
    (few,) = judge_learning(open_judged(small), points((0.99, 0.92)))
    many = saved(trained({"dataset": {"kind": "circle", "samples": 5000}}, 1))
    (sure,) = judge_learning(open_judged(many), points((0.99, 0.92)))
    assert few["evidence"]["gap"] > few["evidence"]["most_gap"]
    assert (few["key"], sure["key"]) == ("balanced", "high_variance")


def test_more_rows_help_while_the_curve_rises(small: bytes) -> None:
    assert judge_learning(open_judged(small), points((1, 0.6), (1, 0.9)))[1]["key"] == "more_rows_help"
    assert judge_learning(open_judged(small), points((1, 0.9), (1, 0.905)))[1]["key"] == "more_rows_idle"


def widths(judged: Any, **scores: float) -> list[dict[str, Any]]:
    return [{"x": int(units[1:]), "train": [score], "test": [score]} for units, score in scores.items()]


@pytest.mark.parametrize(
    ("scores", "key", "enough"),
    [
        ({"_3": 0.7, "_6": 0.95, "_12": 0.96}, "capacity_right", 6),
        ({"_3": 0.94, "_6": 0.95, "_12": 0.96}, "capacity_smaller", 3),
        ({"_3": 0.6, "_6": 0.7, "_12": 0.96}, "capacity_larger", 12),
    ],
)
def test_the_smallest_network_within_an_error_of_the_best_is_enough(
    small: bytes, scores: dict[str, float], key: str, enough: int
) -> None:
    # 50 rows at 0.96: a standard error is 0.028.
    judged = open_judged(small)
    (found,) = judge_capacity(judged, widths(judged, **scores))
    assert (found["key"], found["evidence"]["enough"], found["evidence"]["best"]) == (key, enough, 12)


@settings(max_examples=50)
@given(score=st.floats(-1, 1), baseline=st.floats(0, 0.99))
def test_skill_is_the_share_of_errors_that_is_gone(score: float, baseline: float) -> None:
    assert (1 - skill(score, baseline)) * (1 - baseline) == pytest.approx(1 - score)


def test_a_constant_answer_scores_what_scikit_learns_dummy_scores() -> None:
    train = [(float(x), 0.0, int(x > 2)) for x in range(5)]
    test = [(float(x), 1.0, int(x > 0)) for x in range(5)]
    judged = open_judged(
        saved(trained({"dataset": {"kind": "drawn", "train": train, "test": test}, "batch_size": 2}, 1))
    )
    data = judged.data
    dummy = DummyClassifier().fit(data.train.X, data.train.y).score(data.watched.X, data.watched.y)
    # 0 is more frequent in training, and one of five in testing.
    assert constant_score(judged, judged.watched) == dummy == 0.2
    assert constant_score(judged, judged.train) == 0.6
    sine = open_judged(saved(trained({"dataset": {"kind": "sine"}, **MSE}, 1)))
    assert constant_score(sine, sine.watched) == 0
