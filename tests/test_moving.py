"""Runs that change over to other workers: how many at once, and that each has its turn."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

from dlcore.runs.places.links import Reply
from dlcore.runs.server.entry import Entry
from dlcore.runs.server.load import Load
from dlcore.runs.server.moving import MOST_UNDER_WAY, Moving
from dlcore.runs.server.sending import Sending


class Home:
    """A worker that is asked to let runs go, and lets them go when the test says so."""

    def __init__(self) -> None:
        self.ready = threading.Event()
        self.ready.set()
        self.asked: list[tuple[str, Future[Reply]]] = []

    def post(self, header: dict[str, Any], payload: bytes = b"") -> Future[Reply]:
        answer: Future[Reply] = Future()
        self.asked.append((header["token"], answer))
        return answer


def crew(home: Home, apart: Home) -> Any:
    """A common worker and one for heavy runs."""
    places = SimpleNamespace(shared=False)
    return SimpleNamespace(
        links={0: home, 1: apart}, common=[0], heavy=[1], places=places, open_one_more_heavy=lambda: None
    )


def runs(heavy: int) -> dict[str, Entry]:
    """So many heavy runs, and one whom they hold up."""
    entries = {f"run {i}": Entry(f"run {i}", 0, "{}", "cpu", 0.0, heavy=True, status="playing") for i in range(heavy)}
    return {**entries, "near": Entry("near", 0, "{}", "cpu", 0.0, status="playing")}


def moving_of(home: Home, entries: dict[str, Entry], post_create: Callable[..., Future[Reply]]) -> Moving:
    lock, workers = threading.RLock(), crew(home, Home())
    sending, load = Sending(lock, workers, entries), Load(workers, entries)
    return Moving(lock, workers, entries, sending, load, post_create, lambda: 1.0)


def test_few_runs_are_under_way_at_once_and_one_after_the_other_all_go() -> None:
    home, entries = Home(), runs(heavy=7)
    made: list[Future[Reply]] = []

    def post_create(entry: Entry, header: dict[str, Any], content: bytes) -> Future[Reply]:
        made.append(Future())
        return made[-1]

    moving = moving_of(home, entries, post_create)
    moving.balance()
    for gone in range(7):
        assert len(home.asked) == min(gone + MOST_UNDER_WAY, 7)
        home.asked[gone][1].set_result(({"luggage": []}, b"all that it has learned"))
        # A run counts as moving until its new worker has built it.
        assert len(home.asked) == min(gone + MOST_UNDER_WAY, 7)
        made[gone].set_result(({}, b""))
    assert {entry.worker for entry in entries.values() if entry.heavy} == {1}
    assert entries["near"].worker == 0
    assert moving.moved == 7


def test_a_run_that_does_not_leave_is_left_alone_and_the_next_one_goes() -> None:
    home, entries = Home(), runs(heavy=3)
    moving = moving_of(home, entries, lambda *arguments: Future())
    moving.balance()
    home.asked[0][1].set_result(({}, b""))
    home.asked[1][1].set_exception(RuntimeError("its worker was lost"))
    assert [token for token, _ in home.asked] == ["run 0", "run 1", "run 2"]
    assert entries["run 0"].worker == entries["run 1"].worker == 0
