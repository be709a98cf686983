"""Pictures against a plain forward pass, scikit-learn's PCA and pandas' group means; frames there and back."""

from __future__ import annotations

import json
import struct
from contextlib import nullcontext
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from sklearn.decomposition import PCA
from torch import nn

from dlcore import Experiment, Trainer
from dlcore.frame import ALIGNMENT, decode_frame, encode_frame
from dlcore.network import build_model
from dlcore.pictures.base import MOST_POINTS
from dlcore.pictures.names import drawn_name
from dlcore.pictures.picture import MOST_SHOWN, Picture
from dlcore.problems import Problem

LAYERS = [
    {"kind": "dense", "units": 6, "activation": {"kind": "relu"}},
    {"kind": "dropout", "p": 0.2},
    {"kind": "dense", "units": 3, "activation": {"kind": "tanh"}},
]


def pictured(**recipe: Any) -> tuple[Trainer, Picture, dict[str, np.ndarray]]:
    trainer = Trainer(Experiment.from_dict({"layers": LAYERS, **recipe}), "cpu")
    for _ in islice(trainer.steps(), 40):
        pass
    picture = Picture(trainer)
    return trainer, picture, picture.arrays(trainer.snapshot())


def plain_units(trainer: Trainer, X: np.ndarray) -> list[np.ndarray]:
    """What each dense layer's units answer on rows X (as the network sees them), the output layer's plain sums last."""
    model = build_model(trainer.experiment)
    model.load_state_dict(trainer.snapshot().weights)
    model.eval()
    answers, values, modules = [], torch.from_numpy(X.astype(np.float32)), list(model)
    with torch.no_grad():
        for module, following in zip(modules, [*modules[1:], None], strict=True):
            values = module(values)
            bent = not isinstance(module, nn.Linear) and type(module).__name__ != "SeededDropout"
            if bent or (isinstance(module, nn.Linear) and following is None):
                answers.append(values.numpy())
    return answers


def grid(side: int, low: float = -6, high: float = 6) -> np.ndarray:
    """Centres of side x side cells, row by row from the top."""
    centres = low + (np.arange(side) + 0.5) * (high - low) / side
    return np.array([(x1, x2) for x2 in centres[::-1] for x1 in centres])


def addresses(trainer: Trainer) -> list[str]:
    """Of the layers that have units, the output layer last."""
    return [str(place) for place, layer in enumerate(trainer.experiment.stack) if layer.has_units]


def values_of(arrays: dict[str, np.ndarray], address: str) -> np.ndarray:
    """A layer's maps as numbers again: (units, anything)."""
    bytes_ = arrays[f"maps/{address}"].astype(float)
    scales = arrays[f"scales/{address}"].reshape(-1, *[1] * (bytes_.ndim - 1))
    return ((bytes_ - 128) / 127 * scales).reshape(len(bytes_), -1)


def assert_close_to_a_byte(found: np.ndarray, expected: np.ndarray, scales: np.ndarray) -> None:
    assert found.shape == expected.shape
    assert (np.abs(found - expected) <= scales[:, None] / 127 * 0.51 + 1e-5).all()


CLAIMS = {
    "sigmoid": lambda o: 2 / (1 + np.exp(-o)) - 1,
    "softmax": lambda o: 2 * np.exp(o) / np.exp(o).sum(1, keepdims=True) - 1,
    "tanh": np.tanh,
    "linear": lambda o: o,
}


