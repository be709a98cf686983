"""The page around the canvas: one run for each session, files taken home and brought back, words; what is wrong is said."""

from __future__ import annotations

import inspect
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dlcore.datasets.drawn import Drawn
from dlcore.datasets.tabular import Iris
from dlcore.experiment import Experiment
from dlcore.export.rows import data_csv
from dlcore.layers import Dense
from dlcore.problems import Problem
from dlcore.share import encode
from tests.judges import HastyDesks
from tests.patience import PATIENCE
from tests.playground import ROOT, RecordingPool, errors, first_visit, notices, open_page, shown, state, widget
from ui import exporting, live, session
from ui.messages import sentence, text
from ui.pages import PAGES, Page
from ui.playground import page
from ui.playground.memory import Playing


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> RecordingPool:
    """A pool that writes down what it is told."""
    recording = RecordingPool()
    monkeypatch.setattr(live, "pool", lambda: recording)
    return recording


# The run


def test_a_session_makes_one_run_and_holds_it(pool: RecordingPool) -> None:
    at = open_page()
    at.run()
    assert len(pool.created) == 1
    assert Experiment.from_json(pool.created[0][0]) == Experiment()


def test_a_run_that_has_ended_is_replaced_by_one_of_the_last_good_experiment(pool: RecordingPool) -> None:
    at = open_page()
    pool.edit("run 0", Experiment(seed=7))
    at.run()
    pool.alive.clear()
    at.run()
    assert len(pool.created) == 2
    assert Experiment.from_json(pool.created[1][0]).seed == 7
    assert notices(at) == [text("en", "page.renewed")]
    assert notices(at.run()) == [
        text("en", "page.renewed")
    ]  # Not said again: it has the number that the browser has heard.


# Export


def open_menu(at: AppTest, name: str = "export") -> AppTest:
    generation = state(at).generations.get(f"/{name}", 0)  # A menu that code has closed has a new key.
    at.session_state[f"widget:/{name}" + (f"~{generation}" if generation else "")] = True
    return at.run()


def test_files_are_made_at_the_press(pool: RecordingPool) -> None:
    at = open_menu(open_page())
    assert {button.key for button in at.download_button} == {f"export_{what}" for what in exporting.FILES}
    assert {shown(text("en", f"export.{what}.help")) for what in exporting.FILES} <= {each.value for each in at.caption}
    assert not pool.calls
    person = state(at)
    for what in ("checkpoint", "history", "script"):
        assert exporting.make_maker(what, "run 0", person)() == f"bytes of {what}".encode()
    recipe = exporting.make_maker("recipe", "run 0", person)
    pool.edit("run 0", Experiment(seed=9))  # Changed after the page was drawn, before the press.
    assert Experiment.from_json(recipe()).seed == 9


def test_a_recipe_goes_home_with_what_was_changed_in_its_run_and_comes_back_without_repeating_it(
    pool: RecordingPool,
) -> None:
    at = open_menu(open_page())
    journal = [{"step": 0, "set": {"batch_size": 10}}, {"step": 9, "set": {"batch_size": 3}}]
    pool.answer = {"journal": journal}
    taken = exporting.make_maker("recipe", "run 0", state(at))()
    assert Experiment.from_json(taken).to_dict()["journal"] == journal
    pool.answer = {}
    changed = Experiment.from_json(taken).replace(batch_size=3)
    at.file_uploader[0].upload("recipe.json", changed.to_json(indent=2).encode()).run()
    assert (pool.recipes[-1]["batch_size"], pool.recipes[-1]["journal"]) == (3, [])
    assert state(at).experiment == Experiment(batch_size=3)
    assert sentence("en", Problem("journal_not_repeated", step=9)) in notices(at)
    assert not errors(at)
    pool.alive.clear()  # A run that has ended cannot be asked.
    assert Experiment.from_json(exporting.make_maker("recipe", "run 0", state(at))()).journal == ()


