"""The compiled engine does what the autograd engine does: 200 steps of each, over everything that a recipe may hold."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from dlcore import Experiment, Problem, Trainer
from dlcore.activations import Activation
from dlcore.component import kinds
from dlcore.datasets import Dataset
from dlcore.engines import compiled, dense
from dlcore.losses import Loss
from dlcore.optimizers import Optimizer
from dlcore.regularizers import Regularizer
from dlcore.schedules import Schedule
from tests.layers_on import layers_on
from tests.patience import PATIENCE

STEPS = 200
CLOSE = 1e-5

NETWORK = [{"kind": "dense", "units": 5}, {"kind": "dense", "units": 3}]
BASE: dict[str, Any] = {
    "dataset": {"kind": "moons", "samples": 90, "noise": 0.2},
    "layers": NETWORK,
    "optimizer": {"kind": "sgd", "learning_rate": 0.05},
    "batch_size": 10,
}
NUMBERS = {"kind": "plane", "samples": 90, "noise": 0.1}
CLASSES = {"kind": "blobs", "samples": 90, "classes": 4}


def pair(recipe: dict[str, Any]) -> tuple[Trainer, Trainer]:
    experiment = Experiment.from_dict(BASE | recipe)
    return Trainer(experiment, "cpu", engine="autograd"), Trainer(experiment, "cpu", engine="dense")


def difference(one: torch.Tensor, other: torch.Tensor) -> float:
    """Largest difference, relative to the largest value of the tensor."""
    if not one.numel():
        return 0.0
    return ((one - other).abs().max() / one.abs().max().clamp(min=1e-3)).item()


def check_same(slow: Trainer, fast: Trainer, close: float = CLOSE) -> None:
    assert (slow.step, slow.epoch, slow.cursor, slow.finished) == (fast.step, fast.epoch, fast.cursor, fast.finished)
    for name, value in slow.model.state_dict().items():
        assert difference(value, fast.model.state_dict()[name]) <= close, name
    assert difference(slow.engine.gradient(), fast.engine.gradient()) <= 10 * close
    assert slow.engine.memory.keys() == fast.engine.memory.keys()
    for name, value in slow.engine.memory.items():
        assert difference(value, fast.engine.memory[name]) <= 10 * close, name
    np.testing.assert_allclose(slow.history.rows(), fast.history.rows(), rtol=1e-4, atol=1e-5)


def train_both(slow: Trainer, fast: Trainer, steps: int = STEPS) -> None:
    for _ in range(steps):
        next(slow.steps())
    end = fast.step + steps
    while fast.step < end:
        fast.advance(end - fast.step)


def check(recipe: dict[str, Any], close: float = CLOSE) -> None:
    slow, fast = pair(recipe)
    train_both(slow, fast)
    assert (slow.engine_name, fast.engine_name) == ("autograd", "dense")
    check_same(slow, fast, close)


@pytest.mark.parametrize("kind", kinds(Activation))
def test_every_activation(kind: str) -> None:
    check({"layers": [{"kind": "dense", "units": 5, "activation": {"kind": kind}}, {"kind": "dense", "units": 4}]})


@pytest.mark.parametrize("parameters", [{"kind": "leaky_relu", "slope": 0.3}, {"kind": "elu", "alpha": 2.5}])
def test_an_activations_own_number_counts(parameters: dict[str, Any]) -> None:
    check({"layers": [{"kind": "dense", "units": 6, "activation": parameters}]})


@pytest.mark.parametrize("kind", kinds(Optimizer))
@pytest.mark.parametrize("dataset", [BASE["dataset"], CLASSES], ids=["two classes", "four classes"])
def test_every_optimizer(kind: str, dataset: dict[str, Any]) -> None:
    check({"optimizer": {"kind": kind, "learning_rate": 0.01}, "dataset": dataset})


@pytest.mark.parametrize(
    "optimizer",
    [
        {"kind": "sgd", "momentum": 0.9},
        {"kind": "sgd", "momentum": 0.8, "nesterov": True},
        {"kind": "rmsprop", "alpha": 0.5},
        {"kind": "adam", "beta1": 0.5, "beta2": 0.9},
        {"kind": "adamw", "weight_decay": 0.3},
    ],
    ids=lambda optimizer: "-".join(map(str, optimizer.values())),
)
def test_every_number_of_an_optimizer(optimizer: dict[str, Any]) -> None:
    check({"optimizer": {"learning_rate": 0.01, **optimizer}})


LOSSES = [(kind, data) for kind in kinds(Loss) for data in (BASE["dataset"], CLASSES, NUMBERS)]


@pytest.mark.parametrize(
    ("kind", "dataset"), LOSSES, ids=lambda value: value if isinstance(value, str) else value["kind"]
)
def test_every_loss_on_every_task(kind: str, dataset: dict[str, Any]) -> None:
    try:
        Experiment.from_dict(BASE | {"loss": {"kind": kind}, "dataset": dataset})
    except Problem as problem:
        assert problem.key in ("loss_needs_classes", "loss_needs_two_classes")
        return
    check({"loss": {"kind": kind}, "dataset": dataset})


def test_hubers_delta_counts() -> None:
    check({"loss": {"kind": "huber", "delta": 0.2}, "dataset": NUMBERS})


@pytest.mark.parametrize("kind", kinds(Regularizer))
@pytest.mark.parametrize("clip", [0.0, 0.05])
def test_every_regularizer_with_and_without_clipping(kind: str, clip: float) -> None:
    rate = {} if kind == "none" else {"rate": 0.02}
    check({"regularizer": {"kind": kind, **rate}, "gradient_clip": clip})


@pytest.mark.parametrize("kind", kinds(Schedule))
def test_every_schedule(kind: str) -> None:
    every = {"every": 3} if kind == "step" else {}
    check({"schedule": {"kind": kind, **every}})


@pytest.mark.parametrize(
    "layers",
    [
        [],
        [{"kind": "dropout", "p": 0.2}],
        [{"kind": "dense", "units": 6}, {"kind": "dropout", "p": 0.5}, {"kind": "dense", "units": 3}],
        [{"kind": "dropout", "p": 0.1}, {"kind": "dense", "units": 6}, {"kind": "dropout", "p": 0.4}, {"kind": "dropout", "p": 0.3}],
        [{"kind": "dense", "units": 6, "activation": {"kind": "gelu"}}, {"kind": "dropout", "p": 0}, {"kind": "dense", "units": 2}],
        [{"kind": "dense", "units": 3}] * 8,
        [{"kind": "dense", "units": 200, "activation": {"kind": "relu"}}, {"kind": "dense", "units": 100}],
    ],
    ids=["none", "inputs dropped", "dropped between", "dropped twice", "dropped never", "deep", "wide, by BLAS"],
)  # fmt: skip
def test_every_kind_of_stack(layers: list[dict[str, Any]]) -> None:
    check({"layers": layers, "optimizer": {"kind": "sgd", "learning_rate": 0.02}})


@pytest.mark.parametrize("batch", [1, 7, 8, 45])
@pytest.mark.parametrize("dropped", [False, True])
def test_every_size_of_batch(batch: int, dropped: bool) -> None:
    check({"batch_size": batch, "layers": [*NETWORK[:1], {"kind": "dropout", "p": 0.3 * dropped}, *NETWORK[1:]]})


@pytest.mark.parametrize("kind", [kind for kind in kinds(Dataset) if not layers_on(kind)])
def test_every_data_set(kind: str) -> None:
    recipe = {"dataset": {"kind": kind}, "optimizer": {"kind": "adam", "learning_rate": 0.01}}
    if kinds(Dataset)[kind]().inputs > 100:  # type: ignore[attr-defined]
        # Most pixels are dark in most rows: Adam divides their tiny gradients by their size, and so takes rounding for a direction.
        recipe["optimizer"] = {"kind": "sgd", "learning_rate": 0.05}
    try:
        Experiment.from_dict(BASE | recipe)
    except Problem:
        recipe["loss"] = {"kind": "mse"}
    check(recipe, close=10 * CLOSE)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_what_is_frozen_or_silenced_stays_so(optimizer: str) -> None:
    trainers = pair({"optimizer": {"kind": optimizer}, "gradient_clip": 0.1, "regularizer": {"kind": "l2"}})
    for trainer in trainers:
        trainer.engine.frozen = torch.arange(trainer.engine.flat.numel()) % 3 == 0
        trainer.silenced = {"0": torch.arange(5) == 1, "1": torch.arange(3) == 2}
        trainer.note_touch("frozen", ("0.weight",))
    before = trainers[0].engine.flat.detach().clone()
    train_both(*trainers)
    check_same(*trainers)
    frozen = trainers[1].engine.frozen
    assert torch.equal(trainers[1].engine.flat.detach()[frozen], before[frozen])
    assert not torch.equal(trainers[1].engine.flat.detach(), before)


def test_the_same_seed_gives_the_same_numbers_however_it_is_sliced() -> None:
    experiment = Experiment.from_dict(BASE | {"layers": [*NETWORK, {"kind": "dropout", "p": 0.2}]})
    whole, pieces, single = (Trainer(experiment, "cpu", engine="dense") for _ in range(3))
    while whole.step < 203:
        whole.advance(203 - whole.step)
    while pieces.step < 203:
        pieces.advance(min(1 + pieces.step % 5, 203 - pieces.step))
    for _ in islice(single.steps(), 203):
        pass
    for other in (pieces, single):
        assert torch.equal(whole.engine.flat, other.engine.flat)
        assert np.array_equal(whole.history.rows(), other.history.rows())


def test_a_run_changes_engine_between_any_two_steps() -> None:
    recipe = BASE | {"optimizer": {"kind": "adam"}, "layers": [*NETWORK, {"kind": "dropout", "p": 0.2}]}
    slow = Trainer(Experiment.from_dict(recipe), "cpu", engine="autograd")
    mixed = Trainer(Experiment.from_dict(recipe), "cpu", engine="autograd")
    for round_ in range(10):
        mixed._choice = ("autograd", "dense")[round_ % 2]
        train_both(slow, mixed, 20)
    check_same(slow, mixed)


def test_the_torch_module_is_current_after_every_slice() -> None:
    _, fast = pair({})
    fast.advance(13)
    by_torch, _ = fast.supervised.judge()
    train = by_torch[: len(fast.data.train.X)].mean().item()
    assert fast.scores().train["loss"] == pytest.approx(train, rel=1e-6)


def test_changes_made_while_it_runs_reach_the_kernel() -> None:
    slow, fast = pair({})
    edits: list[dict[str, Any]] = [
        {"optimizer": {"kind": "adam", "learning_rate": 0.02}},
        {"regularizer": {"kind": "l1", "rate": 0.01}},
        {"loss": {"kind": "mse"}},
        {"batch_size": 3},
        {"layers": [{"kind": "dense", "units": 7, "activation": {"kind": "relu"}}, *NETWORK[1:]]},
        {"features": ["x1", "x2", "x1_x2"]},
    ]
    recipe = dict(BASE)
    for edit in edits:
        recipe |= edit
        slow.restore(fast.state())  # Same bits in both: new weights are drawn with a seed made of the old ones' bits.
        for trainer in (slow, fast):
            trainer.change(Experiment.from_dict(recipe))
        train_both(slow, fast, 30)
        assert fast.engine_name == "dense"
        check_same(slow, fast)


def test_a_loss_that_is_not_finite_stops_both_at_the_same_weights() -> None:
    slow, fast = pair(
        {"dataset": NUMBERS, "loss": {"kind": "mse"}, "optimizer": {"kind": "sgd", "learning_rate": 90.0}, "layers": []}
    )
    for trainer in (slow, fast):
        with pytest.raises(Problem) as told:
            while True:
                trainer.advance()
        assert told.value.key == "diverged"
        assert torch.isfinite(trainer.engine.flat).all()
    assert slow.step == fast.step


def test_a_slice_ends_in_time_and_at_the_end_of_the_epoch() -> None:
    _, fast = pair({"batch_size": 1})
    fast.advance()
    assert (fast.epoch, fast.cursor, fast.step) == (1, 0, 45)
    fast.advance(deadline=time.monotonic())
    assert fast.step < 90


def test_the_dense_engine_is_refused_where_it_does_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dense, "_REMEMBERED", {})
    monkeypatch.setattr(compiled.kernels(True).numerics, "OPTIMIZERS", ("sgd",))
    experiment = Experiment.from_dict(BASE | {"optimizer": {"kind": "adam"}})
    with pytest.raises(Problem, match="dense"):
        Trainer(experiment, "cpu", engine="dense")
    trainer = Trainer(experiment, "cpu")
    trainer.advance(3)
    assert (trainer.step, trainer.engine_name) == (3, "autograd")


# Loading


def started(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder)}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=PATIENCE
    )


def bring_all_but_the_pictures(folder: Path) -> None:
    """What this machine has compiled, as if the last module were still to come: all of them take it half a minute."""
    compiled_here = compiled.code_folder()
    assert compiled_here is not None
    left_out = shutil.ignore_patterns(compiled.COMPLETE, "pictures.*")
    shutil.copytree(compiled_here, folder / compiled_here.name, ignore=left_out)


def test_nobody_waits_for_the_first_compilation(tmp_path: Path) -> None:
    bring_all_but_the_pictures(tmp_path)
    code = """
from dlcore import Experiment, Trainer
from dlcore.engines import compiled
trainer = Trainer(Experiment(), "cpu")
trainer.advance(5)
first = trainer.engine_name
compiled.kernels(patient=True)
trainer.advance(5)
print(first, trainer.engine_name, trainer.step, compiled.begin().compiles)
"""
    assert started(tmp_path, code).stdout.split() == ["autograd", "dense", "10", "True"]
    assert list(tmp_path.rglob("pictures.*.nbc"))
    code = "from dlcore.engines import compiled; print(compiled.begin().compiles, compiled.kernels() is not None)"
    assert started(tmp_path, code).stdout.split() == ["False", "True"]


def test_without_a_place_for_its_code_the_autograd_engine_does_it_all(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)  # A folder into which anybody may write code is not used.
    code = "from dlcore import *; t = Trainer(Experiment(), 'cpu'); t.advance(3); print(t.engine_name, t.step)"
    assert started(tmp_path, code).stdout.split() == ["autograd", "3"]
