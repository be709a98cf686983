"""Drawn points: refused with a sentence, split as they were given, and taken home like every other data set."""

from __future__ import annotations

import json
from itertools import islice
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from sklearn.neighbors import KNeighborsClassifier

from dlcore import Experiment, Problem, Trainer
from dlcore.checkpoint import open_checkpoint, predict, save_checkpoint
from dlcore.component import validate
from dlcore.datasets.drawn import Drawn
from dlcore.export.rows import data_csv
from dlcore.rows import prepare
from dlcore.share import decode, encode
from tests.strategies import drawn_sets

TRAIN = [[-1, -1, 0], [1, 1, 1], [2, -2, 0]]
TEST = [[0.5, 0.5, 1]]


def drawn(train: Any = TRAIN, test: Any = TEST) -> Drawn:
    return validate(Drawn, {"train": train, "test": test})


def test_the_default_is_small_and_can_be_learned_but_not_by_a_line() -> None:
    data = prepare(Experiment(dataset=Drawn()))
    assert (len(data.train.y), len(data.watched.y), data.class_names) == (40, 20, ("0", "1"))
    assert KNeighborsClassifier(1).fit(data.train.X, data.train.y).score(data.watched.X, data.watched.y) == 1
    trainer = Trainer(Experiment(dataset=Drawn()), "cpu")
    for _ in islice(trainer.steps(), 1500):
        pass
    assert trainer.scores().watched["accuracy"] > 0.9


@pytest.mark.parametrize("fraction", [0.1, 0.9])
@settings(max_examples=30)
@given(dataset=drawn_sets())
def test_rows_stand_in_the_order_given_whatever_the_share_of_test_rows(fraction: float, dataset: Drawn) -> None:
    experiment = Experiment(dataset=dataset, test_fraction=fraction, batch_size=1)
    data = prepare(experiment)
    parts = [(data.train, dataset.train), (data.watched, dataset.test)]
    if dataset.validation:
        assert data.final is not None
        parts = [(data.train, dataset.train), (data.watched, dataset.validation), (data.final, dataset.test)]
    assert experiment.watched == ("validation" if dataset.validation else "test")
    assert (data.final is None) is not bool(dataset.validation)
    for split, points in parts:
        assert [(x1, x2, label) for (x1, x2), label in zip(split.raw.tolist(), split.y.tolist(), strict=True)] == list(
            points
        )
    assert (experiment.train_rows, experiment.test_rows) == (len(dataset.train), len(dataset.test))
    assert experiment.num_outputs == (1 if dataset.num_classes == 2 else dataset.num_classes)


def test_coordinates_keep_three_decimals() -> None:
    dataset = drawn([[0.12345, -0.00049, 0], [1, 1, 1]])
    assert dataset.train[0] == (0.123, 0.0, 0)
    assert "-0.0" not in json.dumps(dataset.to_dict())


@pytest.mark.parametrize(
    ("train", "test", "key"),
    [
        ([[0, 0, 0], [1, 1, 0]], TEST, "drawn_class_empty"),
        ([[0, 0, 0], [1, 1, 2]], TEST, "drawn_class_empty"),
        (TRAIN, [[0, 0, 2]], "drawn_class_empty"),
        ([[0, 0, 0]], TEST, "drawn_few_train"),
        ([], TEST, "drawn_few_train"),
        (TRAIN, [], "drawn_no_test"),
        (TRAIN * 700, TEST, "drawn_too_many"),
        (TRAIN, [[6.5, 0, 0]], "out_of_bounds"),
        (TRAIN, [[0, 0, 6]], "out_of_bounds"),
        (TRAIN, [[0, 0, -1]], "out_of_bounds"),
        (TRAIN, [[0, 0]], "wrong_type"),
        (TRAIN, [["here", 0, 0]], "wrong_type"),
        (TRAIN, [[float("nan"), 0, 0]], "wrong_type"),
    ],
)
def test_what_is_no_data_set_is_refused(train: Any, test: Any, key: str) -> None:
    with pytest.raises(Problem) as refused:
        Experiment.from_dict({"dataset": {"kind": "drawn", "train": train, "test": test}, "batch_size": 1})
    assert refused.value.key == key, refused.value