def test_the_data_go_home_as_a_table() -> None:
    lines = data_csv(Experiment(dataset=Drawn())).decode().splitlines()
    assert lines[0] == "x1,x2,class,split"
    assert lines[1] == "1.0,0.0,0,train"
    assert [line.rsplit(",", 1)[1] for line in lines[1:]] == ["train"] * 40 + ["test"] * 20
    iris = data_csv(Experiment(dataset=Iris())).decode().splitlines()
    assert iris[0].endswith(",class,split") and len(iris) == 151
    assert {line.split(",")[4] for line in iris[1:]} == {"setosa", "versicolor", "virginica"}


def test_the_onnx_model_is_made_of_the_checkpoint_in_another_process(
    pool: RecordingPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = state(open_page())
    desks = HastyDesks()
    monkeypatch.setattr(live, "desks", lambda: desks)
    monkeypatch.setattr(desks, "ask", lambda do, payload, form, **_: ({}, f"{do} to {form} of ".encode() + payload))
    assert exporting.make_maker("onnx", "run 0", person)() == b"export to onnx of bytes of checkpoint"


def test_the_menu_says_how_far_a_desk_is_with_a_file(pool: RecordingPool, monkeypatch: pytest.MonkeyPatch) -> None:
    at = open_menu(open_page())
    job = SimpleNamespace(state="working", share=0.4, ahead=0)

    def work(do: str, payload: bytes, *, follow: Any, **_: Any) -> Any:
        follow(job)
        return {}, b""

    desks = HastyDesks()
    monkeypatch.setattr(live, "desks", lambda: desks)
    monkeypatch.setattr(desks, "ask", work)
    exporting.make_maker("onnx", "run 0", state(at))()
    said = shown(text("en", "export.making", file=text("en", "export.onnx"), share=40))
    assert said in progress(at.run())
    job.state = "done"
    assert progress(at.run()) == []


def progress(at: AppTest) -> list[str]:
    return [bar.proto.text for bar in at.get("progress")]


def test_a_checkpoint_is_loaded_and_its_recipe_shown(pool: RecordingPool) -> None:
    at = open_menu(open_page())
    pool.answer = {"recipe": Experiment(layers=(Dense(units=7),), seed=2).to_json()}
    at.file_uploader[0].upload("model.safetensors", b"weights").run()
    assert [do for _, do, _ in pool.calls] == ["load"]
    assert state(at).experiment == Experiment(layers=(Dense(units=7),), seed=2)
    assert notices(at) == [text("en", "load.done", name="model.safetensors")]


def test_no_page_waits_for_a_worker_that_has_not_started_to_hear_where_its_run_stands(pool: RecordingPool) -> None:
    pool.started.clear()
    pool.refusal = Problem("worker_busy")
    at = open_page(Experiment(seed=3))
    assert state(at).experiment.seed == 3
    pool.stands[state(at).token] = Experiment(seed=5).to_json()  # Before its worker was lost, the canvas changed it.
    assert state(at.run()).experiment.seed == 5
    assert not errors(at)
    pool.started.set()
    pool.refusal = None
    pool.stands[state(at).token] = Experiment(seed=6).to_json()
    assert state(at.run()).experiment.seed == 6


def test_a_recipe_is_loaded_strictly(pool: RecordingPool) -> None:
    at = open_menu(open_page())
    at.file_uploader[0].upload("recipe.json", Experiment(batch_size=3).to_json().encode()).run()
    assert pool.recipes[-1]["batch_size"] == 3
    open_menu(at).file_uploader[0].upload(
        "recipe.json", b'{"loss": {"kind": "hinge"}, "dataset": {"kind": "iris"}}'
    ).run()
    assert len(pool.recipes) == 1
    assert errors(at) == [shown(str(Problem("loss_needs_two_classes", loss="hinge", dataset="iris", classes=3)))]
    assert state(at).experiment.batch_size == 3


def test_a_refused_checkpoint_leaves_the_run_alone(pool: RecordingPool) -> None:
    at = open_menu(open_page(Experiment(seed=4)))
    pool.refusal = Problem("checkpoint_pickle")
    at.file_uploader[0].upload("<b>[x](http://evil.example)</b>.pt", b"\x80\x04").run()
    pool.refusal = None
    assert errors(at) == [shown(str(Problem("checkpoint_pickle")))]
    assert not pool.calls
    assert state(at).experiment.seed == 4
    assert not errors(at.run())


# Words


def test_the_language_comes_from_the_browser_and_changes_with_the_switch(pool: RecordingPool) -> None:
    at = first_visit(locale="zh-CN")
    assert at.button(key="gallery").label == shown(text("zh_CN", "gallery"))
    widget(at, "/language").set_value("en").run()
    assert at.button(key="gallery").label == shown(text("en", "gallery"))
    assert at.query_params["lang"] == "en"
    assert not pool.calls

    at = AppTest.from_file(str(ROOT / "ui" / "frame.py"), default_timeout=PATIENCE)
    at.query_params["lang"] = "zh"
    assert state(at.run()).language == "zh_CN"


def test_a_press_that_tells_the_address_of_before_takes_no_choice_back(pool: RecordingPool) -> None:
    at = first_visit()
    widget(at, "/language").set_value("zh_CN").run()
    at.query_params.clear()  # as a browser that has not heard of it yet
    at.run()
    assert state(at).language == "zh_CN"
    assert at.query_params["lang"] == "zh"


def test_a_problem_is_said_in_chinese(pool: RecordingPool) -> None:
    at = open_menu(open_page(Experiment(), language="zh_CN"))
    pool.refusal = Problem("checkpoint_pickle")
    at.file_uploader[0].upload("model.pt", b"\x80\x04").run()
    assert errors(at) == [shown(sentence("zh_CN", pool.refusal))]


def test_what_nobody_foresaw_is_our_own_sentence(pool: RecordingPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "draw_canvas", lambda token: 1 / 0)
    at = open_page()
    assert not at.exception
    assert errors(at) == [shown(text("en", "page.failed"))]


def test_every_script_of_a_page_is_in_the_list() -> None:
    assert sorted(one.script for one in PAGES) == sorted((ROOT / "pages").glob("*.py"))


@pytest.mark.parametrize("one", PAGES, ids=[one.script.stem for one in PAGES])
def test_what_a_page_remembers_is_of_one_person(one: Page[object]) -> None:
    ann, bob = session.Session("en"), session.Session("en")
    assert ann.memory(one.memory) is ann.memory(one.memory)
    assert ann.memory(one.memory) is not bob.memory(one.memory)
    assert [other for other in PAGES if other.memory is one.memory] == [one]


def test_a_page_is_a_table_of_contents() -> None:
    for one in PAGES:
        assert len(one.script.read_text(encoding="utf-8").splitlines()) <= 30
    assert inspect.getdoc(session)


def test_a_first_visit_begins_with_validation_rows_and_a_link_with_what_it_says(pool: RecordingPool) -> None:
    first_visit()
    assert Experiment.from_json(pool.created[0][0]) == Experiment(test_fraction=0.3, validation_fraction=0.2)
    for recipe in (Experiment(), Experiment(seed=5)):
        linked = AppTest.from_file(str(ROOT / "ui" / "frame.py"), default_timeout=PATIENCE)
        linked.query_params["run"] = encode(recipe)
        linked.run()
        assert Experiment.from_json(pool.created[-1][0]) == recipe


def test_a_notice_goes_when_something_has_gone_wrong_and_the_next_one_is_told_as_new(pool: RecordingPool) -> None:
    at = open_page()
    state(at).notices.append("It is loaded.")
    at.run()
    assert notices(at) == ["It is loaded."]
    state(at).problems.append(Problem("run_gone"))
    at.run()
    assert notices(at) == []
    state(at).notices.append("It is loaded again.")
    at.run()
    assert [notice["number"] for notice in state(at).memory(Playing).notices] == [2]
    assert not at.toast
