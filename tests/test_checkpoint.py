"""What goes out comes back, plain torch can read it, and nothing else gets in."""

from __future__ import annotations

import json
import os
import runpy
import struct
import zipfile
from io import BytesIO
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from dlcore import Experiment, Problem, Trainer
from dlcore.checkpoint import (
    LARGEST_FILE,
    LONGEST_HEADER,
    MOST_TENSORS,
    check_writable,
    open_checkpoint,
    predict,
    save_checkpoint,
    write_files,
    write_run,
)
from dlcore.experiment import LONGEST_RECIPE

RECIPES = {
    "circle": {},
    "features": {
        "dataset": {"kind": "xor"},
        "features": ["x1_x2", "sin_x1"],
        "layers": [{"kind": "dropout", "p": 0.5}],
    },
    "iris": {"dataset": {"kind": "iris"}, "layers": [{"kind": "dense", "units": 5, "activation": {"kind": "relu"}}]},
    "diabetes": {"dataset": {"kind": "diabetes"}, "loss": {"kind": "mse"}},
}


def trained(recipe: dict, steps: int = 40) -> Trainer:
    trainer = Trainer(Experiment.from_dict(recipe), device="cpu")
    for _ in islice(trainer.steps(), steps):
        pass
    return trainer


@pytest.fixture(scope="module")
def trainer() -> Trainer:
    return trained({})


@pytest.fixture(scope="module")
def good(trainer: Trainer) -> bytes:
    return save_checkpoint(trainer.snapshot(), trainer.data)


def parts(data: bytes) -> tuple[dict, bytes]:
    """Header and tensors of a safetensors file."""
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def joined(header: dict | str | bytes, tensors: bytes) -> bytes:
    text = header if isinstance(header, str | bytes) else json.dumps(header)
    encoded = text if isinstance(text, bytes) else text.encode()
    return struct.pack("<Q", len(encoded)) + encoded + tensors


def changed(data: bytes, **metadata: str) -> bytes:
    header, tensors = parts(data)
    header["__metadata__"] |= metadata
    return joined(header, tensors)


def refused(data: bytes) -> Problem:
    with pytest.raises(Problem) as caught:
        open_checkpoint(data)
    assert "\n" not in str(caught.value)
    return caught.value


# There and back


@pytest.mark.parametrize("name", RECIPES)
def test_a_checkpoint_comes_back_equal(name: str) -> None:
    trainer = trained(RECIPES[name])
    data = save_checkpoint(trainer.snapshot(), trainer.data)
    checkpoint = open_checkpoint(data)
    assert checkpoint.experiment == trainer.experiment
    assert (checkpoint.step, checkpoint.epoch) == (trainer.step, trainer.epoch)
    assert checkpoint.class_names == trainer.data.class_names
    assert checkpoint.column_names == trainer.data.raw_names
    assert checkpoint.input_names == trainer.data.input_names
    assert checkpoint.scaling == trainer.data.scaling
    for key, weight in trainer.snapshot().weights.items():
        np.testing.assert_array_equal(checkpoint.weights[key], weight.numpy())
    assert checkpoint.to_bytes() == data


def test_the_safetensors_library_reads_the_same(good: bytes) -> None:
    theirs = safetensors.numpy.load(good)
    ours = open_checkpoint(good).weights
    assert set(theirs) == set(ours)
    for name, weight in ours.items():
        np.testing.assert_array_equal(theirs[name], weight)


def test_a_file_written_by_the_safetensors_library_opens(good: bytes) -> None:
    metadata = parts(good)[0]["__metadata__"]
    again = safetensors.numpy.save(safetensors.numpy.load(good), metadata)
    assert open_checkpoint(again).to_bytes() == good


@pytest.mark.parametrize("name", RECIPES)
def test_training_goes_on_from_a_checkpoint(name: str) -> None:
    trainer = trained(RECIPES[name])
    checkpoint = open_checkpoint(save_checkpoint(trainer.snapshot(), trainer.data))
    other = Trainer(checkpoint.experiment, device="cpu")
    other.load_weights(checkpoint.weights, step=checkpoint.step, epoch=checkpoint.epoch)
    assert other.scores() == trainer.scores()
    assert next(other.steps()).step == trainer.step + 1


# Something else is the judge: plain torch


def test_plain_torch_loads_it_as_the_readme_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trainer: Trainer
) -> None:
    write_run(tmp_path / "run", trainer)
    monkeypatch.chdir(tmp_path)
    ran = runpy.run_path(str(Path(__file__).parent / "load_with_plain_torch.py"))
    checkpoint = open_checkpoint((tmp_path / "run" / "model.safetensors").read_bytes())
    ours = predict(checkpoint, ran["X"].numpy().astype(np.float64))
    np.testing.assert_allclose(ran["probability_of_class_1"].detach().numpy()[:, 0], ours[:, 1], atol=1e-6)


