"""Several epochs in one call of the compiled engine: the numbers of one after the other, and a stop wherever one is asked for."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
import torch

from dlcore import Experiment, Problem, Trainer
from dlcore.experiment import MOST_EPOCHS
from dlcore.learning.row_orders import RowOrders
from dlcore.runs.next_moment import BLINK, NextMoment
from dlcore.runs.run import Run

BASE: dict[str, Any] = {
    "dataset": {"kind": "moons", "samples": 90, "noise": 0.2},
    "layers": [{"kind": "dense", "units": 5}, {"kind": "dense", "units": 3}],
    "optimizer": {"kind": "sgd", "learning_rate": 0.05},
    "batch_size": 10,
}
NUMBERS = {"dataset": {"kind": "plane", "samples": 90, "noise": 0.1}, "loss": {"kind": "mse"}}
STEPS_PER_EPOCH = 5


def pair(changes: dict[str, Any] | None = None) -> tuple[Trainer, Trainer]:
    experiment = Experiment.from_dict(BASE | (changes or {}))
    one, other = (Trainer(experiment, "cpu", engine="dense") for _ in range(2))
    assert one.steps_per_epoch == STEPS_PER_EPOCH
    return one, other


def assert_same_state(one: Trainer, other: Trainer) -> None:
    mine, theirs = one.state(), other.state()
    assert mine.keys() == theirs.keys()
    for name, value in mine.items():
        assert np.array_equal(value, theirs[name], equal_nan=True), name
    assert one.scores() == other.scores()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"optimizer": {"kind": "adam"}, "schedule": {"kind": "cosine", "epochs": 50}},
        NUMBERS,
        {"dataset": {"kind": "blobs", "samples": 90, "classes": 4}, "regularizer": {"kind": "l2", "rate": 0.01}},
        {"early_stopping": 3},
        {"restore_best": True},
        {"layers": [*BASE["layers"], {"kind": "dropout", "p": 0.2}]},
        {"early_stopping": 3, "restore_best": True, "optimizer": {"kind": "sgd", "learning_rate": 3.0}},
    ],
    ids=str,
)
def test_many_epochs_at_once_give_the_numbers_of_one_after_the_other(changes: dict[str, Any]) -> None:
    one, many = pair(changes)
    for _ in range(130):
        one.advance()
    while many.finished is None and many.epoch < 130:
        many.advance(epochs=130 - many.epoch)
    assert_same_state(one, many)
    assert one.finished == many.finished
    for trainer in (one, many):  # They go on alike, too, whatever was drawn ahead.
        trainer.advance(3)
        trainer.advance(epochs=4)
    assert_same_state(one, many)


@pytest.mark.parametrize("updates", [1, 4, 5, 7, 23, 25])
def test_it_stops_at_the_very_update(updates: int) -> None:
    one, many = pair()
    for trainer in (one, many):
        trainer.advance(3)
    for _ in range(updates):
        one.advance(1)
    many.advance(updates, epochs=100)
    assert_same_state(one, many)
    assert many.step == 3 + updates


def test_it_stops_at_the_end_of_the_last_epoch_that_was_asked_for() -> None:
    _, many = pair()
    many.advance(epochs=7)
    assert (many.epoch, many.cursor, many.step) == (7, 0, 7 * STEPS_PER_EPOCH)


def test_it_stops_in_time() -> None:
    _, many = pair()
    many.advance(epochs=5)  # From here on it knows how long an epoch takes.
    many.advance(deadline=time.monotonic(), epochs=1000)
    assert many.epoch < 8


def test_it_ends_at_the_limit_of_epochs() -> None:
    _, many = pair()
    many.epoch = MOST_EPOCHS - 7
    many.advance(epochs=100)
    assert (many.epoch, many.step, many.finished) == (MOST_EPOCHS, 7 * STEPS_PER_EPOCH, "epoch_limit")


def test_it_diverges_where_one_epoch_after_the_other_does() -> None:
    changes = {**NUMBERS, "optimizer": {"kind": "sgd", "learning_rate": 2.0}, "layers": []}
    one, many = pair(changes)
    for trainer, epochs in ((one, 1), (many, 50)):
        with pytest.raises(Problem) as told:
            while True:
                trainer.advance(epochs=epochs)
        assert told.value.key == "diverged"
    assert one.epoch > 1
    assert_same_state(one, many)


def test_a_playing_run_goes_no_further_than_its_leash_and_keeps_its_moments() -> None:
    run = Run(Experiment.from_dict(BASE).to_json(), "cpu")
    run.set_speed(None)
    run.set_leash(202)
    run.play()
    while run.due == 0.0:
        run.advance(0.01)
    assert run.learner.step == 202
    kept = run.timeline.table()[:, 1]
    assert kept[0] == 0 and np.all(np.diff(kept) >= 1)
    assert len(run.learner.history) == 41


# Orders of the rows


def test_orders_drawn_ahead_are_those_of_one_generator_that_draws_one_an_epoch() -> None:
    rows, chance = 30, np.random.default_rng(0)
    orders = RowOrders(torch.Generator().manual_seed(5), rows)
    plain = torch.Generator().manual_seed(5)
    expected = torch.randperm(rows, generator=plain).numpy()
    for _ in range(300):
        assert np.array_equal(orders.present, expected)
        assert np.array_equal(orders.state(), plain.get_state().numpy())
        epochs = 1
        if chance.random() < 0.5:
            ahead = orders.look_ahead(int(chance.integers(1, 20)))
            epochs = int(chance.integers(0, len(ahead) + 1))
            assert np.array_equal(ahead[0], expected)
        orders.move(epochs)
        for number in range(epochs):
            expected = torch.randperm(rows, generator=plain).numpy()
            if epochs > 1 and number + 1 < epochs:
                assert np.array_equal(ahead[number + 1], expected)


def test_looking_ahead_in_a_fork_leaves_the_others_as_they_are() -> None:
    orders = RowOrders(torch.Generator().manual_seed(5), 30)
    orders.look_ahead(10)
    before = orders.state()
    fork = orders.fork(20)
    fork.look_ahead(10)
    fork.move(7)
    assert np.array_equal(orders.state(), before)
    plain = torch.Generator().manual_seed(5)
    torch.randperm(30, generator=plain)
    assert np.array_equal(orders.fork(20).present, torch.randperm(20, generator=plain).numpy())


# Moments of a run whose epochs are shorter than a blink


def test_moments_of_a_fast_run_lie_a_blink_apart_and_those_of_a_slow_one_an_epoch() -> None:
    now = 100.0
    due = NextMoment(lambda: now)
    for seconds_an_epoch, epochs in ((0.0001, 20_000), (0.002, 1000), (0.2, 10)):
        due.note_kept(0, 1)
        kept = [now]
        calls = epoch = 0
        while epoch < epochs:
            calls += 1
            now += (due.epoch - epoch) * seconds_an_epoch
            epoch = due.epoch
            if due.is_due(epoch):
                due.note_kept(epoch, epoch + 1)
                kept.append(now)
        gaps = np.diff(kept)
        assert gaps.min() >= max(BLINK, seconds_an_epoch) - 1e-9
        assert gaps.max() <= max(1.2 * BLINK, seconds_an_epoch) + 1e-9
        assert calls < 15 * len(kept)  # Many epochs at once in between.


def test_moments_stay_as_far_apart_as_the_time_line_wants() -> None:
    due = NextMoment(lambda: 5.0)
    due.note_kept(40, 48)
    assert not due.is_due(47)
    assert due.epoch == 48
