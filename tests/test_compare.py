"""Runs side by side: how they join, what the page is told, and what it says they differ in."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import Any

import pytest

from dlcore.activations import ReLU
from dlcore.coaching.contrasts import list_contrasts
from dlcore.datasets.drawn import Drawn
from dlcore.datasets.toy import SpiralData, XorData
from dlcore.experiment import Experiment
from dlcore.layers import Dense, Dropout
from dlcore.optimizers import SGD, Adam
from dlcore.runs.server.entry import mark_of
from tests.playground import RecordingPool, come_with, errors, open_page, shown, speak_for, state
from tests.test_javascript import run as javascript
from ui import canvas, compare, live, session
from ui.compare import page
from ui.differences import compare_recipes, write_difference
from ui.messages import LANGUAGES, text
from ui.myruns import acts
from ui.myruns.names import name_by_difference
from ui.session import standing

ENGLISH = partial(text, "en")


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> RecordingPool:
    recording = RecordingPool()
    monkeypatch.setattr(live, "pool", lambda: recording)
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


@pytest.mark.parametrize(
    ("recipes", "names"),
    [
        ([{}, {"optimizer": SGD(learning_rate=Adam().learning_rate)}], ["Adam", "SGD"]),
        ([{}, {"seed": 3}, {"seed": 4}], ["Seed 0", "Seed 3", "Seed 4"]),
        ([{}, {"optimizer": SGD(learning_rate=Adam().learning_rate), "seed": 3}], ["Adam, Seed 0", "SGD, Seed 3"]),
        ([{}, {}], ["Circle 4-2", "Circle 4-2 (2)"]),
        ([{}, {"layers": ()}], ["4-2", "no hidden layer"]),
        ([{}, {"layers": (Dense(units=8), Dense(units=4))}], ["4-2", "8-4"]),
        ([{}, {"layers": (Dense(units=4), Dropout(p=0.2), Dense(units=2))}], ["4-2", "4-Dropout-2"]),
        ([{}, {"layers": (Dense(units=8), Dense(units=2)), "seed": 3}], ["4-2, Seed 0", "8-2, Seed 3"]),
    ],
)
def test_runs_beside_one_another_are_called_by_what_differs(recipes: list[dict[str, Any]], names: list[str]) -> None:
    experiments = [Experiment(**recipe) for recipe in recipes]
    assert name_by_difference([""] * len(recipes), experiments, ENGLISH) == names


def test_a_name_that_was_given_stays() -> None:
    experiments = [Experiment(), Experiment(optimizer=SGD(learning_rate=0.01))]
    assert name_by_difference(["", "The slow one"], experiments, ENGLISH) == ["Adam", "The slow one"]


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


# What the page tells


@pytest.fixture
def person(pool: RecordingPool, monkeypatch: pytest.MonkeyPatch) -> session.Session:
    """Somebody whose run has been made."""
    somebody = session.Session("en")
    somebody.token = pool.create(Experiment().to_json(), reader=mark_of(somebody.secret))
    speak_for(monkeypatch, somebody)
    come_with(monkeypatch, "")
    return somebody


def keep(pool: RecordingPool) -> None:
    pool.answer = {"recipe": Experiment().to_json()}
    acts.keep()
    pool.answer = {}


def answer(monkeypatch: pytest.MonkeyPatch, pool: RecordingPool, token: str, **action: Any) -> None:
    """Press something on the card of this run, by the number that the page gives it."""
    told: list[dict[str, Any]] = []
    monkeypatch.setattr(page, "side_by_side", lambda data, **_: told.append(data))
    monkeypatch.setattr(standing, "lease", lambda token: token)  # Streamlit's own store needs a script that runs.
    page.draw_comparison()
    number = next((run["id"] for run in told[-1]["runs"] if run["token"] == token), 7)
    monkeypatch.setattr(page, "compare_action", lambda: {**action, "run": number})
    page.answer_compare()


def test_a_run_is_renamed_on_its_card(
    pool: RecordingPool, person: session.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(pool)
    answer(monkeypatch, pool, "run 1", do="rename", name="  slow\u202e one ")
    assert acts.name_run(pool.listing.find("run 1")) == "slow one"
    answer(monkeypatch, pool, "run 1", do="rename", name="")
    assert acts.name_run(pool.listing.find("run 1")) == "Circle 4-2"


def test_a_run_that_is_taken_out_of_the_comparison_stays_in_the_list(
    pool: RecordingPool, person: session.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(pool)
    answer(monkeypatch, pool, "run 1", do="remove")
    assert [run.token for run in acts.list_compared()] == ["run 0"]
    assert [run.token for run in acts.list_own()] == ["run 0", "run 1"]
    assert pool.alive == {"run 0", "run 1"}


def test_going_on_with_a_kept_run_leaves_the_present_one_in_the_list(
    pool: RecordingPool, person: session.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(pool)
    pool.shelf["run 1"] = {"recipe": Experiment(seed=6).to_json(), "device": "cpu", "step": 4, "epoch": 1}
    pool.shelf["run 0"] = {"recipe": Experiment().to_json(), "device": "cpu", "step": 9, "epoch": 1}
    answer(monkeypatch, pool, "run 1", do="go_on")
    assert (person.token, person.experiment.seed) == ("run 1", 6)
    assert [run.token for run in acts.list_own()] == ["run 0", "run 1"]
    assert person.problems == []


@pytest.mark.parametrize("do", ["remove", "go_on", "rename", ""])
def test_a_press_on_a_run_that_is_gone_does_nothing(
    pool: RecordingPool, person: session.Session, monkeypatch: pytest.MonkeyPatch, do: str
) -> None:
    keep(pool)
    answer(monkeypatch, pool, "nobody's", do=do, name="x")
    assert (person.token, len(acts.list_compared()), person.problems) == ("run 0", 2, [])


# The pages


def open_compare(at: Any) -> Any:
    at.switch_page("../pages/compare.py")
    return at.run()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the page was told, each time that it was drawn."""
    found: list[dict[str, Any]] = []
    monkeypatch.setattr(page, "side_by_side", lambda data, **_: found.append(data))
    return found