def test_plain_torch_predicts_the_same_for_a_scaled_regression() -> None:
    trainer = trained(RECIPES["diabetes"])
    data = save_checkpoint(trainer.snapshot(), trainer.data)
    facts = {name: json.loads(text) for name, text in parts(data)[0]["__metadata__"].items() if name != "format"}
    model = nn.Sequential(nn.Linear(10, 4), nn.Tanh(), nn.Linear(4, 2), nn.Tanh(), nn.Linear(2, 1))
    model.load_state_dict(safetensors.torch.load(data))
    X = trainer.data.watched.raw
    scaled = (torch.tensor(X) - torch.tensor(facts["input_mean"])) / torch.tensor(facts["input_deviation"])
    values = model(scaled.float()).squeeze(1).detach().double() * facts["target_deviation"] + facts["target_mean"]
    np.testing.assert_allclose(predict(open_checkpoint(data), X), values.numpy(), rtol=1e-6)


def test_predictions_are_those_of_the_score() -> None:
    trainer = trained(RECIPES["features"])
    checkpoint = open_checkpoint(save_checkpoint(trainer.snapshot(), trainer.data))
    probabilities = predict(checkpoint, trainer.data.watched.raw)
    assert (probabilities.argmax(1) == trainer.data.watched.y).mean() == trainer.scores().watched["accuracy"]


# What is not let in


def test_a_pickle_is_never_opened() -> None:
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("archive/data.pkl", b"\x80\x02}q\x00.")
    assert refused(archive.getvalue()).key == "checkpoint_pickle"
    assert refused(b"\x80\x04\x95\x10\0\0\0\0\0\0\0}\x94\x8c\x01a\x94K\x01s.").key == "checkpoint_pickle"


@pytest.mark.parametrize(
    "data", [b"", b"\0", b"hello", b"\x89PNG\r\n\x1a\n" + bytes(100), b"{}", bytes(64), b"id,x\n" * 50]
)
def test_a_foreign_file_is_refused(data: bytes) -> None:
    assert refused(data).key in ("checkpoint_foreign", "checkpoint_truncated")


def test_a_safetensors_file_of_another_program_is_foreign() -> None:
    assert refused(safetensors.numpy.save({"w": np.zeros(3, np.float32)})).key == "checkpoint_foreign"


def test_every_truncation_is_refused(good: bytes) -> None:
    for length in range(len(good)):
        refused(good[:length])


def test_bytes_at_the_end_are_refused(good: bytes) -> None:
    assert refused(good + b"\0\0\0\0").key == "checkpoint_offsets"


def test_an_oversized_file_is_refused() -> None:
    assert refused(bytes(LARGEST_FILE + 1)).key == "checkpoint_too_large"


def test_an_oversized_header_is_refused(good: bytes) -> None:
    assert refused(changed(good, note="x" * LONGEST_HEADER)).key == "checkpoint_header_too_long"


def test_too_many_tensors_are_refused(good: bytes) -> None:
    header, tensors = parts(good)
    empty = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    header |= {str(index): empty for index in range(MOST_TENSORS + 1)}
    assert refused(joined(header, tensors)).key == "checkpoint_too_many_tensors"


def test_a_key_that_stands_twice_is_refused(good: bytes) -> None:
    header, tensors = parts(good)
    text = json.dumps(header)
    twice = text[:-1] + ', "0.bias": ' + json.dumps(header["0.bias"]) + "}"
    assert refused(joined(twice, tensors)).key == "checkpoint_foreign"


def test_endless_nesting_is_refused(good: bytes) -> None:
    assert refused(joined("{" + '"a":' + "[" * 100_000, b"")).key == "checkpoint_foreign"
    assert refused(changed(good, input_mean="[" * 20_000)).key == "checkpoint_foreign"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_weight_that_is_not_finite_is_refused(good: bytes, value: float) -> None:
    assert refused(good[:-4] + struct.pack("<f", value)).key == "checkpoint_not_finite"


@pytest.mark.parametrize(
    "tensor",
    [
        {"shape": [2, 4]},
        {"shape": [10**6, 10**6]},
        {"shape": [4.0, 2]},
        {"shape": None},
        {"dtype": "F16"},
        {"dtype": None},
        {"data_offsets": [0, 10**18]},
        {"data_offsets": [-32, 0]},
        {"data_offsets": [0.0, 32]},
        {"data_offsets": [0]},
        {"surplus": 1},
    ],
)
def test_a_tensor_other_than_the_recipe_says_is_refused(good: bytes, tensor: dict) -> None:
    header, tensors = parts(good)
    header["0.weight"] |= tensor
    assert refused(joined(header, tensors)).key in ("checkpoint_shapes", "checkpoint_offsets")


