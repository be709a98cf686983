"""Looks against plain torch and NumPy: gradients, histograms, health on hand-made networks, and the way of one row."""

from __future__ import annotations

import json
import time
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from dlcore.datasets.split import Split
from dlcore.frame import decode_frame
from dlcore.network import build_model
from dlcore.pictures.questions import MOST_ROWS, Looks
from dlcore.runs.run import Run

LAYERS = [
    {"kind": "dense", "units": 5, "activation": {"kind": "tanh"}},
    {"kind": "dropout", "p": 0.0},
    {"kind": "dense", "units": 4, "activation": {"kind": "relu"}},
]
RECIPE = {"layers": LAYERS, "batch_size": 20}
ADDRESSES = ("0", "2", "3")  # of those with units, the output layer last
KINDS: list[dict[str, Any]] = [
    {},
    {"loss": {"kind": "mse"}},
    {"loss": {"kind": "hinge"}},
    {"dataset": {"kind": "iris"}},
    {"dataset": {"kind": "iris"}, "loss": {"kind": "mae"}},
    {"dataset": {"kind": "plane"}, "loss": {"kind": "mse"}},
    {"dataset": {"kind": "diabetes"}, "loss": {"kind": "huber"}},
]


def made(steps: int = 3, **changes: Any) -> Run:
    run = Run(json.dumps({**RECIPE, **changes}), "cpu")
    for _ in range(steps):
        run.step()
    return run


def picture(run: Run, **wants: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    return decode_frame(run.frame(None, None, 0, None, wants))


def plain(run: Run) -> nn.Sequential:
    model = build_model(run.learner.experiment)
    model.load_state_dict(run.learner.snapshot().weights)
    return model


def answers(model: nn.Sequential, X: np.ndarray) -> list[np.ndarray]:
    """What each dense layer's units answer on rows X, (N, K); plain sums of the output layer last."""
    found, values = [], torch.from_numpy(X)
    with torch.no_grad():
        for module in model:
            values = module(values)
            if isinstance(module, nn.Linear):
                found.append(values.numpy())
            elif type(module).__name__ != "SeededDropout":
                found[-1] = values.numpy()
    return found


# Gradients


def test_before_the_first_step_nothing_has_moved() -> None:
    _, arrays = picture(made(steps=0), gradients=True)
    for name in ("gradient/0", "gradient_bias/3", "update/2", "update_bias/0"):
        assert not arrays[name].any()
        assert arrays[name].dtype == np.float32
        assert arrays[name].shape == arrays[name.replace("gradient", "weight").replace("update", "weight").replace(
            "weight_bias", "bias")].shape  # fmt: skip


@pytest.mark.parametrize("changes", [{}, {"regularizer": {"kind": "l2", "rate": 0.1}}, {"gradient_clip": 0.01}])
def test_the_gradient_is_that_of_plain_torchs_autograd_as_it_was_used(changes: dict[str, Any]) -> None:
    run = made(optimizer={"kind": "sgd", "learning_rate": 0.3}, **changes)
    model, trainer = plain(run), run.learner
    batch = slice(trainer.cursor, trainer.cursor + 20)
    outputs = model(trainer.supervised.X[trainer.order][batch])[:, 0]
    loss = nn.functional.binary_cross_entropy_with_logits(outputs, trainer.supervised.targets[trainer.order][batch])
    if "regularizer" in changes:
        loss = loss + 0.05 * sum(p.square().sum() for p in model.parameters() if p.dim() > 1)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), changes.get("gradient_clip", 1e9))
    run.step()
    _, arrays = picture(run, gradients=True)
    linears = [module for module in model if isinstance(module, nn.Linear)]
    for address, linear in zip(ADDRESSES, linears, strict=True):
        assert linear.weight.grad is not None
        assert linear.bias.grad is not None
        np.testing.assert_allclose(arrays[f"gradient/{address}"], linear.weight.grad, rtol=1e-4, atol=1e-7)
        np.testing.assert_allclose(arrays[f"gradient_bias/{address}"], linear.bias.grad, rtol=1e-4, atol=1e-7)
        np.testing.assert_allclose(arrays[f"update/{address}"], -0.3 * linear.weight.grad, rtol=1e-3, atol=1e-6)
        moved = linear.weight.detach().numpy() + arrays[f"update/{address}"]
        np.testing.assert_allclose(arrays[f"weight/{address}"], moved, rtol=1e-5, atol=1e-7)


def test_gradients_travel_only_when_wanted() -> None:
    _, arrays = picture(made())
    assert not [name for name in arrays if name.startswith(("gradient", "update", "histogram", "probe"))]


def test_a_weight_set_by_hand_is_no_update() -> None:
    run = made()
    _, before = picture(run, gradients=True)
    run.intervene("set", {"structure": run.structure, "address": "0", "unit": 0, "input": 0, "value": 5})
    _, after = picture(run, gradients=True)
    assert after["update/0"][0, 0] == 0
    assert np.array_equal(after["update/0"].ravel()[1:], before["update/0"].ravel()[1:])


