"""The tables of tests/readings on the page Data: what it asks is what the file beside each says, and that is what a run learns."""

from __future__ import annotations

from typing import Any

import pytest

from dlcore.desks.jobs import JOBS
from dlcore.problems import Problem
from tests.data_desk import DoneJob, HandmadeDesks
from tests.playground import RecordingPool, errors, state
from tests.test_data_page import bring, open_data, press
from tests.test_readings import FILES, FOLDER, kept, right
from ui import live
from ui.data.brought import Bringing

__all__ = ["kept"]  # A store of its own.


class InlineDesks(HandmadeDesks):
    """Does each job at once, as a desk would."""

    def submit(
        self, do: str, payload: bytes = b"", owner: str = "", reader: str = "", page: str = "", **arguments: Any
    ) -> DoneJob:
        try:
            return DoneJob(*JOBS[do].load()(arguments, payload, lambda share, partial: None))
        except Problem as problem:
            return DoneJob({}, problem=problem)


@pytest.mark.parametrize("name", FILES)
def test_the_page_asks_what_is_right_and_trains_on_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pool, said = RecordingPool(), right(name)
    monkeypatch.setattr(live, "pool", lambda: pool)
    monkeypatch.setattr(live, "desks", lambda: InlineDesks({}))
    at = bring(open_data(), name, (FOLDER / name).read_bytes())
    assert errors(at) == []
    found = state(at).memory(Bringing).brought
    assert found is not None
    assert (found.profile["target"], found.profile["task"]) == (said["target"], said["task"])
    assert list(found.inputs) == said["inputs"]
    press(at, "data_train")
    assert errors(at) == []
    dataset = pool.recipes[-1]["dataset"]
    assert [column["name"] for column in dataset["columns"]] == said["inputs"]
    assert (dataset["rows"], dataset["target"]) == (said["trained"], said["target"])
