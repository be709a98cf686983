"""Layers of every kind learn what plain torch learns: networks written by hand, 200 steps, and the way home in every form."""

from __future__ import annotations

import json
import runpy
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from safetensors import safe_open
from torch import nn
from torch.nn import functional

from dlcore import Experiment, Trainer
from dlcore.checkpoint import open_checkpoint, predict, save_checkpoint
from dlcore.component import kind_of, kinds
from dlcore.export import export
from dlcore.export.script import export_script
from dlcore.layers import Layer, all_layers
from dlcore.network import build_model

pytestmark = pytest.mark.usefixtures("onnx_registered_once")

CONV = {"kind": "conv2d", "channels": 4, "padding": 1}
EMBEDDING = {"kind": "embedding", "dimensions": 8}
DENSE = {"kind": "dense", "units": 6}
FLATTEN, POOL = {"kind": "flatten"}, {"kind": "max_pool"}
SMALL = {"batch_size": 20, "optimizer": {"kind": "sgd", "learning_rate": 0.05, "momentum": 0.5}}


class Plain(nn.Module):
    """A network written by hand: torch's own modules under the names of a checkpoint, and a function that goes through them."""

    def __init__(self, way: Any, **modules: nn.Module) -> None:
        super().__init__()
        self.way = way
        for name, module in modules.items():
            parent, _, own = name[1:].replace("_", ".").rpartition(".")
            holder: Any = self
            for part in filter(None, parent.split(".")):
                if part not in holder._modules:
                    holder.add_module(part, nn.Module())
                holder = holder._modules[part]
            holder.add_module(own, module)

    def get(self, name: str) -> Any:
        return self.get_submodule(name)

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        return self.way(self.get, X)


def attend(get: Any, name: str, values: torch.Tensor, ids: torch.Tensor, **more: Any) -> torch.Tensor:
    attention = get(name)
    return attention(values, values, values, key_padding_mask=ids == 0, need_weights=False, **more)[0]


def pooled_cnn(get: Any, X: torch.Tensor) -> torch.Tensor:
    picture = get("1")(X.view(-1, 1, 8, 8)).relu()
    picture = functional.max_pool2d(get("3")(picture), 2)
    picture = picture + get("5.0")(picture).relu()
    wide = torch.cat([get("6.0.0")(picture).relu(), picture], 1)
    wide = functional.avg_pool2d(wide, 2)
    return get("11")(get("9")(wide.flatten(1)).tanh())


def transformer(get: Any, X: torch.Tensor) -> torch.Tensor:
    ids = X.long()
    values = get("0")(ids)
    steps, features = values.shape[1:]
    places = torch.zeros(steps, features)
    for step in range(steps):
        for pair in range(0, features, 2):
            places[step, pair] = np.sin(step / 10000 ** (pair / features))
            places[step, pair + 1] = np.cos(step / 10000 ** (pair / features))
    values = values + places
    values = values + attend(get, "2.1", get("2.0")(values), ids)
    values = values + get("3.1")(get("3.0")(values)).relu()
    return get("5")(values.mean(1))


def convolved_text(get: Any, X: torch.Tensor) -> torch.Tensor:
    values = get("0")(X.long()).transpose(1, 2)
    values = functional.max_pool1d(get("1")(values).relu(), 2)
    return get("5")(values.transpose(1, 2).flatten(1))


def recurrent(get: Any, X: torch.Tensor) -> torch.Tensor:
    states = get("1")(get("0")(X.long()))[0]
    states = get("2")(states)[0]
    last = get("3")(states)[0]
    return get("4")(torch.cat([last[:, -1, :5], last[:, 0, 5:]], 1))


def summed(get: Any, X: torch.Tensor) -> torch.Tensor:
    picture = X.view(-1, 1, 8, 8)
    both = get("1.0.0")(picture).relu() + get("1.1.0")(picture).relu()
    return get("5")(functional.layer_norm(both, (4, 8, 8), get("2").weight, get("2").bias).mean((2, 3)))


