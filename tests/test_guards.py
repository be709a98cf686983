"""Each guard finds what was planted, with the numbers that were planted, and stays silent where nothing was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.tree import DecisionTreeClassifier

from dlcore.component import kinds
from dlcore.datasets import Dataset
from dlcore.evaluation import name_parts, open_judged
from dlcore.evaluation.guards import guards
from dlcore.evaluation.intervals import resample_scores
from tests.judging import answer, saved, table_of, trained
from tests.layers_on import layers_on
from ui.messages import LANGUAGES, catalogue

MSE = {"loss": {"kind": "mse"}}
ROWS = 200


@pytest.fixture(autouse=True)
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLCORE_TABLES", str(tmp_path))


@pytest.fixture
def generator() -> np.random.Generator:
    return np.random.default_rng(0)


def found_in(recipe: dict[str, Any], epochs: int = 3) -> dict[str, dict[str, Any]]:
    """Findings by their key."""
    return {one["key"]: one for one in answer(guards, saved(trained(recipe, epochs)))["findings"]}


def noise(generator: np.random.Generator, rows: int = ROWS) -> np.ndarray:
    return generator.normal(size=rows)


# Leakage


def test_a_column_made_from_the_target_is_found(generator: np.random.Generator) -> None:
    y = generator.integers(0, 2, ROWS)
    payload = saved(
        trained({"dataset": table_of(y, ("no", "yes"), plain=noise(generator), made=y * 10 + noise(generator) * 0.1)})
    )
    (leak,) = [one for one in answer(guards, payload)["findings"] if one["key"] == "leak"]
    assert leak["values"]["column"] == "made"
    train = name_parts(open_judged(payload))["train"].split
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    theirs = cross_val_score(
        DecisionTreeClassifier(max_depth=5, min_samples_leaf=2, random_state=0), train.raw[:, [1]], train.y, cv=folds
    )
    assert leak["evidence"]["alone"] == pytest.approx(theirs.mean()) == 1
    assert leak["evidence"]["baseline"] == pytest.approx(max(train.y.mean(), 1 - train.y.mean()))


@pytest.mark.parametrize("scale", [1.0, 1e300, 1e-300])
def test_a_leak_is_found_at_every_scale(generator: np.random.Generator, scale: float) -> None:
    y = generator.integers(0, 2, ROWS)
    made = np.where(np.arange(ROWS) == 0, np.nan, (y - 0.5) * scale)
    dataset = table_of(y, ("no", "yes"), plain=noise(generator), made=made)
    dataset["columns"][1]["scale"] = "minmax"  # A deviation of 1e300 is none.
    assert found_in({"dataset": dataset}).get("leak", {}).get("values", {}).get("column") == "made"


def test_a_category_that_tells_everything_is_found(generator: np.random.Generator) -> None:
    y = generator.integers(0, 4, ROWS)
    named = ("category", {"all": list("wxyz"), "values": list("wxyz")}, ((y * 3 + 1) % 4).astype(np.int32))
    assert (
        found_in({"dataset": table_of(y, tuple("abcd"), plain=noise(generator), named=named)})["leak"]["values"][
            "column"
        ]
        == "named"
    )


def test_a_number_that_is_the_target_is_found(generator: np.random.Generator) -> None:
    y = np.round(noise(generator))
    found = found_in({"dataset": table_of(y, plain=noise(generator), made=y * 2 + 1), **MSE})
    assert found["leak"]["values"]["column"] == "made"
    assert found["leak"]["evidence"]["baseline"] == 0


def test_a_single_column_is_no_leak(generator: np.random.Generator) -> None:
    y = generator.integers(0, 2, ROWS)
    assert "leak" not in found_in({"dataset": table_of(y, ("no", "yes"), made=y + 0.1 * noise(generator))})


# Copy and reverse have an answer at each step: nobody judges them here.
@pytest.mark.parametrize(
    "kind", [kind for kind in kinds(Dataset) if kind not in ("digits", "images", "copy", "reverse")]
)
def test_the_playgrounds_own_data_leak_nothing_and_number_nothing(kind: str) -> None:
    numbers = kinds(Dataset)[kind]().num_classes == 0  # type: ignore[attr-defined]
    found = found_in({"dataset": {"kind": kind}, **(MSE if numbers else {}), **layers_on(kind)}, epochs=1)
    assert {"leak", "id_as_input"} & set(found) == set()


# Duplicates


def test_twins_across_the_split_are_counted() -> None:
    train = [(0.0, 0.0, 0), (1.0, 1.0, 1), (2.0, 2.0, 0), (-1.0, 3.0, 1)]
    test = [(1.0, 1.0, 1), (2.0, 2.0, 1), (-0.0, 0.0, 0), (4.0, 4.0, 0), (1.0, 1.0, 1)]
    found = found_in({"dataset": {"kind": "drawn", "train": train, "test": test}, "batch_size": 2})["duplicates_test"]
    assert found["evidence"]["count"] == 4
    assert found["evidence"]["share"] == 0.8
    assert found["evidence"]["same_target"] == 3  # (2, 2) is of another class there.
    assert found["evidence"]["examples"] == [
        {"test": 0, "train": 1}, {"test": 1, "train": 2}, {"test": 2, "train": 0}, {"test": 4, "train": 1},
    ]  # fmt: skip
    assert found["severity"] == "warning"


def test_missing_cells_are_equal_and_so_are_zeros_of_both_signs(generator: np.random.Generator) -> None:
    # Rows in pairs that differ in nothing but the signs of nothing and of zero.
    signs, pair = np.tile([-1.0, 1.0], ROWS // 2), np.arange(ROWS) // 2 + 0.5
    dataset = table_of(
        generator.integers(0, 2, ROWS), ("no", "yes"), a=np.copysign(np.nan, signs), b=0.0 * signs, pair=pair
    )
    payload = saved(trained({"dataset": dataset}))
    (found,) = [one for one in answer(guards, payload)["findings"] if one["key"] == "duplicates_test"]
    train, test = (part.split.raw[:, 2] for part in name_parts(open_judged(payload)).values())
    assert found["evidence"]["count"] == np.isin(test, train).sum() > 0


def test_rows_that_differ_in_one_cell_are_no_twins() -> None:
    train = [(0.0, 0.0, 0), (1.0, 1.0, 1)]
    test = [(0.0, 0.001, 0), (1.0, 1.001, 1)]
    assert "duplicates_test" not in found_in(
        {"dataset": {"kind": "drawn", "train": train, "test": test}, "batch_size": 2}
    )


def test_nothing_of_a_sealed_test_is_read(generator: np.random.Generator) -> None:
    y = generator.integers(0, 2, ROWS)
    recipe = {
        "dataset": table_of(y, ("no", "yes"), a=np.ones(ROWS), b=y * 1.0),
        "validation_fraction": 0.2, "test_fraction": 0.2, "sealed": True,
    }  # fmt: skip
    payload = saved(trained(recipe))
    duplicates = [one for one in answer(guards, payload)["findings"] if one["key"].startswith("duplicates")]
    assert [one["key"] for one in duplicates] == ["duplicates_validation"]
    assert "_judgement" not in vars(open_judged(payload).final)
    recipe["sealed"] = False
    duplicates = [
        one for one in answer(guards, saved(trained(recipe)))["findings"] if one["key"].startswith("duplicates")
    ]
    assert [one["key"] for one in duplicates] == ["duplicates_validation", "duplicates_test"]


# Ids


@pytest.mark.parametrize("start", [1, 10_000_000])
def test_the_number_of_a_row_is_an_id(generator: np.random.Generator, start: int) -> None:
    y = generator.integers(0, 2, ROWS)
    found = found_in({"dataset": table_of(y, ("no", "yes"), number=np.arange(ROWS) + start, plain=noise(generator))})
    assert found["id_as_input"]["evidence"] == {"column": "number", "distinct": 1.0, "dense": 1.0, "rising": False}


@pytest.mark.parametrize("what", ["ages", "measured", "scattered"])
def test_other_numbers_are_no_ids(generator: np.random.Generator, what: str) -> None:
    column = {
        "ages": generator.integers(18, 90, ROWS),  # repeated
        "measured": np.arange(ROWS) + 0.5,  # not whole
        "scattered": generator.choice(10**6, ROWS, replace=False),  # whole and different, as a price may be
    }[what]
    found = found_in({"dataset": table_of(generator.integers(0, 2, ROWS), ("no", "yes"), a=column, b=noise(generator))})
    assert "id_as_input" not in found


# Classes and scores


def test_classes_of_few_rows_are_named(generator: np.random.Generator) -> None:
    y = np.repeat([0, 1, 2], [150, 44, 6])
    found = found_in(
        {"dataset": table_of(y, ("many", "some", "few"), a=noise(generator), b=noise(generator)), "test_fraction": 0.5}
    )
    assert (
        found["rare_classes_train"]["evidence"]["rows"] == found["rare_classes_test"]["evidence"]["rows"] == {"few": 3}
    )
    assert not [key for key in found_in({"dataset": {"kind": "iris"}}) if key.startswith("rare")]


def test_learning_noise_by_heart_is_overfitting(generator: np.random.Generator) -> None:
    dataset = table_of(generator.integers(0, 2, ROWS), ("no", "yes"), **{name: noise(generator) for name in "abcdefgh"})
    layers = [{"kind": "dense", "units": 32, "activation": {"kind": "relu"}}]
    payload = saved(trained({"dataset": dataset, "layers": layers, "test_fraction": 0.3}, epochs=12))
    found = {one["key"]: one for one in answer(guards, payload)["findings"]}
    evidence = found["overfitting"]["evidence"]
    train, watched = (name_parts(open_judged(payload))[name] for name in ("train", "test"))
    right = [(part.predicted.argmax(1) == part.split.y).mean() for part in (train, watched)]
    assert evidence["gap"] == pytest.approx(right[0] - right[1])
    # Two independent shares: the normal interval of their difference is the judge.
    error = 1.96 * np.sqrt(sum(p * (1 - p) / n for p, n in zip(right, (140, 60), strict=True)))
    assert (evidence["low"], evidence["high"]) == pytest.approx(
        (evidence["gap"] - error, evidence["gap"] + error), abs=0.03
    )
    assert "no_skill" in found


def test_a_good_fit_is_left_alone() -> None:
    assert found_in({"dataset": {"kind": "gauss"}}, epochs=20) == {}


def test_resamples_of_other_rows_are_other_resamples() -> None:
    y = np.tile([0, 1], 100)
    said = np.where(np.arange(200) % 5 == 0, 1 - y, y)
    one, other = (resample_scores("accuracy", y, said, seed) for seed in (0, 1))
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.1


# Words


def test_every_finding_is_said_in_every_language_with_what_to_try() -> None:
    values = {
        "overfitting": "train watched gap low high", "overlooked_class": "class_name found share",
        **dict.fromkeys(("no_skill", "no_skill_balanced"), "watched low high baseline"),
        **dict.fromkeys(("rare_classes_train", "rare_classes_validation", "rare_classes_test"), "classes fewest limit"),
        **dict.fromkeys(("duplicates_validation", "duplicates_test"), "count rows share same"),
        "id_as_input": "column distinct low high", "leak": "column alone baseline folds",
        **dict.fromkeys(
            ("balanced", "high_bias", "high_variance", "bias_and_variance"),
            "train watched baseline left gap most_left most_gap",
        ),
        **dict.fromkeys(("more_rows_help", "more_rows_idle"), "rows fewer before watched"),
        **dict.fromkeys(
            ("capacity_smaller", "capacity_larger", "capacity_right"),
            "own own_score own_train enough enough_score best best_score",
        ),
    }  # fmt: skip
    for language in LANGUAGES:
        for key, known in values.items():
            for message in (f"finding.{key}", f"finding.{key}.try"):
                catalogue(language)[message].format(**dict.fromkeys(known.split(), "x"))
