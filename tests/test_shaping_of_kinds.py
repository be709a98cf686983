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
