"""Edits of layers that are not dense: where a new one goes, what is refused, and that other data bring layers that can read them."""

from __future__ import annotations

from typing import Any

import pytest

from dlcore import Experiment, Problem
from dlcore.component import kinds
from dlcore.datasets import Dataset
from dlcore.editing.editor import Editor
from dlcore.editing.facts import describe_network
from dlcore.editing.shaping import apply_edit
from dlcore.layers import Layer

CONV = {"kind": "conv2d", "channels": 4, "padding": 1}
CNN = [CONV, {"kind": "max_pool"}, CONV, {"kind": "flatten"}]


def digits(*layers: dict[str, Any]) -> Experiment:
    return Experiment.from_dict({"dataset": {"kind": "digits"}, "layers": list(layers)})


def recall(*layers: dict[str, Any]) -> Experiment:
    return Experiment.from_dict({"dataset": {"kind": "recall"}, "layers": list(layers)})


def edited(experiment: Experiment, **action: Any) -> Experiment:
    change = apply_edit(experiment, action)
    assert change is not None
    return change.experiment


def names(experiment: Experiment) -> str:
    return " ".join(layer.kind for layer in experiment.layers)


def test_a_channel_comes_and_goes_as_a_unit_does() -> None:
    assert edited(digits(*CNN), do="add_unit", address="0").layers[0].channels == 5  # type: ignore[union-attr]
    change = apply_edit(digits(*CNN), {"do": "remove_unit", "address": "2", "unit": 1})
    assert change is not None and change.experiment.layers[2].channels == 3  # type: ignore[union-attr]
    assert change.origins == {"layers": [0, 1, 2, 3], "units": {"2": [0, 2, 3]}}
    assert apply_edit(digits(*CNN), {"do": "add_unit", "address": "1"}) is None  # Pooling has as many as it gets.


@pytest.mark.parametrize(
    ("stack", "kind", "expected"),
    [
        ([], "conv2d", "conv2d flatten"),
        ([{"kind": "dense"}], "conv2d", "conv2d flatten dense"),
        (CNN, "conv2d", "conv2d max_pool conv2d conv2d flatten"),
        (CNN, "dense", "conv2d max_pool conv2d flatten dense"),
        (CNN, "batch_norm", "conv2d max_pool conv2d flatten batch_norm"),
        (CNN, "max_pool", "conv2d max_pool conv2d max_pool flatten"),
    ],
)
def test_a_new_layer_goes_to_the_last_place_where_it_fits(
    stack: list[dict[str, Any]], kind: str, expected: str
) -> None:
    assert names(edited(digits(*stack), do="append_layer", kind=kind)) == expected


@pytest.mark.parametrize("kind", kinds(Layer))
def test_every_kind_that_is_offered_can_be_added(kind: str) -> None:
    stacks = (
        Experiment(),
        digits({"kind": "dense"}),
        recall({"kind": "embedding"}, {"kind": "lstm"}),
        Experiment.from_dict({"dataset": {"kind": "digit_rows"}, "layers": [{"kind": "gru"}]}),
    )
    offered = [experiment for experiment in stacks if kind in describe_network(experiment)["kinds"]]
    assert offered or kind == "nothing"
    for experiment in offered:
        # An embedding is there already, and a second one would read vectors; behind a last step there is nothing left to average.
        if kind == "embedding" or (kind == "global_average_pool" and names(experiment) != "dense"):
            with pytest.raises(Problem):
                edited(experiment, do="append_layer", kind=kind)
            continue
        assert kind in names(edited(experiment, do="append_layer", kind=kind))


def test_a_residual_comes_with_a_layer_that_keeps_the_shape() -> None:
    block = edited(digits(CONV, {"kind": "flatten"}), do="append_layer", kind="residual")
    assert [len(branch) for branch in block.layers[-1].inner.values()] == [1]
    assert block.plan()[len(block.layers) - 1].input_shape == block.plan()[len(block.layers) - 1].output_shape


def test_a_layer_copied_beside_one_that_does_not_fit_there_is_dense() -> None:
    assert names(edited(digits(*CNN), do="add_layer", address="4")) == "conv2d max_pool conv2d flatten dense"
    assert names(edited(digits(*CNN), do="add_layer", address="1")) == "conv2d conv2d max_pool conv2d flatten"


def test_taking_out_what_the_next_layer_needs_is_refused_and_nothing_changes() -> None:
    with pytest.raises(Problem, match="needs a list of numbers but receives 4 x 4 x 4"):
        edited(digits(*CNN[:3], {"kind": "flatten"}, {"kind": "dense"}), do="remove_layer", address="3")


@pytest.mark.parametrize("kind", kinds(Dataset))
@pytest.mark.parametrize("begun", ["plane", "pictures", "tokens"])
def test_other_data_are_read_whatever_the_layers_were(kind: str, begun: str) -> None:
    start = {"plane": Experiment(), "pictures": digits(*CNN), "tokens": recall({"kind": "embedding"}, {"kind": "rnn"})}
    editor = Editor()
    change = editor.edit(start[begun], {"do": "setting", "path": "dataset.kind", "value": kind})
    if change is None:
        assert kind in ("table", "images", "text") or kind == start[begun].dataset.kind
        return
    assert change.experiment.dataset.kind == kind