@pytest.mark.parametrize(
    "recipe",
    [
        {"dataset": {"kind": "circle"}},
        {"dataset": {"kind": "circle"}, "features": ["x1", "sin_x2", "x1_squared"]},
        {"dataset": {"kind": "spiral"}, "loss": {"kind": "mse"}},
        {"dataset": {"kind": "xor"}, "loss": {"kind": "hinge"}},
        {"dataset": {"kind": "blobs", "classes": 4}},
        {"dataset": {"kind": "multi_gauss"}, "loss": {"kind": "huber"}},
        {"dataset": {"kind": "moons"}, "layers": []},
    ],
)
def test_a_neurons_map_is_a_plain_forward_pass_over_the_plane(recipe: dict[str, Any]) -> None:
    trainer, picture, arrays = pictured(**recipe)
    layout = picture.layout
    side = layout["map"]["rows"]
    fine = layout["output"]["rows"]
    assert (side, fine) == (50, 100)
    raw = grid(fine).reshape(side, 2, side, 2, 2)[:, 0, :, 0].reshape(-1, 2)
    x1, x2 = raw.T
    columns = {"x1": x1, "x2": x2, "sin_x2": np.sin(x2), "x1_squared": x1**2}
    names = trainer.experiment.input_features
    units = plain_units(trainer, np.stack([columns[name] for name in names], axis=1))
    units[-1] = CLAIMS[layout["layers"][-1]["activation"]](units[-1].astype(float))
    for address, answers in zip(addresses(trainer), units, strict=True):
        assert arrays[f"maps/{address}"].shape == (answers.shape[1], side, side)
        assert_close_to_a_byte(values_of(arrays, address), answers.T, arrays[f"scales/{address}"])
    assert {name for name in arrays if name.startswith("maps/")} == {
        f"maps/{address}" for address in addresses(trainer)
    }
    first, last = arrays["maps/0"].dtype, len(layout["layers"])
    assert first == np.uint8
    assert last == len(trainer.experiment.layers) + 1


def test_the_top_row_of_a_map_is_the_largest_x2_and_the_left_column_the_smallest_x1() -> None:
    _, picture, _ = pictured(dataset={"kind": "circle"}, features=["x1", "x2"])
    x1_map, x2_map = picture.constant_arrays["input_maps"]
    assert x2_map[0].min() > 240
    assert x2_map[-1].max() < 16
    assert x1_map[:, 0].max() < 16
    assert x1_map[:, -1].min() > 240


@pytest.mark.parametrize("loss", ["cross_entropy", "hinge", "mse"])
def test_the_output_map_of_two_classes_is_what_the_loss_claims(loss: str) -> None:
    trainer, _, arrays = pictured(dataset={"kind": "circle"}, loss={"kind": loss})
    outputs = torch.from_numpy(plain_units(trainer, grid(100))[-1])
    p = trainer.experiment.coding.predict(outputs)[:, 1].numpy()
    found = arrays["output"].reshape(-1).astype(float)
    assert arrays["output"].shape == (100, 100)
    assert found.min() >= 1
    assert np.abs((found - 128) / 127 - (2 * p - 1)).max() < 0.006


def test_the_output_map_of_many_classes_is_the_winner_and_its_certainty() -> None:
    trainer, _, arrays = pictured(dataset={"kind": "blobs", "classes": 5})
    outputs = plain_units(trainer, grid(100))[-1].astype(float)
    p = np.exp(outputs) / np.exp(outputs).sum(1, keepdims=True)
    clear = np.sort(p, axis=1)[:, -1] - np.sort(p, axis=1)[:, -2] > 1e-4
    assert np.array_equal(arrays["output_class"].reshape(-1)[clear], p.argmax(1)[clear])
    certainty = (p.max(1) - 0.2) / 0.8 * 255
    assert np.abs(arrays["output_certainty"].reshape(-1) - certainty).max() < 0.6


def test_the_output_map_of_a_number_is_linear_over_its_range() -> None:
    trainer, picture, arrays = pictured(dataset={"kind": "plane"}, loss={"kind": "mse"})
    low, high = picture.layout["output"]["value_range"]
    assert (low, high) == (trainer.data.train.y.min(), trainer.data.train.y.max())
    values = plain_units(trainer, grid(100))[-1][:, 0]
    found = low + (arrays["output"].reshape(-1).astype(float) - 1) / 254 * (high - low)
    assert np.abs(found - values.clip(low, high)).max() < (high - low) / 254 * 0.51 + 1e-5