# Histograms


@pytest.mark.parametrize("changes", KINDS)
def test_histograms_are_numpys(changes: dict[str, Any]) -> None:
    run = made(**changes)
    header, arrays = picture(run, histograms=True, gradients=True)
    rows = run.learner.data.train.X
    units = answers(plain(run), rows[:: -(-len(rows) // MOST_ROWS)])
    reads = {
        "sigmoid": lambda o: 1 / (1 + np.exp(-o)),
        "softmax": lambda o: np.exp(o) / np.exp(o).sum(1, keepdims=True),
        "tanh": np.tanh,
    }
    units[-1] = reads.get(run.learner.experiment.plan()[-1].activation, lambda o: o)(units[-1])
    for index, address in enumerate(ADDRESSES):
        weights = run.learner.engine.model[(0, 3, 5)[index]].weight
        parts = {
            "weights": weights.detach().numpy(),
            "activations": units[index],
            "gradients": arrays[f"gradient/{address}"],
        }
        for name, values in parts.items():
            counts, edges = np.histogram(values, 24)
            found = arrays[f"histogram_{name}/{address}"]
            assert (found.dtype, found.shape, found.sum()) == (np.uint32, (24,), values.size)
            # A value on the edge of a bin may fall to either side: the judge rounds differently.
            assert np.abs(found.astype(int) - counts).sum() <= (0 if name != "activations" else 0.02 * values.size)
            assert header["histograms"][address][name] == pytest.approx([edges[0], edges[-1]], rel=1e-4, abs=1e-6)


# Health


def by_hand(kind: str, weight: list[list[float]], bias: list[float], **changes: Any) -> Run:
    """A network of one hidden layer with these weights."""
    run = made(0, layers=[{"kind": "dense", "units": len(bias), "activation": {"kind": kind}}], **changes)
    with torch.no_grad():
        run.learner.model[0].weight.copy_(torch.tensor(weight))
        run.learner.model[0].bias.copy_(torch.tensor(bias))
    run.learner.note_touch("weights", ("0.weight",))
    run.version += 1
    return run


@pytest.mark.parametrize(
    ("kind", "weight", "bias", "codes"),
    [
        ("relu", [[1, 0], [1, 1], [0, 0]], [0, -100, 1], [0, 1, 3]),
        ("tanh", [[1, 0], [1, 1], [1000, 1000], [0, 0], [0, 0]], [0, 100, 0.3, 0.5, 100], [0, 2, 0, 3, 2]),
        ("sigmoid", [[1, 0], [1, 1], [0, 0], [1, 1]], [0, 100, 0.5, -100], [0, 2, 3, 2]),
        ("tanh", [[0, 0], [1, 0]], [0, 0], [1, 0]),
        ("leaky_relu", [[1, 0], [0, 1]], [-100, 0], [0, 0]),
        ("linear", [[1, 0], [0, 0], [0, 0]], [0, 2, 0], [0, 3, 1]),
    ],
)
def test_the_health_of_units_made_by_hand(kind: str, weight: Any, bias: Any, codes: list[int]) -> None:
    _, arrays = picture(by_hand(kind, weight, bias))
    found = arrays["health/0"]
    if kind == "tanh" and len(codes) == 5:  # Whether the steep unit has a row near its middle depends on the data.
        found = np.where(np.arange(5) == 2, 0, found)
    assert (found.tolist(), found.dtype) == (codes, np.uint8)


def test_a_steep_tanh_with_both_signs_is_saturated() -> None:
    run = by_hand("tanh", [[1e6, 1e6]], [0.0])
    answers_ = np.abs(answers(plain(run), run.learner.data.train.X)[0])
    assert (picture(run)[1]["health/0"][0] == 2) == (answers_.min() > 0.99)


@pytest.mark.parametrize("kind", ["tanh", "relu", "sigmoid", "linear"])
def test_numbers_too_large_for_the_network_are_still_shown(kind: str) -> None:
    run = by_hand(kind, [[3e38, -3e38], [-3e38, 3e38]], [3e38, -3e38])
    header, arrays = picture(run, gradients=True, histograms=True, probe={"split": "train", "row": 0})
    assert arrays["weight/0"][0, 0] == np.float32(3e38)
    assert header["probe"]["row"] == 0
    run.step()
    picture(run, gradients=True, histograms=True, probe={"split": "train", "row": 0})


def test_a_silenced_unit_is_not_called_dead_and_the_next_layer_is_judged_without_it() -> None:
    run = made(layers=[{"kind": "dense", "units": 1}, {"kind": "dense", "units": 2}])
    run.intervene("silence", {"structure": run.structure, "address": "0", "unit": 0, "on": True})
    _, arrays = picture(run)
    assert arrays["health/0"].tolist() == [0]
    assert arrays["health/1"].tolist() == [3, 3]


def test_a_network_without_hidden_layers_has_no_health() -> None:
    _, arrays = picture(made(layers=[]), histograms=True, probe={"split": "train", "row": 0})
    assert not [name for name in arrays if name.startswith("health")]
    assert {"histogram_activations/0", "probe/0"} <= set(arrays)


def test_while_it_plays_health_is_found_twice_a_second_and_predictions_four_times(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = made()
    header, _ = picture(run)
    calls = {"health": 0, "predicted_classes": 0}
    for name in calls:
        original = getattr(Looks, name)

        def counted(*arguments: Any, name: str = name, original: Any = original) -> Any:
            calls[name] += 1
            return original(*arguments)

        monkeypatch.setattr(Looks, name, counted)
    clock = [time.monotonic() + 100]
    monkeypatch.setattr("dlcore.pictures.contents.time.monotonic", lambda: clock[0])
    run.play()
    told = []
    for _ in range(101):
        run.version += 1
        run.learner.step += 1
        _, arrays = decode_frame(run.frame(header["version"], header["structure"], 1))
        told.append(arrays["predictions/train"])
        assert "health/0" in arrays
        clock[0] += 0.01
    assert 2 <= calls["health"] <= 3
    assert 4 <= calls["predicted_classes"] <= 5
    assert len(told) == 101
    found = calls["predicted_classes"]
    run.pause()
    picture(run)
    assert calls["predicted_classes"] == found + 1  # Those of a run that stands are its own.


def parts_of(run: Run) -> dict[str, Split]:
    """The rows by the names that frames give them."""
    return {"train": run.learner.data.train, "test": run.learner.data.watched}


@pytest.mark.parametrize("changes", KINDS)
def test_predictions_are_the_likeliest_classes_of_plain_torch(changes: dict[str, Any]) -> None:
    run = made(**changes)
    _, arrays = picture(run)
    experiment = run.learner.experiment
    for name in ("train", "test"):
        if not experiment.dataset.num_classes:
            assert f"predictions/{name}" not in arrays
            continue
        sums = answers(plain(run), parts_of(run)[name].X)[-1]
        expected = sums.argmax(1) if sums.shape[1] > 1 else sums[:, 0] > 0
        assert arrays[f"predictions/{name}"].dtype == np.uint8
        assert np.array_equal(arrays[f"predictions/{name}"], expected)


# The way of one row


@pytest.mark.parametrize("changes", KINDS)
@pytest.mark.parametrize("split", ["train", "test"])
def test_a_probe_is_plain_torchs_forward_pass(changes: dict[str, Any], split: str) -> None:
    run = made(**changes)
    header, arrays = picture(run, probe={"split": split, "row": 5})
    probe, rows, experiment = header["probe"], parts_of(run)[split], run.learner.experiment
    units = answers(plain(run), rows.X[5:6])
    sums = torch.from_numpy(units[-1])
    claims = experiment.coding.predict(sums).numpy()[0]
    activation = experiment.plan()[-1].activation
    read = {"sigmoid": sums.sigmoid(), "softmax": sums.softmax(1), "tanh": sums.tanh()}.get(activation, sums)
    units[-1] = read.numpy()
    for address, expected in zip(ADDRESSES, units, strict=True):
        np.testing.assert_allclose(arrays[f"probe/{address}"], expected[0], rtol=1e-4, atol=1e-6)
    assert np.array_equal(arrays["probe/inputs"], rows.X[5, :16])
    assert probe["inputs"] == pytest.approx(rows.X[5].tolist())
    assert (probe["split"], probe["row"], probe["target"]) == (split, 5, rows.y[5])
    if experiment.dataset.num_classes:
        assert probe["prediction"] == pytest.approx(claims.tolist(), rel=1e-4)
    else:
        assert probe["prediction"] == pytest.approx(run.learner.data.scaling.unscale_targets(claims), rel=1e-4)
    targets = experiment.coding.encode(torch.from_numpy(rows.target[5:6]))
    assert probe["loss"] == pytest.approx(experiment.coding.losses(sums, targets).item(), rel=1e-4)
    np.testing.assert_allclose(probe["place"], arrays[f"points/{split}"][5], rtol=1e-5)


def test_a_row_that_is_gone_is_not_probed() -> None:
    header, arrays = picture(made(), probe={"split": "train", "row": 10**6})
    assert "probe" not in header
    assert "probe/inputs" not in arrays


def test_a_probe_goes_around_silenced_units() -> None:
    run = made()
    run.intervene("silence", {"structure": run.structure, "address": "0", "unit": 2, "on": True})
    header, arrays = picture(run, probe={"split": "train", "row": 0})
    assert arrays["probe/0"][2] == 0
    expected = run.learner.predictions()[0].tolist()
    assert header["probe"]["prediction"] == pytest.approx(expected, rel=1e-5)


def test_a_loss_of_another_scale_is_the_probes_too() -> None:
    run = made(loss={"kind": "mse"})
    run.change(json.dumps({**RECIPE, "loss": {"kind": "mae"}}))
    header, arrays = picture(run, probe={"split": "train", "row": 0})
    target = 2 * header["probe"]["target"] - 1
    assert header["probe"]["loss"] == pytest.approx(abs(arrays["probe/3"][0] - target), rel=1e-5)
