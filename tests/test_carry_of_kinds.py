"""What is kept of layers that are not dense when a network changes, judged by the numbers of named channels, units and steps."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch

from dlcore import Experiment, Trainer
from dlcore.component import kinds
from dlcore.layers import Layer, Tokens

DIGITS = {"dataset": {"kind": "digits"}, "batch_size": 50}
RECALL = {"dataset": {"kind": "recall"}, "batch_size": 50}


def conv(channels: int, **more: Any) -> dict[str, Any]:
    return {"kind": "conv2d", "channels": channels, "padding": 1, **more}


FLATTEN, POOL = {"kind": "flatten"}, {"kind": "max_pool"}


def trained(*layers: dict[str, Any], data: dict[str, Any] = DIGITS) -> Trainer:
    trainer = Trainer(Experiment.from_dict({**data, "layers": list(layers)}), "cpu")
    list(islice(trainer.steps(), 10))
    return trainer


def change(trainer: Trainer, *layers: dict[str, Any], data: dict[str, Any] = DIGITS, **origins: Any) -> Any:
    return trainer.change(Experiment.from_dict({**data, "layers": list(layers)}), origins or None)


def tensors(trainer: Trainer) -> dict[str, np.ndarray]:
    return {name: value.detach().numpy().copy() for name, value in trainer.model.state_dict().items()}


def test_channels_keep_their_kernels_when_one_among_them_is_taken_out() -> None:
    trainer = trained(conv(4), POOL, conv(3), FLATTEN)
    before = tensors(trainer)
    change(trainer, conv(3), POOL, conv(3), FLATTEN, layers=[0, 1, 2, 3], units={"0": [0, 2, 3]})
    after = tensors(trainer)
    np.testing.assert_array_equal(after["1.weight"], before["1.weight"][[0, 2, 3]])
    np.testing.assert_array_equal(after["4.weight"], before["4.weight"][:, [0, 2, 3]])
    np.testing.assert_array_equal(after["7.weight"], before["7.weight"])


def test_behind_flatten_each_channel_keeps_the_weights_of_all_its_pixels() -> None:
    trainer = trained(conv(3), FLATTEN)
    before = tensors(trainer)
    change(trainer, conv(3), FLATTEN, layers=[0, 1], units={"0": [2, None, 0]})
    after = tensors(trainer)
    was, now = before["4.weight"].reshape(10, 3, 64), after["4.weight"].reshape(10, 3, 64)
    np.testing.assert_array_equal(now[:, 0], was[:, 2])
    np.testing.assert_array_equal(now[:, 2], was[:, 0])
    assert (
        np.abs(now[:, 1]).max() < 0.15 * np.abs(now[:, 0]).max()
    )  # Of a new channel: small, so that it disturbs little.


def test_a_network_with_a_new_channel_says_nearly_what_it_said() -> None:
    trainer = trained(conv(6), POOL, FLATTEN, {"kind": "dense", "units": 8})
    done = change(trainer, conv(7), POOL, FLATTEN, {"kind": "dense", "units": 8})
    assert done.moved is not None and done.moved.mean < 0.05
    assert done.kept > 0.8 * done.total


def test_another_kernel_starts_anew_and_the_rest_stays() -> None:
    trainer = trained(conv(4), FLATTEN, {"kind": "dense", "units": 8})
    before = tensors(trainer)
    change(
        trainer, {"kind": "conv2d", "channels": 4, "kernel": 5, "padding": 2}, FLATTEN, {"kind": "dense", "units": 8}
    )
    after = tensors(trainer)
    assert after["1.weight"].shape == (4, 1, 5, 5)
    np.testing.assert_array_equal(after["1.bias"], before["1.bias"])
    np.testing.assert_array_equal(after["4.weight"], before["4.weight"])


def test_a_pooling_layer_between_changes_what_pixels_mean_and_nothing_before_it() -> None:
    trainer = trained(conv(4), FLATTEN)
    before = tensors(trainer)
    change(trainer, conv(4), POOL, FLATTEN)
    after = tensors(trainer)
    np.testing.assert_array_equal(after["1.weight"], before["1.weight"])
    assert after["5.weight"].shape == (10, 64)
    assert not np.isin(after["5.weight"], before["4.weight"]).any()


@pytest.mark.parametrize(("kind", "gates"), [("rnn", 1), ("gru", 3), ("lstm", 4)])
def test_units_of_recurrent_layers_keep_every_gate(kind: str, gates: int) -> None:
    embedding = {"kind": "embedding", "dimensions": 5}
    trainer = trained(embedding, {"kind": kind, "units": 4}, data=RECALL)
    before = tensors(trainer)
    change(trainer, embedding, {"kind": kind, "units": 6}, data=RECALL)
    after = tensors(trainer)
    for gate in range(gates):
        np.testing.assert_array_equal(
            after["1.weight_ih_l0"][6 * gate : 6 * gate + 4], before["1.weight_ih_l0"][4 * gate : 4 * gate + 4]
        )
        np.testing.assert_array_equal(
            after["1.weight_hh_l0"][6 * gate : 6 * gate + 4, :4], before["1.weight_hh_l0"][4 * gate : 4 * gate + 4]
        )
        np.testing.assert_array_equal(after["1.bias_hh_l0"][6 * gate :][:4], before["1.bias_hh_l0"][4 * gate :][:4])
    np.testing.assert_array_equal(after["0.weight"], before["0.weight"])
    np.testing.assert_array_equal(after["2.weight"][:, :4], before["2.weight"])


def test_layers_inside_of_others_are_kept_too() -> None:
    block = {"kind": "residual", "layers": [conv(4), {"kind": "batch_norm"}]}
    trainer = trained(conv(4), block, FLATTEN)
    before = tensors(trainer)
    change(trainer, conv(4), block, {"kind": "dropout"}, FLATTEN, layers=[0, 1, None, 2])
    after = tensors(trainer)
    for name in ("1.weight", "3.0.weight", "3.2.weight", "3.2.running_mean"):
        np.testing.assert_array_equal(after[name], before[name])
    np.testing.assert_array_equal(after["6.weight"], before["5.weight"])


@pytest.mark.parametrize("kind", kinds(Layer))
def test_a_change_of_how_it_learns_keeps_every_number_of_every_kind(kind: str) -> None:
    layer = kinds(Layer)[kind]()
    shape = layer.example_shapes[-1]  # type: ignore[attr-defined]
    tokens = isinstance(shape, Tokens)
    first = [] if tokens or len(shape) == 3 else [{"kind": "embedding", "dimensions": 8}]
    if kind == "dense":
        first, data = [], DIGITS
    else:
        data = DIGITS if len(shape) == 3 else RECALL
    trainer = trained(*first, layer.to_dict(), FLATTEN, data=data)
    before = trainer.model.state_dict()
    before = {name: value.clone() for name, value in before.items()}
    done = trainer.change(trainer.experiment.replace(batch_size=20))
    assert done.kept == done.total and not done.reshaped
    assert all(torch.equal(value, before[name]) for name, value in trainer.model.state_dict().items())


def test_shared_parts_of_an_optimizer_s_memory_go_with_their_channels() -> None:
    trainer = trained(conv(3), FLATTEN)
    state = trainer.state()
    change(trainer, conv(2), FLATTEN, layers=[0, 1], units={"0": [1, 2]})
    after = trainer.state()
    memory = next(name for name in state if name.startswith("optimizer/") and name.endswith("/1.weight"))
    np.testing.assert_array_equal(after[memory], state[memory][1:])


def test_a_channel_taken_out_inside_of_a_block_takes_its_own_kernels_along() -> None:
    def block(channels: int) -> dict[str, Any]:
        return {"kind": "residual", "layers": [conv(channels), conv(4)]}

    trainer = trained(conv(4), block(5), FLATTEN)
    before = tensors(trainer)
    change(trainer, conv(4), block(4), FLATTEN, layers=[0, 1, 2], units={"1.0.0": [0, 1, 3, 4]})
    after = tensors(trainer)
    np.testing.assert_array_equal(after["3.0.weight"], before["3.0.weight"][[0, 1, 3, 4]])
    np.testing.assert_array_equal(after["3.2.weight"], before["3.2.weight"][:, [0, 1, 3, 4]])
    np.testing.assert_array_equal(after["5.weight"], before["5.weight"])
