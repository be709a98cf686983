"""The page Data: each control reaches the desk or the recipe, and the run stays as it is until somebody presses Train."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from streamlit.runtime.scriptrunner_utils.exceptions import StopException
from streamlit.testing.v1 import AppTest

from dlcore import rights
from dlcore.component import validate
from dlcore.datasets import store
from dlcore.datasets.fitting import propose_batch, propose_units
from dlcore.datasets.pictures import ImageData
from dlcore.datasets.room import UPLOAD
from dlcore.datasets.table import TableData
from dlcore.editing.editor import Editor
from dlcore.experiment import Experiment
from dlcore.problems import Problem
from dlcore.runs.server.entry import mark_of
from tests.data_desk import HandmadeDesks, column
from tests.patience import PATIENCE
from tests.playground import ROOT, RecordingPool, errors, notices, shown, speak_for, state, widget
from ui import live, session
from ui.data import columns
from ui.data.brought import Bringing, Brought, fit_recipe
from ui.data.pictures import make_sheet
from ui.messages import sentence, text

DATA, PLAYGROUND = "../pages/data.py", "../pages/playground.py"
CSV = b"ticket,age,port,fare,survived\n"
PASSENGERS = {
    "kind": "table",
    "name": "passengers.csv",
    "rows": 60,
    "target": "survived",
    "classes": ["no", "yes"],
    "columns": [
        {"kind": "number", "name": "age", "impute": "median", "scale": "standard"},
        {"kind": "category", "name": "port", "values": ["C", "Q", "S"], "impute": "most_frequent"},
        {"kind": "number", "name": "fare", "impute": "median", "scale": "standard"},
    ],
}


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> RecordingPool:
    recording = RecordingPool()
    monkeypatch.setattr(live, "pool", lambda: recording)
    return recording


@pytest.fixture
def desks(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> HandmadeDesks:
    monkeypatch.setenv("DLCORE_TABLES", str(tmp_path))
    handmade = HandmadeDesks(PASSENGERS)
    monkeypatch.setattr(live, "desks", lambda: handmade)
    return handmade


@pytest.fixture
def empty(pool: RecordingPool, desks: HandmadeDesks) -> Any:
    """The page as it opens."""
    return open_data()


@pytest.fixture
def at(empty: Any) -> Any:
    """The page with a table on it."""
    return bring(empty)


def open_data(language: str = "en") -> Any:
    """The page after its first run."""
    at = AppTest.from_file(str(ROOT / "ui" / "frame.py"), default_timeout=PATIENCE)
    at.session_state["session"] = session.Session(language)
    at.switch_page(DATA).run()
    assert not at.exception
    return at


def bring(at: Any, name: str = "passengers.csv", content: bytes = CSV) -> Any:
    at.file_uploader[0].set_value([(name, content, "text/csv")]).run()
    assert not at.exception
    return at


def choose(at: Any, path: str, value: Any) -> None:
    widget(at, path).set_value(value).run()
    assert not at.exception


def press(at: Any, key: str) -> None:
    at.get_by_key(key).click().run()
    assert not at.exception


def said(at: Any) -> str:
    return "\n".join(element.value for element in [*at.caption, *at.markdown, *at.warning, *at.info])


def in_english(problem: Problem) -> str:
    return shown(sentence("en", problem))


# Bring


def test_a_file_goes_to_the_store_and_the_session_keeps_its_digest_alone(empty: Any, desks: HandmadeDesks) -> None:
    content = CSV + b"secret cells\n" * 1000
    at = bring(empty, content=content)
    do, arguments = desks.asked[-1]
    assert do == "look"
    assert store.get_upload(arguments["upload"]) == content
    assert arguments["name"] == "passengers.csv"
    assert at.file_uploader[0].value in (None, [])
    assert "secret" not in repr(state(at).memory(Bringing))


def test_pasted_cells_are_looked_at_as_a_file_and_leave_the_session(empty: Any, desks: HandmadeDesks) -> None:
    at = empty
    at.get_by_key("data_pasted").set_value("a\tb\n1\t2\n")
    next(button for button in at.button if button.label == text("en", "data.paste.take")).click().run()
    assert store.get_upload(desks.asked[-1][1]["upload"]) == b"a\tb\n1\t2\n"
    assert at.get_by_key("data_pasted").value == ""


@pytest.mark.parametrize("late", [False, True])
def test_a_pasted_table_that_is_refused_is_still_in_its_field(
    empty: Any, desks: HandmadeDesks, late: bool, pool: RecordingPool
) -> None:
    at, refused = empty, Problem("upload_too_few_rows", came=8, least=10)
    if late:  # When the store has it already.
        desks.refusals["look"] = refused
    else:
        desks.submit = lambda *_, **__: (_ for _ in ()).throw(refused)
    at.get_by_key("data_pasted").set_value("a\tb\n1\t2\n")
    next(button for button in at.button if button.label == text("en", "data.paste.take")).click().run()
    assert errors(at) == [in_english(refused)]
    assert at.get_by_key("data_pasted").value == "a\tb\n1\t2\n"


def test_a_classic_set_is_fetched_and_then_looked_at_with_its_own_target(empty: Any, desks: HandmadeDesks) -> None:
    press(empty, "take_classic_titanic")
    assert [do for do, _ in desks.asked] == ["classic", "look"]
    assert desks.asked[0][1] == {"name": "titanic"}
    assert desks.asked[1][1] == {"upload": "0" * 32, "name": "titanic.csv", "target": "survived"}
    assert state(empty).memory(Bringing).brought.name == "titanic.csv"


def test_without_a_connection_a_bundled_neighbour_is_one_press_away(
    empty: Any, desks: HandmadeDesks, pool: RecordingPool
) -> None:
    desks.refusals["classic"] = Problem("classic_offline", name="Penguins", neighbour="Iris")
    press(empty, "take_classic_penguins")
    assert len(errors(empty)) == 1
    assert not pool.recipes
    press(empty, "data_neighbour")
    assert pool.recipes[-1]["dataset"] == {"kind": "iris"}
    assert pool.recipes[-1]["loss"] == {"kind": "cross_entropy"}


def test_a_table_past_the_limit_is_sampled_when_asked(at: Any, desks: HandmadeDesks) -> None:
    desks.refusals["look"] = Problem("upload_too_many_rows", came=250_000, limit=100_000)
    bring(at, "large.csv", b"x,y\n")
    assert errors(at) == [in_english(desks.refusals["look"])]
    assert state(at).memory(Bringing).brought.name == "passengers.csv"  # Nothing is lost.
    desks.refusals.clear()
    press(at, "data_sample")
    assert desks.asked[-1][1]["sample"] == 100_000
    assert desks.asked[-1][1]["name"] == "large.csv"
    assert state(at).memory(Bringing).brought.name == "large.csv"
    assert state(at).memory(Bringing).too_many is None


def test_a_large_table_is_looked_at_by_the_job_that_takes_its_time(at: Any, desks: HandmadeDesks) -> None:
    desks.large = True
    bring(at, "large.csv", b"x,y\n")
    at.run()
    assert [do for do, _ in desks.asked[-2:]] == ["look", "look_long"]
    assert state(at).memory(Bringing).brought.name == "large.csv"
    choose(at, "/data/target", "age")
    assert desks.asked[-1][0] == "look_long", "the next look at it begins there"


@pytest.mark.parametrize("key", ["upload_empty", "upload_damaged", "job_lost", "job_too_long"])
def test_a_wrong_file_is_one_sentence_and_nothing_is_lost(
    at: Any, desks: HandmadeDesks, pool: RecordingPool, key: str
) -> None:
    before = state(at).memory(Bringing).brought
    desks.refusals["look"] = Problem(key)
    bring(at, "wrong.csv", b"\x00")
    assert errors(at) == [in_english(Problem(key))]
    assert state(at).memory(Bringing).brought == before
    assert not pool.recipes
    desks.refusals.clear()
    at.run()
    assert not errors(at)


def test_a_file_that_was_removed_in_mid_upload_is_one_sentence(empty: Any, desks: HandmadeDesks) -> None:
    empty.file_uploader[0].set_value([("a.csv", CSV, "text/csv")])
    empty.file_uploader[0].set_value([]).run()
    assert not empty.exception
    assert not desks.asked
    assert errors(empty) in ([], [in_english(Problem("upload_gone"))])


def test_a_busy_desk_is_one_sentence(empty: Any, desks: HandmadeDesks) -> None:
    desks.full = Problem("desk_busy", limit=2)
    bring(empty)
    assert errors(empty) == [in_english(desks.full)]


def test_while_a_desk_is_at_work_the_page_says_how_many_are_ahead_and_can_be_left(
    empty: Any, desks: HandmadeDesks
) -> None:
    desks.late = []
    at = bring(empty)
    assert text("en", "data.ahead", count=2) in at.get_by_key("data_waiting").children[0].proto.text.replace("\\", "")
    press(at, "data_cancel")
    assert desks.late[0].state == "cancelled"
    assert state(at).memory(Bringing).waiting is None
    assert not errors(at)


def test_the_answer_is_taken_when_it_comes(empty: Any, desks: HandmadeDesks) -> None:
    desks.late = []
    at = bring(empty)
    assert state(at).memory(Bringing).brought is None
    desks.late[0].finish()
    at.run()
    assert state(at).memory(Bringing).brought.name == "passengers.csv"
    assert state(at).memory(Bringing).waiting is None


def test_an_answer_is_not_lost_when_a_press_ends_the_script_that_takes_it(empty: Any, desks: HandmadeDesks) -> None:
    desks.late = []
    at = bring(empty)
    desks.late[0].finish()
    waiting = state(at).memory(Bringing).waiting
    taken = waiting.arrived

    def interrupted(*answer: Any) -> None:
        waiting.arrived = taken
        raise StopException  # As Streamlit ends a script at any look at the session.

    waiting.arrived = interrupted
    at.run()
    assert state(at).memory(Bringing).brought is None
    at.run()
    assert state(at).memory(Bringing).brought.name == "passengers.csv"


def test_pictures_become_the_data_of_the_run(empty: Any, desks: HandmadeDesks, pool: RecordingPool) -> None:
    desks.imported = ImageData(name="t10k", height=4, width=4, classes=("0", "1"), available=60).to_dict()
    at = empty
    files = [
        (name, b"\x00\x00\x08", "application/gzip")
        for name in ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz")
    ]
    at.file_uploader[0].set_value(files).run()
    assert not at.exception
    do, arguments = desks.asked[-1]
    assert do == "images"
    assert arguments["names"] == [name for name, _, _ in files]
    press(at, "data_train")
    assert pool.recipes[-1]["dataset"] == desks.imported
    assert Experiment.from_dict(pool.recipes[-1]).num_inputs == 16
    fewer = Editor().edit(
        Experiment.from_dict(pool.recipes[-1]), {"do": "setting", "path": "dataset.samples", "value": 40}
    )
    assert fewer is not None and fewer.experiment.dataset.to_dict() == {**desks.imported, "samples": 40}


# Whose it is, and the way to take it off


def test_what_is_brought_belongs_to_who_has_brought_it(empty: Any, desks: HandmadeDesks) -> None:
    bring(empty)
    upload = desks.asked[-1][1]["upload"]
    assert store.find_ownership(upload, UPLOAD).owners == (mark_of(state(empty).secret),)
    with rights.working_for(mark_of("another")), pytest.raises(Problem) as refused:
        store.get_upload(upload)
    assert refused.value.key == "upload_gone"
    empty.get_by_key("data_pasted").set_value("a\tb\n1\t2\n")
    next(button for button in empty.button if button.label == text("en", "data.paste.take")).click().run()
    assert store.find_ownership(desks.asked[-1][1]["upload"], UPLOAD).owners == (mark_of(state(empty).secret),)


def test_a_file_and_its_rows_are_taken_off_each_by_its_button(empty: Any, desks: HandmadeDesks) -> None:
    at = bring(empty)
    mine = mark_of(state(at).secret)
    upload = desks.asked[-1][1]["upload"]
    with rights.working_for(mine):
        digest = store.put_table(
            {"form": "table 1", "name": "passengers.csv", "rows": 60, "columns": []}, {"c0": np.zeros(9)}
        )
    desks.imported = {**PASSENGERS, "digest": digest}
    press(at, "data_train")
    at.switch_page(DATA).run()
    assert shown(text("en", "data.kept.rows", name="passengers.csv", rows="60")) in said(at)
    press(at, f"data_remove_rows_{digest}")
    assert not store.is_kept(digest)
    assert shown(text("en", "data.kept.file", name="passengers.csv")) in said(at)
    press(at, f"data_remove_file_{upload}")
    with pytest.raises(Problem):
        store.get_upload(upload)
    assert state(at).memory(Bringing).brought is None
    assert not [button for button in at.button if str(button.key).startswith("data_remove")]
    assert not errors(at)


def test_a_button_takes_off_nothing_that_is_anothers_too(empty: Any, desks: HandmadeDesks) -> None:
    at = bring(empty)
    upload = desks.asked[-1][1]["upload"]
    with rights.working_for(mark_of("another")):
        store.keep_upload(CSV)
    press(at, f"data_remove_file_{upload}")
    with rights.working_for(mark_of("another")):
        assert store.get_upload(upload) == CSV


def test_nobody_is_offered_to_take_off_what_is_anothers(empty: Any, desks: HandmadeDesks) -> None:
    with rights.working_for(mark_of("another")):
        digest = store.put_table(
            {"form": "table 1", "name": "passengers.csv", "rows": 60, "columns": []}, {"c0": np.zeros(9)}
        )
    state(empty).memory(Bringing).own = {**PASSENGERS, "digest": digest}
    assert not [button for button in empty.run().button if str(button.key).startswith("data_remove")]


# See, and say otherwise


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("separator", ";"),
        ("decimal", ","),
        ("encoding", "gb18030"),
        ("header", False),
        ("quote", "'"),
        ("titles", 2),
        ("header_lines", 3),
    ],
)
def test_what_was_found_out_can_be_corrected(at: Any, desks: HandmadeDesks, name: str, value: Any) -> None:
    choose(at, f"/data/reading/{name}", value)
    assert desks.asked[-1][0] == "look"
    assert desks.asked[-1][1][name] == value
    assert widget(at, f"/data/reading/{name}").value == value


def test_the_sheets_of_a_workbook_are_offered(empty: Any, desks: HandmadeDesks) -> None:
    options = {"decimal": ".", "titles": 2, "header": True, "header_lines": 3, "sheet": "Pupils"}
    desks.profile |= {"format": "excel", "sheets": ["Notes", "Pupils"], "options": options}
    at = bring(empty, "pupils.xlsx")
    shown = said(at)
    assert all(words in shown for words in ("Pupils", "Lines above the table: 2", "Lines of names: 3"))
    choose(at, "/data/reading/sheet", "Notes")
    assert desks.asked[-1][1]["sheet"] == "Notes"


def test_of_wekas_format_only_the_encoding_can_be_said_otherwise(empty: Any, desks: HandmadeDesks) -> None:
    desks.profile |= {"format": "arff", "options": {"encoding": "utf-8", "sample": None}}
    at = bring(empty, "weather.arff")
    assert "ARFF" in said(at)
    choose(at, "/data/reading/encoding", "latin-1")
    assert desks.asked[-1][1]["encoding"] == "latin-1"
    assert not [box for box in at.selectbox if box.key and box.key.endswith("/data/reading/header")]


def test_a_type_is_read_anew_and_survives_another_target(at: Any, desks: HandmadeDesks) -> None:
    choose(at, "/data/card", "fare")
    choose(at, "/data/card/kind", "category")
    assert desks.asked[-1][1]["types"] == {"fare": "category"}
    choose(at, "/data/target", "age")
    assert desks.asked[-1][1] == {
        "upload": desks.asked[0][1]["upload"],
        "name": "passengers.csv",
        "types": {"fare": "category"},
        "target": "age",
    }
    choose(at, "/data/task", "regression")
    assert desks.asked[-1][1]["task"] == "regression"


def test_the_task_that_was_found_out_is_on_a_widget_that_no_earlier_word_of_the_browser_reaches(
    at: Any, desks: HandmadeDesks
) -> None:
    def shown_task() -> tuple[str, str]:
        return widget(at, "/data/task").key, widget(at, "/data/task").value

    classes = shown_task()
    desks.profile |= {"target": "age", "task": "regression", "classes": []}
    choose(at, "/data/target", "age")
    number = shown_task()
    assert (classes[1], number[1]) == ("classification", "regression")
    assert number[0] != classes[0]
    desks.profile |= {"task": "classification"}
    choose(at, "/data/task", "classification")  # By hand: the widget stays where the focus is.
    assert shown_task() == (number[0], "classification")


def port(**facts: Any) -> dict[str, Any]:
    """The profile of a port that is asked about."""
    marks, spellings = [["None", 3, False], ["NA", 1, True]], [["S", "s"]]
    return column("port", "category", distinct=3, marks=marks, spellings=spellings, joined=False) | facts


def asked_about(at: Any, desks: HandmadeDesks, *findings: Problem) -> Any:
    """The page with a table whose port is asked about."""
    desks.profile["columns"][2] = port()
    desks.profile["findings"] = [{**found.to_dict(), "severity": "warning"} for found in findings]
    return bring(at)


@pytest.mark.parametrize(
    ("finding", "option", "answer"),
    [
        (
            Problem("found_maybe_missing", column="port", mark="None", cells=3, of=10),
            "missing",
            {"port": ["NA", "None"]},
        ),
        (Problem("found_word_missing", column="port", mark="NA", cells=1), "missing", {"port": []}),
        (Problem("found_near_equal", column="port", spellings="S, s"), "joined", ["port"]),
    ],
)
def test_the_other_answer_to_a_question_about_a_column_is_one_press_and_reaches_training(
    empty: Any, desks: HandmadeDesks, finding: Problem, option: str, answer: Any
) -> None:
    at = asked_about(empty, desks, finding)
    assert in_english(finding) in said(at)
    press(at, "data_answer_0")
    assert desks.asked[-1][0] == "look" and desks.asked[-1][1][option] == answer
    press(at, "data_train")
    assert desks.asked[-1][0] == "import" and desks.asked[-1][1][option] == answer


def test_the_card_takes_an_answer_back(empty: Any, desks: HandmadeDesks) -> None:
    at = asked_about(empty, desks, Problem("found_near_equal", column="port", spellings="S, s"))
    choose(at, "/data/card", "port")
    assert widget(at, "/data/card/missing").value == ["NA"]
    desks.profile["columns"][2] = port(marks=[["None", 3, True], ["NA", 1, False]], joined=True)
    choose(at, "/data/card/missing", ["None"])
    assert desks.asked[-1][1]["missing"] == {"port": ["None"]}
    assert widget(at, "/data/card/missing").value == ["None"]
    choose(at, "/data/card/joined", False)
    assert desks.asked[-1][1]["joined"] == []
    assert desks.asked[-1][1]["missing"] == {"port": ["None"]}


@pytest.mark.parametrize(
    ("language", "off", "expected"),
    [
        ("en", ("port", "fare"), "7 rows go into the network. 1 column becomes 1 network input."),
        ("en", ("age", "fare"), "7 rows go into the network. 1 column becomes 3 network inputs."),
        ("en", ("port",), "7 rows go into the network. 2 columns become 2 network inputs."),
        ("zh_CN", ("port", "fare"), "7 行进入网络。1 列变成 1 个网络输入。"),
    ],
)
def test_the_rows_and_inputs_of_the_network_are_counted_in_words_that_fit(
    pool: RecordingPool, desks: HandmadeDesks, language: str, off: tuple[str, ...], expected: str
) -> None:
    desks.profile["trained"] = 7
    at = bring(open_data(language))
    for name in off:
        choose(at, "/data/card", name)
        choose(at, "/data/card/input", False)
    assert expected in said(at).replace("\\", "")


def test_what_is_remarkable_is_said_with_its_evidence_warnings_first(empty: Any, desks: HandmadeDesks) -> None:
    notice = Problem("found_empty_rows", rows=3)
    warning = Problem("found_leak", column="<b>boat</b>", target="survived", share="99.1%")
    desks.profile["findings"] = [
        {**notice.to_dict(), "severity": "notice"},
        {**warning.to_dict(), "severity": "warning"},
    ]
    at = bring(empty)
    assert [one.value for one in at.warning] == [in_english(warning)]
    assert [one.value for one in at.info] == [in_english(notice)]


STRANGE = ("<img src=x onerror=alert(1)>", "$x$", "=cmd()", "__proto__", "[l](http://evil.example)", "اسم", "😀")


def test_names_of_strangers_stay_text(empty: Any, desks: HandmadeDesks) -> None:
    desks.profile["columns"] = [column(name, "number") for name in STRANGE] + [
        column("![y](http://evil.example)", "number")
    ]
    desks.profile |= {"target": "![y](http://evil.example)", "inputs": list(STRANGE), "preview": []}
    at = bring(empty, "<script>$x$[a](b).csv")
    assert f"**{shown('<script>$x$[a](b).csv')}**" in said(at)
    menu = widget(at, "/data/card")
    assert menu.options == [
        one["name"] for one in desks.profile["columns"]
    ]  # It reads no markdown: see the browser's test.
    choose(at, "/data/card", STRANGE[0])
    assert not errors(at)
    press(at, "data_train")
    assert desks.asked[-1][1]["inputs"] == list(STRANGE)
    assert desks.asked[-1][1]["target"] == "![y](http://evil.example)"


# Choose and train


def test_the_run_goes_on_untouched_until_train_is_pressed(at: Any, pool: RecordingPool) -> None:
    choose(at, "/data/card", "age")
    choose(at, "/data/card/input", False)
    choose(at, "/data/target", "port")
    assert not pool.recipes
    assert state(at).experiment == Experiment()


def test_train_imports_the_table_and_the_run_plays_on_it(at: Any, desks: HandmadeDesks, pool: RecordingPool) -> None:
    press(at, "data_train")
    do, arguments = desks.asked[-1]
    assert do == "import"
    assert arguments["inputs"] == ["age", "port", "fare"]
    assert arguments["target"] == "survived"
    assert arguments["types"]["ticket"] == "id"
    recipe = pool.recipes[-1]
    assert recipe["dataset"] == validate(TableData, PASSENGERS).to_dict()
    assert recipe["loss"] == {"kind": "cross_entropy"}
    assert recipe["test_fraction"] == 0.2
    assert "features" not in recipe
    assert pool.calls[-1][1] == "play"
    assert text("en", "data.dropped.one") in notices(at)
    # The playground is open, on the run that learns it.
    assert state(at).address.page == ""
    assert state(at).experiment == Experiment.from_dict(recipe)


@pytest.mark.parametrize(
    ("part", "column", "value"), [("impute", "age", "mean"), ("scale", "fare", "minmax"), ("impute", "port", "none")]
)
def test_what_is_done_to_a_column_stands_in_the_recipe(
    at: Any, pool: RecordingPool, part: str, column: str, value: str
) -> None:
    choose(at, "/data/card", column)
    choose(at, f"/data/card/{part}", value)
    press(at, "data_train")
    columns = {one["name"]: one for one in pool.recipes[-1]["dataset"]["columns"]}
    assert columns[column][part] == value
    untouched = {one["name"]: one for one in PASSENGERS["columns"]}
    assert {name: one for name, one in columns.items() if name != column} == {
        name: one for name, one in untouched.items() if name != column
    }


def test_a_column_that_was_switched_off_is_not_imported(at: Any, desks: HandmadeDesks) -> None:
    choose(at, "/data/card", "port")
    choose(at, "/data/card/input", False)
    assert text("en", "data.use.summary", rows=10, columns=2, inputs=2) in said(at).replace("\\", "")
    press(at, "data_train")
    assert desks.asked[-1][1]["inputs"] == ["age", "fare"]


def test_a_tick_counts_when_the_page_is_about_to_draw_another_grid(at: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = state(at)
    table = mine.memory(Bringing).brought
    assert table is not None
    names = [column["name"] for column in table.columns]
    key = f"data_columns_{mine.memory(Bringing).grids}"
    mine.memory(Bringing).grids += 1  # As when the target has just been changed, and the page stands still as it was.
    speak_for(monkeypatch, mine, **{key: {"edited_rows": {names.index("port"): {"input": False}}}})
    columns.edit(key, names)
    assert not mine.memory(Bringing).brought.is_input("port")
    columns.edit(key, names[::-1])  # A grid of another table.
    assert mine.memory(Bringing).brought.is_input("age")
    assert mine.problems == []


def test_an_id_cannot_be_an_input_until_it_has_another_type(at: Any, desks: HandmadeDesks) -> None:
    choose(at, "/data/card", "ticket")
    assert widget(at, "/data/card/input").disabled
    choose(at, "/data/card/kind", "number")
    assert not widget(at, "/data/card/input").disabled
    choose(at, "/data/card/input", True)
    press(at, "data_train")
    assert desks.asked[-1][1]["inputs"] == ["ticket", "age", "port", "fare"]


def test_without_an_input_train_says_what_is_missing(at: Any) -> None:
    for name in ("age", "port", "fare"):
        choose(at, "/data/card", name)
        choose(at, "/data/card/input", False)
    assert at.get_by_key("data_train").disabled
    assert text("en", "data.no_inputs") in said(at).replace("\\", "")


def test_a_table_that_cannot_be_imported_leaves_the_run(at: Any, desks: HandmadeDesks, pool: RecordingPool) -> None:
    desks.refusals["import"] = Problem("upload_gone")
    press(at, "data_train")
    assert errors(at) == [in_english(Problem("upload_gone"))]
    assert not pool.recipes
    assert state(at).memory(Bringing).brought is not None


def test_a_number_as_target_is_learned_with_squared_errors(pool: RecordingPool) -> None:
    part = {**PASSENGERS, "target": "price", "classes": []}
    experiment = fit_recipe(Experiment(features=("x1",)).to_dict(), part)
    assert experiment.loss.kind == "mse"
    assert experiment.features is None
    assert experiment.num_outputs == 1


def test_what_was_learned_with_stays_but_for_what_must_fit() -> None:
    before = Experiment(seed=7, optimizer={"kind": "sgd", "learning_rate": 0.3}, gradient_clip=2.0)  # type: ignore[arg-type]
    after = fit_recipe(before.to_dict(), PASSENGERS)
    assert (after.seed, after.optimizer, after.gradient_clip) == (before.seed, before.optimizer, before.gradient_clip)


@pytest.mark.parametrize("rows", [4, 10, 100, 1_999, 2_000, 30_000, 100_000])
def test_the_proposed_batch_fits_and_leaves_many_updates_an_epoch(rows: int) -> None:
    batch = propose_batch(rows)
    assert 1 <= batch <= rows
    assert rows / batch >= min(rows / 10, 90)


@pytest.mark.parametrize(("inputs", "outputs"), [(1, 1), (2, 1), (10, 3), (784, 10), (200, 20)])
def test_the_proposed_network_is_small_and_narrows(inputs: int, outputs: int) -> None:
    first, second = propose_units(inputs, outputs)
    assert 4 <= second <= first <= 24 or second >= outputs


def test_a_card_says_what_the_network_gets_of_a_column(at: Any) -> None:
    table: Brought = state(at).memory(Bringing).brought
    assert table.num_inputs == 1 + 3 + 1
    assert table.is_input("age")
    assert not table.is_input("survived")


def test_samples_stand_on_one_sheet_in_their_order() -> None:
    samples = np.arange(12 * 6, dtype=np.uint8).reshape(12, 6)
    board = make_sheet(samples, 1, 2, 3)
    assert board[0:2, 0:3].ravel().tolist() == samples[0].tolist()
    assert board[3:5, 4:7].ravel().tolist() == samples[11].tolist()


# The playground


def test_other_data_and_back_to_the_table(at: Any, pool: RecordingPool) -> None:
    press(at, "data_train")
    editor, own = Editor(), Experiment.from_dict(pool.recipes[-1])
    away = editor.edit(own, {"do": "setting", "path": "dataset.kind", "value": "xor"})
    assert away is not None and away.experiment.dataset.kind == "xor"
    assert editor.describe(away.experiment)["facts"]["own"]["name"] == PASSENGERS["name"]
    back = editor.edit(away.experiment, {"do": "setting", "path": "dataset.kind", "value": "table"})
    assert back is not None and back.experiment.dataset.to_dict() == validate(TableData, PASSENGERS).to_dict()
    assert back.experiment.loss.kind == "cross_entropy"


@pytest.mark.parametrize("kept", [(0, 2), (0, 1, 2)], ids=["a plane", "no plane"])
def test_a_plane_says_which_column_is_which_axis(
    at: Any, desks: HandmadeDesks, pool: RecordingPool, kept: tuple[int, ...]
) -> None:
    desks.imported = {**PASSENGERS, "columns": [PASSENGERS["columns"][place] for place in kept]}
    press(at, "data_train")
    assert not errors(at)
    own = Editor().describe(Experiment.from_dict(pool.recipes[-1]))["facts"]["own"]
    assert own["used"] and own["plane"] == (["age", "fare"] if len(kept) == 2 else None)


def test_nobody_who_has_brought_nothing_is_offered_data_of_their_own() -> None:
    assert Editor().describe(Experiment())["facts"]["own"] is None


def test_the_page_speaks_chinese(pool: RecordingPool, desks: HandmadeDesks) -> None:
    at = bring(open_data("zh_CN"))
    assert text("zh_CN", "data.train") in [button.label for button in at.button]
    assert json.dumps(said(at), ensure_ascii=False).count("列") > 3
