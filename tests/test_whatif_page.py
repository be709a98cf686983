"""The sections What if and Report: sliders, the smallest change taken into them, and the files that a press makes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dlcore.experiment import Experiment
from tests.judges import HastyDesks
from tests.patience import PATIENCE
from tests.playground import come_with, errors, widget
from tests.test_evaluate_page import SEALED, JudgedPool
from ui import live, session
from ui.evaluating.judging import Judging
from ui.messages import text
from ui.pages import EVALUATE
from ui.reporting import make_reporter

CARS = {"dataset": {"kind": "table"}}
DIGITS = {"dataset": {"kind": "digits"}}
NUMBER = {"dataset": {"kind": "diabetes"}, "loss": {"kind": "mse"}}


def opened(monkeypatch: pytest.MonkeyPatch, recipe: dict[str, Any], section: str, language: str = "en") -> AppTest:
    pool, desks = JudgedPool(recipe), HastyDesks()
    monkeypatch.setattr(live, "pool", lambda: pool)
    monkeypatch.setattr(live, "desks", lambda: desks)
    at = AppTest.from_file(str(EVALUATE.script), default_timeout=PATIENCE)
    at.session_state["session"] = session.Session(language, Experiment.from_dict(recipe))
    at.query_params["section"] = section
    return at.run()


def memory(at: AppTest) -> Any:
    return at.session_state["session"].memory(Judging).whatif


def pressed(at: AppTest, key: str) -> AppTest:
    (button,) = [one for one in at.button if one.key == key]
    return button.click().run()


@pytest.mark.parametrize("recipe", [CARS, DIGITS, NUMBER], ids=["cars", "digits", "number"])
@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_the_section_draws_for_every_kind_of_data(
    monkeypatch: pytest.MonkeyPatch, recipe: dict[str, Any], language: str
) -> None:
    at = opened(monkeypatch, recipe, "whatif", language)
    assert errors(at) == [] and not at.exception
    assert text(language, "flip.find") in [button.label for button in at.button]


def test_a_moved_slider_moves_the_row_and_back_puts_it_back(monkeypatch: pytest.MonkeyPatch) -> None:
    at = opened(monkeypatch, {}, "whatif")
    before = [slider.value for slider in at.slider]
    at.slider[0].set_value(2.0).run()
    assert list(memory(at).values) == ["x1"] and memory(at).values["x1"] == 2.0
    at = pressed(at, "whatif_back")
    assert memory(at).values == {} and [slider.value for slider in at.slider] == before


def test_the_smallest_change_is_taken_into_the_sliders(monkeypatch: pytest.MonkeyPatch) -> None:
    at = pressed(opened(monkeypatch, {}, "whatif"), "flip_find")
    assert errors(at) == []
    before = [slider.value for slider in at.slider]
    at = pressed(at, "flip_take")
    assert memory(at).values and [slider.value for slider in at.slider] != before
    names = [slider.label for slider in at.slider]
    for name, value in memory(at).values.items():
        assert at.slider[names.index(name)].value == pytest.approx(value)


def test_another_row_begins_as_it_is_in_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    at = opened(monkeypatch, CARS, "whatif")
    at.slider[0].set_value(at.slider[0].max).run()
    assert memory(at).values
    at.number_input[0].set_value(2).run()
    assert memory(at).values == {} and errors(at) == []


@pytest.mark.parametrize("meanwhile", ["other test rows", "another row is the most uncertain one"])
def test_what_was_moved_of_one_row_is_not_said_of_another_that_took_its_place(
    monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    at = opened(monkeypatch, CARS, "whatif")
    if meanwhile == "other test rows":
        at.selectbox[0].set_value("row").run()
    at.slider[0].set_value(at.slider[0].max).run()
    assert memory(at).values
    pool: Any = live.pool()
    before, _ = live.desks().ask("whatif", pool.content, **memory(at).asked)
    if meanwhile == "other test rows":
        pool.recipe = json.dumps({**CARS, "test_fraction": 0.3})
    else:
        pool.steps = 5
    (again,) = [button for button in at.button if button.key == "judge_again"]
    again.click().run()
    now = memory(at)
    found, _ = live.desks().ask("whatif", pool.content, **now.asked)
    starts = {column["name"]: column["start"] for column in found["columns"]}
    assert starts != {column["name"]: column["start"] for column in before["columns"]}
    assert now.values == {} and errors(at) == []
    assert {slider.label: slider.value for slider in at.slider} == {
        slider.label: pytest.approx(starts[slider.label]) for slider in at.slider
    }


def test_rows_count_from_nought_and_ranks_from_one(monkeypatch: pytest.MonkeyPatch) -> None:
    at = opened(monkeypatch, CARS, "whatif")
    begin, place = at.selectbox[0], at.number_input[0]
    assert place.value == 1
    at = begin.set_value("row").run()
    at = at.number_input[0].set_value(0).run()
    at = at.selectbox[0].set_value("uncertain").run()
    assert not at.exception and not errors(at)
    assert at.number_input[0].value == 1


def test_a_place_that_is_not_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    at = opened(monkeypatch, CARS, "whatif")
    at.number_input[0].set_value(5000).run()
    assert len(errors(at)) == 1 and "5000" in errors(at)[0] and not at.exception


@pytest.mark.parametrize("what", ["report", "card"])
def test_the_files_are_made_at_the_press(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    at = opened(monkeypatch, {}, "report")
    assert errors(at) == [] and [button.key for button in at.download_button] == ["export_report", "export_card"]
    # As the press does: outside the script, with what was captured.
    state = session.Session("zh_CN", Experiment())
    come_with(monkeypatch, "")
    content = make_reporter(state, what, "token", at.session_state["session"].memory(Judging).moment)().decode()
    assert text("zh_CN", "report.part") in content


def test_a_report_counts_the_looks_at_the_rows_of_its_own_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    at = opened(monkeypatch, SEALED, "scores")
    widget(at, "/judged_split").set_value("test").run()
    pressed(at, "unseal")
    state, desks = at.session_state["session"], live.desks()
    state.experiment = Experiment.from_dict({**SEALED, "seed": 3})  # Meanwhile the run has changed to other data.
    come_with(monkeypatch, "")
    of_the_moment = make_reporter(state, "report", state.token, state.memory(Judging).moment)
    of_the_run = make_reporter(state, "card", state.token)
    assert text("en", "report.looks", looks=1) in of_the_moment().decode()
    assert [asked["looks"] for do, asked in desks.asked if do == "report"] == [1]  # type: ignore[attr-defined]
    live.pool().recipe = json.dumps({**SEALED, "seed": 3})  # type: ignore[attr-defined]
    assert text("en", "report.sealed", looks=0) in of_the_run().decode()
    live.pool().recipe = json.dumps({**SEALED, "validation_fraction": 0.2})  # type: ignore[attr-defined]
    assert text("en", "report.sealed", looks=1) in of_the_run().decode()


def test_a_report_draws_the_history_up_to_its_own_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    at = opened(monkeypatch, {}, "report")
    state, pool, desks = at.session_state["session"], live.pool(), live.desks()
    pool.history = b"of then"  # type: ignore[attr-defined]
    pool.steps = 50  # type: ignore[attr-defined]
    pressed(at, "judge_again")
    pool.history = b"of a run that went back and took another way"  # type: ignore[attr-defined]
    come_with(monkeypatch, "")
    make_reporter(state, "report", state.token, state.memory(Judging).moment)()
    assert [asked["history"] for do, asked in desks.asked if do == "report"] == ["of then"]  # type: ignore[attr-defined]
