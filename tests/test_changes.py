"""The marks on the time line: which words a change has, for whom, and when a page has to ask for them anew."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest
from starlette.requests import Request

from dlcore.experiment import Experiment
from dlcore.frame import decode_frame
from dlcore.problems import Problem
from dlcore.runs import verbs
from dlcore.runs.run import Run
from tests import loops
from ui import changes, door, live
from ui.messages import LANGUAGES, text

JOURNAL: list[dict[str, Any]] = [
    {"step": 0, "set": {"optimizer": {"kind": "adam", "learning_rate": 0.03}, "layers": [{"kind": "dense", "units": 4}]}},
    {"step": 3400, "set": {"optimizer": {"kind": "adam", "learning_rate": 0.3}}},
    {"step": 5000, "weights": {"0.bias": [1, 2, 3, 4]}, "frozen": {"0.bias": [True, False, False, False]}},
    {"step": 6000, "set": {"optimizer": {"kind": "sgd"}, "layers": [{"kind": "dense", "units": 4}, {"kind": "dropout", "p": 0.1}]}},
    {"step": 7000, "loaded": True, "weights": {"0.bias": [0, 0, 0, 0]}},
]  # fmt: skip


def words(journal: list[dict[str, Any]], language: str = "en", **settings: Any) -> dict[int, str]:
    experiment = Experiment.from_dict({**settings, "journal": journal})
    return dict(changes.write_changes(experiment, partial(text, language)))


def test_a_change_has_the_names_and_numbers_of_the_settings_themselves() -> None:
    told = words(JOURNAL)
    assert told[3400] == "step 3,400: learning rate 0.03 to 0.3"
    assert told[5000] == "step 5,000: weights set by hand; weights frozen or freed"
    assert told[6000].startswith("step 6,000: layers Dense 4 to Dense 4, Dropout 0.1; optimizer Adam to SGD")
    assert told[7000] == "step 7,000: went on from the weights of a file"
    assert 0 not in told  # How it began is no change.


def test_they_are_told_in_chinese_too() -> None:
    told = words(JOURNAL, "zh_CN")
    assert told[3400] == "第 3,400 步：学习率从 0.03 改为 0.3"
    assert set(told) == set(words(JOURNAL))


def test_of_many_settings_at_a_step_the_first_are_named_and_the_others_counted() -> None:
    several = {
        "batch_size": 5,
        "gradient_clip": 1.0,
        "early_stopping": 7,
        "test_fraction": 0.3,
        "class_weights": "balanced",
    }
    (told,) = words([{"step": 0, "set": {"batch_size": 10}}, {"step": 2, "set": several}]).values()
    assert told.count(" to ") == 3 and told.endswith("; and 2 more settings")


def test_what_was_there_before_is_not_claimed_where_nobody_knows_it() -> None:
    left_out = {"step": 4, "left_out": 12}
    told = words(
        [{"step": 2, "set": {"batch_size": 5}}, left_out, {"step": 9, "set": {"batch_size": 7, "features": ["x1"]}}]
    )
    assert told[4] == "step 4: changes up to here that were too much to be kept: 12"
    assert told[9] == "step 9: batch size, input features changed"
    # Nor where a file brings what no run can have been through, or what was moved back.
    assert words([{"step": 2, "set": {"batch_size": 5000}}]) == {2: "step 2: batch size changed"}
    assert words([{"step": 2, "set": {"loss": {"kind": "cross_entropy"}}}]) == {2: "step 2: loss changed"}


class OnePool:
    """A pool of one run, which belongs to one owner."""

    def __init__(self, run: Run, owner: str) -> None:
        self.run, self.owner = run, owner

    def check_owner(self, token: str, owner: str) -> None:
        if token != "mine":
            raise Problem("run_gone")
        if owner != self.owner:
            raise Problem("not_yours")

    async def call_async(self, token: str, do: str, **values: Any) -> verbs.Answer:
        return verbs.answer(self.run, do, values)


def asked(token: str, owner: str, language: str = "en") -> tuple[int, bytes]:
    headers = [(b"cookie", f"{door.COOKIE}={owner}".encode())]
    scope = {
        "type": "http",
        "headers": headers,
        "query_string": f"language={language}".encode(),
        "path_params": {"token": token},
    }
    answer = loops.run(changes.answer_changes(Request(scope)))
    return answer.status_code, bytes(answer.body)


@pytest.fixture
def run() -> Run:
    run = Run(Experiment.from_dict({"dataset": {"kind": "circle", "samples": 60}}).to_json(), "cpu")
    run.step()
    run.change(run.learner.experiment.replace(batch_size=7).to_json())
    return run


def test_they_are_told_to_the_runs_own_browser_alone(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = door.new_secret()
    monkeypatch.setattr(live, "pool", lambda: OnePool(run, owner))
    status, body = asked("mine", owner)
    assert (status, json.loads(body)) == (200, [{"step": 1, "words": "step 1: batch size 10 to 7"}])
    for language in (*LANGUAGES, "zh-CN", "of a stranger"):
        assert asked("mine", owner, language)[0] == 200
    for token, stranger in (("mine", door.new_secret()), ("gone", owner)):
        assert asked(token, stranger) == (204, b"")


def version(run: Run) -> int | None:
    return decode_frame(run.frame(None, None, 0))[0]["journal_version"]


def test_a_frame_says_since_when_the_changes_are_what_they_are(run: Run) -> None:
    since = version(run)
    run.step()
    assert since is not None and version(run) == since
    run.change(run.learner.experiment.replace(batch_size=8).to_json())
    changed = version(run)
    assert changed is not None and changed > since
    run.rewind(run.timeline.moments[-1].id)  # To a moment before the last change, which is removed from the journal.
    assert [entry.step for entry in run.learner.journal] == [0, 1]
    assert (version(run) or 0) > changed
    run.reset()
    assert version(run) is None