def test_data_on_a_line_are_drawn_as_a_line() -> None:
    trainer, picture, arrays = pictured(dataset={"kind": "sine"}, loss={"kind": "mse"})
    layout, constant = picture.layout, picture.constant_arrays
    assert (layout["map"]["kind"], layout["output"]["kind"], layout["output"]["columns"]) == ("line", "line", 100)
    x = np.linspace(*layout["output"]["x_range"], 100)[:, None]
    units = plain_units(trainer, x)
    np.testing.assert_allclose(arrays["output_line"], units[-1][:, 0], atol=1e-5)
    assert_close_to_a_byte(values_of(arrays, "0"), units[0].T, arrays["scales/0"])
    assert arrays["maps/0"].shape == (6, 1, 100)
    np.testing.assert_allclose(constant["points/train"][:, 1], trainer.data.train.y, rtol=1e-6)


@pytest.mark.parametrize("kind", ["iris", "wine", "breast_cancer", "digits", "diabetes"])
def test_other_data_lie_on_the_plane_of_scikit_learns_pca(kind: str) -> None:
    loss = {"kind": "mse"} if kind == "diabetes" else {"kind": "cross_entropy"}
    trainer, picture, arrays = pictured(dataset={"kind": kind}, loss=loss)
    output = picture.layout["output"]
    judge = PCA(2, svd_solver="full").fit(trainer.data.train.X.astype(float))
    assert output["kind"] == "projection"
    assert output["explained"] == pytest.approx(judge.explained_variance_ratio_, rel=1e-5)
    for name, split in (("train", trainer.data.train), ("test", trainer.data.watched)):
        places = picture.constant_arrays[f"points/{name}"]
        expected = judge.transform(split.X.astype(float))
        signs = np.sign((places * expected).sum(0))
        np.testing.assert_allclose(places, expected * signs, atol=1e-3)
    # A cell of the output map is the network's answer at that place of the plane, all other components zero.
    signs = np.sign(
        (picture.constant_arrays["points/train"] * judge.transform(trainer.data.train.X.astype(float))).sum(0)
    )
    side = output["rows"]
    (left, right), (low, high) = output["x_range"], output["y_range"]
    x = left + (np.arange(side) + 0.5) * (right - left) / side
    y = (low + (np.arange(side) + 0.5) * (high - low) / side)[::-1]
    places = np.array([(a, b) for b in y for a in x])
    outputs = plain_units(trainer, judge.inverse_transform(places * signs))[-1]
    claims = trainer.experiment.coding.predict(torch.from_numpy(outputs)).numpy()
    if "output_class" in arrays:
        clear = np.sort(claims, axis=1)[:, -1] - np.sort(claims, axis=1)[:, -2] > 1e-3
        assert np.array_equal(arrays["output_class"].reshape(-1)[clear], claims.argmax(1)[clear])
    elif claims.ndim == 2:
        assert np.abs((arrays["output"].reshape(-1) - 128.0) / 127 - (2 * claims[:, 1] - 1)).max() < 0.01
    else:
        values = trainer.data.scaling.unscale_targets(claims)
        low, high = output["value_range"]
        found = low + (arrays["output"].reshape(-1).astype(float) - 1) / 254 * (high - low)
        assert np.abs(found - values.clip(low, high)).max() < (high - low) / 254


@pytest.mark.parametrize("kind", ["iris", "digits", "diabetes"])
def test_a_neurons_bars_are_its_mean_answers_to_each_group(kind: str) -> None:
    loss = {"kind": "mse"} if kind == "diabetes" else {"kind": "cross_entropy"}
    trainer, picture, arrays = pictured(dataset={"kind": kind}, loss=loss, test_fraction=0.3)
    groups, train = picture.layout["map"]["groups"], trainer.data.train
    if kind == "diabetes":
        group = pd.qcut(train.y, 5, labels=False)
        assert len(groups) == 5
    else:
        group = train.y
        assert groups == list(trainer.data.class_names)
    for address, answers in zip(addresses(trainer)[:-1], plain_units(trainer, train.X)[:-1], strict=True):
        expected = pd.DataFrame(answers).groupby(group).mean().to_numpy().T
        if kind == "diabetes":  # rows exactly on a quantile may count on either side
            assert np.abs(values_of(arrays, address) - expected).max() < 0.1
        else:
            assert_close_to_a_byte(values_of(arrays, address), expected, arrays[f"scales/{address}"])


