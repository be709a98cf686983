"""Every job that judges a network works for every kind of stack, or says in one sentence why not."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score

from dlcore import Problem
from dlcore.checkpoint import open_checkpoint, predict
from dlcore.desks.jobs import JOBS
from dlcore.rows import prepare
from tests.judging import saved, trained

CONV = {"kind": "conv2d", "channels": 4, "padding": 1}
RECIPES: dict[str, dict[str, Any]] = {
    "pictures": {
        "dataset": {"kind": "digits"},
        "layers": [CONV, {"kind": "batch_norm"}, {"kind": "max_pool"}, {"kind": "residual", "layers": [CONV]}, {"kind": "flatten"}],
    },
    "tokens": {"dataset": {"kind": "recall"}, "layers": [{"kind": "embedding"}, {"kind": "lstm"}]},
    "numbers over time": {"dataset": {"kind": "adding"}, "loss": {"kind": "mse"}, "layers": [{"kind": "gru"}]},
    "texts": {"dataset": {"kind": "surnames"}, "layers": [{"kind": "embedding"}, {"kind": "global_average_pool"}]},
    "an answer at each step": {
        "dataset": {"kind": "reverse"},
        "layers": [{"kind": "embedding"}, {"kind": "positions"}, {"kind": "attention"}],
    },
}  # fmt: skip
#: What each job is asked beside the network; jobs that train anew are tried by tests of their own.
ASKED: dict[str, dict[str, Any]] = {
    "evaluate": {}, "examples": {}, "verdict": {}, "baselines": {}, "guards": {}, "whatif": {}, "report": {}, "card": {},
    "flip": {"amount": 0.1}, "seeds": {"seeds": 2, "epochs": 1},
}  # fmt: skip
#: What cannot be asked of which networks, and the sentence that says so.
REFUSED = {("tokens", "whatif"): "whatif_of_tokens", ("tokens", "flip"): "whatif_of_tokens"}
REFUSED |= {("texts", job): key for (_, job), key in REFUSED.items()}


@cache
def checkpoint_of(name: str) -> bytes:
    return saved(trained({**RECIPES[name], "batch_size": 50}, epochs=1))


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("job", ASKED)
def test_a_job_answers_or_says_why_not(name: str, job: str) -> None:
    try:
        found, content = JOBS[job].load()(dict(ASKED[job]), checkpoint_of(name), lambda share, partial: None)
    except Problem as problem:
        expected = "judged_by_row" if name == "an answer at each step" else REFUSED.get((name, job))
        assert problem.key == expected, str(problem)
    else:
        assert (name, job) not in REFUSED
        assert found or content


@pytest.mark.parametrize("name", ["pictures", "tokens"])
def test_the_accuracy_is_what_scikit_learn_counts(name: str) -> None:
    found, _ = JOBS["evaluate"].load()({}, checkpoint_of(name), lambda share, partial: None)
    checkpoint = open_checkpoint(checkpoint_of(name))
    data = prepare(checkpoint.experiment)
    said = predict(checkpoint, data.watched.raw).argmax(1)
    accuracy = accuracy_score(data.watched.y, said)
    assert any(np.isclose(value, accuracy) for value in numbers_in(found)), accuracy


def numbers_in(found: Any) -> list[float]:
    if isinstance(found, dict):
        return [number for value in found.values() for number in numbers_in(value)]
    if isinstance(found, list | tuple):
        return [number for value in found for number in numbers_in(value)]
    return [float(found)] if isinstance(found, int | float) and not isinstance(found, bool) else []


def test_there_is_no_path_where_a_weight_is_used_at_many_places() -> None:
    found, _ = JOBS["whatif"].load()({}, checkpoint_of("pictures"), lambda share, partial: None)
    assert found["path"] is None
