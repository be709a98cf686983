"""An edit on the canvas makes another right recipe and says what came from where; what names something gone does nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlcore.activations import Activation
from dlcore.component import kinds
from dlcore.datasets.drawn import Drawn
from dlcore.datasets.toy import BlobsData, CircleData, PlaneData, SineData
from dlcore.editing.shaping import FEATURES, apply_edit, to_drawn
from dlcore.experiment import MOST_LAYERS, Experiment
from dlcore.layers import Dense, Dropout
from dlcore.losses import Hinge, MeanSquaredError
from dlcore.problems import Problem
from tests.strategies import experiments

ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 14), st.floats(), st.text(max_size=4), st.lists(st.integers(0, 3))
)
ACTIONS = st.fixed_dictionaries(
    {
        "do": st.sampled_from(
            ["add_unit", "remove_unit", "add_layer", "remove_layer", "activation", "feature", "points"]
        )
    },
    optional={
        "address": st.one_of(ANYTHING, st.integers(0, 13).map(str)),
        "unit": ANYTHING,
        "kind": st.one_of(ANYTHING, st.sampled_from(list(kinds(Activation)))),
        "name": st.one_of(ANYTHING, st.sampled_from(FEATURES)),
        "on": ANYTHING,
        "add": st.one_of(ANYTHING, st.lists(st.lists(ANYTHING, max_size=5), max_size=3)),
        "remove": st.one_of(ANYTHING, st.lists(st.lists(ANYTHING, max_size=3), max_size=3)),
        "move": st.one_of(ANYTHING, st.lists(st.lists(ANYTHING, max_size=5), max_size=3)),
    },
)


def do(experiment: Experiment, verb: str, **values: Any) -> Experiment:
    change = apply_edit(experiment, {"do": verb, **values})
    assert change is not None
    return change.experiment


def units(experiment: Experiment) -> list[int]:
    return [layer.units for layer in experiment.layers if isinstance(layer, Dense)]


@given(experiment=experiments(), action=ACTIONS)
def test_whatever_the_browser_sends_gives_a_right_recipe_or_a_sentence_or_nothing(
    experiment: Experiment, action: dict[str, Any]
) -> None:
    try:
        change = apply_edit(experiment, action)
    except Problem:
        return
    if change is None:
        return
    assert Experiment.from_json(change.experiment.to_json()) == change.experiment
    layers = change.origins["layers"] if change.origins else []
    assert len(layers) == len(change.experiment.layers)
    for at, origin in enumerate(layers):
        if origin is not None:
            assert change.experiment.layers[at].kind == experiment.layers[origin].kind
    for at, origin in (change.origins or {}).get("units", {}).items():
        assert len(origin) == change.experiment.layers[int(at)].units  # type: ignore[union-attr]


def test_a_unit_comes_last_and_the_one_that_goes_leaves_the_others_their_order() -> None:
    change = apply_edit(Experiment(), {"do": "add_unit", "address": "0"})
    assert change is not None
    assert units(change.experiment) == [5, 2]
    assert change.origins == {"layers": [0, 1], "units": {"0": [0, 1, 2, 3, None]}}
    change = apply_edit(change.experiment, {"do": "remove_unit", "address": "0", "unit": 1})
    assert change is not None
    assert units(change.experiment) == [4, 2]
    assert change.origins == {"layers": [0, 1], "units": {"0": [0, 2, 3, 4]}}


def test_the_last_unit_of_a_layer_stays() -> None:
    with pytest.raises(Problem, match="at least one unit"):
        apply_edit(Experiment(layers=(Dense(units=1),)), {"do": "remove_unit", "address": "0", "unit": 0})


def test_a_new_layer_is_as_wide_as_what_comes_into_it() -> None:
    assert units(do(Experiment(), "add_layer", address="1")) == [4, 4, 2]
    assert units(do(Experiment(), "add_layer", address="2")) == [4, 2, 2]
    assert units(do(Experiment(), "add_layer", address="0")) == [2, 4, 2]
    assert units(do(Experiment(layers=(Dropout(),)), "add_layer", address="1")) == [2]
    change = apply_edit(Experiment(), {"do": "add_layer", "address": "1"})
    assert change is not None
    assert change.origins == {"layers": [0, None, 1]}


def test_twelve_layers_are_enough() -> None:
    with pytest.raises(Problem):
        apply_edit(Experiment(layers=(Dropout(),) * MOST_LAYERS), {"do": "add_layer", "address": "0"})


def test_a_layer_goes_and_the_others_know_where_they_were() -> None:
    change = apply_edit(
        Experiment(layers=(Dense(units=3), Dropout(), Dense(units=2))), {"do": "remove_layer", "address": "1"}
    )
    assert change is not None
    assert units(change.experiment) == [3, 2]
    assert change.origins == {"layers": [0, 2]}


def test_an_activation_is_chosen_for_one_layer() -> None:
    changed = do(Experiment(), "activation", address="1", kind="relu")
    assert [layer.activation.kind for layer in changed.layers if isinstance(layer, Dense)] == ["tanh", "relu"]
    assert apply_edit(changed, {"do": "activation", "address": "1", "kind": "relu"}) is None


def test_a_feature_goes_on_and_off_and_the_last_one_stays() -> None:
    more = do(Experiment(), "feature", name="sin_x1", on=True)
    assert more.features == ("x1", "x2", "sin_x1")
    assert do(more, "feature", name="sin_x1", on=False) == Experiment()
    with pytest.raises(Problem) as refused:
        apply_edit(Experiment(features=("x1",)), {"do": "feature", "name": "x1", "on": False})
    assert refused.value.key == "features_empty"


@pytest.mark.parametrize(
    "action",
    [
        {"do": "add_unit", "address": "2"},
        {"do": "add_unit", "address": "-1"},
        {"do": "add_unit", "address": True},
        {"do": "add_unit", "address": 0},
        {"do": "add_unit"},
        {"do": "remove_unit", "address": "0", "unit": 4},
        {"do": "remove_layer", "address": "2"},
        {"do": "add_layer", "address": "3"},
        {"do": "activation", "address": "0", "kind": "none of ours"},
        {"do": "activation", "address": "0", "kind": []},
        {"do": "feature", "name": "x3", "on": True},
        {"do": "feature", "name": "x1", "on": True},
        {"do": "points", "remove": [["train", 250]], "move": [["test", 9999, 0, 0]], "add": [[0, 0, 6, "train"]]},
        {"do": "points", "add": [[float("nan"), 0, 0, "train"], [0, 0, 0, "elsewhere"], [0, 0]], "remove": 3},
        {"do": "something else"},
        {},
    ],
)
def test_what_names_something_gone_does_nothing(action: dict[str, Any]) -> None:
    assert apply_edit(Experiment(), action) is None


# Points


def test_points_are_added_to_the_rows_there_are_and_the_data_are_drawn_from_then_on() -> None:
    before = to_drawn(Experiment())
    assert (len(before.train), len(before.test)) == (250, 250)
    after = do(Experiment(), "points", add=[[1.23456, -7, 1, "train"], [0, 0, 0, "test"]]).dataset
    assert after == before.replace(train=(*before.train, (1.235, -6.0, 1)), test=(*before.test, (0.0, 0.0, 0)))


def test_points_are_moved_and_removed_by_the_rows_as_they_stood() -> None:
    before = Drawn()
    changed = do(
        Experiment(dataset=before), "points", move=[["train", 1, 3, 3]], remove=[["train", 0], ["test", 2], ["test", 2]]
    ).dataset
    assert changed.train == ((3.0, 3.0, before.train[1][2]), *before.train[2:])
    assert changed.test == (*before.test[:2], *before.test[3:])


def test_a_third_class_calls_for_another_loss_and_fewer_rows_for_a_smaller_batch() -> None:
    changed = do(Experiment(loss=Hinge()), "points", add=[[0, 0, 2, "train"]])
    assert (changed.num_outputs, changed.loss.kind) == (3, "cross_entropy")
    assert do(Experiment(loss=MeanSquaredError()), "points", add=[[0, 0, 2, "train"]]).loss.kind == "mse"
    few = do(Experiment(dataset=Drawn(), batch_size=40), "points", remove=[["train", 39]])
    assert few.batch_size == 39


def test_clearing_leaves_as_much_as_a_network_needs() -> None:
    cleared = do(Experiment(dataset=BlobsData(classes=4)), "clear_points")
    assert sorted(label for *_, label in cleared.dataset.train) == [0, 1]
    assert len(cleared.dataset.test) == 1


def test_drawing_on_a_three_way_split_keeps_all_three_parts_and_the_seal() -> None:
    made = Experiment(dataset=CircleData(samples=100), validation_fraction=0.2, sealed=True)
    before = to_drawn(made)
    assert (len(before.train), len(before.validation), len(before.test)) == (30, 20, 50)
    after = do(
        made, "points", add=[[1, 1, 1, "train"], [2, 2, 0, "test"]], move=[["test", 0, 3, 3]], remove=[["test", 1]]
    )
    drawn = after.dataset
    assert drawn.train == (*before.train, (1.0, 1.0, 1))
    # What the canvas shows and calls test are the watched points; the test points stand still behind them.
    assert drawn.validation == ((3.0, 3.0, before.validation[0][2]), *before.validation[2:], (2.0, 2.0, 0))
    assert drawn.test == before.test
    assert (after.sealed, after.watched, after.validation_fraction) == (True, "validation", 0.0)
    cleared = do(after, "clear_points")
    assert [len(cleared.dataset.train), len(cleared.dataset.validation), len(cleared.dataset.test)] == [2, 1, 1]
    assert cleared.sealed


def test_the_last_validation_point_stays_so_that_no_test_point_is_watched() -> None:
    three = Experiment(dataset=Drawn(validation=((0, 0, 0), (1, 1, 1))))
    with pytest.raises(Problem) as refused:
        apply_edit(three, {"do": "points", "remove": [["test", 0], ["test", 1]]})
    assert refused.value.key == "drawn_no_validation"


@pytest.mark.parametrize(
    ("dataset", "action", "key"),
    [
        (Drawn(train=((0, 0, 0), (1, 1, 1)), test=((0, 0, 0),)), {"remove": [["train", 0]]}, "drawn_few_train"),
        (
            Drawn(train=((0, 0, 0), (1, 1, 1), (2, 2, 1)), test=((0, 0, 0),)),
            {"remove": [["train", 0]]},
            "drawn_class_empty",
        ),
        (Drawn(train=((0, 0, 0), (1, 1, 1)), test=((0, 0, 0),)), {"remove": [["test", 0]]}, "drawn_no_test"),
        (Drawn(), {"add": [[0, 0, 5, "train"]]}, "drawn_class_empty"),
        (CircleData(samples=2000), {"add": [[0, 0, 0, "train"]]}, "drawn_too_many"),
        (CircleData(samples=5000), {"add": [[0, 0, 0, "train"]]}, "drawn_too_many"),
        (PlaneData(), {"add": [[0, 0, 0, "train"]]}, "points_need_plane"),
        (SineData(), {"add": [[0, 0, 0, "train"]]}, "points_need_plane"),
    ],
)
def test_what_would_leave_nothing_to_learn_is_refused(dataset: Any, action: dict[str, Any], key: str) -> None:
    task = {"loss": MeanSquaredError()} if dataset.task == "regression" else {}
    with pytest.raises(Problem) as refused:
        apply_edit(Experiment(dataset=dataset, batch_size=1, **task), {"do": "points", **action})
    assert refused.value.key == key