NAMES = {
    "x1": "x₁", "x2": "x₂", "x1_squared": "x₁²", "x2_squared": "x₂²", "x1_x2": "x₁x₂", "sin_x1": "sin x₁", "sin_x2": "sin x₂",
    "petal length": "petal length", "x10": "x10", "x": "x", "sin_y": "sin_y", "": "",
}  # fmt: skip


@pytest.mark.parametrize(("name", "drawn"), NAMES.items())
def test_what_is_made_of_a_plane_is_written_as_mathematics_and_other_names_as_they_are(name: str, drawn: str) -> None:
    assert drawn_name(name) == drawn


def test_the_browser_is_told_what_inputs_can_be_made_of_and_how_each_looks() -> None:
    _, picture, _ = pictured(dataset={"kind": "circle"}, features=["x2", "sin_x1"])
    layout, maps = picture.layout, picture.constant_arrays["feature_maps"]
    assert (layout["inputs"]["names"], layout["inputs"]["labels"]) == (["x2", "sin_x1"], ["x₂", "sin x₁"])
    names = [feature["name"] for feature in layout["features"]]
    assert [NAMES[name] for name in names] == [feature["label"] for feature in layout["features"]]
    assert len(maps) == len(names) == 7
    side = maps.shape[1]
    x1, x2 = grid(side).T
    values = dict(zip(names, (maps.astype(float) - 128) / 127, strict=True))
    expected = {"x1": x1 / 6, "x2_squared": x2**2 / 36, "x1_x2": x1 * x2 / 36, "sin_x2": np.sin(x2)}
    for name, judge in expected.items():
        assert np.abs(values[name].ravel() - judge).max() < 0.6 / 127
    _, other, _ = pictured(dataset={"kind": "iris"})
    assert other.layout["features"] == []
    assert "feature_maps" not in other.constant_arrays


def test_the_browser_is_told_the_bounds_of_what_can_be_changed() -> None:
    def layout_of(dataset: dict[str, Any]) -> dict[str, Any]:
        return pictured(dataset=dataset, loss={"kind": "mse"})[1].layout

    layout = layout_of({"kind": "circle"})
    widest = Experiment.from_dict({"layers": [{"kind": "dense", "units": layout["layers"][0]["most_units"]}]})
    assert widest.layers[0].units == layout["layers"][0]["most_units"]
    assert "most_units" not in layout["layers"][1]  # a dropout
    assert [layer["drawn"] for layer in layout["layers"]] == ["units", "mark", "units", "units"]
    assert layout["layers"][1]["size"] == LAYERS[1]["p"]
    for more, refused in ((0, False), (1, True)):
        layers = [{"kind": "dense"}] * (layout["limits"]["layers"] + more)
        with pytest.raises(Problem) if refused else nullcontext():
            Experiment.from_dict({"layers": layers})
    most = layout["drawing"]
    point = [most["edge"], -most["edge"], most["classes"] - 1]
    of_each = [[0.0, 0.0, label] for label in range(most["classes"])]
    drawn = {"kind": "drawn", "train": [*of_each, point], "test": [point] * (most["points"] - most["classes"] - 1)}
    assert Experiment.from_dict({"dataset": drawn, "batch_size": 1}).dataset.rows == most["points"]
    for split, points in (
        ("test", [*drawn["test"], point]),
        ("train", [*of_each, [most["edge"] + 0.1, 0, 0]]),
        ("train", [*of_each, [0, 0, most["classes"]]]),
    ):
        with pytest.raises(Problem):
            Experiment.from_dict({"dataset": drawn | {split: points}, "batch_size": 1})
    fine = 0.123456789
    rounded = Experiment.from_dict({"dataset": drawn | {"train": [*of_each, [fine, 0, 0]]}, "batch_size": 1})
    assert rounded.dataset.train[-1][0] == round(fine, most["decimals"])


