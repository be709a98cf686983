"""Networks over pictures and sequences as the canvas shows them: the maps of one example, and the rows among which it is chosen.

The judge is plain torch: its own conv2d, LSTM and linear layers with the tensors of the run.
"""

from __future__ import annotations

import base64
import io
import json
from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from dlcore import Experiment, Trainer
from dlcore.frame import decode_frame
from dlcore.pictures.picture import Picture
from dlcore.runs.glance import glance
from dlcore.runs.run import Run
from ui.viewer_requests import read_request

CONV = {"kind": "conv2d", "channels": 8, "padding": 1}
CNN = {
    "dataset": {"kind": "digits"}, "batch_size": 32, "optimizer": {"kind": "adam", "learning_rate": 0.01},
    "layers": [CONV, {"kind": "max_pool"}, {**CONV, "channels": 16}, {"kind": "flatten"}],
}  # fmt: skip
LSTM = {
    "dataset": {"kind": "adding", "length": 9}, "loss": {"kind": "mse"}, "batch_size": 32,
    "layers": [{"kind": "lstm", "units": 6, "returns": "all"}, {"kind": "gru", "units": 5}],
}  # fmt: skip
TOKENS = {
    "dataset": {"kind": "recall", "length": 7}, "batch_size": 32,
    "layers": [{"kind": "embedding", "dimensions": 5}, {"kind": "lstm", "units": 4}],
}  # fmt: skip

Frame = tuple[dict[str, Any], dict[str, np.ndarray]]


def run_of(recipe: dict[str, Any], steps: int = 3) -> Run:
    run = Run(Experiment.from_dict(recipe).to_json(), "cpu")
    for _ in range(steps):
        run.step()
    return run


def frame_of(run: Run, **wants: Any) -> Frame:
    return decode_frame(run.frame(version=None, structure=None, history=0, wants=wants or None))


def values(arrays: dict[str, np.ndarray], address: str) -> np.ndarray:
    """The numbers of a layer's maps."""
    maps, scales = arrays[f"maps/{address}"].astype(float), arrays[f"scales/{address}"]
    return (maps - 128) / 127 * scales.reshape(-1, *[1] * (maps.ndim - 1))


def grey_level(arrays: dict[str, np.ndarray], address: str) -> np.ndarray:
    """How far numbers may be from what their bytes say, of each unit."""
    return arrays[f"scales/{address}"] / 127 + 1e-6


def assert_shows(arrays: dict[str, np.ndarray], address: str, expected: np.ndarray) -> None:
    found = values(arrays, address)
    assert found.shape == expected.shape
    apart = np.abs(found - expected).reshape(len(found), -1).max(axis=1)
    assert (apart <= grey_level(arrays, address)).all()


@pytest.mark.parametrize(("split", "row"), [("train", 0), ("train", 17), ("test", 5)])
def test_maps_are_what_plain_torch_convolves_of_that_row(split: str, row: int) -> None:
    run = run_of(CNN)
    header, arrays = frame_of(run, example={"split": split, "row": row})
    first, _, second, _, last = (run.learner.snapshot().weights[f"{place}.weight"] for place in (1, 1, 4, 4, 7))
    biases = [run.learner.snapshot().weights[f"{place}.bias"] for place in (1, 4, 7)]
    data = run.learner.data
    part = data.train if split == "train" else data.watched
    image = torch.from_numpy(part.X[row]).reshape(1, 1, 8, 8)
    one = nn.functional.conv2d(image, first, biases[0], padding=1).relu()
    pooled = nn.functional.max_pool2d(one, 2)
    two = nn.functional.conv2d(pooled, second, biases[1], padding=1).relu()
    for address, expected in {"0": one, "1": pooled, "2": two}.items():
        assert_shows(arrays, address, expected[0].numpy())
    told = nn.functional.linear(two.flatten(1), last, biases[2]).softmax(1)[0]
    assert header["example"]["prediction"] == pytest.approx(told.tolist(), abs=1e-5)
    assert (header["example"]["split"], header["example"]["row"]) == (split, row)
    assert header["example"]["target"] == part.y[row]
    assert (arrays["maps/inputs"][0] == np.round(part.raw[row].reshape(8, 8) / 16 * 255)).all()


def test_a_layer_says_of_which_kind_its_units_pictures_are() -> None:
    header, _ = frame_of(run_of(CNN))
    layers = {layer["address"]: layer for layer in header["layout"]["layers"]}
    assert layers["0"]["map"] == {"kind": "image", "rows": 8, "columns": 8, "every": 1}
    assert layers["1"]["map"] == {"kind": "image", "rows": 4, "columns": 4, "every": 1}
    assert "map" not in layers["4"]
    assert header["layout"]["map"]["kind"] == "bars"
    assert header["layout"]["output"]["kind"] == "examples"
    assert [layers[address].get("links") for address in ("0", "1", "2", "4")] == ["sums", "each", "sums", "means"]


