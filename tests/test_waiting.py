"""A class that is full, and the ways back to a run: the real page with a pool that only writes down what it is told."""

from __future__ import annotations

from typing import Any

import pytest

from dlcore.experiment import Experiment
from dlcore.problems import Problem
from dlcore.runs.server.entry import mark_of
from tests.playground import RecordingPool, come_with, errors, first_visit, notices, open_page, shown, speak_for, state
from ui import live
from ui.compare import page
from ui.messages import sentence, text
from ui.myruns import acts
from ui.session import standing

FULL = Problem("class_full", came=120, limit=120)
SPIRAL = Experiment.from_dict({"dataset": {"kind": "spiral"}})
STANDING = {"recipe": SPIRAL.to_json(), "device": "cpu", "status": "paused", "step": 400, "epoch": 16}


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> RecordingPool:
    recording = RecordingPool()
    monkeypatch.setattr(live, "_pool", recording)
    return recording


def words(at: object) -> list[str]:
    return [element.value for element in [*at.header, *at.markdown, *at.caption]]  # type: ignore[attr-defined]


@pytest.mark.parametrize(("locale", "language"), [("en-GB", "en"), ("zh-CN", "zh_CN")])
def test_a_newcomer_to_a_full_class_reads_one_sentence_and_has_one_button(
    pool: RecordingPool, locale: str, language: str
) -> None:
    pool.full = FULL
    at = first_visit(locale)
    assert shown(text(language, "waiting.title")) in words(at)
    assert shown(sentence(language, FULL)) in words(at)
    assert "120" in sentence(language, FULL)
    # The menu of language and theme, with the words, is there as everywhere.
    assert [button.label for button in at.button if button.key != "terms"] == [shown(text(language, "waiting.try"))]
    assert not errors(at) and not at.exception
    assert state(at).token is None and not pool.calls


def test_pressing_try_again_goes_in_as_soon_as_there_is_room(pool: RecordingPool) -> None:
    pool.full = FULL
    at = first_visit("en-GB")
    at.get_by_key("knock").click().run()
    assert shown(sentence("en", FULL)) in words(at)
    pool.full = None
    at.get_by_key("knock").click().run()
    assert state(at).token == "run 0"
    assert shown(text("en", "waiting.title")) not in words(at)
    assert at.button(key="gallery")


def test_those_inside_do_not_notice(pool: RecordingPool) -> None:
    at = open_page()
    pool.full = FULL
    at.run()
    assert state(at).token == "run 0"
    assert not errors(at) and shown(text("en", "waiting.title")) not in words(at)


def test_too_many_runs_of_one_browser_wait_too(pool: RecordingPool) -> None:
    pool.full = Problem("session_full", limit=4)
    at = first_visit("en-GB")
    assert shown(sentence("en", pool.full)) in words(at)


def test_a_run_that_was_put_away_while_nobody_looked_comes_back_by_itself(pool: RecordingPool) -> None:
    at = open_page(SPIRAL)
    pool.alive.clear()
    pool.shelf["run 0"] = STANDING
    at.run()
    assert (state(at).token, state(at).life) == ("run 0", 1)
    assert len(pool.created) == 1
    assert notices(at) == [text("en", "page.revived", epoch=16)]


def test_a_change_that_finds_its_run_put_away_is_made_to_the_run_that_came_back(
    pool: RecordingPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = open_page(SPIRAL)
    pool.shelf["run 0"] = STANDING
    pool.alive.discard("run 0")
    speak_for(monkeypatch, state(at))
    come_with(monkeypatch, "")
    standing.send(SPIRAL.replace(batch_size=16))
    assert [recipe["batch_size"] for recipe in pool.recipes] == [16]
    assert state(at).token == "run 0" and state(at).experiment.batch_size == 16


def test_the_runs_side_by_side_come_back_too(pool: RecordingPool, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[dict[str, Any]] = []
    monkeypatch.setattr(page, "side_by_side", lambda data, **_: told.append(data))
    at = open_page(SPIRAL)
    away = pool.create(SPIRAL.to_json(), reader=mark_of(state(at).secret))
    for token in ("run 0", away):
        pool.listing.label(token, kept=True, compared=True)
    pool.shelf[away] = STANDING
    pool.alive.discard(away)
    at.switch_page("../pages/compare.py")
    at.run()
    assert [run["token"] for run in told[-1]["runs"]] == ["run 0", away]
    assert away in pool.alive


# The offer on the canvas


def press_resume(at: object, monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    """What the canvas sends when somebody presses Go on from there."""
    speak_for(monkeypatch, state(at))  # type: ignore[arg-type]
    come_with(monkeypatch, "")
    standing.resume(token)


def test_going_on_from_a_kept_run_brings_its_settings_and_gives_up_the_untouched_new_one(
    pool: RecordingPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = open_page()
    pool.shelf["old run"] = STANDING
    press_resume(at, monkeypatch, "old run")
    assert state(at).token == "old run"
    assert state(at).experiment == SPIRAL
    assert pool.alive == {"old run"}
    press_resume(at, monkeypatch, "old run")  # Pressed twice.
    assert pool.alive == {"old run"}


def test_going_on_has_room_in_a_class_that_is_full(pool: RecordingPool, monkeypatch: pytest.MonkeyPatch) -> None:
    at = open_page()
    pool.shelf["old run"] = STANDING
    pool.full, pool.limit = FULL, 1
    press_resume(at, monkeypatch, "old run")
    assert state(at).token == "old run"


@pytest.mark.parametrize("token", ["nobody's", "", "None"])
def test_a_run_that_is_not_there_any_more_is_one_sentence_and_changes_nothing(
    pool: RecordingPool, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    at = open_page()
    with pytest.raises(Problem, match="ended"):
        press_resume(at, monkeypatch, token)
    assert state(at).token == "run 0" and pool.alive == {"run 0"}


def test_every_new_run_belongs_to_the_browser(pool: RecordingPool, monkeypatch: pytest.MonkeyPatch) -> None:
    at = open_page()
    speak_for(monkeypatch, state(at))
    come_with(monkeypatch, "a secret")
    pool.answer = {"recipe": SPIRAL.to_json()}
    standing.begin(SPIRAL.to_json())
    acts.fork(None)
    assert pool.owners[1:] == ["a secret"] * 2
