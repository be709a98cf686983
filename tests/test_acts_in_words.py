"""The list of all that was done to a run: what each act is called, for whom, and which words are sent again."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest
from starlette.requests import Request

from dlcore.activations import ReLU
from dlcore.datasets.drawn import Drawn
from dlcore.datasets.toy import CircleData, PlaneData, SpiralData
from dlcore.experiment import Experiment
from dlcore.layers import Dense, Dropout
from dlcore.learning import acts as learning_acts
from dlcore.losses import MeanSquaredError
from dlcore.optimizers import SGD
from dlcore.problems import Problem
from dlcore.runs import verbs
from dlcore.runs.run import Run
from tests import loops
from tests.clock import Clock
from ui import acts, door, live
from ui.acts.words import write_act
from ui.messages import LANGUAGES, catalogue, text

BASE = Experiment(layers=(Dense(units=4), Dropout(p=0.1), Dense(units=2)))
TWO = Drawn(train=((0.0, 0.0, 0), (1.0, 1.0, 1)), test=((0.0, 1.0, 0), (1.0, 0.0, 1)))


def written(before: Experiment, language: str = "en", **settings: Any) -> str:
    return write_act("change", {}, before, before.replace(**settings), partial(text, language))


CHANGES: list[tuple[dict[str, Any], str]] = [
    ({"layers": (Dense(units=5), *BASE.layers[1:])}, "Hidden 1: 4 to 5 units"),
    ({"layers": (*BASE.layers[:2], Dense(units=2, activation=ReLU()))}, "Activation of Hidden 2: Tanh to ReLU"),
    ({"layers": BASE.layers[1:]}, "Removed Hidden 1"),
    ({"layers": (BASE.layers[0], BASE.layers[2])}, "Removed Dropout"),
    ({"layers": BASE.layers[:2]}, "Removed Hidden 2"),
    ({"layers": (*BASE.layers, Dense(units=3))}, "Added Hidden 3"),
    ({"layers": (BASE.layers[0], Dense(units=4), *BASE.layers[1:])}, "Added Hidden 2"),
    ({"dataset": BASE.dataset.replace(noise=0.2)}, "Noise 0.1 to 0.2"),
    ({"dataset": SpiralData()}, "Data: Circle to Spiral"),
    ({"dataset": PlaneData(), "loss": MeanSquaredError()}, "Data: Circle to Plane"),
    ({"dataset": TWO, "batch_size": 2}, "Changed the points"),
    ({"features": ("x1",)}, "Input features x₁, x₂ to x₁"),
    ({"seed": 7}, "New seed"),
    ({"seed": 7, "batch_size": 5}, "Batch size 10 to 5; Seed 0 to 7"),
    ({"early_stopping": 5}, "Early stopping (patience) off to 5"),
    ({"layers": (), "seed": 1, "batch_size": 5, "test_fraction": 0.2, "gradient_clip": 1.0}, "Changed 5 settings"),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "words"), CHANGES, ids=[words for _, words in CHANGES])
def test_a_change_is_called_by_what_people_see_of_it(settings: dict[str, Any], words: str) -> None:
    assert written(BASE, **settings) == words
    chinese = written(BASE, "zh_CN", **settings)
    assert chinese != words
    assert not any(word in chinese for word in ("Hidden", "Removed", "Added", "units", "Data", "seed"))


def test_drawing_on_a_toy_set_is_about_points_and_leaving_them_about_data() -> None:
    drawn = BASE.replace(dataset=TWO, batch_size=2)
    assert written(drawn, dataset=Drawn(train=(*TWO.train, (0.5, 0.5, 1)), test=TWO.test)) == "Changed the points"
    assert written(drawn, dataset=CircleData()).startswith("Data: ")


@pytest.mark.parametrize(
    ("kind", "target", "words"),
    [
        ("set", {"address": "0", "unit": 1, "input": 0}, "Weight of Hidden 1, unit 2 set"),
        ("set", {"address": "2", "unit": 0, "input": "bias"}, "Bias of Hidden 2, unit 1 set"),
        ("set", {"address": "3", "unit": 0, "input": None}, "Bias of Output set"),
        ("freeze", {"address": "0", "unit": None, "input": None, "on": True}, "Froze Hidden 1"),
        ("freeze", {"address": "0", "unit": 3, "input": None, "on": False}, "Freed Hidden 1, unit 4"),
        ("freeze", {"address": "2", "unit": 0, "input": 1, "on": True}, "Froze a weight of Hidden 2, unit 1"),
        ("silence", {"address": "2", "unit": 1, "input": None, "on": True}, "Silenced Hidden 2, unit 2"),
        ("silence", {"address": "2", "unit": 1, "input": None, "on": False}, "Hidden 2, unit 2 is heard again"),
        ("reset", {}, "Reset"),
        ("load", {}, "Loaded a checkpoint"),
        ("recipe", {}, "Loaded a recipe"),
        ("rewind", {}, "Went back on the time line"),
    ],
)
def test_what_a_hand_did_is_called_by_where_it_was_done(kind: str, target: dict[str, Any], words: str) -> None:
    assert write_act(kind, target, BASE, BASE, partial(text, "en")) == words
    assert write_act(kind, target, BASE, BASE, partial(text, "zh_CN")) != words


def test_both_languages_have_a_word_for_each_kind() -> None:
    for language in LANGUAGES:
        assert {f"act.{kind}" for kind in ("change", "recipe", "reset", "load", "rewind")} <= catalogue(language).keys()


# The route


class OnePool:
    """A pool of one run, which belongs to one owner."""

    def __init__(self, run: Run, owner: str) -> None:
        self.run, self.owner = run, owner

    def check_owner(self, token: str, owner: str) -> None:
        if owner != self.owner:
            raise Problem("not_yours")

    async def call_async(self, token: str, do: str, **values: Any) -> verbs.Answer:
        header, payload = verbs.answer(self.run, do, values)
        return json.loads(json.dumps(header)), payload


def ask(owner: str, query: str = "language=en") -> tuple[int, Any]:
    scope = {
        "type": "http",
        "headers": [(b"cookie", f"{door.COOKIE}={owner}".encode())],
        "query_string": query.encode(),
        "path_params": {"token": "mine"},
    }
    answer = loops.run(acts.answer_acts(Request(scope)))
    return answer.status_code, json.loads(bytes(answer.body)) if answer.status_code == 200 else None


@pytest.fixture
def run() -> Run:
    run = Run(Experiment(dataset=CircleData(samples=60)).to_json(), "cpu", clock=Clock())
    for _ in range(5):
        run.step()
    return run


@pytest.fixture
def owner(run: Run, monkeypatch: pytest.MonkeyPatch) -> str:
    owner = door.new_secret()
    monkeypatch.setattr(live, "pool", lambda: OnePool(run, owner))
    return owner


def test_the_list_has_the_name_and_epoch_of_each_act_and_says_where_the_run_stands(run: Run, owner: str) -> None:
    run.change(run.learner.recipe.replace(layers=run.learner.recipe.layers[1:]).to_json())
    run.change(run.learner.recipe.replace(optimizer=SGD(learning_rate=0.3)).to_json())
    run.reset()
    run.undo()
    status, told = ask(owner)
    assert status == 200
    assert [act["words"] for act in told["acts"]] == [
        "Removed Hidden 1, epoch 1",
        "Optimizer Adam to SGD; Learning rate 0.01 to 0.3, epoch 1",
        "Reset, epoch 1",
    ]
    assert told["position"] == told["acts"][1]["id"]
    assert (told["bare_start"], told["version"]) == (False, run.acts.version)
    assert ask(owner, "language=zh-CN")[1]["acts"][0]["words"] == "删除隐藏层 1，第 1 轮"


def test_only_the_words_of_new_acts_are_sent_again(run: Run, owner: str) -> None:
    run.reset()
    _, first = ask(owner)
    where = {"structure": run.structure, "address": "0", "unit": 0, "input": 0, "stroke": 1}
    run.intervene("set", {**where, "value": 1})
    _, second = ask(owner, f"language=en&since={first['version']}")
    assert ["words" in act for act in second["acts"]] == [False, True]
    run.intervene("set", {**where, "value": 2})  # The same act goes on, and might have other words now.
    _, third = ask(owner, f"language=en&since={second['version']}")
    assert ["words" in act for act in third["acts"]] == [False, True]
    for nonsense in ("x", "-1", "9" * 40, ""):
        assert all("words" in act for act in ask(owner, f"since={nonsense}")[1]["acts"])


def test_what_brings_back_settings_only_says_so(run: Run, owner: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning_acts, "MOST_BYTES", 2000)
    run.reset()
    run.change(run.learner.recipe.replace(batch_size=5).to_json())
    _, told = ask(owner)
    assert (told["bare_start"], [act["bare"] for act in told["acts"]]) == (True, [True, False])


def test_the_list_is_told_to_the_runs_own_browser_alone(run: Run, owner: str) -> None:
    assert ask(door.new_secret())[0] == 204
