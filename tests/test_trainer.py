"""The trainer against plain torch, numerical gradients and what the recipe promises.  B rows, D inputs, K outputs."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import dlcore.learning.trainer
from dlcore import Experiment, Problem, Trainer
from dlcore.learning.learner import Diverged
from dlcore.network import build_model
from dlcore.randomness import derived_seed
from dlcore.rows import prepare

STEPS = 50
CLOSE = 5e-6  # Processors add up in other orders; RMSprop divides by what is small.

OPTIMIZERS: dict[str, tuple[dict[str, Any], Any]] = {
    "sgd": ({"kind": "sgd", "learning_rate": 0.03}, lambda p: torch.optim.SGD(p, lr=0.03)),
    "momentum": (
        {"kind": "sgd", "learning_rate": 0.03, "momentum": 0.9},
        lambda p: torch.optim.SGD(p, lr=0.03, momentum=0.9),
    ),
    "nesterov": (
        {"kind": "sgd", "learning_rate": 0.03, "momentum": 0.8, "nesterov": True},
        lambda p: torch.optim.SGD(p, lr=0.03, momentum=0.8, nesterov=True),
    ),
    "rmsprop": ({"kind": "rmsprop", "alpha": 0.95}, lambda p: torch.optim.RMSprop(p, lr=0.01, alpha=0.95)),
    "adam": ({"kind": "adam", "beta1": 0.8}, lambda p: torch.optim.Adam(p, lr=0.01, betas=(0.8, 0.999))),
    "adamw": (
        {"kind": "adamw", "weight_decay": 0.1},
        lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1),
    ),
    "adagrad": ({"kind": "adagrad", "learning_rate": 0.05}, lambda p: torch.optim.Adagrad(p, lr=0.05)),
}


def _plus_minus(y: torch.Tensor) -> torch.Tensor:
    return (2.0 * y - 1).unsqueeze(1)


def _one_against_rest(y: torch.Tensor) -> torch.Tensor:
    return torch.eye(3)[y] * 2 - 1


BLOBS = {"kind": "blobs", "classes": 3, "samples": 90}
XOR = {"kind": "xor", "samples": 90}
WAVE = {"kind": "sine", "samples": 90}
# name: (data set, loss, the plain torch loss of (outputs, y))
LOSSES: dict[str, tuple[dict[str, Any], dict[str, Any], Any]] = {
    "cross_entropy-2": (
        XOR,
        {"kind": "cross_entropy"},
        lambda o, y: nn.BCEWithLogitsLoss()(o.squeeze(1), y.to(o.dtype)),
    ),
    "cross_entropy-3": (BLOBS, {"kind": "cross_entropy"}, lambda o, y: nn.CrossEntropyLoss()(o, y)),
    "hinge": (XOR, {"kind": "hinge"}, lambda o, y: torch.relu(1 - _plus_minus(y) * o).mean()),
    "mse-2": (XOR, {"kind": "mse"}, lambda o, y: nn.MSELoss()(o.tanh(), _plus_minus(y))),
    "mse-3": (BLOBS, {"kind": "mse"}, lambda o, y: nn.MSELoss()(o.tanh(), _one_against_rest(y))),
    "mse-number": (WAVE, {"kind": "mse"}, lambda o, y: nn.MSELoss()(o, y.float().unsqueeze(1))),
    "mae-2": (XOR, {"kind": "mae"}, lambda o, y: nn.L1Loss()(o.tanh(), _plus_minus(y))),
    "mae-number": (WAVE, {"kind": "mae"}, lambda o, y: nn.L1Loss()(o, y.float().unsqueeze(1))),
    "huber-3": (
        BLOBS,
        {"kind": "huber", "delta": 0.5},
        lambda o, y: nn.HuberLoss(delta=0.5)(o.tanh(), _one_against_rest(y)),
    ),
    "huber-number": (
        WAVE,
        {"kind": "huber", "delta": 0.5},
        lambda o, y: nn.HuberLoss(delta=0.5)(o, y.float().unsqueeze(1)),
    ),
}
REGULARIZERS: dict[str, tuple[dict[str, Any], Any]] = {
    "none": ({"kind": "none"}, None),
    "l1": ({"kind": "l1", "rate": 0.01}, lambda w: 0.01 * w.abs().sum()),
    "l2": ({"kind": "l2", "rate": 0.02}, lambda w: 0.02 / 2 * (w**2).sum()),
}


def plain_torch(
    experiment: Experiment, make_optimizer: Any, loss_of: Any, penalty: Any = None, factor: Any = None, clip: float = 0
) -> nn.Sequential:
    """The judge: STEPS updates as everybody writes them, with the initial weights and batch order that the recipe promises."""
    data = prepare(experiment)
    X_ND, y_N = torch.from_numpy(data.train.X), torch.from_numpy(data.train.target)
    model = build_model(experiment)
    optimizer = make_optimizer(model.parameters())
    base_rate = optimizer.param_groups[0]["lr"]
    order_generator = torch.Generator().manual_seed(derived_seed(experiment.seed, "order"))
    taken = epoch = 0
    while True:
        order = torch.randperm(len(X_ND), generator=order_generator)
        for start in range(0, len(order), experiment.batch_size):
            if factor is not None:
                optimizer.param_groups[0]["lr"] = base_rate * factor(epoch + start / len(order))
            rows = order[start : start + experiment.batch_size]
            optimizer.zero_grad()
            loss = loss_of(model(X_ND[rows]), y_N[rows])
            if penalty is not None:
                loss = loss + sum(penalty(module.weight) for module in model if isinstance(module, nn.Linear))
            loss.backward()
            if clip:
                nn.utils.clip_grad_norm_(model.parameters(), clip)
            optimizer.step()
            taken += 1
            if taken == STEPS:
                return model
        epoch += 1


def recipe(loss: str = "cross_entropy-2", optimizer: str = "adam", **more: Any) -> Experiment:
    """A small network on the data of a case of LOSSES; the last batch of an epoch is smaller than the others."""
    dataset, described, _ = LOSSES[loss]
    layers = [{"kind": "dense", "units": 5}, {"kind": "dense", "units": 3, "activation": {"kind": "silu"}}]
    values = {
        "dataset": dataset,
        "loss": described,
        "layers": layers,
        "optimizer": OPTIMIZERS[optimizer][0],
        "batch_size": 7,
    }
    return Experiment.from_dict(values | more)


def after_steps(experiment: Experiment, count: int = STEPS, engine: str = "auto") -> Trainer:
    trainer = Trainer(experiment, "cpu", engine=engine)
    for _ in islice(trainer.steps(), count):
        pass
    return trainer


def difference(one: nn.Module, other: nn.Module) -> float:
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    return max((a.detach() - b.detach()).abs().max().item() for a, b in pairs)


def weights_of(trainer: Trainer) -> list[torch.Tensor]:
    return [parameter.detach().clone() for parameter in trainer.model.parameters()]


def same(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


# Equal to plain torch


@pytest.mark.parametrize("regularizer", REGULARIZERS)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_trainer_equals_plain_torch(optimizer: str, loss: str, regularizer: str) -> None:
    described, penalty = REGULARIZERS[regularizer]
    experiment = recipe(loss, optimizer, regularizer=described)
    expected = plain_torch(experiment, OPTIMIZERS[optimizer][1], LOSSES[loss][2], penalty)
    assert difference(after_steps(experiment).model, expected) < CLOSE


SCHEDULES: dict[str, tuple[dict[str, Any], Any]] = {
    "step": ({"kind": "step", "every": 2, "decay": 0.3}, lambda t: 0.3 ** (t // 2)),
    "cosine": (
        {"kind": "cosine", "epochs": 5, "floor": 0.1},
        lambda t: 0.1 + 0.9 * (1 + math.cos(math.pi * min(t / 5, 1))) / 2,
    ),
    "warm_up": ({"kind": "warm_up", "epochs": 3, "start": 0.2}, lambda t: 0.2 + 0.8 * min(t / 3, 1)),
}


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_schedule_equals_plain_torch(optimizer: str, schedule: str) -> None:
    described, factor = SCHEDULES[schedule]
    experiment = recipe(optimizer=optimizer, schedule=described)
    expected = plain_torch(experiment, OPTIMIZERS[optimizer][1], LOSSES["cross_entropy-2"][2], factor=factor)
    assert difference(after_steps(experiment).model, expected) < CLOSE


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_clipped_gradient_equals_plain_torch(optimizer: str) -> None:
    described, penalty = REGULARIZERS["l2"]
    experiment = recipe(optimizer=optimizer, regularizer=described, gradient_clip=0.05)
    expected = plain_torch(experiment, OPTIMIZERS[optimizer][1], LOSSES["cross_entropy-2"][2], penalty, clip=0.05)
    assert difference(after_steps(experiment).model, expected) < CLOSE


@pytest.mark.parametrize("batch_size", [1, 45])
def test_stochastic_and_full_batches_equal_plain_torch(batch_size: int) -> None:
    experiment = recipe(batch_size=batch_size)
    expected = plain_torch(experiment, OPTIMIZERS["adam"][1], LOSSES["cross_entropy-2"][2])
    assert difference(after_steps(experiment).model, expected) < CLOSE


def test_scores_are_those_of_plain_torch() -> None:
    for name in LOSSES:
        trainer = after_steps(recipe(name), 20)
        scores = trainer.scores().to_dict()
        for split, rows in (("train", trainer.data.train), ("test", trainer.data.watched)):
            with torch.no_grad():
                outputs = trainer.model(torch.from_numpy(rows.X))
            y = torch.from_numpy(rows.target)
            assert scores[split]["loss"] == pytest.approx(LOSSES[name][2](outputs, y).item(), rel=1e-5)
            if trainer.experiment.metric == "accuracy":
                claimed = outputs.argmax(1) if outputs.shape[1] > 1 else (outputs.squeeze(1) > 0).long()
                assert scores[split]["accuracy"] == pytest.approx((claimed == y).double().mean().item())


@pytest.mark.parametrize("regularizer", REGULARIZERS)
@pytest.mark.parametrize("loss", LOSSES)
def test_a_step_goes_along_the_numerical_gradient(loss: str, regularizer: str) -> None:
    # With plain descent at rate 1 the step is minus the gradient; the judge is a central difference in double precision.
    described, penalty = REGULARIZERS[regularizer]
    experiment = recipe(loss, "sgd", regularizer=described, batch_size=45)
    experiment = experiment.replace(optimizer=experiment.optimizer.replace(learning_rate=1.0))
    trainer = Trainer(experiment, "cpu")
    model = build_model(experiment).double()
    X_ND, y_N = torch.from_numpy(trainer.data.train.X).double(), torch.from_numpy(trainer.data.train.target)
    before = torch.cat([parameter.detach().reshape(-1) for parameter in model.parameters()])
    next(trainer.steps())
    after = torch.cat([parameter.detach().reshape(-1) for parameter in trainer.model.parameters()]).double()

    def price(flat: torch.Tensor) -> float:
        torch.nn.utils.vector_to_parameters(flat, model.parameters())
        with torch.no_grad():
            total = LOSSES[loss][2](model(X_ND), y_N).item()
            if penalty is not None:
                total += sum(penalty(module.weight).item() for module in model if isinstance(module, nn.Linear))
        return total

    h = 1e-5
    gradient = torch.zeros_like(before)
    for index in range(len(before)):
        aside = torch.zeros_like(before)
        aside[index] = h
        gradient[index] = (price(before + aside) - price(before - aside)) / (2 * h)
    torch.testing.assert_close(before - after, gradient, atol=2e-5, rtol=1e-4)


# Seeds, order, reset


def test_a_batch_size_changes_neither_weights_nor_data_nor_order() -> None:
    small, large = Trainer(recipe(batch_size=3), "cpu"), Trainer(recipe(batch_size=45), "cpu")
    assert same(weights_of(small), weights_of(large))
    assert np.array_equal(small.data.train.X, large.data.train.X)
    assert torch.equal(small.order, large.order)
    for trainer in (small, large):
        for _ in islice(trainer.steps(), trainer.steps_per_epoch):
            pass
        assert (trainer.epoch, trainer.progress) == (1, 1)
    assert torch.equal(small.order, large.order)


def test_another_seed_changes_weights_data_and_order() -> None:
    one, other = Trainer(recipe(seed=1), "cpu"), Trainer(recipe(seed=2), "cpu")
    assert not same(weights_of(one), weights_of(other))
    assert not np.array_equal(one.data.train.X, other.data.train.X)
    assert not torch.equal(one.order, other.order)


def test_an_epoch_takes_every_row_once() -> None:
    trainer = Trainer(recipe(batch_size=7), "cpu")
    assert sorted(trainer.order.tolist()) == list(range(45))
    losses = [step.epoch for step in islice(trainer.steps(), 2 * 7)]
    assert losses == [0] * 7 + [1] * 7
    assert (trainer.step, trainer.epoch, trainer.steps_per_epoch) == (14, 2, 7)


def test_a_trainer_leaves_the_ambient_generators_alone() -> None:
    torch_before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()
    experiment = recipe(layers=[{"kind": "dense"}, {"kind": "dropout", "p": 0.5}])
    after_steps(experiment, 10)
    assert torch.equal(torch.get_rng_state(), torch_before)
    assert np.array_equal(np.random.get_state()[1], numpy_before)


def test_reset_gives_the_very_same_weights_and_the_same_run() -> None:
    experiment = recipe(layers=[{"kind": "dense"}, {"kind": "dropout", "p": 0.3}])
    trainer = Trainer(experiment, "cpu")
    first = weights_of(trainer)
    for _ in islice(trainer.steps(), 20):
        pass
    then, history = weights_of(trainer), trainer.history.rows()
    trainer.reset()
    assert same(weights_of(trainer), first)
    assert (trainer.step, trainer.epoch, len(trainer.history)) == (0, 0, 1)
    for _ in islice(trainer.steps(), 20):
        pass
    assert same(weights_of(trainer), then)
    assert np.array_equal(trainer.history.rows(), history)


def test_history_has_a_row_an_epoch_and_one_before_the_first_step() -> None:
    trainer = after_steps(recipe(), 3 * 7 + 2)
    assert trainer.history.column("epoch").tolist() == [0, 1, 2, 3]
    assert trainer.history.column("step").tolist() == [0, 7, 14, 21]
    lines = trainer.history.to_csv().splitlines()
    assert lines[0] == "epoch,step,train_loss,test_loss,train_accuracy,test_accuracy"
    assert [float(cell) for cell in lines[-1].split(",")] == trainer.history.rows()[-1].tolist()


def test_dropout_drops_its_share_while_training_only() -> None:
    experiment = recipe(layers=[{"kind": "dense", "units": 512}, {"kind": "dropout", "p": 0.25}])
    model = build_model(experiment)
    X = torch.zeros(40, 2) + 1.5
    kept = model[:3](X)
    whole = model[:2](X)
    assert (kept == 0).double().mean().item() == pytest.approx(0.25, abs=0.02)
    torch.testing.assert_close(kept[kept != 0], (whole / 0.75)[kept != 0])
    model.eval()
    assert torch.equal(model[:3](X), whole)


def test_dropout_is_off_where_numbers_are_reported() -> None:
    trainer = after_steps(recipe(layers=[{"kind": "dense"}, {"kind": "dropout", "p": 0.9}]), 5)
    model = build_model(trainer.experiment)
    model.load_state_dict(trainer.snapshot().weights)
    model.eval()
    with torch.no_grad():
        outputs = model(torch.from_numpy(trainer.data.watched.X))
    y = torch.from_numpy(trainer.data.watched.target)
    assert trainer.scores().watched["loss"] == pytest.approx(LOSSES["cross_entropy-2"][2](outputs, y).item(), rel=1e-5)


def test_a_judgement_that_fails_does_not_leave_dropout_off() -> None:
    experiment = Experiment.from_dict({"layers": [{"kind": "dense", "units": 6}, {"kind": "dropout", "p": 0.5}]})
    failed, undisturbed = (Trainer(experiment, "cpu", engine="autograd") for _ in range(2))
    rows = failed.data.watched
    too_wide = replace(rows, X=np.concatenate([rows.X, rows.X], axis=1))
    with pytest.raises(RuntimeError):
        failed.scores_of(too_wide)
    assert failed.model.training
    for trainer in (failed, undisturbed):
        for _ in islice(trainer.steps(), 30):
            pass
    assert torch.equal(failed.engine.flat, undisturbed.engine.flat)


def test_a_move_that_fails_leaves_the_run_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    moved, undisturbed = (Trainer(Experiment(), "cpu", engine="autograd") for _ in range(2))
    with monkeypatch.context() as patched, pytest.raises(RuntimeError):
        patched.setattr(
            dlcore.learning.trainer, "choose_device", lambda name: "meta"
        )  # On which nothing can be computed.
        moved.move("gpu")
    assert moved.device == "cpu"
    for trainer in (moved, undisturbed):
        for _ in islice(trainer.steps(), 30):
            pass
    assert torch.equal(moved.engine.flat, undisturbed.engine.flat)
    assert moved.scores() == undisturbed.scores()


def test_weights_can_be_loaded_and_nothing_else_is_kept() -> None:
    source = after_steps(recipe(), 30)
    weights = {name: value.numpy() for name, value in source.snapshot().weights.items()}
    trainer = after_steps(recipe(), 3)
    trainer.load_weights(weights, step=30, epoch=4)
    assert same(weights_of(trainer), weights_of(source))
    assert (trainer.step, trainer.epoch, len(trainer.history)) == (30, 4, 1)
    assert trainer.scores() == source.scores()
    next(trainer.steps())
    assert source.snapshot().weights["0.weight"].numpy() == pytest.approx(weights["0.weight"])


# Changes while it runs


def test_a_new_learning_rate_keeps_weights_momentum_and_time() -> None:
    loss_of = LOSSES["cross_entropy-2"][2]
    experiment = recipe(optimizer="momentum")
    trainer = after_steps(experiment, 20)
    before = weights_of(trainer)
    slower = experiment.replace(optimizer=experiment.optimizer.replace(learning_rate=0.003))
    trainer.change(slower)
    assert same(weights_of(trainer), before)
    assert trainer.step == 20
    assert trainer.learning_rate == 0.003
    for _ in islice(trainer.steps(), STEPS - 20):
        pass

    def rate_at(progress: float) -> float:
        return 1.0 if round(progress * 45) < 2 * 45 + 6 * 7 else 0.1  # step 20 is the seventh batch of the third epoch

    expected = plain_torch(experiment, OPTIMIZERS["momentum"][1], loss_of, factor=rate_at)
    assert difference(trainer.model, expected) < CLOSE


def test_learning_settings_are_taken_over_live() -> None:
    trainer = after_steps(recipe(), 10)
    for changes in (
        {"optimizer": {"kind": "sgd", "momentum": 0.5}},
        {"optimizer": {"kind": "adagrad"}},
        {"regularizer": {"kind": "l1"}},
        {"schedule": {"kind": "cosine"}},
        {"gradient_clip": 0.1},
        {"batch_size": 45},
        {"batch_size": 1},
        {"loss": {"kind": "hinge"}},
        {"loss": {"kind": "mse"}},
    ):
        step = trainer.step
        before = weights_of(trainer)
        experiment = trainer.experiment.replace(**changes)
        trainer.change(experiment)
        assert trainer.experiment == experiment
        assert same(weights_of(trainer), before)
        for _ in islice(trainer.steps(), 5):
            pass
        assert trainer.step == step + 5
        assert not same(weights_of(trainer), before)


def test_a_new_batch_size_still_takes_every_row_once() -> None:
    trainer = Trainer(recipe(batch_size=7), "cpu")
    for _ in islice(trainer.steps(), 3):
        pass
    assert trainer.cursor == 21
    trainer.change(trainer.experiment.replace(batch_size=20))
    cursors = []
    while trainer.epoch == 0:
        next(trainer.steps())
        cursors.append(trainer.cursor)
    assert cursors == [41, 0]


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("dataset", {"dataset": {"kind": "circle", "samples": 90}}),
        ("seed", {"seed": 9}),
    ],
)
def test_what_needs_a_fresh_start_says_so_and_changes_nothing(field: str, changes: dict[str, Any]) -> None:
    trainer = after_steps(recipe(), 5)
    before, experiment = weights_of(trainer), trainer.experiment
    with pytest.raises(Problem) as refused:
        trainer.change(experiment.replace(**changes))
    assert refused.value.to_dict() == {"key": "needs_fresh_start", "values": {"path": field}}
    assert trainer.experiment is experiment
    assert same(weights_of(trainer), before)


# How it ends


def test_early_stopping_fires_after_the_patience_it_was_given() -> None:
    overfitting = recipe(dataset={"kind": "xor", "samples": 40, "noise": 0.5}, early_stopping=5)
    trainer = Trainer(overfitting, "cpu")
    for _ in islice(trainer.steps(), 20_000):
        pass
    assert trainer.finished == "early_stopped"
    losses = trainer.history.column("test_loss")
    best = int(losses[1:].argmin()) + 1
    assert trainer.epoch == len(losses) - 1 == best + 5
    assert list(trainer.steps()) == []
    trainer.change(overfitting.replace(early_stopping=0))
    assert trainer.finished is None
    next(trainer.steps())


def test_it_ends_at_the_limit_of_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dlcore.learning.trainer, "MOST_EPOCHS", 3)
    trainer = Trainer(recipe(), "cpu")
    assert len(list(trainer.steps())) == 3 * 7
    assert trainer.finished == "epoch_limit"


def diverging(**more: Any) -> Trainer:
    values = {
        "dataset": {"kind": "plane", "samples": 40},
        "layers": [{"kind": "dense", "units": 8, "activation": {"kind": "linear"}}],
        "loss": {"kind": "mse"},
        "optimizer": {"kind": "sgd", "learning_rate": 90},
        "batch_size": 5,
    }
    return Trainer(Experiment.from_dict(values | more), "cpu")


def test_a_loss_that_is_not_finite_stops_the_run_at_the_last_finite_weights() -> None:
    trainer = diverging()
    taken = []
    with pytest.raises(Diverged) as stopped:
        for step in islice(trainer.steps(), 1000):
            taken.append(step)
    assert stopped.value.key == "diverged"
    assert stopped.value.values["step"] == trainer.step + 1 == len(taken) + 1
    assert stopped.value.values["loss"] in ("nan", "inf")
    assert "90" not in str(stopped.value)  # Nobody has tried whether the learning rate is the cause.
    assert all(weight.isfinite().all() for weight in weights_of(trainer))
    assert all(math.isfinite(step.loss) for step in taken)


@pytest.mark.parametrize("momentum", [0, 0.9])
def test_after_a_divergence_a_sane_rate_and_a_reset_learn_again(momentum: float) -> None:
    trainer = diverging(optimizer={"kind": "sgd", "learning_rate": 90, "momentum": momentum})
    with pytest.raises(Diverged):
        for _ in islice(trainer.steps(), 300):
            pass
    trainer.change(trainer.experiment.replace(optimizer={"kind": "sgd", "learning_rate": 0.001, "momentum": momentum}))
    trainer.reset()
    for _ in islice(trainer.steps(), 200):
        pass
    assert trainer.scores().train["r2"] > 0.9


# Devices


def test_a_gpu_out_of_memory_goes_on_on_the_cpu_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        dlcore.learning.trainer, "device_name", lambda device: "Some GPU" if device == "cuda" else "CPU"
    )
    expected = after_steps(recipe(), 20, "autograd")
    trainer = after_steps(recipe(), 10, "autograd")
    # Its tensors lie on the CPU: what matters is what the trainer does when the step fails.
    trainer.supervised.device = "cuda"
    steps = type(trainer.engine).step
    failures = iter([True])

    def fails_once(engine: Any, *arguments: Any) -> float:
        if next(failures, False):
            raise torch.OutOfMemoryError("CUDA out of memory")
        return steps(engine, *arguments)

    monkeypatch.setattr(type(trainer.engine), "step", fails_once)
    taken = [step.step for step in islice(trainer.steps(), 10)]
    assert taken == list(range(11, 21))
    assert trainer.device == "cpu"
    assert [notice.key for notice in trainer.notices] == ["gpu_memory"]
    assert "Some GPU" in str(trainer.notices[0])
    assert same(weights_of(trainer), weights_of(expected))
    assert np.array_equal(trainer.history.rows(), expected.history.rows())


def test_a_cpu_out_of_memory_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = Trainer(recipe(), "cpu", engine="autograd")

    def fails(*arguments: Any) -> float:
        raise torch.OutOfMemoryError("no memory")

    monkeypatch.setattr(type(trainer.engine), "step", fails)
    with pytest.raises(torch.OutOfMemoryError):
        next(trainer.steps())
    assert trainer.notices == []


def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(Problem, match="tpu"):
        Trainer(recipe(), "tpu")
    if not torch.cuda.is_available():
        with pytest.raises(Problem, match="cuda"):
            Trainer(recipe(), "cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_gpu_takes_the_same_way_as_the_cpu(optimizer: str) -> None:
    trainer = Trainer(recipe(optimizer=optimizer), "cuda")
    for _ in islice(trainer.steps(), 20):
        pass
    weights = trainer.snapshot().weights
    expected = after_steps(recipe(optimizer=optimizer), 20).snapshot().weights
    for name, value in expected.items():
        torch.testing.assert_close(weights[name], value, atol=1e-4, rtol=1e-4)
    trainer.move("cpu")
    next(trainer.steps())