NETWORKS: dict[str, tuple[dict[str, Any], Any]] = {
    "convolution, norm, residual, branches": (
        {
            "dataset": {"kind": "digits"},
            "layers": [
                CONV, {"kind": "batch_norm"}, {"kind": "max_pool"}, {"kind": "residual", "layers": [CONV]},
                {"kind": "parallel", "branches": [[{"kind": "conv2d", "channels": 2, "kernel": 1}], []], "join": "concatenate"},
                {"kind": "average_pool"}, {"kind": "flatten"}, DENSE,
            ],
        },
        lambda: Plain(
            pooled_cnn, _1=nn.Conv2d(1, 4, 3, padding=1), _3=nn.BatchNorm2d(4), _5_0=nn.Conv2d(4, 4, 3, padding=1),
            _6_0_0=nn.Conv2d(4, 2, 1), _9=nn.Linear(24, 6), _11=nn.Linear(6, 10),
        ),
    ),
    "a block of a transformer": (
        {
            "dataset": {"kind": "recall"},
            "layers": [
                EMBEDDING, {"kind": "positions"},
                {"kind": "residual", "layers": [{"kind": "layer_norm"}, {"kind": "attention", "heads": 2}]},
                {"kind": "residual", "layers": [{"kind": "layer_norm"}, {"kind": "dense", "units": 8, "activation": {"kind": "relu"}}]},
                {"kind": "global_average_pool"},
            ],
        },
        lambda: Plain(
            transformer, _0=nn.Embedding(6, 8, padding_idx=0), _2_0=nn.LayerNorm(8),
            _2_1=nn.MultiheadAttention(8, 2, batch_first=True), _3_0=nn.LayerNorm(8), _3_1=nn.Linear(8, 8), _5=nn.Linear(8, 4),
        ),
    ),
    "convolution over time": (
        {
            "dataset": {"kind": "recall", "length": 12},
            "layers": [EMBEDDING, {"kind": "conv1d", "channels": 5}, {"kind": "max_pool"}, FLATTEN],
        },
        lambda: Plain(
            convolved_text, _0=nn.Embedding(6, 8, padding_idx=0), _1=nn.Conv1d(8, 5, 3), _5=nn.Linear(25, 4),
        ),
    ),
    "recurrence": (
        {
            "dataset": {"kind": "recall"},
            "layers": [
                EMBEDDING, {"kind": "rnn", "units": 7, "returns": "all"}, {"kind": "gru", "units": 6, "returns": "all"},
                {"kind": "lstm", "units": 5, "bidirectional": True},
            ],
        },
        lambda: Plain(
            recurrent, _0=nn.Embedding(6, 8, padding_idx=0), _1=nn.RNN(8, 7, batch_first=True), _2=nn.GRU(7, 6, batch_first=True),
            _3=nn.LSTM(6, 5, batch_first=True, bidirectional=True), _4=nn.Linear(10, 4),
        ),
    ),
    "branches that are added": (
        {
            "dataset": {"kind": "digits"},
            "layers": [
                {"kind": "parallel", "branches": [[CONV], [{"kind": "conv2d", "channels": 4, "kernel": 5, "padding": 2}]]},
                {"kind": "layer_norm"}, {"kind": "global_average_pool"},
            ],
        },
        lambda: Plain(
            summed, _1_0_0=nn.Conv2d(1, 4, 3, padding=1), _1_1_0=nn.Conv2d(1, 4, 5, padding=2), _2=nn.LayerNorm([4, 8, 8]),
            _5=nn.Linear(4, 10),
        ),
    ),
}  # fmt: skip


def trainer_of(recipe: dict[str, Any]) -> Trainer:
    return Trainer(Experiment.from_dict({**SMALL, **recipe}), "cpu", engine="autograd")


def after(recipe: dict[str, Any], steps: int = 30) -> Trainer:
    trainer = trainer_of(recipe)
    list(islice(trainer.steps(), steps))
    return trainer