def test_a_sequence_is_what_torchs_own_lstm_answers_step_by_step() -> None:
    run = run_of(LSTM)
    header, arrays = frame_of(run, example={"split": "test", "row": 3})
    weights = run.learner.snapshot().weights
    module = nn.LSTM(2, 6, batch_first=True)
    module.load_state_dict({name.removeprefix("1."): weights[name] for name in weights if name.startswith("1.")})
    row = torch.from_numpy(run.learner.data.watched.X[3]).reshape(1, 9, 2)
    with torch.no_grad():
        answers, _ = module(row)
    assert_shows(arrays, "0", answers[0].T.reshape(6, 1, 9).numpy())
    assert "maps/1" in arrays  # The last step of the GRU is a list: bars.
    assert header["layout"]["layers"][0]["map"] == {"kind": "sequence", "rows": 1, "columns": 9, "every": 1}
    assert header["example"]["target"] == pytest.approx(run.learner.data.watched.y[3])


def test_tokens_come_as_their_ids_with_how_each_is_written() -> None:
    run = run_of(TOKENS)
    header, arrays = frame_of(run)
    assert (arrays["maps/inputs"][0] == run.learner.data.train.X[0]).all()
    assert header["layout"]["output"]["tokens"][:4] == ["", "?", "a", "b"]
    weights = run.learner.snapshot().weights
    table = next(value for name, value in weights.items() if value.shape[-1] == 5 and "weight_" not in name)
    ids = torch.from_numpy(run.learner.data.train.X[0].astype(np.int64))
    assert_shows(arrays, "0", table[ids].T.reshape(5, 1, 7).numpy())


def test_predictions_are_of_the_rows_that_can_be_chosen() -> None:
    run = run_of(CNN, steps=40)
    _, arrays = frame_of(run)
    data, snapshot = run.learner.data, run.learner.snapshot()
    model = nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(256, 10),
    )  # fmt: skip
    model.load_state_dict(dict(snapshot.weights))
    for name, part in (("train", data.train), ("test", data.watched)):
        rows = arrays[f"examples/{name}_rows"]
        assert len(rows) == 60
        assert (np.diff(rows) > 0).all()
        with torch.no_grad():
            told = model(torch.from_numpy(part.X[rows])).argmax(1)
        assert (arrays[f"predictions/{name}"] == told.numpy()).all()
        assert (arrays[f"examples/{name}_target"] == part.y[rows]).all()


def test_links_say_sums_of_kernels_and_means_of_weights() -> None:
    run = run_of(CNN)
    _, arrays = frame_of(run, kernel={"address": "2", "unit": 3})
    weights = run.learner.snapshot().weights
    assert arrays["links/2"] == pytest.approx(weights["4.weight"].sum((2, 3)).numpy(), abs=1e-6)
    assert arrays["links/4"] == pytest.approx(weights["7.weight"].reshape(10, 16, 16).mean(2).numpy(), abs=1e-6)
    assert "weight/4" not in arrays
    assert (arrays["kernel"] == weights["4.weight"][3].numpy()).all()
    assert "kernel" not in frame_of(run, kernel={"address": "1", "unit": 0})[1]
    assert "kernel" not in frame_of(run, kernel={"address": "2", "unit": 99})[1]


def test_a_row_that_is_not_there_is_the_first_one() -> None:
    header, _ = frame_of(run_of(CNN), example={"split": "train", "row": 10**6})
    assert (header["example"]["split"], header["example"]["row"]) == ("train", 0)


def test_a_silenced_map_is_zero_everywhere() -> None:
    run = run_of(CNN)
    run.intervene("silence", {"structure": run.structure, "address": "0", "unit": 2, "on": True})
    _, arrays = frame_of(run)
    assert (arrays["maps/0"][2] == 128).all()
    assert (arrays["maps/1"][2] == 128).all()


def test_a_moment_shows_the_same_example_as_it_was() -> None:
    run = run_of(CNN, steps=1)
    run.epoch()
    _, before = frame_of(run, example={"split": "test", "row": 4})
    moment = decode_frame(run.frame(None, None, 0))[1]["moments"][-1, 0]
    run.epoch()
    header, after = frame_of(run, example={"split": "test", "row": 4}, moment=int(moment))
    assert header["moment"]["id"] == int(moment)
    assert (after["maps/2"] == before["maps/2"]).all()