def test_an_empty_page_offers_what_the_run_could_be_compared_with_and_does_it(
    pool: RecordingPool, told: list[dict[str, Any]]
) -> None:
    at = open_compare(open_page(Experiment(optimizer=Adam(learning_rate=0.03))))
    assert not errors(at)
    assert not told
    assert at.button(key="contrast_optimizer").label == shown("Optimizer: Adam or SGD")
    at.button(key="contrast_optimizer").click().run()
    assert not errors(at)
    assert not at.exception
    assert [run["name"] for run in told[-1]["runs"]] == ["Adam", "SGD"]
    adam, sgd = [Experiment.from_json(recipe) for recipe, _ in pool.created]
    assert sgd == adam.replace(optimizer=SGD(learning_rate=0.03))  # One thing differs, and the start is the same.
    assert state(at).token == "run 0"


@pytest.mark.parametrize("name", list(list_contrasts(Experiment())))
def test_each_contrast_is_drawn_with_words_and_changes_its_setting(pool: RecordingPool, name: str) -> None:
    at = open_compare(open_page())
    button = at.button(key=f"contrast_{name}")
    assert button.label
    assert "{" not in button.label
    button.click().run()
    assert not errors(at)
    changed = Experiment.from_json(pool.created[-1][0])
    assert changed == list_contrasts(Experiment())[name]
    assert compare_recipes([Experiment(), changed], ENGLISH)


def test_beside_a_run_that_has_learned_both_begin_anew(pool: RecordingPool, told: list[dict[str, Any]]) -> None:
    at = open_compare(open_page())
    pool.answer = {"step": 300}
    at.button(key="contrast_seed").click().run()
    assert not errors(at)
    assert [run["token"] for run in told[-1]["runs"]] == ["run 1", "run 2"]
    assert state(at).token == "run 2"
    assert "run 0" in pool.alive  # It waits in the list.


def test_the_page_is_told_of_runs_rows_and_pairs(pool: RecordingPool, told: list[dict[str, Any]]) -> None:
    at = open_page(Experiment(seed=1))
    open_compare(at).button(key="contrast_seed").click().run()
    assert [(run["token"], run["present"], run["name"]) for run in told[-1]["runs"]] == [
        ("run 0", True, "Seed 1"),
        ("run 1", False, "Seed 2"),
    ]
    one, other = (run["id"] for run in told[-1]["runs"])
    assert told[-1]["rows"] == [["Seed", "1", "2"]]
    assert told[-1]["pairs"] == {f"{one} {other}": "Seed 1 and Seed 2 differ in seed: 1 and 2."}
    assert set(compare.STRINGS) <= told[-1]["strings"].keys()


def test_the_playground_lets_runs_go_that_were_held_together(pool: RecordingPool) -> None:
    at = open_page()
    open_compare(at).button(key="contrast_seed").click().run()
    at.switch_page("../pages/playground.py")
    at.run()
    leashes = [call for call in pool.calls if call[1] == "leash"]
    assert leashes == [("run 0", "leash", {"value": None}), ("run 1", "leash", {"value": None})]
    assert set(pool.listing.looked) == {"run 0", "run 1"}  # They have trained: the list is to show that.
    at.run()
    assert [call for call in pool.calls if call[1] == "leash"] == leashes
