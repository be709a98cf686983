"""A further kind of learning is a recipe, a learner, what there is to see of it and a line in two tables: Run, time line, fork, frames,
shelf, pool and links know nothing of it. It lives in tests/bandit.py."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlcore import Experiment, share
from dlcore.frame import decode_frame
from dlcore.learning.learner import Learner
from dlcore.limits import Limits
from dlcore.problems import Problem
from dlcore.recipes import RECIPES, recipe_from_dict, recipe_from_json
from dlcore.runs.kinds import KINDS
from dlcore.runs.luggage import pack_run, unpack_run
from dlcore.runs.places.inprocess import Threads
from dlcore.runs.run import Run
from dlcore.runs.server.pool import Pool
from tests.bandit import KIND, PULLS_AN_EPOCH, Bandit, BanditLearner, best_known_course
from tests.patience import PATIENCE, eventually

RECIPE = Bandit(arms=4, epsilon=0.2, seed=3)
OWNER = "a secret"


@pytest.fixture(autouse=True)
def acting(monkeypatch: pytest.MonkeyPatch) -> None:
    """One kind of learning more."""
    monkeypatch.setitem(RECIPES, "acting", Bandit)
    monkeypatch.setitem(KINDS, "acting", KIND)


@pytest.fixture
def run() -> Run:
    return Run(RECIPE.to_json(), "cpu")


@pytest.fixture
def make_pool(tmp_path: Path) -> Iterator[Callable[[], Pool]]:
    """Pools with the same shelf, whose workers are threads of this process, as only here the kind is known."""
    pools: list[Pool] = []

    def make() -> Pool:
        pool = Pool(places=Threads(), timeout=PATIENCE, limits=Limits(workers=1, shelf=tmp_path))
        pools.append(pool)
        pool.start()
        return pool

    yield make
    for pool in pools:
        pool.stop()


def epochs(run: Run, count: int) -> None:
    for _ in range(count):
        run.epoch()
        while run.finishing_epoch:
            run.advance(1.0)


def frame(run: Run, **wants: object) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    return decode_frame(run.frame(None, None, 0, None, wants))


def assert_same(one: Learner, two: Learner) -> None:
    states = one.state(), two.state()
    assert states[0].keys() == states[1].keys()
    for name, value in states[0].items():
        np.testing.assert_array_equal(value, states[1][name], err_msg=name)


# The union


@pytest.mark.parametrize("values", [{}, {"seed": 7}, {"loss": {"kind": "mse"}, "layers": []}])
def test_without_a_word_of_it_learning_is_supervised_and_stays_unsaid(values: dict[str, Any]) -> None:
    recipe = recipe_from_json(json.dumps(values))
    assert recipe == Experiment.from_dict(values)
    assert "learning" not in recipe.to_dict()


@pytest.mark.parametrize("learning", ["supervised", "clustering", "", 7, None, ["acting"], {"kind": "acting"}])
def test_a_kind_that_nobody_knows_is_an_unknown_key(learning: Any) -> None:
    with pytest.raises(Problem, match="learning: unknown key"):
        recipe_from_dict({"learning": learning})


def test_a_further_kind_is_told_by_its_name_and_has_fields_of_its_own() -> None:
    assert recipe_from_json('{"learning": "acting", "arms": 5}') == Bandit(arms=5)
    with pytest.raises(Problem, match="layers: unknown key"):
        recipe_from_dict({"learning": "acting", "layers": []})
    with pytest.raises(Problem, match="arms"):
        recipe_from_dict({"learning": "acting", "arms": 1})


@pytest.mark.parametrize("recipe", [Bandit(), RECIPE, Experiment(), Experiment(seed=3)])
def test_a_link_brings_back_a_recipe_of_its_kind(recipe: Any) -> None:
    assert share.decode(share.encode(recipe)) == recipe


def test_the_link_of_the_default_recipe_is_what_it_was() -> None:
    assert share.encode(Experiment()) == "1.eNqrrgUAAXUA-Q"


# The run


def test_it_learns_as_its_definition_says(run: Run) -> None:
    epochs(run, 4)
    values, pulls, reward, regret = best_known_course(RECIPE, 4 * PULLS_AN_EPOCH)
    learner = run.learner
    assert isinstance(learner, BanditLearner)
    np.testing.assert_allclose(learner.values, values)
    np.testing.assert_array_equal(learner.pulls, pulls)
    np.testing.assert_allclose(learner.history.rows()[-1], [4, 4 * PULLS_AN_EPOCH, reward, regret])
    lines = run.history_csv().decode().splitlines()
    assert lines[0] == "epoch,step,reward,regret" and len(lines) == 1 + 5


def test_a_frame_carries_its_own_columns_facts_and_arrays(run: Run) -> None:
    run.step()
    epochs(run, 1)
    header, arrays = frame(run, luck=True)
    assert header["history_columns"] == ["epoch", "step", "reward", "regret"]
    assert (header["step"], header["epoch"], header["status"]) == (PULLS_AN_EPOCH, 1, "paused")
    assert (header["reward"], header["regret"]) == tuple(arrays["history"][-1, 2:])
    assert header["layout"] == {"arms": 4}
    np.testing.assert_allclose(arrays["luck"], arrays["values"] - RECIPE.worth)
    assert arrays["pulls"].sum() == PULLS_AN_EPOCH
    again, _ = decode_frame(run.frame(header["version"], header["structure"], 2))
    assert "layout" not in again and again["history_from"] == 2


def test_it_plays_at_its_speed_within_its_leash(run: Run) -> None:
    run.set_speed(None)
    run.set_leash(120)
    run.play()
    while run.due == 0.0:
        run.advance(1.0)
    assert (run.status, run.learner.step) == ("playing", 120)
    run.reset()
    assert (run.status, run.learner.step, len(run.learner.history)) == ("paused", 0, 1)


def test_it_goes_back_on_its_time_line_and_the_same_way_again(run: Run) -> None:
    epochs(run, 3)
    before = run.learner.state()
    table = run.timeline.table()
    np.testing.assert_allclose(table[:, 1], [0, 1, 2, 3])
    np.testing.assert_allclose(table[:, 2], before["history"][:, 3])  # The value of a moment is its regret.
    header, arrays = frame(run, moment=table[1, 0])
    assert (header["moment"]["step"], header["regret"]) == (PULLS_AN_EPOCH, before["history"][1, 3])
    assert arrays["pulls"].sum() == PULLS_AN_EPOCH
    assert run.rewind(table[1, 0])["step"] == PULLS_AN_EPOCH
    assert len(run.timeline) == 2 and len(run.learner.history) == 2
    epochs(run, 2)
    for name, value in run.learner.state().items():
        np.testing.assert_array_equal(value, before[name], err_msg=name)


def test_a_fork_goes_the_same_way_from_now_and_from_a_moment(run: Run) -> None:
    epochs(run, 2)
    for moment in (None, run.timeline.table()[1, 0]):
        header, state = run.fork(moment)
        assert header["recipe"] == RECIPE.to_json()
        other = Run(header["recipe"], "cpu")
        other.restore(state, "paused", None)
        epochs(other, 3 if moment is None else 4)
        straight = Run(RECIPE.to_json(), "cpu")
        epochs(straight, 5)
        assert_same(other.learner, straight.learner)


def test_it_takes_what_can_be_changed_live_and_begins_anew_for_the_rest(run: Run) -> None:
    epochs(run, 1)
    assert run.change(RECIPE.replace(epsilon=0.5).to_json())["fresh_start"] is False
    assert (run.learner.step, run.learner.recipe.epsilon) == (PULLS_AN_EPOCH, 0.5)
    assert run.change(RECIPE.replace(arms=7).to_json()) == {"fresh_start": True, "kept": 0, "total": 7}
    assert run.learner.step == 0 and frame(run)[1]["pulls"].shape == (7,)


def test_a_run_may_go_over_to_another_kind_and_back(run: Run) -> None:
    epochs(run, 1)
    assert run.change(Experiment().to_json())["fresh_start"] is True
    run.step()
    assert "test_loss" in frame(run)[0]["history_columns"]
    assert run.change(RECIPE.to_json())["fresh_start"] is True
    run.step()
    assert frame(run)[0]["history_columns"][-1] == "regret"


def test_nobody_reaches_into_what_nobody_can_reach_into(run: Run) -> None:
    version = run.version
    run.intervene("silence", {"structure": run.structure, "unit": 0})
    run.undo()
    assert run.version == version and frame(run)[0]["acts"]["undo"] is None


def test_a_device_that_it_does_not_know_is_refused_and_nothing_is_lost(run: Run) -> None:
    run.step()
    with pytest.raises(Problem):
        run.set_device("cuda")
    assert run.learner.step == 1


def test_it_moves_to_another_worker_with_its_time_line(run: Run) -> None:
    epochs(run, 3)
    header, content = pack_run(run, gently=False)
    moved = Run(header["recipe"], "cpu")
    unpack_run(moved, json.loads(json.dumps(header)), content)
    assert_same(moved.learner, run.learner)
    np.testing.assert_array_equal(moved.timeline.table(), run.timeline.table())
    assert moved.rewind(moved.timeline.table()[1, 0])["step"] == PULLS_AN_EPOCH


# The pool


def test_a_class_has_it_too_it_is_kept_and_waits_on_the_shelf(make_pool: Callable[[], Pool]) -> None:
    pool = make_pool()
    token = pool.create(RECIPE.to_json(), "cpu", owner=OWNER)
    assert pool.call(token, "step")[0]["step"] == 1
    assert pool.call(token, "epoch")[0]["step"] == PULLS_AN_EPOCH
    header, state = pool.call(token, "fork", moment=None)
    twin = pool.create(header["recipe"], "cpu", state, owner=OWNER)
    assert pool.call(twin, "epoch")[0]["step"] == 2 * PULLS_AN_EPOCH
    assert pool.call(token, "checkpoint")[1] == RECIPE.to_json().encode()
    before = pool.call(token, "history")[1]
    assert eventually(lambda: pool.find_standing(token, OWNER)["step"] == PULLS_AN_EPOCH)
    pool.stop()

    after = make_pool()
    assert after.revive(token, OWNER)["recipe"] == RECIPE.to_json()
    assert after.call(token, "history")[1] == before
    assert after.call(token, "epoch")[0]["step"] == 2 * PULLS_AN_EPOCH
    _, arrays = decode_frame(after.call(token, "frame", now=True)[1])
    np.testing.assert_array_equal(arrays["pulls"], best_known_course(RECIPE, 2 * PULLS_AN_EPOCH)[1])


def test_a_bad_recipe_of_the_kind_is_refused_at_the_door(make_pool: Callable[[], Pool]) -> None:
    with pytest.raises(Problem, match="arms"):
        make_pool().create('{"learning": "acting", "arms": 1}')
