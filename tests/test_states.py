"""Named tensors, buffers and their types among them, survive whatever a run goes through."""

from __future__ import annotations

import copy
import json
from itertools import islice
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

from dlcore import Experiment, Trainer
from dlcore.arrays import from_bytes
from dlcore.checkpoint import open_checkpoint, predict, save_checkpoint
from dlcore.frame import decode_frame
from dlcore.learning.replay import Replay
from dlcore.pictures.contents import snapshot_at
from dlcore.problems import Problem
from dlcore.runs.luggage import pack_run, unpack_run
from dlcore.runs.run import Run
from dlcore.stages import tensors_of

DENSE = {"kind": "dense", "units": 4}
RECIPE: dict[str, Any] = {
    "layers": [DENSE, {"kind": "batch_norm"}, {"kind": "dropout", "p": 0.1}, {"kind": "dense", "units": 3}],
    "optimizer": {"kind": "adam", "learning_rate": 0.03},
}
BUFFERS = {"2.running_mean": torch.float32, "2.running_var": torch.float32, "2.num_batches_tracked": torch.int64}


def trained(steps: int = 60, **changes: Any) -> Trainer:
    trainer = Trainer(Experiment.from_dict({**RECIPE, **changes}), "cpu")
    list(islice(trainer.steps(), steps))
    return trainer


def run_of(steps: int = 60, **changes: Any) -> Run:
    run = Run(json.dumps({**RECIPE, **changes}), "cpu")
    for _ in range(steps):
        run.step()
    return run


def tensors(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in trainer.model.state_dict().items()}


