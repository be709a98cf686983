"""The compiled engine of convolution networks does what the autograd engine does: 200 steps of each, over all that a stack may hold."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from dlcore import Experiment, Problem, Trainer
from dlcore.activations import Activation
from dlcore.component import kinds
from dlcore.datasets.tabular import Digits
from dlcore.engines import compiled, convolving
from dlcore.optimizers import Optimizer
from dlcore.regularizers import Regularizer
from tests.test_dense import CLOSE, check_same, train_both

CONVOLUTION = {"kind": "conv2d", "channels": 5, "kernel": 3}
MAXIMUM = {"kind": "max_pool", "size": 2}
AVERAGE = {"kind": "average_pool", "size": 2}
GLOBAL = {"kind": "global_average_pool"}
FLATTEN = {"kind": "flatten"}
DENSE = {"kind": "dense", "units": 7, "activation": {"kind": "relu"}}
# Without the kinks of ReLU and of maxima, where a last digit decides on which side a value falls.
BENT = {"activation": {"kind": "tanh"}}
SMOOTH = [CONVOLUTION | {"padding": 1} | BENT, AVERAGE, CONVOLUTION | {"channels": 6} | BENT, FLATTEN]
BASE: dict[str, Any] = {
    "dataset": {"kind": "digits"},
    "layers": SMOOTH,
    "optimizer": {"kind": "sgd", "learning_rate": 0.02},
    "batch_size": 10,
}


def pair(recipe: dict[str, Any]) -> tuple[Trainer, Trainer]:
    experiment = Experiment.from_dict(BASE | recipe)
    return Trainer(experiment, "cpu", engine="autograd"), Trainer(experiment, "cpu", engine="dense")


def check(recipe: dict[str, Any], close: float = CLOSE) -> None:
    slow, fast = pair(recipe)
    train_both(slow, fast)
    assert (slow.engine_name, fast.engine_name) == ("autograd", "dense")
    check_same(slow, fast, close)


STACKS: dict[str, list[dict[str, Any]]] = {
    "one convolution": [CONVOLUTION, FLATTEN],
    "two, with maxima": [CONVOLUTION | {"padding": 1}, MAXIMUM, CONVOLUTION | {"channels": 6}, FLATTEN],
    "five by five": [CONVOLUTION | {"kernel": 5, "padding": 2}, CONVOLUTION | {"kernel": 5}, FLATTEN],
    "even window": [CONVOLUTION | {"kernel": 2}, CONVOLUTION | {"kernel": 4, "padding": 1}, FLATTEN],
    "one by one": [CONVOLUTION | {"kernel": 1}, CONVOLUTION | {"kernel": 1, "channels": 1}, FLATTEN],
    "more padding than window": [CONVOLUTION, CONVOLUTION | {"kernel": 2, "padding": 3}, FLATTEN],
    "strides": [CONVOLUTION | {"stride": 2, "padding": 1}, CONVOLUTION | {"stride": 2, "kernel": 2}, FLATTEN],
    "strides that leave pixels out": [CONVOLUTION | {"kernel": 2}, CONVOLUTION | {"stride": 3, "kernel": 2}, FLATTEN],
    "wide strides, narrow windows": [CONVOLUTION, CONVOLUTION | {"stride": 4, "kernel": 1, "padding": 1}, FLATTEN],
    "pooling of odd maps": [CONVOLUTION | {"kernel": 2}, MAXIMUM, CONVOLUTION | {"kernel": 2}, FLATTEN],
    "averages of odd maps": [CONVOLUTION | {"kernel": 2}, AVERAGE | {"size": 3}, FLATTEN, DENSE],
    "pooled inputs": [MAXIMUM, CONVOLUTION, FLATTEN],
    "nothing but pooled inputs": [AVERAGE, FLATTEN],
    "pooled to one number": [CONVOLUTION, CONVOLUTION | {"channels": 9}, GLOBAL],
    "both pools, dense layers": [CONVOLUTION, MAXIMUM, AVERAGE, FLATTEN, DENSE, DENSE],
    "dropout": [CONVOLUTION, {"kind": "dropout", "p": 0.2}, MAXIMUM, FLATTEN, {"kind": "dropout", "p": 0.5}, DENSE],
    "dropped inputs": [{"kind": "dropout", "p": 0.3}, CONVOLUTION, FLATTEN, {"kind": "dropout", "p": 0}, DENSE],
    "deep": [CONVOLUTION | {"padding": 1, "channels": 4}] * 4 + [GLOBAL, DENSE],
}


@pytest.mark.parametrize("stack", STACKS)
def test_every_kind_of_stack(stack: str) -> None:
    check({"layers": STACKS[stack]})


@pytest.mark.parametrize("kind", kinds(Activation))
def test_every_activation(kind: str) -> None:
    bend = {"activation": {"kind": kind}}
    check({"layers": [CONVOLUTION | bend, AVERAGE, CONVOLUTION | bend | {"channels": 3, "kernel": 2}, FLATTEN]})


@pytest.mark.parametrize("kind", kinds(Optimizer))
def test_every_optimizer(kind: str) -> None:
    check({"optimizer": {"kind": kind, "learning_rate": 0.002}}, close=2 * CLOSE)


@pytest.mark.parametrize("kind", kinds(Regularizer))
def test_every_regularizer_with_clipping(kind: str) -> None:
    check({"regularizer": {"kind": kind, **({} if kind == "none" else {"rate": 0.01})}, "gradient_clip": 0.5})


@pytest.mark.parametrize("batch", [1, 16, 17, 50])
def test_every_size_of_batch(batch: int) -> None:
    check({"batch_size": batch, "layers": SMOOTH})


def test_dropout_of_batches_that_go_through_in_lots() -> None:
    check({"batch_size": 37, "layers": STACKS["dropout"]})


@pytest.mark.parametrize("loss", ["mse", "huber", "hinge"])
def test_losses_of_classes(loss: str) -> None:
    try:
        Experiment.from_dict(BASE | {"loss": {"kind": loss}})
    except Problem:
        return
    check({"loss": {"kind": loss}})


def test_class_weights_count() -> None:
    check({"class_weights": "balanced", "batch_size": 20})


def test_the_first_of_equals_gets_the_slope() -> None:
    """Weights of 0 make all of a window equal; units that are off are equal too."""
    slow, fast = pair(
        {"layers": [CONVOLUTION | {"activation": {"kind": "relu"}}, MAXIMUM | {"size": 3}, FLATTEN, DENSE]}
    )
    for trainer in (slow, fast):
        with torch.no_grad():
            trainer.engine.flat[:20] = 0
            trainer.engine.flat[45:47] = 0.5  # biases
            trainer.engine.previous.copy_(trainer.engine.flat)
    train_both(slow, fast)
    check_same(slow, fast)


@pytest.mark.parametrize("shape", [(2, 5, 9), (3, 11, 4)])
@pytest.mark.parametrize(
    "layers",
    [
        [CONVOLUTION | {"padding": 2}, MAXIMUM, CONVOLUTION | {"kernel": 2, "stride": 2, "padding": 1}, GLOBAL],
        [AVERAGE, CONVOLUTION | {"kernel": 2}, FLATTEN, DENSE],
    ],
    ids=["strided", "pooled first"],
)
def test_pictures_of_any_shape(monkeypatch: pytest.MonkeyPatch, shape: tuple[int, int, int], layers: list[Any]) -> None:
    """Other pictures than any data set's: the rows of digits, read as shorter or longer ones."""
    size = math.prod(shape)
    data = Trainer(Experiment.from_dict(BASE), "cpu").data
    monkeypatch.setattr(Digits, "shape", shape)
    monkeypatch.setattr(Experiment, "num_inputs", size)
    long = {
        name: replace(split, X=np.ascontiguousarray(np.tile(split.X, 4)[:, :size]))
        for name, split in (("train", data.train), ("watched", data.watched))
    }
    data = replace(data, **long)
    experiment = Experiment.from_dict(BASE | {"layers": layers})
    slow, fast = (Trainer(experiment, "cpu", data, engine=engine) for engine in ("autograd", "dense"))
    train_both(slow, fast)
    check_same(slow, fast)