def test_a_heavy_network_is_asked_on_fewer_rows() -> None:
    recipe = {**CNN, "layers": [{**CONV, "channels": 64}, {**CONV, "channels": 64}, {"kind": "flatten"}]}
    picture = Picture(Trainer(Experiment.from_dict(recipe), "cpu"))
    assert picture.layout["map"]["rows"] == 40  # Four of each of the ten digits.
    train = picture.data.train
    answers = picture.units.inputs_DP.shape[1]
    assert answers == 40
    chosen = [np.flatnonzero((row.numpy() == train.X).all(axis=1))[0] for row in picture.units.inputs_DP.T]
    assert np.bincount(train.y[chosen]).tolist() == [4] * 10


def test_large_maps_are_thinned_not_averaged() -> None:
    recipe = {**CNN, "dataset": {"kind": "mnist", "samples": 200}}
    recipe["layers"] = [
        {**CONV, "channels": 32},
        {**CONV, "channels": 32},
        {"kind": "max_pool", "size": 4},
        {"kind": "flatten"},
    ]
    run = run_of(recipe)
    header, arrays = frame_of(run)
    assert header["layout"]["layers"][0]["map"] == {"kind": "image", "rows": 14, "columns": 14, "every": 2}
    weights = run.learner.snapshot().weights
    image = torch.from_numpy(run.learner.data.train.X[0]).reshape(1, 1, 28, 28)
    maps = nn.functional.conv2d(image, weights["1.weight"], weights["1.bias"], padding=1).relu()
    assert_shows(arrays, "0", maps[0, :, ::2, ::2].numpy())


@pytest.mark.parametrize("recipe", [CNN, LSTM, TOKENS])
def test_histograms_are_there_for_every_layer_with_weights(recipe: dict[str, Any]) -> None:
    run = run_of(recipe)
    header, arrays = frame_of(run, histograms=True, gradients=True)
    for layer in header["layout"]["layers"]:
        if layer["drawn"] == "units":
            assert "activations" in header["histograms"][layer["address"]]
            assert ("weights" in header["histograms"][layer["address"]]) == (layer["parameters"] > 0)
    assert arrays["histogram_weights/0"].sum() > 0


def test_a_dense_stack_on_the_same_pictures_is_drawn_as_before() -> None:
    header, arrays = frame_of(run_of({**CNN, "layers": [{"kind": "dense", "units": 4}]}))
    assert header["layout"]["output"]["kind"] == "projection"
    assert "example" not in header
    assert arrays["weight/0"].shape == (4, 16)


def test_requests_name_a_row_or_a_unit_or_are_refused() -> None:
    def asks(**wants: Any) -> bool:
        return read_request(json.dumps({"type": "ready", "version": 1, "structure": 1, "wants": wants})) is not None

    assert asks(example={"split": "test", "row": 3}, kernel={"address": "2.0.1", "unit": 0})
    assert not asks(example={"split": "final", "row": 3})
    assert not asks(example={"split": "test", "row": -1})
    assert not asks(kernel={"address": "../x", "unit": 0})
    assert not asks(kernel={"address": "2", "unit": "1"})


def test_frames_go_on_while_it_trains() -> None:
    trainer = Trainer(Experiment.from_dict(CNN), "cpu")
    picture = Picture(trainer)
    seen = []
    for _ in islice(trainer.steps(), 3):
        assert picture.examples is not None
        seen.append(picture.examples.find(trainer.snapshot(), "train", 0)[0]["maps/2"])
    assert not (seen[0] == seen[-1]).all()


def test_layers_inside_of_others_have_maps_too_and_a_way_around_is_told() -> None:
    inner = {**CONV, "channels": 8}
    recipe = {**CNN, "layers": [CONV, {"kind": "residual", "layers": [inner]}, {"kind": "flatten"}]}
    run = run_of(recipe)
    header, arrays = frame_of(run)
    weights = run.learner.snapshot().weights
    image = torch.from_numpy(run.learner.data.train.X[0]).reshape(1, 1, 8, 8)
    outer = nn.functional.conv2d(image, weights["1.weight"], weights["1.bias"], padding=1).relu()
    names = [name for name in weights if name.startswith("3.") and name.endswith("weight")]
    around = nn.functional.conv2d(
        outer, weights[names[0]], weights[names[0].replace("weight", "bias")], padding=1
    ).relu()
    assert_shows(arrays, "1.0.0", around[0].numpy())
    holder = header["layout"]["layers"][1]
    assert holder["skip"] is True
    assert holder["branches"][0][0]["map"]["kind"] == "image"


def test_a_run_over_pictures_is_recognised_by_some_of_them() -> None:
    run = run_of(CNN)
    image = Image.open(io.BytesIO(base64.b64decode(glance(run)["picture"]))).convert("RGB")
    assert image.size == (112, 112)
    pixels = np.asarray(image)
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 8  # Frames of several classes, and shades of ink.
    assert glance(run_of(LSTM))["picture"] == ""