def test_a_ready_network_is_taken_by_its_name() -> None:
    editor = Editor()
    experiment = recall({"kind": "embedding"}, {"kind": "rnn"})
    change = editor.edit(experiment, {"do": "take_stack", "name": "lstm"})
    assert change is not None and "lstm" in names(change.experiment)
    assert editor.edit(experiment, {"do": "take_stack", "name": "nobody"}) is None
    assert editor.edit(experiment, {"do": "take_stack", "name": ["lstm"]}) is None


def test_a_setting_inside_of_a_branch_is_set_by_its_path() -> None:
    block = {
        "kind": "parallel",
        "branches": [[{"kind": "dense", "units": 3}], [{"kind": "dense", "units": 3}]],
        "join": "concatenate",
    }
    experiment = Experiment.from_dict({"layers": [block]})
    change = Editor().edit(experiment, {"do": "setting", "path": "layers.0.branches.1.0.units", "value": 5})
    assert change is not None
    assert change.experiment.plan()[0].output_shape == (8,)


# Layers inside of others


BLOCK = {"kind": "residual", "layers": [CONV]}
WAYS = {"kind": "parallel", "branches": [[CONV], []], "join": "add"}


def with_block() -> Experiment:
    return digits(CONV, BLOCK, WAYS, {"kind": "flatten"})


def inside(experiment: Experiment, at: int) -> list[str]:
    return [" ".join(layer.kind for layer in stack) for stack in experiment.layers[at].inner.values()]  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["conv2d", "batch_norm", "layer_norm", "dropout", "residual", "parallel"])
def test_a_layer_added_inside_keeps_the_shape_that_it_must(kind: str) -> None:
    assert kind in inside(edited(with_block(), do="append_layer", kind=kind, inside="1.0"), 1)[0]
    assert kind in inside(edited(with_block(), do="append_layer", kind=kind, inside="2.1"), 2)[1]


def test_what_cannot_stand_inside_is_refused_with_its_place() -> None:
    with pytest.raises(Problem, match=r"Layer 2"):
        edited(with_block(), do="append_layer", kind="flatten", inside="1.0")


def test_layers_inside_are_taken_out_moved_and_widened_by_their_address() -> None:
    both = edited(with_block(), do="append_layer", kind="batch_norm", inside="1.0")
    assert inside(both, 1) == ["conv2d batch_norm"]
    assert inside(edited(both, do="move_layer", address="1.0.1", by=-1), 1) == ["batch_norm conv2d"]
    assert inside(edited(both, do="remove_layer", address="1.0.0"), 1) == ["batch_norm"]
    assert edited(both, do="activation", address="1.0.0", kind="tanh").layers[1].layers[0].activation.kind == "tanh"  # type: ignore[union-attr]
    with pytest.raises(Problem, match="must have the same shape"):
        edited(both, do="add_unit", address="1.0.0")
    deep = {"kind": "residual", "layers": [{"kind": "conv2d", "channels": 6, "padding": 1}, CONV]}
    wider = apply_edit(digits(CONV, deep, {"kind": "flatten"}), {"do": "remove_unit", "address": "1.0.0", "unit": 2})
    assert wider is not None and wider.origins is not None
    assert wider.experiment.layers[1].layers[0].channels == 5  # type: ignore[union-attr]
    assert wider.origins["units"] == {"1.0.0": [0, 1, 3, 4, 5]}


def test_branches_come_and_go() -> None:
    three = edited(with_block(), do="add_branch", address="2")
    assert inside(three, 2) == ["conv2d", "", ""]
    assert inside(edited(three, do="remove_branch", address="2", branch=1), 2) == ["conv2d", ""]
    with pytest.raises(Problem, match="at least 2"):
        edited(with_block(), do="remove_branch", address="2", branch=0)


@pytest.mark.parametrize(
    "action",
    [
        {"do": "remove_layer", "address": "1.0.7"},
        {"do": "remove_layer", "address": "1.3.0"},
        {"do": "remove_layer", "address": "0.0.0"},
        {"do": "remove_layer", "address": "1.0"},
        {"do": "remove_layer", "address": "1.0.0.0.0"},
        {"do": "remove_layer", "address": "1.x.0"},
        {"do": "remove_layer", "address": "1.-1.0"},
        {"do": "move_layer", "address": "1.0.0", "by": 1},
        {"do": "move_layer", "address": "1.0.0", "by": True},
        {"do": "add_unit", "address": "9.0.0"},
        {"do": "append_layer", "kind": "dropout", "inside": "0.0"},
        {"do": "append_layer", "kind": "dropout", "inside": 5},
        {"do": "append_layer", "kind": ["dropout"], "inside": "1.0"},
        {"do": "add_branch", "address": "1"},
        {"do": "add_branch"},
        {"do": "remove_branch", "address": "2", "branch": 5},
        {"do": "remove_branch", "address": "2", "branch": "0"},
    ],
)
def test_an_edit_of_what_is_not_there_does_nothing(action: dict[str, Any]) -> None:
    assert apply_edit(with_block(), action) is None