def test_frozen_weights_stay_so() -> None:
    slow, fast = pair({"optimizer": {"kind": "adam", "learning_rate": 0.002}, "regularizer": {"kind": "l2"}})
    for trainer in (slow, fast):
        trainer.engine.frozen = torch.arange(trainer.engine.flat.numel()) % 3 == 0
        trainer.note_touch("frozen", ("1.weight",))
    before = slow.engine.flat.detach().clone()
    train_both(slow, fast)
    check_same(slow, fast, 2 * CLOSE)
    frozen = fast.engine.frozen
    assert frozen is not None
    assert torch.equal(fast.engine.flat.detach()[frozen], before[frozen])


def test_runs_with_silenced_units_are_autograds() -> None:
    _, fast = pair({})
    fast.advance(3)
    fast.silenced = {"0": torch.arange(5) == 1}
    fast.advance(3)
    assert (fast.step, fast.engine_name) == (6, "autograd")
    fast.silenced = None
    fast.advance(3)
    assert (fast.step, fast.engine_name) == (9, "dense")


def test_a_loss_that_is_not_finite_stops_both_at_the_same_step() -> None:
    straight = {"activation": {"kind": "linear"}}
    layers = [CONVOLUTION | straight, AVERAGE, CONVOLUTION | straight | {"kernel": 2}, FLATTEN, DENSE | straight]
    slow, fast = pair({"optimizer": {"kind": "sgd", "learning_rate": 50.0}, "batch_size": 20, "layers": layers})
    for trainer in (slow, fast):
        with pytest.raises(Problem) as told:
            trainer.advance(epochs=3)
        assert told.value.key == "diverged"
        assert torch.isfinite(trainer.engine.flat).all()
    assert slow.step == fast.step


