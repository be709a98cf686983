"""Runs side by side: how they join, what the page is told, and what it says they differ in."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import Any

import pytest

from dlcore.activations import ReLU
from dlcore.datasets.drawn import Drawn
from dlcore.datasets.toy import SpiralData, XorData
from dlcore.experiment import Experiment
from dlcore.layers import Dense, Dropout
from dlcore.optimizers import SGD, Adam
from dlcore.problems import Problem
from tests.playground import RecordingPool, errors, open_page, shown, speak_for, state
from tests.test_javascript import run as javascript
from ui import canvas, compare, live, session
from ui.compare import page, runs
from ui.compare.memory import Comparing
from ui.differences import compare_recipes, write_difference
from ui.messages import LANGUAGES, text
from ui.session import standing

ENGLISH = partial(text, "en")


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> RecordingPool:
    recording = RecordingPool()
    monkeypatch.setattr(live, "pool", lambda: recording)
    recording.answer = {"recipe": Experiment().to_json(), "step": 0}
    return recording


# What differs


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ({}, {}, "A and B have the same recipe."),
        (
            {"optimizer": Adam(learning_rate=0.03)},
            {"optimizer": Adam(learning_rate=0.3)},
            "A and B differ in learning rate: 0.03 and 0.3.",
        ),
        ({"batch_size": 10}, {"batch_size": 1}, "A and B differ in batch size: 10 and 1."),
        ({"gradient_clip": 0.0}, {"gradient_clip": 1.0}, "A and B differ in gradient clipping: off and 1."),
        ({}, {"dataset": XorData()}, "A and B differ in data set: Circle and XOR."),
        ({}, {"features": ("x1", "x2", "sin_x1")}, "A and B differ in input features: x₁, x₂ and x₁, x₂, sin x₁."),
        (
            {"layers": (Dense(units=4),)},
            {"layers": (Dense(units=4, activation=ReLU()),)},
            "A and B differ in layer 1: Activation: Tanh and ReLU.",
        ),
        (
            {"layers": (Dense(units=4),)},
            {"layers": (Dense(units=4), Dropout(p=0.2))},
            "A and B differ in layers: Dense 4 and Dense 4, Dropout 0.2.",
        ),
        (
            {"seed": 1, "batch_size": 10},
            {"seed": 2, "batch_size": 5},
            "A and B differ in batch size (10 and 5), seed (1 and 2).",
        ),
        (
            {"seed": 1, "batch_size": 10, "test_fraction": 0.5, "early_stopping": 0},
            {"seed": 2, "batch_size": 5, "test_fraction": 0.4, "early_stopping": 5},
            "A and B differ in 4 settings; the table lists them.",
        ),
        # A number that only one kind has is said by the kind.
        ({"optimizer": Adam()}, {"optimizer": SGD(learning_rate=0.01)}, "A and B differ in optimizer: Adam and SGD."),
        # The same input features, named or not, are the same.
        ({}, {"features": ("x1", "x2")}, "A and B have the same recipe."),
    ],
)
def test_a_sentence_says_what_differs(one: dict[str, Any], other: dict[str, Any], said: str) -> None:
    assert write_difference(("A", "B"), (Experiment(**one), Experiment(**other)), ENGLISH) == said


def test_a_table_has_a_row_for_each_setting_that_is_not_the_same_in_all() -> None:
    runs = [Experiment(seed=1), Experiment(seed=2), Experiment(seed=1, dataset=SpiralData(noise=0.3))]
    rows = compare_recipes(runs, ENGLISH)
    assert [(row.path, row.values) for row in rows] == [
        ("dataset.kind", ("Circle", "Circle", "Spiral")),
        ("dataset.noise", ("0.1", "0.1", "0.3")),
        ("seed", ("1", "2", "1")),
    ]


def test_drawn_points_are_counted_not_listed() -> None:
    fewer = Drawn(train=Drawn().train[:30])
    rows = compare_recipes([Experiment(dataset=Drawn()), Experiment(dataset=fewer)], ENGLISH)
    assert [row.values for row in rows] == [("40 training and 20 test points", "30 training and 20 test points")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_difference_has_words(language: str) -> None:
    for other in (
        Experiment(layers=()),
        Experiment(dataset=Drawn()),
        Experiment(optimizer=SGD(momentum=0.9, nesterov=True)),
    ):
        said = write_difference(("A", "B"), (Experiment(), other), partial(text, language))
        assert said
        assert "{" not in said


OUTCOMES = [
    ({"loss": 0.12, "epoch": 50}, {"loss": 0.34, "epoch": 50}, "A has the lower test loss: 0.1200 against 0.3400 after 50 epochs."),
    (
        {"loss": 0.34, "epoch": 50},
        {"loss": 0.12, "epoch": 20},
        "B has the lower test loss: 0.1200 after 20 epochs against 0.3400 after 50.",
    ),
    ({"loss": 0.12, "epoch": 5}, {"loss": 0.12, "epoch": 5}, "Their test scores are level after 5 epochs."),
    ({"loss": 0.12, "epoch": 0, "step": 0}, {"loss": 0.12, "epoch": 0, "step": 0}, "Press Play to train them in step."),
    ({"loss": None, "epoch": 3}, {"loss": 0.12, "epoch": 3}, "The loss of A is no longer a finite number."),
    (
        {"loss": 0.1, "epoch": 9, "kind": "mse", "score": 0.9},
        {"loss": 0.2, "epoch": 9, "score": 0.95},
        "B has the higher score (Test accuracy): 95.0% against 90.0% after 9 epochs.",
    ),
    (
        {"loss": 0.1, "epoch": 9},
        {"loss": 0.1, "epoch": 9, "dataset": "xor"},
        "They answer different questions, so their scores cannot be compared.",
    ),
]  # fmt: skip


SAY_OUTCOMES = f"""
import {{ readFileSync }} from "node:fs";
import {{ Texts }} from "{(canvas.FOLDER / "words" / "format.js").as_uri()}";
import {{ outcome }} from "{(compare.FOLDER / "words.js").as_uri()}";
const {{ strings, pairs }} = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(pairs.map(([a, b]) => outcome(new Texts(strings), a, b))));
"""


def test_a_sentence_says_which_run_came_out_better_in_the_texts_that_the_page_gets() -> None:
    def run(name: str, told: dict[str, Any]) -> dict[str, Any]:
        header = {
            "step": told.get("step", 10),
            "epoch": told["epoch"],
            "loss_kind": told.get("kind", "cross_entropy"),
            "losses": {"test": told["loss"]},
            "metrics": {"train": {"accuracy": 0.9}, "test": {"accuracy": told.get("score", 0.9)}},
            "metric": {"name": "accuracy", "form": "percent"},
        }
        return {"name": name, "header": header, "dataset": told.get("dataset", "circle")}

    told = {
        "strings": {key: text("en", key) for key in compare.STRINGS},
        "pairs": [(run("A", one), run("B", other)) for one, other, _ in OUTCOMES],
    }
    said = javascript("--input-type=module", "--eval", SAY_OUTCOMES, given=json.dumps(told).encode())
    assert json.loads(said) == [expected for _, _, expected in OUTCOMES]


def test_the_scripts_say_each_of_the_texts_they_are_given() -> None:
    # How far two runs differ is said as the kind of their pictures has it.
    files = [*compare.FOLDER.glob("*"), *(canvas.FOLDER / "kinds").glob("*")]
    scripts = "".join(path.read_text(encoding="utf-8") for path in files if path.suffix in (".js", ".html", ".css"))
    words = set(re.findall(r"\w+", scripts))
    parts = {f"{verb}_help" for verb in ("play", "pause", "reset")} | {"paused", "playing"}
    # Of validation rows some are said in other words, which the scripts find by themselves (canvas/words/format.js).
    keys = {
        key.removeprefix("compare.").removesuffix(".validation")
        for key in compare.STRINGS
        if key.startswith("compare.")
    }
    assert keys - words - parts == set()


# How runs join


def names(person: session.Session) -> list[tuple[int, str]]:
    return [(run.number, run.token) for run in person.kept]


@pytest.fixture
def person(pool: RecordingPool, monkeypatch: pytest.MonkeyPatch) -> session.Session:
    """Somebody whose run has been made."""
    somebody = session.Session("en", token=pool.create(Experiment().to_json()))
    speak_for(monkeypatch, somebody)
    return somebody


def test_a_copy_is_kept_and_the_run_goes_on(pool: RecordingPool, person: session.Session) -> None:
    runs.keep()
    assert person.token == "run 0"
    assert names(person) == [(2, "run 1")]
    assert pool.calls == [("run 0", "fork", {"moment": None})]
    assert pool.states["run 1"] == b"bytes of fork"


def test_a_fork_becomes_the_present_run_and_the_old_one_is_kept(pool: RecordingPool, person: session.Session) -> None:
    then = Experiment(seed=8)
    pool.answer = {"recipe": then.to_json(), "step": 40}
    runs.fork(17)
    assert pool.calls == [("run 0", "fork", {"moment": 17}), ("run 0", "pause", {})]
    assert (person.token, person.number, person.experiment, person.draft) == ("run 1", 2, then, then.to_dict())
    assert names(person) == [(1, "run 0")]
    assert person.kept[0].experiment == Experiment()


def test_change_one_thing_gives_two_fresh_runs_of_the_same_recipe(pool: RecordingPool, person: session.Session) -> None:
    runs.change_one()
    assert [Experiment.from_json(recipe) for recipe, _ in pool.created[1:]] == [Experiment()] * 2
    assert names(person) == [(1, "run 1")]
    assert (person.token, person.number) == ("run 2", 2)
    assert (pool.states["run 1"], pool.states["run 2"]) == (b"", b"")
    assert pool.alive == {"run 1", "run 2"}


def test_change_one_thing_does_not_lose_what_was_learned(pool: RecordingPool, person: session.Session) -> None:
    pool.answer["step"] = 300
    runs.change_one()
    assert names(person) == [(1, "run 0"), (2, "run 1")]
    assert (person.token, person.number) == ("run 2", 3)


def test_four_runs_are_enough(pool: RecordingPool, person: session.Session) -> None:
    for _ in range(3):
        runs.keep()
    before = names(person)
    for join in (runs.keep, runs.change_one, lambda: runs.fork(None)):
        with pytest.raises(Problem) as refused:
            join()
        assert refused.value.key == "runs_full"
    assert names(person) == before
    assert len(pool.created) == 4


def as_it_is(pool: RecordingPool, person: session.Session) -> tuple[Any, ...]:
    return set(pool.alive), names(person), person.token, person.number, person.name, person.experiment, person.draft


@pytest.mark.parametrize("free", [0, 1])
@pytest.mark.parametrize("learned", [0, 300])
def test_where_only_one_of_two_runs_has_room_neither_stays(
    pool: RecordingPool, person: session.Session, free: int, learned: int
) -> None:
    pool.answer["step"] = learned
    pool.full, pool.limit = Problem("class_full", limit=30, came=30), len(pool.alive) + free
    before = as_it_is(pool, person)
    with pytest.raises(Problem, match="30"):
        runs.change_one()
    assert as_it_is(pool, person) == before


@pytest.mark.parametrize("join", [runs.change_one, lambda: runs.fork(None), lambda: runs.fork(17)])
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


def test_a_kept_run_is_held_and_begins_anew_when_it_has_ended(
    pool: RecordingPool, person: session.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standing, "lease", lambda token: token)  # Streamlit's own store needs a script that runs.
    runs.keep()
    standing.hold_kept_runs()
    assert not [notice for notice in person.notices if notice == text("en", "page.renewed")]
    pool.alive.discard("run 1")
    standing.hold_kept_runs()
    assert names(person) == [(2, "run 2")]
    assert text("en", "page.renewed") in person.notices


# What the page tells


def answer(monkeypatch: pytest.MonkeyPatch, **action: Any) -> None:
    monkeypatch.setattr(page, "compare_action", lambda: action)
    page.answer_compare()


def test_a_run_is_renamed_by_hand(
    pool: RecordingPool, person: session.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs.keep()
    answer(monkeypatch, do="rename", run=2, name="  slow\u202e one ")
    answer(monkeypatch, do="rename", run=1, name="x" * 500)
    assert [runs.name_run(run) for run in runs.list_runs()] == ["x" * 63 + "…", "slow one"]
    answer(monkeypatch, do="rename", run=2, name="")
    assert runs.name_run(person.kept[0]) == "Run 2"


def test_a_run_is_removed_and_ends(
    pool: RecordingPool, person: session.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs.keep()
    answer(monkeypatch, do="remove", run=2)
    assert (person.kept, pool.alive) == ([], {"run 0"})


def test_going_on_with_a_kept_run_keeps_the_present_one(
    pool: RecordingPool, person: session.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool.answer = {"recipe": Experiment(seed=6).to_json()}
    runs.keep()
    answer(monkeypatch, do="go_on", run=2)
    assert (person.token, person.number, person.experiment.seed) == ("run 1", 2, 6)
    assert person.draft["seed"] == 6
    assert names(person) == [(1, "run 0")]
    assert person.memory(Comparing).leaving


@pytest.mark.parametrize("action", [{}, {"do": "remove", "run": 7}, {"do": "go_on"}, {"do": "remove", "run": 1}])
def test_a_press_on_a_run_that_is_gone_does_nothing(
    pool: RecordingPool, person: session.Session, monkeypatch: pytest.MonkeyPatch, action: dict[str, Any]
) -> None:
    runs.keep()
    answer(monkeypatch, **action)
    assert (person.token, names(person), person.problems) == ("run 0", [(2, "run 1")], [])


# The pages


def open_compare(at: Any) -> Any:
    at.switch_page("../pages/compare.py")
    return at.run()


def test_the_page_says_how_runs_come_there_and_does_it(pool: RecordingPool) -> None:
    at = open_compare(open_page())
    assert not errors(at)
    assert shown(text("en", "compare_page.empty")) in [line.value for line in at.markdown]
    at.button(key="duplicate").click().run()
    assert not errors(at)
    assert not at.exception
    assert len(state(at).kept) == 1
    assert not [button for button in at.button if button.key == "duplicate"]


def test_the_page_is_told_of_runs_rows_and_pairs(pool: RecordingPool, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[dict[str, Any]] = []
    monkeypatch.setattr(page, "side_by_side", lambda data, **_: told.append(data))
    at = open_page(Experiment(seed=1))
    pool.answer = {"recipe": Experiment(seed=2).to_json()}
    at.session_state["widget:/compare"] = True
    at.run()
    at.button(key="run_keep").click().run()
    pool.answer = {}  # Asked on what it stands, the run at hand says what it began with.
    at.switch_page("../pages/compare.py")
    at.run()
    assert [(run["id"], run["present"], run["name"]) for run in told[-1]["runs"]] == [
        (1, True, "Run 1"),
        (2, False, "Run 2"),
    ]
    assert told[-1]["rows"] == [["Seed", "1", "2"]]
    assert told[-1]["pairs"] == {"1 2": "Run 1 and Run 2 differ in seed: 1 and 2."}
    assert set(compare.STRINGS) <= told[-1]["strings"].keys()
    assert [do for _, do, _ in pool.calls] == ["fork", "pause", "pause"]


def test_the_playground_lets_runs_go_that_were_held_together(pool: RecordingPool) -> None:
    at = open_page()
    at.session_state["widget:/compare"] = True
    at.run()
    at.button(key="run_keep").click().run()
    open_compare(at)
    at.switch_page("../pages/playground.py")
    at.run()
    leashes = [call for call in pool.calls if call[1] == "leash"]
    assert leashes == [("run 0", "leash", {"value": None}), ("run 1", "leash", {"value": None})]
    at.run()
    assert [call for call in pool.calls if call[1] == "leash"] == leashes