def test_as_many_points_as_may_be_travel_in_recipe_and_checkpoint() -> None:
    generator = np.random.default_rng(0)
    points = [(float(x1), float(x2), index % 6) for index, (x1, x2) in enumerate(generator.uniform(-6, 6, (2000, 2)))]
    experiment = Experiment(dataset=drawn(points[:1200], points[1200:]))
    assert Experiment.from_json(experiment.to_json()) == experiment
    assert Experiment.from_json(experiment.to_json(indent=2)) == experiment
    trainer = Trainer(experiment, "cpu")
    checkpoint = open_checkpoint(save_checkpoint(trainer.snapshot(), trainer.data))
    assert checkpoint.experiment == experiment
    assert predict(checkpoint, np.zeros((3, 2))).shape == (3, 6)


@pytest.mark.parametrize(
    "dataset", [{"kind": "circle"}, {"kind": "blobs", "classes": 6}, {"kind": "gauss", "noise": 1}]
)
def test_any_classes_on_the_plane_become_drawn_points(dataset: dict[str, Any]) -> None:
    data = prepare(Experiment.from_dict({"dataset": dataset}))
    points = Drawn.of(data)
    assert (len(points.train), len(points.test)) == (len(data.train.y), len(data.watched.y))
    assert points.num_classes == len(data.class_names)
    again = prepare(Experiment(dataset=points))
    assert np.array_equal(again.train.y, data.train.y)
    np.testing.assert_allclose(again.train.raw, np.clip(data.train.raw, -6, 6), atol=0.00051)


def test_the_parts_of_a_three_way_split_become_those_of_drawn_points() -> None:
    made = Experiment.from_dict({"dataset": {"kind": "xor", "samples": 90}, "validation_fraction": 0.2, "sealed": True})
    data = prepare(made)
    points = Drawn.of(data)
    again = prepare(made.replace(dataset=points, validation_fraction=0.0))
    assert data.final is not None and again.final is not None
    for one, other in ((data.train, again.train), (data.watched, again.watched), (data.final, again.final)):
        assert np.array_equal(one.y, other.y)
        np.testing.assert_allclose(other.raw, one.raw, atol=0.00051)
    lines = data_csv(made.replace(dataset=points, validation_fraction=0.0)).decode().splitlines()[1:]
    assert [line.rsplit(",", 1)[1] for line in lines] == ["train"] * 27 + ["validation"] * 18 + ["test"] * 45


def test_validation_points_are_the_last_field_and_none_by_default() -> None:
    assert list(Drawn.model_fields)[-1] == "validation"
    assert encode(Experiment(dataset=Drawn())) == encode(Experiment.from_dict({"dataset": {"kind": "drawn"}}))
    sealed = Experiment(dataset=Drawn(validation=((0, 0, 1),)), sealed=True)
    assert decode(encode(sealed)) == sealed
    with pytest.raises(Problem) as refused:
        Experiment.from_dict({"dataset": {"kind": "drawn"}, "sealed": True})
    assert refused.value.key == "sealed_without_validation"
    with pytest.raises(Problem) as refused:
        drawn().replace(validation=[[0, 0, 5]])
    assert refused.value.key == "drawn_class_empty"


def test_a_network_watches_drawn_validation_points_and_nothing_reads_the_test_points() -> None:
    watched = tuple((x1, x2, 1 - label) for x1, x2, label in Drawn().test)
    trainers = [
        Trainer(Experiment(dataset=Drawn(test=test, validation=watched)), "cpu")
        for test in (Drawn().test, ((6, 6, 0),))
    ]
    two_way = Trainer(Experiment(dataset=Drawn(test=watched)), "cpu")
    for trainer in (*trainers, two_way):
        trainer.advance()
    assert np.array_equal(trainers[0].history.rows(), trainers[1].history.rows())
    assert np.array_equal(trainers[0].history.rows(), two_way.history.rows())


def test_more_rows_than_may_be_drawn_are_refused() -> None:
    with pytest.raises(Problem, match="2000 points"):
        Drawn.of(prepare(Experiment.from_dict({"dataset": {"kind": "circle", "samples": 2001}})))
