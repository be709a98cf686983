"""Runs: what they do when told, how fast they go, their frames, and how they are kept."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dlcore.frame import decode_frame
from dlcore.problems import Problem
from dlcore.runs.run import Run
from tests.machine import Machine

SLICE = 0.008  # seconds
SMALL = {"dataset": {"kind": "gauss"}, "layers": [{"kind": "dense", "units": 3}]}
DIVERGING = {
    "dataset": {"kind": "plane"},
    "layers": [],
    "loss": {"kind": "mse"},
    "optimizer": {"kind": "sgd", "learning_rate": 10.0},
}


def recipe(**changes: Any) -> str:
    return json.dumps({**SMALL, **changes})


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def run(machine: Machine) -> Run:
    return Run(recipe(), "cpu", clock=machine.clock)


def fresh_start(run: Run, changed: str) -> bool:
    return run.change(changed)["fresh_start"]


def picture(run: Run, version: int | None = None, structure: int | None = None, history: int = 0) -> Any:
    return decode_frame(run.frame(version, structure, history))


def weights(run: Run) -> np.ndarray:
    return run.learner.engine.flat.detach().numpy().copy()


def let_go_on(run: Run, machine: Machine, seconds: float) -> int:
    """What a worker does with one run in so long a time; how many slices it was."""
    slices, end = 0, machine.now + seconds
    while machine.now < end:
        if run.due <= machine.now:
            run.advance(SLICE)
            slices += 1
        machine.wait(SLICE if run.due <= machine.now else 0.001)
    return slices


def let_go_on_until_it_ends(run: Run) -> None:
    while run.status == "playing":
        run.advance(SLICE)


# One run


def test_a_new_run_stands_at_step_0_and_plays_when_told(run: Run, machine: Machine) -> None:
    assert (run.status, run.learner.step) == ("paused", 0)
    run.play()
    let_go_on(run, machine, 0.1)
    assert run.learner.step > 0
    run.pause()
    step = run.learner.step
    let_go_on(run, machine, 0.05)
    assert (run.status, run.learner.step) == ("paused", step)


@pytest.mark.parametrize("speed", [10, 100])
def test_a_run_goes_as_fast_as_its_speed_says(run: Run, machine: Machine, speed: int) -> None:
    run.set_speed(speed)
    run.play()
    let_go_on(run, machine, 1.0)
    assert 0.8 * speed <= run.learner.step <= 1.1 * speed + 1
    assert run.updates_per_second == pytest.approx(speed, rel=0.2)


def test_slow_motion_takes_one_update_a_second_and_leaves_the_worker_asleep(run: Run, machine: Machine) -> None:
    run.set_speed(1)
    run.play()
    slices = let_go_on(run, machine, 1.5)
    assert run.learner.step == slices == 2  # One update at once, and one after a second.
    assert 0.49 < run.due - machine.now < 0.51


def test_a_run_that_was_held_up_catches_up_a_little_and_forgets_the_rest(run: Run, machine: Machine) -> None:
    run.set_speed(100)
    run.play()
    machine.wait(60)
    let_go_on(run, machine, 0.2)
    assert run.learner.step < 45


def test_as_fast_as_it_goes_fills_its_slice_and_no_more(
    run: Run, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.set_speed(None)
    run.play()
    deadlines: list[float] = []
    end = machine.now + 0.1

    def work(allowed: float, deadline: float, epochs: int) -> None:
        deadlines.append(deadline)
        machine.work(0.03)

    monkeypatch.setattr("dlcore.runs.run.time", SimpleNamespace(monotonic=machine.clock))
    monkeypatch.setattr(run.learner, "advance", work)
    run.advance(0.1)
    assert deadlines == [end] * 4
    assert run.due == 0.0


@pytest.mark.parametrize("speed", [0, 0.5, -1, float("nan"), float("inf"), 10**9, True, "fast"])
def test_a_speed_that_is_none_is_refused(run: Run, speed: object) -> None:
    with pytest.raises(Problem, match="updates a second"):
        run.set_speed(speed)
    assert run.speed == 1000


def test_step_takes_one_update_and_stands(run: Run, machine: Machine) -> None:
    run.play()
    let_go_on(run, machine, 0.02)
    step = run.learner.step
    run.step()
    assert (run.status, run.learner.step) == ("paused", step + 1)


def test_epoch_goes_on_to_the_end_of_the_epoch_and_stands(run: Run) -> None:
    run.step()
    run.epoch()
    while run.finishing_epoch:
        run.advance(0.001)
    assert (run.status, run.learner.step, run.learner.epoch) == ("paused", run.learner.steps_per_epoch, 1)


def test_reset_goes_back_to_the_very_same_weights(run: Run, machine: Machine) -> None:
    before = weights(run)
    run.play()
    let_go_on(run, machine, 0.05)
    assert not np.array_equal(weights(run), before)
    run.reset()
    assert np.array_equal(weights(run), before)
    assert (run.status, run.learner.step, len(run.learner.history)) == ("paused", 0, 1)


def test_a_learning_setting_changes_while_it_plays(run: Run, machine: Machine) -> None:
    run.play()
    let_go_on(run, machine, 0.05)
    step, structure = run.learner.step, run.structure
    assert not fresh_start(run, recipe(optimizer={"kind": "adam", "learning_rate": 0.1}))
    assert (run.status, run.learner.step, run.structure) == ("playing", step, structure)
    let_go_on(run, machine, 0.05)
    assert run.learner.step > step


def test_another_seed_is_a_fresh_start_that_goes_on_playing(run: Run, machine: Machine) -> None:
    run.play()
    let_go_on(run, machine, 0.05)
    structure = run.structure
    assert fresh_start(run, recipe(seed=1))
    assert (run.status, run.learner.step, run.structure) == ("playing", 0, structure + 1)


def test_another_network_goes_on_from_where_it_is(run: Run, machine: Machine) -> None:
    run.play()
    let_go_on(run, machine, 0.05)
    structure, step, rows = run.structure, run.learner.step, len(run.learner.history)
    assert not fresh_start(run, recipe(layers=[]))
    assert (run.status, run.learner.step, run.structure) == ("playing", step, structure + 1)
    assert len(run.learner.history) == rows


def test_a_change_that_fails_leaves_the_run_as_it_was(
    run: Run, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.play()
    let_go_on(run, machine, 0.05)
    before = (run.status, run.structure, run.learner)
    with pytest.raises(Problem):
        run.change(recipe(batch_size=10**6))
    monkeypatch.setattr("dlcore.pictures.contents.Picture", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run.change(recipe(layers=[]))
    assert (run.status, run.structure, run.learner) == before


def test_a_diverged_run_stays_at_its_last_finite_picture_until_reset_or_changed() -> None:
    run = Run(json.dumps(DIVERGING), "cpu")
    run.set_speed(None)
    run.play()
    let_go_on_until_it_ends(run)
    header, arrays = picture(run)
    assert header["status"] == "diverged"
    assert header["problem"]["key"] == "diverged"
    assert all(np.isfinite(array).all() for name, array in arrays.items() if name.startswith("weight"))
    for told in (run.play, run.step, run.epoch):
        told()
        assert (run.status, run.due) == ("diverged", float("inf"))
    assert not fresh_start(run, json.dumps(DIVERGING | {"gradient_clip": 1.0}))
    assert (run.status, picture(run)[0]["problem"]) == ("paused", None)


def test_early_stopping_ends_the_run_and_says_so() -> None:
    run = Run(recipe(early_stopping=1, optimizer={"kind": "sgd", "learning_rate": 1.0}), "cpu")
    run.set_speed(None)
    run.play()
    let_go_on_until_it_ends(run)
    assert run.status == "early_stopped"
    run.reset()
    assert run.status == "paused"


# Frames


def test_a_frame_says_all_that_the_protocol_names(run: Run) -> None:
    header, arrays = picture(run)
    names = """type version structure status step epoch progress steps_per_epoch updates_per_second speed losses metrics metric device
        engine loss_kind learning_rate problem watched history_from history_columns layout arrays acts interventions moments_version
        journal_version recipe_version best advice apart"""
    assert set(header) == set(names.split())
    assert set(header["losses"]) == set(header["metrics"]) == {"train", "test"}
    assert header["metric"] == {"name": "accuracy", "form": "percent"}
    assert {"weight/0", "bias/0", "maps/0", "scales/0", "weight/1", "output", "history", "points/train"} <= set(arrays)
    assert arrays["history"].shape == (1, len(header["history_columns"]))


def test_layout_and_points_travel_once_a_structure(run: Run) -> None:
    first, _ = picture(run)
    run.step()
    header, arrays = picture(run, first["version"], first["structure"], 1)
    assert "layout" not in header
    assert "points/train" not in arrays
    run.change(recipe(layers=[]))
    header, arrays = picture(run, header["version"], header["structure"], 1)
    assert header["layout"]["layers"][0]["kind"] == "output"
    assert "points/train" in arrays
    assert header["history_from"] == 1  # What was recorded before the change is as true as it was.


def test_a_history_that_begins_anew_with_other_rows_travels_whole(run: Run) -> None:
    first, _ = picture(run)
    assert not fresh_start(run, recipe(test_fraction=0.3))  # Before the first step: row 0 is of the other rows.
    header, more = picture(run, first["version"], first["structure"], 1)
    assert (header["history_from"], len(more["history"])) == (0, 1)


def test_only_the_rows_of_history_that_a_viewer_lacks_travel(run: Run) -> None:
    first, arrays = picture(run)
    run.epoch()
    run.advance(5.0)
    second, more = picture(run, first["version"], first["structure"], len(arrays["history"]))
    assert (second["history_from"], len(more["history"])) == (1, 1)


def test_a_viewer_whose_rows_a_reset_has_swept_away_gets_all_anew(run: Run) -> None:
    first, arrays = picture(run)
    run.reset()
    run.epoch()
    run.advance(5.0)
    header, more = picture(run, first["version"], first["structure"], len(arrays["history"]))
    assert (header["history_from"], len(more["history"])) == (0, 2)


def test_a_viewer_who_saw_more_than_this_run_has_ever_shown_gets_all_rows(run: Run) -> None:
    first, arrays = picture(run)
    header, more = picture(run, first["version"] + 1, first["structure"], len(arrays["history"]))
    assert (header["history_from"], len(more["history"])) == (0, 1)


def test_a_run_comes_back_from_what_was_kept_and_goes_on_bit_for_bit(run: Run) -> None:
    for _ in range(7):
        run.step()
    header, state = run.kept()
    again = Run(header["recipe"], header["device"], life=1)
    again.restore(state, "playing", 1)
    assert (again.status, again.speed, again.learner.step) == ("playing", 1, 7)
    for either in (run, again):
        for _ in range(60):
            either.step()
    assert np.array_equal(weights(run), weights(again))
    assert again.version > run.version
    assert again.structure > run.structure


def test_a_checkpoint_loads_back_and_training_goes_on_from_it(run: Run) -> None:
    for _ in range(7):
        run.step()
    data, trained, structure = run.file("checkpoint"), weights(run), run.structure
    run.change(recipe(layers=[]))
    run.load(data)
    assert np.array_equal(weights(run), trained)
    assert (run.status, run.learner.step, run.structure) == ("paused", 7, structure + 2)
    run.step()
    assert run.learner.step == 8


def test_a_checkpoint_that_is_none_leaves_the_run_as_it_was(run: Run) -> None:
    trainer = run.learner
    with pytest.raises(Problem):
        run.load(b"no checkpoint")
    assert run.learner is trainer


# Edits


def test_an_edit_changes_the_recipe_while_it_plays_and_viewers_learn_that_it_is_another(run: Run) -> None:
    run.play()
    units = run.learner.recipe.layers[0].units
    before = picture(run)[0]["recipe_version"]
    assert picture(run)[0]["recipe_version"] == before
    stand = run.edit({"do": "add_unit", "address": "0"})
    assert json.loads(stand["recipe"])["layers"][0]["units"] == run.learner.recipe.layers[0].units == units + 1
    assert (run.status, run.learner.step) == ("playing", 0)
    assert picture(run)[1]["weight/0"].shape[0] == units + 1
    after = picture(run)[0]["recipe_version"]
    assert after > before
    run.edit({"do": "add_unit", "address": "12"})  # There is no such layer: the page is told so by the recipe as it is.
    again = picture(run)[0]["recipe_version"]
    assert again > after
    run.undo()
    assert picture(run)[0]["recipe_version"] > again
    assert run.learner.recipe.layers[0].units == units


def test_what_an_edit_took_along_is_told(run: Run) -> None:
    run.edit({"do": "clear_points"})
    assert {notice.key for notice in run.notices()} >= {"points_cleared", "adjusted_batch"}
    assert run.learner.recipe.batch_size == 2


def test_an_edit_that_may_not_be_is_refused_and_changes_nothing(run: Run) -> None:
    run.change(recipe(layers=[{"kind": "dense", "units": 1}]))
    before = run.learner.recipe
    with pytest.raises(Problem) as refused:
        run.edit({"do": "remove_unit", "address": "0", "unit": 0})
    assert refused.value.key == "last_unit"
    assert run.learner.recipe == before


def test_what_two_pages_change_at_the_same_time_ends_in_one_recipe(run: Run) -> None:
    run.change(recipe(layers=[{"kind": "dense", "units": 4}, {"kind": "dense", "units": 2}]))
    first, second = run.learner.recipe.layers
    for edit in (
        {"do": "setting", "path": "optimizer.learning_rate", "value": 0.3},
        {"do": "add_unit", "address": "0"},
        {"do": "setting", "path": "layers.1.units", "value": 7},
        {"do": "setting", "path": "batch_size", "value": 7},
    ):
        run.edit(edit)
    after = run.learner.recipe
    assert after.layers == (first.replace(units=5), second.replace(units=7))
    assert (after.batch_size, after.optimizer.learning_rate) == (7, 0.3)
