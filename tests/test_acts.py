"""Every act of a person on a run is taken back and done again, bit for bit: judged by what the learner's state was before."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlcore.activations import ReLU
from dlcore.datasets.toy import CircleData, PlaneData, SpiralData
from dlcore.experiment import Experiment
from dlcore.frame import decode_frame
from dlcore.layers import Dense
from dlcore.learning import acts
from dlcore.learning.acts import MOST_ACTS
from dlcore.losses import MeanSquaredError
from dlcore.optimizers import SGD
from dlcore.problems import Problem
from dlcore.recipes import RECIPES
from dlcore.runs.kinds import KINDS
from dlcore.runs.luggage import pack_run, unpack_run
from dlcore.runs.run import Run
from tests.bandit import KIND, Bandit
from tests.clock import Clock

SMALL = Experiment(dataset=CircleData(samples=60), layers=(Dense(units=3), Dense(units=2)), batch_size=10)


def make(recipe: Any = SMALL, clock: Clock | None = None) -> Run:
    return Run(recipe.to_json(), "cpu", clock=clock or Clock())


def steps(run: Run, count: int) -> None:
    for _ in range(count):
        run.step()


def everything(run: Run) -> dict[str, bytes]:
    """What the run is: recipe, all that its learner goes on from, and its time line."""
    learner = run.learner
    told = {name: array.tobytes() for name, array in learner.state().items()}
    return {**told, "recipe": learner.recipe.to_json().encode(), "moments": run.timeline.table().tobytes()}


def first_weight(run: Run) -> float:
    learner: Any = run.learner
    return learner.model[0].weight[0, 0].item()


def told(run: Run) -> dict[str, Any]:
    return decode_frame(run.frame(None, None, 0))[0]["acts"]


def change(run: Run, **settings: Any) -> None:
    run.change(run.learner.recipe.replace(**settings).to_json())


def intervene(run: Run, do: str, **value: Any) -> None:
    run.intervene(do, {"structure": run.structure, "address": "0", "unit": 0, **value})


def checkpoint(run: Run) -> None:
    run.load(run.file("checkpoint"))


DEEDS: dict[str, Callable[[Run], object]] = {
    "a neuron": lambda run: change(run, layers=(Dense(units=run.learner.recipe.layers[0].units + 1), Dense(units=2))),
    "a layer": lambda run: change(run, layers=run.learner.recipe.layers[:1]),
    "an activation": lambda run: change(run, layers=(Dense(units=3, activation=ReLU()), Dense(units=2))),
    "a feature": lambda run: change(run, features=("x1",) if len(run.learner.recipe.input_features) > 1 else ("x1", "x2")),
    "a data set": lambda run: change(run, dataset=SpiralData(samples=60)),
    "a setting of the data": lambda run: change(run, dataset=run.learner.recipe.dataset.replace(noise=0.4)),
    "a batch size": lambda run: change(run, batch_size=7),
    "an optimizer": lambda run: change(run, optimizer=SGD(learning_rate=0.1)),
    "a seed": lambda run: change(run, seed=run.learner.recipe.seed + 1),
    "a number": lambda run: intervene(run, "set", input=0, value=1.5),
    "a bias": lambda run: intervene(run, "set", input=None, value=-2),
    "a frozen layer": lambda run: intervene(run, "freeze", unit=None, input=None, on=True),
    "a silenced neuron": lambda run: intervene(run, "silence", on=True),
    "a reset": Run.reset,
    "a checkpoint": checkpoint,
    "a rewind": lambda run: run.rewind(run.timeline.moments[0].id),
}  # fmt: skip


@pytest.mark.parametrize("deed", DEEDS)
def test_whatever_was_done_is_taken_back_and_done_again_bit_for_bit(deed: str) -> None:
    run = make()
    steps(run, 5)
    before = everything(run)
    DEEDS[deed](run)
    steps(run, 2)
    after = everything(run)
    assert before != after
    for _ in range(2):
        assert run.undo()["recipe"] == SMALL.to_json()
        assert everything(run) == before
        assert run.redo()["recipe"] == run.learner.recipe.to_json()
        assert everything(run) == after
    assert (run.acts.acts[0].step, run.acts.acts[0].epoch) == (5, 1)


@settings(max_examples=25)
@given(st.lists(st.tuples(st.sampled_from(list(DEEDS)), st.integers(0, 4)), max_size=9))
def test_all_taken_back_is_the_beginning_and_all_done_again_the_end(deeds: list[tuple[str, int]]) -> None:
    run = make()
    left = []
    for deed, learned in deeds:
        known, here = len(run.acts.acts), everything(run)
        DEEDS[deed](run)
        left += [here] * (len(run.acts.acts) - known)
        steps(run, learned)
    left.append(everything(run))
    for standing in reversed(left):
        assert everything(run) == standing
        run.undo()
    assert everything(run) == left[0]
    for standing in left:
        assert everything(run) == standing
        run.redo()
    assert everything(run) == left[-1]
    steps(run, 3)  # It goes on as well as it stands.


def test_a_run_that_was_brought_back_goes_on_as_the_one_that_was_never_touched() -> None:
    run, twin = make(), make()
    for each in (run, twin):
        steps(each, 5)
    DEEDS["a layer"](run)
    steps(run, 9)
    run.undo()
    for each in (run, twin):
        steps(each, 20)
    assert {**everything(run), "moments": b""} == {**everything(twin), "moments": b""}


def test_what_is_taken_back_while_it_plays_is_paused_and_redo_brings_what_stood_then() -> None:
    run = make()
    run.set_speed(None)
    run.play()
    run.advance(0.01)
    DEEDS["a neuron"](run)
    assert run.status == "playing"
    run.advance(0.01)
    stood = everything(run)
    run.undo()
    assert run.status == "paused"
    run.redo()
    assert run.status == "paused"
    assert {**everything(run), "moments": b""} == {**stood, "moments": b""}


def test_a_run_that_had_diverged_stands_so_again_with_what_it_said() -> None:
    run = make(
        Experiment(
            dataset=PlaneData(samples=60), loss=MeanSquaredError(), optimizer=SGD(learning_rate=100.0), batch_size=10
        )
    )
    run.set_speed(None)
    run.play()
    while run.status == "playing":
        run.advance(1.0)
    problem = run.problem
    assert (run.status, problem is None) == ("diverged", False)
    run.reset()
    assert (run.status, run.problem) == ("paused", None)
    run.undo()
    assert (run.status, run.problem) == ("diverged", problem)


def test_where_there_is_nothing_to_take_back_or_do_again_no_state_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(SMALL.to_json(), "cpu")
    run.step()
    copied: list[bool] = []
    monkeypatch.setattr(run.learner, "standing", lambda: copied.append(True))
    run.undo(), run.redo(), run.jump(0)
    assert copied == []
    assert run.learner.step == 1


def test_an_act_after_an_undo_forgets_what_was_taken_back() -> None:
    run = make()
    DEEDS["a neuron"](run)
    DEEDS["an optimizer"](run)
    run.undo()
    steps(run, 2)  # Learning on is no act.
    assert told(run)["redo"] == "change"
    DEEDS["a number"](run)
    assert (told(run)["undo"], told(run)["redo"]) == ("set", None)
    here = everything(run)
    run.redo()
    assert everything(run) == here
    assert [act.kind for act in run.acts.acts] == ["change", "set"]


def test_one_can_go_to_any_act_at_once() -> None:
    run = make()
    stood = [everything(run)]
    for deed in ("a neuron", "a number", "an optimizer", "a data set"):
        DEEDS[deed](run)
        steps(run, 2)
        stood.append(everything(run))
    run.jump(run.acts.acts[1].id)
    assert everything(run) != stood[-1]
    assert run.learner.recipe.optimizer == SMALL.optimizer
    run.jump(0)
    assert everything(run) == stood[0]
    run.jump(run.acts.acts[-1].id)
    assert everything(run) == stood[-1]
    with pytest.raises(Problem) as caught:
        run.jump(12345)
    assert caught.value.key == "act_gone"
    assert everything(run) == stood[-1]


def test_what_changes_nothing_is_no_act() -> None:
    run = make()
    run.reset()
    change(run)
    intervene(run, "set", unit=99, input=0, value=1)
    run.play()
    run.pause()
    steps(run, 3)
    run.set_speed(5)
    assert told(run) == {"undo": None, "redo": None, "version": 0}
    before = run.version
    run.undo()
    run.redo()
    assert run.version == before


def test_what_cannot_be_done_is_no_act() -> None:
    run = make()
    with pytest.raises(Problem):
        run.load(b"no checkpoint")
    with pytest.raises(Problem):
        intervene(run, "set", input=0, value="abc")
    with pytest.raises(Problem):
        run.change(json.dumps({"layers": 7}))
    assert run.acts.acts == ()


# What is one act


def test_a_drag_of_a_weight_is_one_act_and_the_next_drag_another() -> None:
    run = make()
    before = everything(run)
    for stroke, values in ((1, (0.1, 0.2, 0.3)), (2, (0.4, 0.5))):
        for value in values:
            intervene(run, "set", input=0, value=value, stroke=stroke)
    assert len(run.acts.acts) == 2
    run.undo()
    assert first_weight(run) == np.float32(0.3)
    run.undo()
    assert everything(run) == before


def test_a_slider_that_is_moved_on_within_a_second_is_one_act() -> None:
    clock = Clock()
    run = make(clock=clock)
    for noise in (0.2, 0.3, 0.4):
        change(run, dataset=CircleData(samples=60, noise=noise))
        clock.now += 0.6
    version = told(run)["version"]
    assert len(run.acts.acts) == 1
    clock.now += 0.6
    change(run, dataset=CircleData(samples=60, noise=0.5))
    change(run, dataset=CircleData(samples=50, noise=0.5))  # Another setting.
    assert [len(run.acts.acts), told(run)["version"] > version] == [3, True]
    run.jump(0)
    assert run.learner.recipe == SMALL


def test_each_neuron_is_an_act_however_quickly_they_come() -> None:
    run = make()
    for units in (4, 5, 6):
        change(run, layers=(Dense(units=units), Dense(units=2)))
    run.undo()
    assert run.learner.recipe.layers[0].units == 5


def test_a_drag_that_was_taken_back_does_not_go_on() -> None:
    run = make()
    for value in (0.1, 0.2):
        intervene(run, "set", input=0, value=value, stroke=1)
        run.undo()
    before = everything(run)
    run.redo()
    assert first_weight(run) == np.float32(0.2)
    run.undo()
    assert everything(run) == before


# Memory


def bytes_of(run: Run) -> int:
    """The judge: the memory of all standings, counted array by array."""
    found: dict[int, int] = {}
    for standing in run.acts.standings:
        for thing in () if standing is None else standing.things():
            found[id(thing)] = len(thing) if isinstance(thing, bytes) else thing.nbytes
    return sum(found.values())


@settings(max_examples=25)
@given(st.lists(st.sampled_from([*DEEDS, "undo", "redo", "begin"]), max_size=12))
def test_memory_is_counted_as_it_is_used_each_array_once(deeds: list[str]) -> None:
    run = make()
    go: dict[str, Callable[[Run], object]] = {"undo": Run.undo, "redo": Run.redo, "begin": lambda run: run.jump(0)}
    for deed in deeds:
        (go | DEEDS)[deed](run)
        steps(run, 1)
        assert run.acts.nbytes == bytes_of(run)


def test_acts_at_one_step_share_what_is_equal() -> None:
    run = make()
    steps(run, 3)
    intervene(run, "set", input=0, value=0)
    first = run.acts.nbytes
    for value in range(1, 20):
        intervene(run, "set", input=0, value=value)
    assert run.acts.nbytes < 5 * first


def test_beyond_the_budget_the_oldest_bring_back_settings_only_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    run = make()
    monkeypatch.setattr(acts, "MOST_BYTES", 60_000)
    for noise in range(1, 30):
        steps(run, 2)
        change(run, dataset=CircleData(samples=60, noise=noise / 60))
        steps(run, 2)
        DEEDS["a number"](run)
        assert run.acts.nbytes <= 60_000
    standings = run.acts.standings[:-1]
    bare = [standing is not None and standing.state is None for standing in standings]
    assert bare == sorted(bare, reverse=True)
    assert 0 < sum(bare) < len(bare)
    assert run.notices() == []
    before = run.learner.step
    run.jump(0)
    assert [notice.key for notice in run.notices()] == ["settings_only"]
    assert (run.learner.recipe, run.learner.step, run.status) == (SMALL, before, "paused")
    run.jump(run.acts.acts[-1].id)
    assert run.learner.step == before
    assert first_weight(run) == 1.5


def test_settings_alone_come_back_with_another_seed_and_another_task_too(monkeypatch: pytest.MonkeyPatch) -> None:
    run = make()
    steps(run, 2)
    monkeypatch.setattr(acts, "MOST_BYTES", 2000)
    DEEDS["a seed"](run)
    change(run, dataset=PlaneData(samples=60), loss={"kind": "mse"})
    run.jump(0)
    assert (run.learner.recipe, run.learner.step) == (SMALL, 0)


def test_only_so_many_acts_are_known() -> None:
    run = make()
    for value in range(MOST_ACTS + 5):
        intervene(run, "set", input=0, value=value)
    assert len(run.acts.acts) == MOST_ACTS
    run.jump(0)
    assert first_weight(run) == 4


def test_a_time_line_that_was_reset_is_given_up_before_any_network(monkeypatch: pytest.MonkeyPatch) -> None:
    run = make()
    for _ in range(8):
        run.epoch()
        while run.finishing_epoch:
            run.advance(1.0)
    run.reset()
    monkeypatch.setattr(acts, "MOST_BYTES", run.acts.nbytes - 1)
    stood = run.acts.standings[0]
    DEEDS["a batch size"](run)
    first = run.acts.standings[0]
    assert stood is not None and first is not None
    assert (len(stood.moments), len(first.moments), first.state is None) == (9, 0, False)
    run.jump(0)
    assert (run.learner.epoch, len(run.learner.history), len(run.timeline)) == (8, 9, 1)


# Viewers


def test_viewers_get_layout_history_and_moments_anew() -> None:
    run = make()
    steps(run, 7)
    DEEDS["a layer"](run)
    steps(run, 7)
    header, arrays = decode_frame(run.frame(None, None, 0))
    run.undo()
    held = header["version"], header["structure"], len(arrays["history"]), header["moments_version"]
    news, changed = decode_frame(run.frame(*held))
    assert [layer["units"] for layer in news["layout"]["layers"]][:2] == [3, 2]
    assert (news["history_from"], news["step"]) == (0, 7)
    assert len(changed["moments"]) == len(run.timeline)
    assert news["acts"] == {"undo": None, "redo": "change", "version": news["acts"]["version"]}
    assert news["acts"]["version"] > header["acts"]["version"]


def test_no_moment_has_the_number_of_another_one() -> None:
    run = make()
    seen: dict[int, tuple[bytes, int]] = {}
    for deed in ("a neuron", "a reset", "a data set", "a rewind", "a number"):
        steps(run, 7)
        DEEDS[deed](run)
        run.undo()
        steps(run, 1)
        run.redo()
        for moment in run.timeline.moments:
            assert seen.setdefault(moment.id, (moment.packed_recipe, moment.step)) == (
                moment.packed_recipe,
                moment.step,
            )


def test_what_an_act_kept_or_lost_is_told_with_the_version_by_which_it_is_the_last_act() -> None:
    run = make()
    change(run, dataset=PlaneData(samples=60), loss=MeanSquaredError())
    assert run.notices() == []  # Nothing was learned yet.
    steps(run, 9)
    change(run, dataset=CircleData(samples=60), loss=SMALL.loss)
    DEEDS["a neuron"](run)
    began, kept = run.notices()
    assert (began.key, began.values["epoch"]) == ("began_anew", 3)
    assert kept.key.startswith("weights_kept")
    assert (began.values["act"], kept.values["act"]) == tuple(act.id for act in run.acts.acts[1:])
    assert kept.values["act"] == told(run)["version"]
    DEEDS["a seed"](run)
    assert run.notices() == []


# Elsewhere


def test_acts_move_to_another_worker_with_the_networks_of_then() -> None:
    run = make()
    for deed in ("a neuron", "a number", "a reset", "a data set", "an optimizer"):
        steps(run, 7)
        DEEDS[deed](run)
    run.undo()
    header, content = pack_run(run, gently=True)
    moved = Run(header["recipe"], "cpu")
    unpack_run(moved, json.loads(json.dumps(header)), content)
    assert moved.acts.acts == tuple(
        acts.Act(act.kind, act.step, act.epoch, act.target, id=act.id) for act in run.acts.acts
    )
    assert told(moved) == told(run)
    assert moved.acts.nbytes == bytes_of(moved)
    for either in (run, moved):
        either.redo()
    assert {**everything(moved), "moments": b""} == {**everything(run), "moments": b""}
    for _ in run.acts.acts:
        for either in (run, moved):
            either.undo()
        assert {**everything(moved), "moments": b""} == {**everything(run), "moments": b""}


def test_a_run_whose_oldest_acts_are_settings_only_moves_too(monkeypatch: pytest.MonkeyPatch) -> None:
    run = make()
    monkeypatch.setattr(acts, "MOST_BYTES", 40_000)
    for noise in range(1, 20):
        steps(run, 3)
        change(run, dataset=CircleData(samples=60, noise=noise / 60))
        DEEDS["a number"](run)
    header, content = pack_run(run, gently=False)
    moved = Run(header["recipe"], "cpu")
    unpack_run(moved, json.loads(json.dumps(header)), content)
    bare = [standing is None or standing.state is None for standing in moved.acts.standings]
    assert bare == [standing is None or standing.state is None for standing in run.acts.standings]
    assert any(bare[:-1])


# Other kinds of learning


def test_it_is_the_same_for_every_kind_of_learning_and_from_one_to_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RECIPES, "acting", Bandit)
    monkeypatch.setitem(KINDS, "acting", KIND)
    run = make(Bandit(arms=4))
    left = []
    deeds: list[Callable[[], object]] = [
        lambda: change(run, epsilon=0.5),
        lambda: change(run, arms=7),
        run.reset,
        lambda: run.change(SMALL.to_json()),
        lambda: DEEDS["a layer"](run),
        lambda: run.change(Bandit().to_json()),
        lambda: run.rewind(run.timeline.moments[0].id),
    ]
    for deed in deeds:
        steps(run, 60)
        left.append(everything(run))
        deed()
    left.append(everything(run))
    assert len(run.acts.acts) == len(deeds)
    for standing in reversed(left):
        assert everything(run) == standing
        run.undo()
    for standing in left:
        assert everything(run) == standing
        run.redo()