def test_every_kind_of_layer_is_in_one_of_these_networks() -> None:
    stacks = [Experiment.from_dict(recipe).layers for recipe, _ in NETWORKS.values()]
    used = {kind_of(type(layer)) for stack in stacks for layer in all_layers(stack)}
    assert used == set(kinds(Layer)) - {"dropout"}


@pytest.mark.parametrize("name", NETWORKS)
def test_two_hundred_steps_are_those_of_plain_torch(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, by_hand = NETWORKS[name]
    trainer, plain = trainer_of(recipe), by_hand()
    plain.load_state_dict(trainer.model.state_dict())
    optimizer = torch.optim.SGD(plain.parameters(), lr=0.05, momentum=0.5)
    step = trainer.engine.step
    losses = []

    def step_beside(X: torch.Tensor, targets: torch.Tensor, *others: Any) -> float:
        optimizer.zero_grad()
        loss = functional.cross_entropy(plain(X), targets)
        loss.backward()
        optimizer.step()
        losses.append((loss.item(), step(X, targets, *others)))
        return losses[-1][1]

    monkeypatch.setattr(trainer.engine, "step", step_beside)
    list(islice(trainer.steps(), 200))
    theirs, ours = np.array(losses).T
    assert len(ours) == 200 and abs(ours[0] - ours[-20:].mean()) > 0.01  # It learns something.
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    for tensor, value in plain.state_dict().items():
        np.testing.assert_allclose(trainer.model.state_dict()[tensor], value, atol=1e-5, err_msg=tensor)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_checkpoint_is_loaded_into_classes_written_by_hand(name: str, tmp_path: Path) -> None:
    recipe, by_hand = NETWORKS[name]
    trainer, plain = after(recipe), by_hand()
    (tmp_path / "model.safetensors").write_bytes(save_checkpoint(trainer.snapshot(), trainer.data))
    with safe_open(tmp_path / "model.safetensors", framework="pt") as file:
        plain.load_state_dict({tensor: file.get_tensor(tensor) for tensor in list(file.keys())})
        facts = file.metadata()
    plain.eval()
    again = open_checkpoint((tmp_path / "model.safetensors").read_bytes())
    X = torch.from_numpy(trainer.data.watched.X)
    with torch.no_grad():
        expected = plain(X).softmax(1).numpy()
    np.testing.assert_allclose(predict(again, trainer.data.watched.raw), expected, atol=1e-5)
    assert expected.std() > 0.01
    # What no plain module of torch is says so.
    assert set(json.loads(facts.get("needs_code", "[]"))) == {
        type(module).__name__ for module in trainer.model.modules() if not type(module).__module__.startswith("torch")
    }


def test_a_plain_nested_sequential_would_drop_the_skip_and_the_file_says_that_it_needs_code(tmp_path: Path) -> None:
    recipe = {
        "dataset": {"kind": "digits"},
        "layers": [CONV, {"kind": "residual", "layers": [CONV]}, {"kind": "flatten"}],
    }
    trainer = after(recipe)
    content = save_checkpoint(trainer.snapshot(), trainer.data)
    naive = nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(),
        nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.ReLU()), nn.Flatten(), nn.Linear(256, 10),
    )  # fmt: skip
    naive.load_state_dict(trainer.model.state_dict())  # Not a word of complaint.
    X = torch.from_numpy(trainer.data.watched.X)
    with torch.no_grad():
        assert (naive(X) - trainer.model.eval()(X)).abs().max() > 0.1
    (tmp_path / "model.safetensors").write_bytes(content)
    with safe_open(tmp_path / "model.safetensors", framework="pt") as file:
        assert json.loads(file.metadata()["needs_code"]) == ["SkipConnection"]


def test_networks_of_torch_s_own_modules_need_no_code() -> None:
    recipe = {
        "dataset": {"kind": "digits"},
        "layers": [CONV, {"kind": "batch_norm"}, {"kind": "max_pool"}, {"kind": "flatten"}, {"kind": "dropout"}],
    }
    trainer = after(recipe, 3)
    assert b"needs_code" not in save_checkpoint(trainer.snapshot(), trainer.data)
    plain = nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(4), nn.MaxPool2d(2), nn.Flatten(),
        nn.Dropout(0.1), nn.Linear(64, 10),
    )  # fmt: skip
    plain.load_state_dict(trainer.model.state_dict())
    X = torch.from_numpy(trainer.data.watched.X)
    with torch.no_grad():
        assert torch.equal(plain.eval()(X), trainer.model.eval()(X))