def test_missing_and_surplus_tensors_are_named(good: bytes) -> None:
    header, tensors = parts(good)
    surplus = {**header, "6.weight": header["0.weight"]}
    assert refused(joined(surplus, tensors)).values["name"] == "6.weight"
    del header["0.weight"]
    assert refused(joined(header, tensors)).values["name"] == "0.weight"


def test_tensors_that_share_bytes_are_refused(good: bytes) -> None:
    header, tensors = parts(good)
    header["2.bias"]["data_offsets"] = header["4.weight"]["data_offsets"]
    assert refused(joined(header, tensors)).key == "checkpoint_offsets"


@pytest.mark.parametrize(
    ("metadata", "key"),
    [
        ({"recipe": "{"}, "not_json"),
        ({"recipe": '{"layers": [{"kind": "conv"}]}'}, "unknown_kind"),
        ({"recipe": "{}" + " " * LONGEST_RECIPE}, "too_long"),
        ({"recipe": '{"dataset": {"kind": "iris"}}'}, "checkpoint_metadata"),
        ({"format": "dlcore 2"}, "checkpoint_foreign"),
        ({"input_mean": "[0]"}, "checkpoint_metadata"),
        ({"input_mean": "[0, NaN]"}, "checkpoint_metadata"),
        ({"input_deviation": "[1, 0]"}, "checkpoint_metadata"),
        ({"target_deviation": "-1"}, "checkpoint_metadata"),
        ({"step": "-1"}, "checkpoint_metadata"),
        ({"step": "9" * 5000}, "checkpoint_foreign"),
        ({"step": "1e400"}, "checkpoint_metadata"),
        ({"epoch": "1000000"}, "checkpoint_metadata"),
        ({"class_names": '["0"]'}, "checkpoint_metadata"),
        ({"class_names": '["0", "\\u202e1"]'}, "checkpoint_metadata"),
        ({"class_names": '["0", "\\ud800"]'}, "checkpoint_metadata"),
        ({"class_names": "oops"}, "checkpoint_foreign"),
        ({"column_names": '["x1", "x1"]'}, "checkpoint_metadata"),
    ],
)
def test_facts_that_do_not_fit_are_refused(good: bytes, metadata: dict[str, str], key: str) -> None:
    assert refused(changed(good, **metadata)).key == key


def test_a_recipe_for_a_huge_network_is_refused_without_allocating(good: bytes) -> None:
    wide = json.dumps({"layers": [{"kind": "dense", "units": 512}] * 12})
    assert refused(changed(good, recipe=wide)).key == "too_many_parameters"


@given(data=st.data())
def test_mutated_bytes_give_a_problem_or_a_sound_checkpoint(good: bytes, data: st.DataObject) -> None:
    mutant = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(mutant) - 1))
        match data.draw(st.sampled_from(["set", "cut", "insert"])):
            case "set":
                mutant[place] = data.draw(st.integers(0, 255))
            case "cut":
                del mutant[place : place + data.draw(st.integers(1, 8))]
            case "insert":
                mutant[place:place] = data.draw(st.binary(min_size=1, max_size=8))
    try:
        checkpoint = open_checkpoint(bytes(mutant))
    except Problem:
        return
    assert open_checkpoint(checkpoint.to_bytes()).to_bytes() == checkpoint.to_bytes()
    assert all(np.isfinite(weight).all() for weight in checkpoint.weights.values())


# Files


def test_a_run_is_three_files(tmp_path: Path, trainer: Trainer) -> None:
    write_run(tmp_path / "deep" / "run", trainer)
    assert sorted(os.listdir(tmp_path / "deep" / "run")) == ["history.csv", "model.safetensors", "recipe.json"]
    assert Experiment.from_json((tmp_path / "deep" / "run" / "recipe.json").read_bytes()) == trainer.experiment
    assert (tmp_path / "deep" / "run" / "history.csv").read_text() == trainer.history.to_csv()


def test_a_full_disk_leaves_the_old_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, other = tmp_path / "a", tmp_path / "b"
    old.write_bytes(b"old")
    write = Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        if "b" in path.name:
            raise OSError(28, "No space left on device")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(Problem, match="no space left on device"):
        write_files({old: b"new", other: b"new"})
    assert os.listdir(tmp_path) == ["a"]
    assert old.read_bytes() == b"old"


def test_a_file_in_the_way_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Problem, match="not a directory"):
        check_writable(tmp_path / "file" / "run")
    with pytest.raises(Problem):
        write_files({tmp_path / "file" / "run" / "model.safetensors": b""})


def test_the_readme_shows_the_very_code_that_loads_a_checkpoint() -> None:
    shown = (Path(__file__).parent.parent / "README.md").read_text()
    code = (Path(__file__).parent / "load_with_plain_torch.py").read_text()
    assert code[code.index("import json") :].strip() in shown
