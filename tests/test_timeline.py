"""The timeline: what is kept, how much, and that a run goes on from a kept moment as if nothing had come between."""

from __future__ import annotations

import json
import time
from typing import Any

import numpy as np
import pytest

from dlcore import Experiment, Trainer
from dlcore.frame import decode_frame
from dlcore.learning.timeline import MOST_BYTES, MOST_MOMENTS, Timeline
from dlcore.problems import Problem
from dlcore.runs.run import Run

LAYERS = [{"kind": "dense", "units": 8}, {"kind": "dropout", "p": 0.2}, {"kind": "dense", "units": 8}]
RECIPE = {"layers": LAYERS, "batch_size": 50}


def recipe(**changes: Any) -> str:
    return json.dumps({**RECIPE, **changes})


@pytest.fixture
def run() -> Run:
    return Run(recipe(), "cpu")


def train(run: Run, epochs: int = 0, steps: int = 0) -> None:
    for _ in range(epochs):
        run.epoch()
        while run.finishing_epoch:
            run.advance(0.01)
    for _ in range(steps):
        run.step()


def picture(
    run: Run, header: dict[str, Any] | None = None, **wants: Any
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    held = header or {"version": None, "structure": None, "moments_version": None}
    return decode_frame(run.frame(held["version"], held["structure"], 0, held["moments_version"], wants))


def ids(run: Run) -> list[int]:
    return [int(identifier) for identifier in picture(run)[1]["moments"][:, 0]]


def newest(run: Run) -> int:
    return ids(run)[-1]


def assert_same_state(run: Run, other: Run) -> None:
    one, two = run.learner.state(), other.learner.state()
    assert one.keys() == two.keys()
    for name, value in one.items():
        assert np.array_equal(value, two[name]), name


class Clockwork:
    """A trainer whose epochs cost nothing, for a timeline of very many."""

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer

    def to(self, epoch: int) -> Trainer:
        self.trainer.epoch = epoch
        self.trainer.step = epoch * self.trainer.steps_per_epoch
        return self.trainer


# What is kept


def test_a_run_keeps_its_start_every_epoch_and_where_it_was_told_to_stand(run: Run) -> None:
    train(run, epochs=3, steps=2)
    moments = picture(run)[1]["moments"]
    assert moments.dtype == np.float64
    assert moments[:, 1].tolist() == pytest.approx([0, 1, 2, 3, 3 + 50 / 250, 3 + 100 / 250])
    assert moments[-1, 2] == run.learner.scores().watched["loss"]
    assert (np.diff(moments[:, 0]) > 0).all()


def test_a_pause_is_kept_once(run: Run) -> None:
    run.play()
    run.advance(0.001)
    run.pause()
    count = len(run.timeline)
    run.pause()
    assert len(run.timeline) == count


def test_moments_travel_only_when_they_have_changed(run: Run) -> None:
    header, arrays = picture(run)
    assert "moments" in arrays
    assert "moments" not in picture(run, header)[1]
    run.step()
    assert "moments" in picture(run, header)[1]


def test_ten_thousand_epochs_stay_within_the_limits_and_are_spaced_ever_wider() -> None:
    trainer = Trainer(Experiment.from_dict(RECIPE), "cpu")
    clock, timeline = Clockwork(trainer), Timeline()
    widest = 0
    for epoch in range(10_001):
        if epoch >= timeline.next_epoch:
            timeline.keep(clock.to(epoch), 1)
            assert len(timeline) <= MOST_MOMENTS
            assert timeline.nbytes <= MOST_BYTES
            epochs = timeline.table()[:, 1]
            spacing = int(np.diff(epochs).max()) if len(epochs) > 1 else 0
            assert spacing >= widest or spacing == 0
            widest = max(widest, spacing)
            assert (epochs[0], epochs[-1]) == (0, epoch)
    assert 100 <= len(timeline) <= MOST_MOMENTS
    assert 32 <= widest <= 64


def test_a_large_network_keeps_fewer_moments_in_as_much_room() -> None:
    layers = [{"kind": "dense", "units": 200}, {"kind": "dense", "units": 200}]
    trainer = Trainer(Experiment.from_dict({**RECIPE, "layers": layers}), "cpu")
    next(trainer.steps())
    clock, timeline = Clockwork(trainer), Timeline()
    for epoch in range(200):
        if epoch >= timeline.next_epoch:
            timeline.keep(clock.to(epoch), 1)
            assert timeline.nbytes <= MOST_BYTES
    assert 2 <= len(timeline) <= 12
    assert timeline.find(1) is not None


def test_a_network_too_large_for_two_moments_has_none() -> None:
    layers = [{"kind": "dense", "units": 512}] * 7
    run = Run(recipe(layers=layers), "cpu")
    assert picture(run)[1]["moments"].shape == (0, 4)
    run.step()
    assert len(run.timeline) == 0


def test_a_drag_leaves_one_moment(run: Run) -> None:
    run.step()
    count = len(run.timeline)
    for value in np.linspace(0, 1, 50):
        where = {"structure": run.structure, "address": "0", "unit": 0, "input": 0, "value": float(value)}
        run.intervene("set", where)
    assert len(run.timeline) == count + 1
    _, arrays = picture(run, moment=newest(run))
    assert arrays["weight/0"][0, 0] == 1.0
    run.rewind(ids(run)[-2])
    assert not run.learner.journal


def test_a_moment_holds_neither_data_nor_history(run: Run) -> None:
    train(run, epochs=2)
    moment = run.timeline.moment(newest(run))
    assert "history" not in moment.state
    assert moment.nbytes < 16_000


def test_reset_and_a_fresh_start_begin_a_new_timeline(run: Run) -> None:
    train(run, epochs=2)
    old = ids(run)
    run.reset()
    assert len(ids(run)) == 1
    assert not set(ids(run)) & set(old)
    train(run, epochs=1)
    run.change(recipe(seed=1))
    assert len(ids(run)) == 1


# Looking back


def test_a_moment_shows_the_network_as_it_was(run: Run) -> None:
    train(run, epochs=2, steps=1)
    seen, arrays = picture(run, gradients=True, histograms=True, probe={"split": "test", "row": 3})
    moment = newest(run)
    train(run, epochs=2)
    live, _ = picture(run)
    header, past = picture(run, seen, moment=moment, gradients=True, histograms=True, probe={"split": "test", "row": 3})
    for name in ("step", "epoch", "progress", "losses", "metrics", "histograms", "probe", "structure", "learning_rate"):
        assert header[name] == seen[name], name
    assert header["moment"] == {"id": moment, "step": 11, "epoch": 2, "progress": seen["progress"]}
    assert header["live"] == {"step": live["step"], "epoch": live["epoch"]}
    assert (header["status"], header["version"]) == ("paused", live["version"])
    assert "layout" not in header
    for name in set(past) - {"history", "moments"}:
        assert np.array_equal(past[name], arrays[name]), name
    assert {"predictions/train", "health/0", "gradient/0", "maps/2"} <= set(past)


def test_an_unknown_moment_is_the_present(run: Run) -> None:
    header, _ = picture(run, moment=12345)
    assert "moment" not in header


def test_a_moment_of_another_shape_is_drawn_with_its_own_layout(run: Run) -> None:
    train(run, epochs=1)
    old, before = newest(run), picture(run)
    run.change(recipe(layers=[{"kind": "dense", "units": 3}]))
    train(run, epochs=1)
    present, _ = picture(run)
    header, arrays = picture(run, present, moment=old)
    assert header["structure"] == before[0]["structure"] != present["structure"]
    assert header["layout"] == before[0]["layout"]
    assert {"points/train", "input_maps", "predictions/test"} <= set(arrays)
    assert np.array_equal(arrays["maps/2"], before[1]["maps/2"])
    header, _ = picture(run, header, moment=old)
    assert "layout" not in header
    header, _ = picture(run, header)
    assert header["layout"] == picture(run)[0]["layout"]


def test_frozen_and_silenced_are_shown_as_they_were(run: Run) -> None:
    train(run, steps=1)
    place = {"structure": run.structure, "address": "0", "unit": 1, "input": None, "on": True}
    run.intervene("silence", place)
    run.intervene("freeze", place)
    marked = newest(run)
    train(run, steps=1)
    for do in ("silence", "freeze"):
        run.intervene(do, {**place, "on": False})
    _, arrays = picture(run, moment=marked)
    assert arrays["silenced/0"].tolist() == [0, 1, 0, 0, 0, 0, 0, 0]
    assert arrays["frozen_bias/0"].tolist() == [0, 1, 0, 0, 0, 0, 0, 0]
    assert "silenced/0" not in picture(run)[1]


def test_scrubbing_takes_hardly_more_than_a_picture_of_the_present(run: Run) -> None:
    train(run, epochs=12)
    moments = ids(run)
    picture(run, moment=moments[0])
    header, _ = picture(run)
    held = header["version"], header["structure"], 13, header["moments_version"]
    then, now = [], []
    for moment in moments:
        begin = time.thread_time()  # Of the processor: others may have it meanwhile.
        run.frame(*held, {"moment": moment})
        then.append(time.thread_time() - begin)
        run.step()
        begin = time.thread_time()
        run.frame(*held)
        now.append(time.thread_time() - begin)
    assert np.median(then) < 5 * np.median(now)


# Going on


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize(("epochs", "steps"), [(2, 0), (1, 3)])
def test_a_rewound_run_goes_on_as_the_uninterrupted_one_did(optimizer: str, epochs: int, steps: int) -> None:
    run, other = (Run(recipe(optimizer={"kind": optimizer}), "cpu") for _ in range(2))
    for each in (run, other):
        train(each, epochs, steps)
    moment = newest(run)
    train(run, epochs=3, steps=1)
    reply = run.rewind(moment)
    assert reply == {"recipe": run.learner.experiment.to_json(), "step": other.learner.step, "epoch": epochs}
    assert run.status == "paused"
    assert_same_state(run, other)
    for each in (run, other):
        train(each, epochs=2, steps=3)
    assert_same_state(run, other)
    assert ids(run) == sorted(ids(run))


def test_rewinding_cuts_what_came_later_and_viewers_get_the_history_anew(run: Run) -> None:
    train(run, epochs=2)
    middle = newest(run)
    train(run, epochs=2)
    before, _ = picture(run)
    run.rewind(middle)
    assert newest(run) == middle
    header, arrays = decode_frame(run.frame(before["version"], before["structure"], 5))
    assert (header["history_from"], len(arrays["history"])) == (0, 3)
    train(run, epochs=1)
    assert newest(run) > middle


def test_rewinding_brings_back_the_recipe_and_the_marks_of_then(run: Run) -> None:
    train(run, steps=1)
    place = {"structure": run.structure, "address": "0", "unit": 1, "input": None, "on": True}
    run.intervene("silence", place)
    run.intervene("freeze", place)
    marked, expected = newest(run), Run(recipe(), "cpu")
    expected.learner.restore(run.learner.state())
    structure = run.structure
    run.change(recipe(layers=[{"kind": "dense", "units": 3}], optimizer={"kind": "sgd"}))
    run.play()
    run.advance(0.01)
    reply = run.rewind(marked)
    assert Experiment.from_json(reply["recipe"]) == Experiment.from_json(recipe())
    assert run.structure > structure + 1  # A new number, which no viewer knows for another network.
    assert_same_state(run, expected)
    assert run.learner.silenced is not None
    for each in (run, expected):
        train(each, steps=9)
    assert_same_state(run, expected)


def test_a_moment_that_is_gone_is_told(run: Run) -> None:
    for verb in (run.rewind, run.fork):
        with pytest.raises(Problem) as caught:
            verb(12345)
        assert caught.value.key == "moment_gone"


def test_the_row_before_the_first_step_is_that_of_the_network_of_then(run: Run) -> None:
    first, before = newest(run), run.learner.history.rows()
    run.change(recipe(layers=[]))
    run.rewind(first)
    assert np.array_equal(run.learner.history.rows(), before)


@pytest.mark.parametrize("now", [True, False])
def test_a_fork_goes_on_from_there_as_the_run_did(run: Run, now: bool) -> None:
    train(run, epochs=2, steps=2)
    moment = None if now else newest(run)
    if not now:
        other = Run(recipe(), "cpu")
        train(other, epochs=2, steps=2)
        train(run, epochs=1)
    reply, state = run.fork(moment)
    assert reply["step"] == 12
    again = Run(reply["recipe"], "cpu")
    again.restore(state, "paused", 100)
    expected = run if now else other
    assert_same_state(again, expected)
    assert len(again.timeline) == 1
    assert len(again.learner.history) == 3
    for each in (again, expected):
        train(each, epochs=2)
    assert_same_state(again, expected)


def test_early_stopping_is_where_it_was(run: Run) -> None:
    run.change(recipe(early_stopping=1, optimizer={"kind": "sgd", "learning_rate": 1.0}))
    first = newest(run)
    run.set_speed(None)
    run.play()
    while run.status == "playing":
        run.advance(0.01)
    assert run.status == "early_stopped"
    run.rewind(first)
    assert run.status == "paused"


def test_moments_of_a_later_life_have_other_numbers(run: Run) -> None:
    again = Run(recipe(), "cpu", life=1)
    assert not set(ids(run)) & set(ids(again))
    assert picture(again)[0]["moments_version"] > picture(run)[0]["moments_version"]
