"""What a press on the canvas asks for reaches the run; what names something gone does nothing."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from dlcore.experiment import Experiment
from dlcore.layers import Dense
from dlcore.optimizers import Adam
from dlcore.problems import Problem
from tests.playground import RecordingPool, at_path, errors, open_page, shown, state, widget
from ui import live
from ui.playground import acting
from ui.playground.memory import Playing
from ui.session import editing


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> RecordingPool:
    """A pool that writes down what it is told."""
    recording = RecordingPool()
    monkeypatch.setattr(live, "pool", lambda: recording)
    return recording


@pytest.mark.parametrize(
    ("action", "path", "value"),
    [
        ("new_seed", "seed", 4),
    ],
)
def test_a_press_on_the_canvas_is_answered(
    pool: RecordingPool, monkeypatch: pytest.MonkeyPatch, action: str, path: str, value: float
) -> None:
    press(monkeypatch, action)
    at = open_page(Experiment(optimizer=Adam(learning_rate=3.0), seed=3))
    at.button(key="new_seed").click().run()
    assert at_path(pool.recipes[-1], path) == value
    assert not errors(at)


def test_the_canvas_asks_for_a_new_run_when_its_own_is_gone(
    pool: RecordingPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    press(monkeypatch, "renew")
    at = open_page()
    pool.alive.clear()
    at.button(key="new_seed").click().run()
    assert len(pool.created) == 2


@pytest.mark.parametrize(
    ("action", "path", "value", "origins"),
    [
        ({"do": "add_unit", "address": "1"}, "layers.1.units", 3, {"layers": [0, 1], "units": {"1": [0, 1, None]}}),
        (
            {"do": "remove_unit", "address": "0", "unit": 0},
            "layers.0.units",
            3,
            {"layers": [0, 1], "units": {"0": [1, 2, 3]}},
        ),
        ({"do": "add_layer", "address": "1"}, "layers.1.units", 4, {"layers": [0, None, 1]}),
        ({"do": "remove_layer", "address": "0"}, "layers.0.units", 2, {"layers": [1]}),
        ({"do": "activation", "address": "0", "kind": "relu"}, "layers.0.activation.kind", "relu", {"layers": [0, 1]}),
        ({"do": "feature", "name": "sin_x2", "on": True}, "features", ["x1", "x2", "sin_x2"], {"layers": [0, 1]}),
        ({"do": "points", "add": [[1, 2, 1, "train"]]}, "dataset.kind", "drawn", {"layers": [0, 1]}),
        ({"do": "clear_points"}, "batch_size", 2, {"layers": [0, 1]}),
    ],
)
def test_an_edit_on_the_canvas_is_sent_at_once_and_the_widgets_follow(
    pool: RecordingPool,
    monkeypatch: pytest.MonkeyPatch,
    action: dict[str, Any],
    path: str,
    value: Any,
    origins: dict[str, Any],
) -> None:
    press(monkeypatch, action)
    at = open_page()
    at.button(key="new_seed").click().run()
    changes = [values for _, do, values in pool.calls if do == "change"]
    assert len(changes) == 1
    assert at_path(pool.recipes[0], path) == value
    assert changes[0]["origins"] == origins
    assert Experiment.from_dict(state(at).draft) == Experiment.from_dict(pool.recipes[0])
    assert not errors(at)
    assert not at.exception


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
    at.button(key="new_seed").click().run()
    assert len(pool.recipes) == 1 and at_path(pool.recipes[0], path) == value
    assert Experiment.from_dict(state(at).draft) == Experiment.from_dict(pool.recipes[0])
    assert not errors(at) and not at.exception


@pytest.mark.parametrize("fix", ["nonsense", None, "leak"])
def test_a_fix_that_is_unknown_or_changes_nothing_does_nothing(
    pool: RecordingPool, monkeypatch: pytest.MonkeyPatch, fix: str | None
) -> None:
    press(monkeypatch, {"do": "coach", "fix": fix})
    at = open_page()
    at.button(key="new_seed").click().run()
    assert not [do for _, do, _ in pool.calls if do == "change"] and not errors(at)


@pytest.mark.parametrize(
    ("action", "waits"),
    [
        ({"do": "add_unit", "address": "0"}, True),
        ({"do": "clear_points"}, False),  # Shows a notice: the batch has become smaller.
        ({"do": "remove_unit", "address": "0", "unit": 0}, False),  # Refused, which is shown at once.
        ({"do": "add_unit", "address": "12"}, False),
        ({"do": "keep"}, False),
        ({"do": "settled"}, False),
    ],
)
def test_the_page_waits_for_the_drawing_of_an_edit_and_for_nothing_else(
    pool: RecordingPool, monkeypatch: pytest.MonkeyPatch, action: dict[str, Any], waits: bool
) -> None:
    pool.answer = {"recipe": Experiment().to_json()}
    reruns: list[None] = []
    monkeypatch.setattr(acting.st, "rerun", lambda: reruns.append(None))
    press(monkeypatch, action)
    at = open_page(Experiment(layers=(Dense(units=1),)))
    at.button(key="new_seed").click().run()
    assert len(reruns) == (0 if waits else 1)
    assert not at.exception


@pytest.mark.parametrize(
    "action",
    [
        {"do": "add_unit", "address": "12"},
        {"do": "rewind", "moment": "1"},
        {"do": "fork", "moment": -1},
        {"do": "jump"},
        {"do": "jump", "act": "7"},
        {"do": []},
    ],
)
def test_an_action_that_names_what_is_gone_does_nothing(
    pool: RecordingPool, monkeypatch: pytest.MonkeyPatch, action: dict[str, Any]
) -> None:
    press(monkeypatch, action)
    at = open_page()
    at.button(key="new_seed").click().run()
    assert not pool.calls
    assert not errors(at)


def test_an_edit_that_may_not_be_is_one_sentence_and_changes_nothing(
    pool: RecordingPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    press(monkeypatch, {"do": "remove_unit", "address": "0", "unit": 0})
    at = open_page(Experiment(layers=(Dense(units=1),)))
    at.button(key="new_seed").click().run()
    assert errors(at) == [shown(str(Problem("last_unit")))]
    assert not pool.calls


def test_a_rewound_run_stands_on_the_recipe_of_then(pool: RecordingPool, monkeypatch: pytest.MonkeyPatch) -> None:
    pool.answer = {"recipe": Experiment(seed=77).to_json(), "step": 5}
    press(monkeypatch, {"do": "rewind", "moment": 3})
    at = open_page()
    at.button(key="new_seed").click().run()
    assert pool.calls == [("run 0", "rewind", {"moment": 3})]
    assert widget(at, "seed").value == 77
    assert not errors(at)


@pytest.mark.parametrize(
    ("action", "verb", "arguments"),
    [
        ({"do": "undo"}, "undo", {}),
        ({"do": "redo"}, "redo", {}),
        ({"do": "jump", "act": 0}, "jump", {"act": 0}),
        ({"do": "jump", "act": 7}, "jump", {"act": 7}),
    ],
)
@pytest.mark.parametrize("seed", [0, 77])
def test_the_settings_are_those_of_the_run_whatever_it_takes_back(
    pool: RecordingPool,
    monkeypatch: pytest.MonkeyPatch,
    action: dict[str, Any],
    verb: str,
    arguments: dict[str, Any],
    seed: int,
) -> None:
    pool.answer = {"recipe": Experiment(seed=seed).to_json(), "step": 5, "epoch": 1}
    reruns: list[None] = []
    monkeypatch.setattr(acting.st, "rerun", lambda: reruns.append(None))
    press(monkeypatch, action)
    at = open_page()
    at.button(key="new_seed").click().run()
    assert pool.calls == [("run 0", verb, arguments)]
    assert widget(at, "seed").value == seed
    assert len(reruns) == (1 if seed else 0)  # Where no setting changed, the frames show all there is to see.
    assert not errors(at)


@pytest.mark.parametrize(
    ("action", "present", "kept"),
    [
        ({"do": "fork", "moment": 3}, "run 1", ["run 0"]),
        ({"do": "fork", "moment": None}, "run 1", ["run 0"]),
        ({"do": "keep"}, "run 0", ["run 1"]),
        ({"do": "change_one"}, "run 2", ["run 1"]),
    ],
)
def test_a_press_on_the_canvas_makes_another_run(
    pool: RecordingPool, monkeypatch: pytest.MonkeyPatch, action: dict[str, Any], present: str, kept: list[str]
) -> None:
    pool.answer = {"recipe": Experiment().to_json(), "step": 0}
    press(monkeypatch, action)
    at = open_page()
    at.button(key="new_seed").click().run()
    assert (state(at).token, [run.token for run in state(at).kept]) == (present, kept)
    assert len(at.toast) == 1
    assert not errors(at)


def test_actions_that_come_along_with_a_later_one_are_answered_once_and_in_order(
    pool: RecordingPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit = {"do": "add_unit", "address": "0"}
    along = [{**unit, "number": 1}, "none", {**unit, "number": True}, unit, {**unit, "number": 2}]
    at = open_page()
    units = Experiment().layers[0].units
    for action, more in (
        ({"do": "settled", "number": 3, "by": 7, "before": along}, 2),
        ({**unit, "number": 4, "by": 7, "before": [*along, {"do": "settled", "number": 3}]}, 3),
        ({**unit, "number": 1, "by": 8, "before": []}, 4),  # Another canvas numbers its actions anew.
    ):
        press(monkeypatch, action)
        at.run().button(key="new_seed").click().run()
        assert state(at).experiment.layers[0].units == units + more
        assert state(at).memory(Playing).answered == {"by": action["by"], "number": action["number"]}
    assert not errors(at)


def press(monkeypatch: pytest.MonkeyPatch, action: str | dict[str, Any]) -> None:
    """Let the button for a new seed stand for a press on the canvas, which AppTest cannot make."""
    answer, told = acting.answer_canvas, SimpleNamespace(action=action if isinstance(action, dict) else {"do": action})
    new_seed = editing.new_seed

    def stand_in() -> None:
        monkeypatch.setattr(acting, "canvas_action", lambda: told.action)
        monkeypatch.setattr(editing, "new_seed", new_seed)
        answer()

    monkeypatch.setattr(editing, "new_seed", stand_in)