@pytest.mark.parametrize(
    ("dataset", "possible"),
    [
        ({"kind": "drawn"}, True), ({"kind": "blobs", "classes": 6}, True),
        ({"kind": "plane"}, False), ({"kind": "iris"}, False), ({"kind": "sine"}, False),
    ],
)  # fmt: skip
def test_points_can_be_drawn_on_where_they_are_classes_on_a_plane(dataset: dict[str, Any], possible: bool) -> None:
    _, picture, _ = pictured(
        dataset=dataset, loss={"kind": "mse"} if dataset["kind"] in ("plane", "sine") else {"kind": "cross_entropy"}
    )
    assert (picture.layout["drawing"] is not None) == possible


def test_only_so_much_travels() -> None:
    layers = [{"kind": "dense", "units": 100}, {"kind": "dense", "units": 40}]
    trainer, picture, arrays = pictured(dataset={"kind": "circle", "samples": 5000}, layers=layers)
    assert arrays["weight/0"].shape == (MOST_SHOWN, 2)
    assert arrays["weight/1"].shape == (MOST_SHOWN, MOST_SHOWN)
    assert arrays["weight/2"].shape == (1, MOST_SHOWN)
    assert arrays["maps/1"].shape == (MOST_SHOWN, 50, 50)
    assert [layer["shown"] for layer in picture.layout["layers"]] == [32, 32, 1]
    assert [layer["units"] for layer in picture.layout["layers"]] == [100, 40, 1]
    assert len(picture.constant_arrays["points/train"]) == MOST_POINTS
    assert np.array_equal(arrays["weight/0"], trainer.snapshot().weights["0.weight"].numpy()[:MOST_SHOWN])


def test_many_units_get_smaller_maps() -> None:
    _, picture, arrays = pictured(dataset={"kind": "circle"}, layers=[{"kind": "dense", "units": 32}] * 7)
    assert picture.layout["map"]["rows"] == 25
    assert arrays["output"].shape == (50, 50)


def test_a_frame_of_a_real_picture_goes_there_and_back() -> None:
    _, picture, arrays = pictured(dataset={"kind": "circle"})
    header, again = decode_frame(encode_frame({"layout": picture.layout}, arrays | picture.constant_arrays))
    assert header["layout"] == json.loads(json.dumps(picture.layout))
    for name, array in (arrays | picture.constant_arrays).items():
        assert again[name].dtype == array.dtype
        assert np.array_equal(again[name], array)


DTYPES = st.sampled_from([np.uint8, np.float32, np.float64, np.int64])
ARRAYS = DTYPES.flatmap(
    lambda dtype: arrays_of.arrays(dtype, arrays_of.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5))
)


@given(
    st.dictionaries(st.text(max_size=5), st.integers() | st.text(), max_size=3),
    st.dictionaries(st.text(max_size=5), ARRAYS),
)
def test_a_frame_goes_there_and_back(header: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    message = encode_frame(header, arrays)
    found, again = decode_frame(message)
    described = found.pop("arrays")
    assert found == {name: value for name, value in header.items() if name != "arrays"}
    assert [entry["name"] for entry in described] == list(arrays)
    for name, array in arrays.items():
        assert again[name].dtype == array.dtype
        assert again[name].shape == array.shape
        assert again[name].tobytes() == array.tobytes()
    (length,) = struct.unpack_from("<I", message)
    assert (length + 4) % ALIGNMENT == 0
    assert all(entry["offset"] % ALIGNMENT == 0 for entry in described)


def test_a_header_that_json_cannot_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        encode_frame({"loss": float("nan")}, {})
