"""What a press on the canvas asks for reaches the run; what names something gone does nothing."""

from __future__ import annotations

from typing import Any

import pytest
import streamlit as st

from dlcore.experiment import Experiment
from dlcore.layers import Dense
from dlcore.optimizers import Adam
from tests.playground import RecordingPool, at_path, errors, notices, open_page, state
from ui import gallery, live
from ui.playground import acting
from ui.playground.memory import Playing


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> RecordingPool:
    """A pool that writes down what it is told."""
    recording = RecordingPool()
    monkeypatch.setattr(live, "pool", lambda: recording)
    return recording


def test_the_canvas_asks_for_a_new_run_when_its_own_is_gone(
    pool: RecordingPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    press(monkeypatch, "renew")
    at = open_page()
    pool.alive.clear()
    at.button(key="press").click().run()
    assert len(pool.created) == 2


@pytest.mark.parametrize(
    ("fix", "path", "value"),
    [
        ("add_l2", "regularizer.kind", "l2"),
        ("fewer_units", "layers.0.units", 2),
        ("slower", "optimizer.learning_rate", 0.3),
    ],
)
def test_what_the_coach_offers_is_done_to_the_run_and_the_settings_follow(
    pool: RecordingPool, monkeypatch: pytest.MonkeyPatch, fix: str, path: str, value: Any
) -> None:
    press(monkeypatch, {"do": "coach", "fix": fix})
    at = open_page(Experiment(optimizer=Adam(learning_rate=3.0)))
    at.button(key="press").click().run()
    assert len(pool.recipes) == 1 and at_path(pool.recipes[0], path) == value
    assert state(at).experiment == Experiment.from_dict(pool.recipes[0])
    assert not errors(at) and not at.exception


@pytest.mark.parametrize("fix", ["nonsense", None, "leak"])
def test_a_fix_that_is_unknown_or_changes_nothing_does_nothing(
    pool: RecordingPool, monkeypatch: pytest.MonkeyPatch, fix: str | None
) -> None:
    press(monkeypatch, {"do": "coach", "fix": fix})
    at = open_page()
    at.button(key="press").click().run()
    assert not [do for _, do, _ in pool.calls if do == "change"] and not errors(at)


@pytest.mark.parametrize(
    "action",
    [
        {"do": "add_unit", "address": "0"},  # The run itself is asked for this.
        {"do": "fork", "moment": -1},
        {"do": "fork", "moment": "1"},
        {"do": []},
    ],
)
def test_an_action_that_names_nothing_there_is_does_nothing(
    pool: RecordingPool, monkeypatch: pytest.MonkeyPatch, action: dict[str, Any]
) -> None:
    press(monkeypatch, action)
    at = open_page()
    at.button(key="press").click().run()
    assert not pool.calls
    assert not errors(at)


def test_the_page_follows_what_was_changed_on_the_canvas(pool: RecordingPool, monkeypatch: pytest.MonkeyPatch) -> None:
    at = open_page()
    pool.edit("run 0", Experiment(seed=77, layers=(Dense(units=3),)))
    assert state(at).experiment == Experiment()
    at.run()
    assert state(at).experiment == Experiment(seed=77, layers=(Dense(units=3),))
    assert not pool.calls


def test_what_a_press_does_is_done_to_the_run_as_the_canvas_left_it(
    pool: RecordingPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    press(monkeypatch, {"do": "coach", "fix": "add_l2"})
    at = open_page()
    pool.edit("run 0", Experiment(seed=77))
    at.button(key="press").click().run()
    assert (pool.recipes[-1]["seed"], pool.recipes[-1]["regularizer"]["kind"]) == (77, "l2")


@pytest.mark.parametrize(
    ("action", "present", "kept"),
    [
        ({"do": "fork", "moment": 3}, "run 1", ["run 0"]),
        ({"do": "fork", "moment": None}, "run 1", ["run 0"]),
    ],
)
def test_a_press_on_the_canvas_makes_another_run(
    pool: RecordingPool, monkeypatch: pytest.MonkeyPatch, action: dict[str, Any], present: str, kept: list[str]
) -> None:
    pool.answer = {"recipe": Experiment().to_json(), "step": 0}
    press(monkeypatch, action)
    at = open_page()
    at.button(key="press").click().run()
    assert (state(at).token, kept_runs(pool)) == (present, kept)
    assert len(notices(at)) == 1
    assert not errors(at)


def test_actions_that_come_along_with_a_later_one_are_answered_once_and_in_order(
    pool: RecordingPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool.answer = {"recipe": Experiment().to_json()}
    keep, gone = {"do": "fork", "moment": 1}, {"do": "fork", "moment": -1}
    along = [{**keep, "number": 1}, "none", {**keep, "number": True}, keep, {**keep, "number": 2}]
    at = open_page()
    for action, kept in (
        ({**gone, "number": 3, "by": 7, "before": along}, 2),
        ({**keep, "number": 4, "by": 7, "before": [*along, {**gone, "number": 3}]}, 3),
        ({**gone, "number": 1, "by": 8, "before": []}, 3),  # Another canvas numbers its actions anew.
    ):
        press(monkeypatch, action)
        at.run().button(key="press").click().run()
        assert len(kept_runs(pool)) == kept
        assert state(at).memory(Playing).answered == {"by": action["by"], "number": action["number"]}
    assert not errors(at)


def kept_runs(pool: RecordingPool) -> list[str]:
    return [token for token, label in pool.listing.labels.items() if label.kept]


def press(monkeypatch: pytest.MonkeyPatch, action: str | dict[str, Any]) -> None:
    """Let a button of the heading stand for a press on the canvas, which AppTest cannot make."""
    told = action if isinstance(action, dict) else {"do": action}
    monkeypatch.setattr(acting, "canvas_action", lambda: told)
    monkeypatch.setattr(gallery, "draw_button", lambda: st.button("press", key="press", on_click=acting.answer_canvas))