def assert_same(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    assert list(found) == list(expected)
    for name, value in expected.items():
        assert found[name].dtype == value.dtype, name
        assert torch.equal(found[name], value), name


def go_on_alike(one: Trainer, other: Trainer) -> None:
    assert_same(tensors(one), tensors(other))
    list(islice(one.steps(), 70))
    list(islice(other.steps(), 70))
    assert_same(tensors(one), tensors(other))
    assert one.scores() == other.scores()


def test_it_learns_as_in_plain_torch_and_is_judged_by_its_running_numbers() -> None:
    trainer = trained(0, layers=[DENSE, {"kind": "batch_norm"}])
    model, X = copy.deepcopy(trainer.model), torch.from_numpy(trainer.data.train.X)
    y = torch.from_numpy(trainer.data.train.y).float()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    for batch in trainer.order[: 5 * 10].split(10):
        optimizer.zero_grad()
        nn.functional.binary_cross_entropy_with_logits(model(X[batch])[:, 0], y[batch]).backward()
        optimizer.step()
    trainer.scores()
    list(islice(trainer.steps(), 5))
    for name, value in tensors(trainer).items():
        torch.testing.assert_close(value, model.state_dict()[name], rtol=1e-3, atol=1e-5)
    assert trainer.model.state_dict()["2.num_batches_tracked"] == 5
    judge = copy.deepcopy(trainer.model).eval()
    loss = nn.functional.binary_cross_entropy_with_logits(judge(X)[:, 0], y)
    assert trainer.scores().train["loss"] == pytest.approx(loss.item(), abs=1e-6)
    assert trainer.model.training


def test_a_state_brings_all_tensors_by_name_and_another_trainer_goes_on_from_it() -> None:
    trainer, again = trained(), trained(0)
    state = trainer.state()
    for name, dtype in BUFFERS.items():
        assert state[f"tensors/{name}"].dtype == str(dtype).removeprefix("torch.")
    again.restore(state)
    go_on_alike(trainer, again)
    assert state["tensors/2.num_batches_tracked"] == 60, "a state does not move"


def test_a_lost_workers_run_goes_on_from_what_was_kept() -> None:
    run, again = run_of(), run_of(0)
    header, kept = run.kept()
    assert set(BUFFERS) <= {name.removeprefix("tensors/") for name in from_bytes(kept)}
    again.restore(kept, header["status"], header["speed"])
    go_on_alike(run.learner, again.learner)


def test_a_run_that_moves_takes_it_along_with_its_time_line() -> None:
    run, there = run_of(), run_of(0)
    header, luggage = pack_run(run, gently=False)
    unpack_run(there, json.loads(json.dumps(header)), luggage)
    for mine, theirs in zip(run.timeline.moments, there.timeline.moments, strict=True):
        assert_same(
            snapshot_at(theirs, tensors_of(theirs.recipe)).weights, snapshot_at(mine, tensors_of(mine.recipe)).weights
        )
    go_on_alike(run.learner, there.learner)


def test_a_rewound_run_and_a_fork_stand_where_it_stood() -> None:
    run, straight = run_of(50), run_of(50)
    header, state = run.fork(None)
    for _ in range(30):
        run.step()
    moment = next(moment for moment in run.timeline.moments if moment.step == 50)
    assert snapshot_at(moment, tensors_of(moment.recipe)).weights["2.num_batches_tracked"] == 50
    run.rewind(moment.id)
    fork = Run(header["recipe"], "cpu")
    fork.restore(state, "paused", None)
    go_on_alike(run.learner, straight.learner)
    list(islice(fork.learner.steps(), 70))
    assert_same(tensors(fork.learner), tensors(straight.learner))


def test_a_kept_moment_is_drawn_by_its_own_numbers() -> None:
    run = run_of(20)
    moment = run.timeline.moments[-1]
    _, then = decode_frame(run.frame(None, None, 0))
    for _ in range(30):
        run.step()
    _, now = decode_frame(run.frame(None, None, 0))
    _, again = decode_frame(run.frame(None, None, 0, None, {"moment": moment.id}))
    assert np.array_equal(again["output"], then["output"])
    assert not np.array_equal(now["output"], then["output"])


def test_a_checkpoint_holds_it_and_plain_torch_reads_it() -> None:
    trainer = trained()
    data = save_checkpoint(trainer.snapshot(), trainer.data)
    plain = safetensors.torch.load(data)
    assert_same({name: plain[name] for name in tensors(trainer)}, tensors(trainer))
    checkpoint = open_checkpoint(data)
    judge = copy.deepcopy(trainer.model).eval()
    expected = judge(torch.from_numpy(trainer.data.watched.X))[:, 0].sigmoid().detach().numpy()
    np.testing.assert_allclose(predict(checkpoint, trainer.data.watched.raw)[:, 1], expected, atol=1e-6)
    again = trained(0)
    again.load_weights(checkpoint.weights, checkpoint.step, checkpoint.epoch)
    assert_same(tensors(again), tensors(trainer))


def test_a_checkpoint_with_another_type_or_numbers_that_are_none_is_refused() -> None:
    trainer = trained()
    data = save_checkpoint(trainer.snapshot(), trainer.data)
    with pytest.raises(Problem) as other_type:
        open_checkpoint(data.replace(b'"dtype":"I64"', b'"dtype":"F64"'))
    assert (other_type.value.key, other_type.value.values["name"]) == ("checkpoint_shapes", "2.num_batches_tracked")
    snapshot = trainer.snapshot()
    snapshot.weights["2.running_var"][1] = float("nan")
    with pytest.raises(Problem) as no_number:
        open_checkpoint(save_checkpoint(snapshot, trainer.data))
    assert (no_number.value.key, no_number.value.values["name"]) == ("checkpoint_not_finite", "2.running_var")


def test_a_loss_that_is_no_number_takes_the_running_numbers_back_too() -> None:
    trainer = trained(20)
    before = {name: trainer.model.state_dict()[name].clone() for name in BUFFERS}
    with torch.no_grad():
        trainer.engine.flat[0] = float("nan")
    with pytest.raises(Problem, match="no longer a finite number at step 21"):
        next(trainer.steps())
    assert_same({name: trainer.model.state_dict()[name] for name in BUFFERS}, before)


def test_a_change_elsewhere_keeps_it_and_a_change_before_it_keeps_what_is_of_the_same_units() -> None:
    trainer = trained()
    norm, count = tensors(trainer)["2.weight"], trainer.experiment.num_parameters
    wider = Experiment.from_dict({**RECIPE, "layers": [*RECIPE["layers"][:3], {"kind": "dense", "units": 5}]})
    change = trainer.change(wider)
    assert change.reshaped
    assert change.kept == count
    assert trainer.model.state_dict()["2.num_batches_tracked"] == 60
    assert torch.equal(trainer.model.state_dict()["2.weight"], norm)
    list(islice(trainer.steps(), 5))
    other = wider.replace(layers=(wider.layers[0].replace(units=6), *wider.layers[1:]))
    before = tensors(trainer)
    trainer.change(other)
    after = trainer.model.state_dict()
    assert after["2.num_batches_tracked"] == 65
    for name in ("2.weight", "2.running_mean", "2.running_var"):
        assert torch.equal(after[name][:4], before[name]), name
    assert after["2.running_mean"][4:].tolist() == [0, 0] and after["2.running_var"][4:].tolist() == [1, 1]
    list(islice(trainer.steps(), 5))
    taken_out = other.replace(layers=(other.layers[0], *other.layers[2:]))
    assert trainer.change(taken_out).kept == taken_out.num_parameters


def test_a_state_that_an_earlier_version_has_kept_is_read() -> None:
    recipe = {"layers": [DENSE, {"kind": "dropout", "p": 0.1}, DENSE]}
    trainer, again = trained(**recipe), trained(0, **recipe)
    trainer.engine.frozen = torch.arange(len(trainer.engine.flat)) % 3 == 0
    trainer.silenced = {"2": torch.tensor([False, True, False, False])}
    list(islice(trainer.steps(), 3))
    state, engine = trainer.state(), trainer.engine
    old = {name: values for name, values in state.items() if "/" not in name}
    old |= {
        "flat": engine.flat.detach().numpy().copy(),
        "previous": engine.previous.numpy().copy(),
        "gradient": engine.gradient().numpy(),
        "frozen": engine.frozen.numpy(),
        "silenced": np.array([False] * 5 + [True] + [False] * 2),
        "optimizer.mean": engine.memory["mean"].numpy().copy(),
        "optimizer.square": engine.memory["square"].numpy().copy(),
        "optimizer.step": engine.memory["step"].numpy().copy(),
    }
    again.restore(old)
    assert again.state().keys() == state.keys()
    assert all(np.array_equal(again.state()[name], values) for name, values in state.items())
    go_on_alike(trainer, again)


def test_weights_for_plain_torch_go_around_silenced_units_or_are_refused() -> None:
    trainer = trained()
    trainer.silenced = {"3": torch.tensor([True, False, False])}
    plain = copy.deepcopy(trainer.model).eval()
    judge = Trainer(trainer.experiment, "cpu")
    judge.load_weights({name: value.numpy() for name, value in trainer.snapshot().plain_weights.items()})
    X = torch.from_numpy(trainer.data.train.X)
    torch.testing.assert_close(judge.model.eval()(X), plain(X))
    # The layer behind this unit turns its 0 into another number.
    trainer.silenced = {"0": torch.tensor([True, False, False, False])}
    with pytest.raises(Problem) as refused:
        save_checkpoint(trainer.snapshot(), trainer.data)
    assert refused.value.key == "silenced_behind"


def assert_replayed(trainer: Trainer) -> None:
    """What the journal tells gives this very run: weights, buffers, optimizer, history and journal."""
    recipe = Experiment.from_json(trainer.recipe_with_journal.to_json())
    replay = Replay(recipe, "cpu")
    while replay.trainer.step < trainer.step:
        replay.advance(trainer.step - replay.trainer.step)
    assert replay.inexact_from is None
    found, expected = replay.trainer.state(), trainer.state()
    assert set(found) == set(expected)
    assert [name for name in found if not np.array_equal(found[name], expected[name], equal_nan=True)] == []


def test_a_network_with_buffers_that_was_edited_before_its_first_step_is_replayed() -> None:
    trainer = trained(0)
    trainer.model.get_buffer("2.running_mean").fill_(0.25)  # Set from outside, as training would not have left it.
    trainer.change(Experiment.from_dict({**RECIPE, "layers": [*RECIPE["layers"], {"kind": "dense", "units": 2}]}))
    (entry,) = trainer.recipe_with_journal.to_dict()["journal"]
    assert entry["buffers"] == {"2.running_mean": [0.25] * 4, "2.running_var": [1.0] * 4, "2.num_batches_tracked": 0}
    list(islice(trainer.steps(), 30))
    assert_replayed(trainer)


def test_a_run_with_buffers_that_went_on_from_a_file_is_replayed_from_there() -> None:
    first = trained(40)
    run = run_of(0)
    run.load(save_checkpoint(first.snapshot(), first.data))
    trainer = run.learner
    (entry,) = trainer.recipe_with_journal.to_dict()["journal"]
    assert entry["loaded"] and entry["buffers"]["2.num_batches_tracked"] == 40
    list(islice(trainer.steps(), 30))
    assert_replayed(trainer)


def test_a_file_that_misses_a_buffer_is_one_sentence() -> None:
    weights = {name: value.tolist() for name, value in trained(0).model.named_parameters()}
    journal = [
        {"step": 0, "set": {"batch_size": 10}},
        {"step": 0, "loaded": True, "weights": weights, "buffers": {"2.running_mean": [0.5] * 4}},
    ]
    with pytest.raises(Problem) as refused:
        Replay(Experiment.from_dict({**RECIPE, "journal": journal}), "cpu")
    assert "journal.1.buffers: expected all weights of the network, but '2.num_batches_tracked'" in str(refused.value)


def test_what_no_journal_can_hold_is_left_out_of_it() -> None:
    trainer = trained(0)
    trainer.model.get_buffer("2.running_var")[1] = torch.inf
    trainer.change(Experiment.from_dict({**RECIPE, "layers": [*RECIPE["layers"], {"kind": "dense", "units": 2}]}))
    assert trainer.recipe_with_journal.to_dict()["journal"] == [{"step": 0, "left_out": 1}]


def test_buffers_of_a_journal_that_are_not_those_of_the_network_are_one_sentence() -> None:
    def refusal(buffers: dict[str, Any]) -> str:
        with pytest.raises(Problem) as refused:
            Replay(Experiment.from_dict({**RECIPE, "journal": [{"step": 0, "buffers": buffers}]}), "cpu")
        return str(refused.value)

    assert "journal.0.buffers.1.running_mean: unknown key" in refusal({"1.running_mean": [0.5] * 4})
    assert "journal.0.buffers.2.running_mean: expected 4 values, but got 1" in refusal({"2.running_mean": [0.5]})
