"""My runs: how a run joins the list, what is said about it there, and what is done with it."""

from __future__ import annotations

from typing import Any

import pytest

from dlcore.datasets.toy import SpiralData
from dlcore.experiment import Experiment
from dlcore.layers import Dense, Dropout
from dlcore.problems import Problem
from dlcore.runs.server.entry import mark_of
from tests.playground import RecordingPool, come_with, errors, open_page, shown, speak_for, state
from ui import live, session
from ui.messages import text
from ui.myruns import acts
from ui.myruns.names import describe_differences, name_after_recipe
from ui.session import t


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> RecordingPool:
    recording = RecordingPool()
    monkeypatch.setattr(live, "pool", lambda: recording)
    recording.answer = {"recipe": Experiment().to_json(), "step": 0}
    return recording


@pytest.fixture
def person(pool: RecordingPool, monkeypatch: pytest.MonkeyPatch) -> session.Session:
    """Somebody whose run has been made."""
    somebody = session.Session("en")
    somebody.token = pool.create(Experiment().to_json(), reader=mark_of(somebody.secret))
    speak_for(monkeypatch, somebody)
    come_with(monkeypatch, "")
    return somebody


def kept(pool: RecordingPool) -> list[str]:
    return [token for token, label in pool.listing.labels.items() if label.kept and not label.deleted]


# Names


@pytest.mark.parametrize(
    ("recipe", "name"),
    [
        ({"dataset": SpiralData(), "layers": (Dense(units=8), Dense(units=8))}, "Spiral 8-8"),
        ({"layers": ()}, "Circle"),
        ({"layers": (Dense(units=4), Dropout(p=0.2), Dense(units=2))}, "Circle 4-Dropout-2"),
    ],
)
def test_a_run_is_called_what_it_is(person: session.Session, recipe: dict[str, Any], name: str) -> None:
    assert name_after_recipe(Experiment(**recipe), t) == name


def test_what_sets_a_run_apart_is_said_and_what_all_share_is_not(person: session.Session) -> None:
    runs = [Experiment(seed=1), Experiment(seed=1), Experiment(seed=2, dataset=SpiralData())]
    assert describe_differences(runs, t) == ["", "", "Seed 2"]  # The data set stands in the name.


# How a run joins


def test_a_copy_is_kept_and_the_run_goes_on(pool: RecordingPool, person: session.Session) -> None:
    acts.keep()
    assert person.token == "run 0"
    assert kept(pool) == ["run 1"]
    assert pool.calls == [("run 0", "fork", {"moment": None})]
    assert pool.states["run 1"] == b"bytes of fork"
    assert [run.token for run in acts.list_compared()] == ["run 0", "run 1"]


def test_a_fork_becomes_the_present_run_and_the_old_one_is_kept(pool: RecordingPool, person: session.Session) -> None:
    then = Experiment(seed=8)
    pool.answer = {"recipe": then.to_json(), "step": 40}
    acts.fork(17)
    assert pool.calls == [("run 0", "fork", {"moment": 17}), ("run 0", "pause", {})]
    assert (person.token, person.experiment) == ("run 1", then)
    assert kept(pool) == ["run 0"]


def test_change_one_thing_gives_two_fresh_runs_of_the_same_recipe(pool: RecordingPool, person: session.Session) -> None:
    acts.change_one()
    assert [Experiment.from_json(recipe) for recipe, _ in pool.created[1:]] == [Experiment()] * 2
    assert (kept(pool), person.token) == (["run 1"], "run 2")
    assert (pool.states["run 1"], pool.states["run 2"]) == (b"", b"")
    assert pool.alive == {"run 1", "run 2"}
    assert {run.token for run in acts.list_compared()} == {"run 1", "run 2"}


def test_change_one_thing_does_not_lose_what_was_learned(pool: RecordingPool, person: session.Session) -> None:
    pool.answer["step"] = 300
    acts.change_one()
    assert sorted(kept(pool)) == ["run 0", "run 1"]
    assert person.token == "run 2"


def test_there_is_an_end_to_what_one_person_may_keep(pool: RecordingPool, person: session.Session) -> None:
    for _ in range(acts.MOST_KEPT):
        acts.keep()
    before, made = kept(pool), len(pool.created)
    for join in (acts.keep, acts.change_one, lambda: acts.fork(None)):
        with pytest.raises(Problem, match=f"At most {acts.MOST_KEPT}"):
            join()
    assert (kept(pool), len(pool.created)) == (before, made)
    assert len(acts.list_compared()) == acts.MOST_COMPARED  # Those for whom there was no place wait without a tick.
    acts.delete(before[0])
    acts.keep()


def as_it_is(pool: RecordingPool, person: session.Session) -> tuple[Any, ...]:
    return set(pool.alive), kept(pool), person.token, person.experiment


@pytest.mark.parametrize("free", [0, 1])
@pytest.mark.parametrize("learned", [0, 300])
def test_where_only_one_of_two_runs_has_room_neither_stays(
    pool: RecordingPool, person: session.Session, free: int, learned: int
) -> None:
    pool.answer["step"] = learned
    pool.full, pool.limit = Problem("class_full", limit=30, came=30), len(pool.alive) + free
    before = as_it_is(pool, person)
    with pytest.raises(Problem, match="30"):
        acts.change_one()
    assert as_it_is(pool, person) == before