def test_the_same_seed_gives_the_same_numbers_however_it_is_sliced() -> None:
    experiment = Experiment.from_dict(BASE | {"layers": STACKS["dropout"], "batch_size": 20})
    whole, pieces = (Trainer(experiment, "cpu", engine="dense") for _ in range(2))
    while whole.step < 203:
        whole.advance(203 - whole.step)
    while pieces.step < 203:
        pieces.advance(min(1 + pieces.step % 5, 203 - pieces.step))
    assert torch.equal(whole.engine.flat, pieces.engine.flat)
    assert np.array_equal(whole.history.rows(), pieces.history.rows())


def test_a_run_changes_engine_between_any_two_steps() -> None:
    recipe = BASE | {"optimizer": {"kind": "adam"}, "layers": STACKS["dropout"]}
    slow, mixed = (Trainer(Experiment.from_dict(recipe), "cpu", engine="autograd") for _ in range(2))
    for round_ in range(6):
        mixed.supervised._choice = ("autograd", "dense")[round_ % 2]
        train_both(slow, mixed, 20)
        assert mixed.engine_name == mixed.supervised._choice
    check_same(slow, mixed, 2 * CLOSE)


def test_whole_epochs_at_once_and_their_scores() -> None:
    slow, fast = pair({"batch_size": 50})
    while slow.epoch < 4:
        slow.advance()
    fast.advance(epochs=4)
    assert fast.epoch == 4
    check_same(slow, fast)


def test_branches_and_sequences_are_not_for_it() -> None:
    kernels = compiled.kernels(patient=True, package=compiled.CONVOLVING)
    assert kernels is not None
    inside = [{"kind": "residual", "layers": [CONVOLUTION | {"padding": 1, "channels": 1}]}, FLATTEN]
    for layers in (inside, [{"kind": "batch_norm"}, *SMOOTH], [DENSE]):
        assert not convolving.fits(kernels, Experiment.from_dict(BASE | {"layers": layers}))
    assert convolving.fits(kernels, Experiment.from_dict(BASE))


def test_what_torch_does_quicker_is_left_to_it() -> None:
    def taken(**recipe: Any) -> bool:
        return convolving.is_quicker(Experiment.from_dict(BASE | recipe))

    wide = [CONVOLUTION | {"channels": 64}, CONVOLUTION | {"channels": 64}, FLATTEN]
    assert taken()
    assert taken(batch_size=64)
    assert not taken(layers=wide)
    assert not taken(layers=[CONVOLUTION | {"activation": {"kind": "mish"}}, FLATTEN])
    assert not taken(layers=[CONVOLUTION, FLATTEN, DENSE | {"units": 512}, DENSE | {"units": 512}], batch_size=64)
    trainer = Trainer(Experiment.from_dict(BASE | {"layers": wide}), "cpu")
    trainer.advance(2)
    assert trainer.engine_name == "autograd"