@pytest.mark.parametrize("name", NETWORKS)
def test_an_exported_script_comes_to_the_same_numbers(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    experiment = Experiment.from_dict({**SMALL, **NETWORKS[name][0]})
    Path("script.py").write_text(export_script(experiment, epochs=1), encoding="utf-8")
    runpy.run_path("script.py", run_name="__main__")
    printed = dict(
        line.split() for line in capsys.readouterr().out.splitlines() if line.startswith(("train_", "test_"))
    )
    trainer = Trainer(experiment, "cpu", engine="autograd")
    list(islice(trainer.steps(), experiment.steps_per_epoch))
    assert float(printed["train_loss"]) == pytest.approx(trainer.scores().train["loss"], abs=2e-6)
    assert float(printed["test_loss"]) == pytest.approx(trainer.scores().watched["loss"], abs=2e-6)


AT_LENGTHS = [
    ("recurrence", 5), ("recurrence", 9), ("a block of a transformer", 6), ("a block of a transformer", 17),
    ("convolution over time", 9), *((name, 0) for name, (recipe, _) in NETWORKS.items() if recipe["dataset"]["kind"] == "digits"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "length"), AT_LENGTHS)
def test_onnx_runtime_predicts_the_same_at_every_length_and_batch(name: str, length: int) -> None:
    recipe = json.loads(json.dumps(NETWORKS[name][0]))
    if length:
        recipe["dataset"]["length"] = length
    trainer = after(recipe, 10)
    checkpoint = open_checkpoint(save_checkpoint(trainer.snapshot(), trainer.data))
    session = onnxruntime.InferenceSession(export(checkpoint, "onnx"), providers=["CPUExecutionProvider"])
    raw = trainer.data.watched.raw
    for rows in (raw[:1], raw[:7]):
        (predictions,) = session.run(["probabilities"], {"columns": rows.astype(np.float32)})
        np.testing.assert_allclose(np.asarray(predictions), predict(checkpoint, rows), rtol=1e-5, atol=1e-5)


def test_attention_does_not_look_at_padding() -> None:
    experiment = Experiment.from_dict(
        {"dataset": {"kind": "recall", "length": 8}, "layers": [EMBEDDING, {"kind": "attention"}, {"kind": "flatten"}]}
    )
    model = build_model(experiment)
    plain = nn.MultiheadAttention(8, 1, batch_first=True)
    plain.load_state_dict(model[1].state_dict())
    ids = torch.tensor([[0, 0, 0, 2, 3, 4, 5, 2], [0, 2, 2, 3, 1, 5, 4, 4]])
    with torch.no_grad():
        values = model[0](ids.float())
        seen = model[1](values)
        expected = plain(values, values, values, key_padding_mask=ids == 0, need_weights=False)[0]
    np.testing.assert_allclose(seen[ids != 0], expected[ids != 0], atol=1e-6)
    assert values[ids == 0].abs().max() == 0


@pytest.mark.parametrize(("bias", "half_life"), [(1, 2.2), (2, 5.5), (3, 14), (5, 103)])
def test_a_forget_bias_is_how_long_an_untrained_lstm_remembers(bias: float, half_life: float) -> None:
    recipe = {"dataset": {"kind": "recall"}, "layers": [EMBEDDING, {"kind": "lstm", "forget_bias": bias}]}
    lstm: Any = build_model(Experiment.from_dict(recipe))[1]
    both = (lstm.bias_ih_l0 + lstm.bias_hh_l0)[16:32]
    assert torch.equal(both, torch.full((16,), float(bias)))
    assert np.log(0.5) / np.log(both.sigmoid()[0].item()) == pytest.approx(half_life, rel=0.03)  # The study's table.