@pytest.mark.parametrize("join", [acts.change_one, lambda: acts.fork(None), lambda: acts.fork(17)])
def test_where_the_present_run_does_not_answer_no_new_run_stays(
    pool: RecordingPool, person: session.Session, monkeypatch: pytest.MonkeyPatch, join: Any
) -> None:
    pool.answer["step"] = 300
    answer = pool.call

    def busy(token: str, do: str, *arguments: Any, **values: Any) -> Any:
        if do == "pause":
            raise Problem("worker_busy")
        return answer(token, do, *arguments, **values)

    monkeypatch.setattr(pool, "call", busy)
    before = as_it_is(pool, person)
    with pytest.raises(Problem) as refused:
        join()
    assert refused.value.key == "worker_busy"
    assert as_it_is(pool, person) == before


# What is done with one of them


def test_nobody_names_ticks_or_deletes_the_run_of_somebody_else(pool: RecordingPool, person: session.Session) -> None:
    theirs = pool.create(Experiment().to_json(), reader="somebody else's mark")
    acts.rename(theirs, "mine now")
    acts.tick(theirs, True)
    acts.delete(theirs)
    assert theirs not in pool.listing.labels
    assert theirs in pool.alive


def test_a_name_is_cleaned_and_what_has_one_is_kept(pool: RecordingPool, person: session.Session) -> None:
    acts.rename("run 0", f"  good\u202e {'x' * 100}")
    assert acts.name_present() == f"good {'x' * 34}…"
    assert kept(pool) == ["run 0"]
    acts.rename("run 0", "")
    assert acts.name_present() == "Circle 4-2"


def test_a_deleted_run_comes_back_until_the_next_one_is_deleted(pool: RecordingPool, person: session.Session) -> None:
    acts.keep(), acts.keep()
    acts.delete("run 1")
    assert [run.token for run in acts.list_own()] == ["run 0", "run 2"]
    acts.undo_delete()
    assert [run.token for run in acts.list_compared()] == ["run 0", "run 1", "run 2"]
    acts.delete("run 1")
    acts.delete("run 2")
    assert "run 1" not in pool.alive
    assert "run 2" in pool.alive
    acts.undo_delete()
    assert [run.token for run in acts.list_own()] == ["run 0", "run 2"]


def test_the_run_on_screen_is_not_deleted(pool: RecordingPool, person: session.Session) -> None:
    acts.delete("run 0")
    assert [run.token for run in acts.list_own()] == ["run 0"]


def test_runs_of_closed_tabs_are_listed_once_they_have_learned_and_only_the_newest(
    pool: RecordingPool, person: session.Session
) -> None:
    mark = mark_of(person.secret)
    left = [pool.create(Experiment().to_json(), reader=mark) for _ in range(acts.MOST_OTHERS + 2)]
    assert [run.token for run in acts.list_own()] == ["run 0"]
    pool.answer["step"] = 5
    assert [run.token for run in acts.list_own()] == ["run 0", *left[2:]]


# The list on the page


def test_the_list_is_reached_from_every_page_and_its_controls_do_what_they_say(pool: RecordingPool) -> None:
    at = open_page()
    for path in ("data", "compare", "playground"):
        at.switch_page(f"../pages/{path}.py")
        at.run()
        named = [caption.value for caption in at.caption if caption.value == shown("Circle 4-2")]
        # On the playground the recipe is edited without the script: a name made of it would be an old one.
        assert len(named) == (path != "playground")
        at.button(key="my_runs").click().run()
        assert not errors(at) and not at.exception
        assert at.button(key="run_keep")
    at.button(key="run_keep").click().run()
    assert at.button(key="compare_ticked").label == shown(text("en", "myruns.compare", count=2))
    at.text_input(key="widget:/named/run 1").set_value("The wide one").run()
    assert pool.listing.labels["run 1"].name == "The wide one"
    at.checkbox(key="widget:/compared/run 1").uncheck().run()
    assert at.button(key="compare_ticked").disabled
    at.button(key="delete_run 1").click().run()
    assert shown(text("en", "myruns.deleted", name="The wide one")) in [line.value for line in at.markdown]
    at.button(key="undo_delete").click().run()
    assert [run.label.name for run in pool.listing.list_runs(mark_of(state(at).secret))] == ["", "The wide one"]
    pool.shelf["run 1"] = {"recipe": Experiment(seed=4).to_json(), "device": "cpu", "step": 9, "epoch": 1}
    pool.shelf["run 0"] = {"recipe": Experiment().to_json(), "device": "cpu", "step": 9, "epoch": 1}
    pool.answer = {}
    at.button(key="open_run 1").click().run()
    assert state(at).token == "run 1"
    assert not errors(at)


def test_a_fifth_tick_is_refused_in_the_list_in_one_sentence(pool: RecordingPool) -> None:
    at = open_page()
    at.button(key="my_runs").click().run()
    for _ in range(acts.MOST_COMPARED):
        at.button(key="run_keep").click().run()
    at.checkbox(key=f"widget:/compared/run {acts.MOST_COMPARED}").check().run()
    assert errors(at) == [shown(text("en", "problem.compared_full", limit=acts.MOST_COMPARED))]
    assert not at.checkbox(key=f"widget:/compared/run {acts.MOST_COMPARED}").value


def test_a_listener_hears_the_name_as_it_is_and_markdown_in_it_means_nothing(pool: RecordingPool) -> None:
    at = open_page()
    pool.listing.label("run 0", name="![x](http://a) 4-2 (2)")
    at.button(key="my_runs").click().run()
    assert at.text_input(key="widget:/named/run 0").label == "Name of   x (http //a) 4-2 (2)"
