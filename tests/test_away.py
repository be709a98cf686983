"""Runs that leave the memory, to make room or because nobody is there, and come back as they were; and a disk that hangs."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dlcore.experiment import Experiment
from dlcore.limits import Limits
from dlcore.problems import Problem
from dlcore.runs.server.pool import Pool
from dlcore.runs.server.shelf import Kept, Shelf
from tests.machine import Machine
from tests.patience import eventually
from tests.scripted import Scripted, ScriptedPlaces

FAKE = (sys.executable, "-m", "tests.fake_worker")


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def make_pool(tmp_path: Path, machine: Machine) -> Iterator[Callable[..., Pool]]:
    pools: list[Pool] = []

    def make(places: ScriptedPlaces | None = None, **settings: Any) -> Pool:
        limits = Limits(**{"workers": 1, "heavy_workers": 0, "shelf": tmp_path / "shelf", **settings})
        pools.append(Pool(command=FAKE, places=places, limits=limits, clock=machine.clock))
        pools[-1].start()
        return pools[-1]

    yield make
    for pool in pools:
        pool.stop()


def recipe(seed: int = 0) -> str:
    return Experiment(seed=seed).to_json()


def refusal(ask: Callable[[], object]) -> str:
    with pytest.raises(Problem) as refused:
        ask()
    return refused.value.key


# Room


def test_a_newcomer_to_a_full_class_gets_the_place_of_the_run_that_nobody_touched_longest(
    make_pool: Callable[..., Pool], machine: Machine
) -> None:
    pool = make_pool(max_runs=3)
    tokens = [pool.create(recipe(), owner=owner) for owner in ("one", "two", "three")]
    machine.wait(20.0)
    pool.call(tokens[0], "step")
    with pool.viewer(tokens[1]):
        machine.wait(16.0)
        newcomer = pool.create(recipe(), owner="new")
        assert [pool.exists(token) for token in tokens] == [True, True, False]
    assert (pool.figures()["made_room"], pool.figures()["refused"], pool.figures()["runs"]) == (1, 0, 3)
    assert pool.exists(newcomer)


def test_who_had_to_make_room_goes_on_from_its_very_last_state_and_nobody_else_does(
    make_pool: Callable[..., Pool], machine: Machine
) -> None:
    pool = make_pool(max_runs=1)
    token = pool.create(recipe(5), owner="one")
    pool.call(token, "step")
    machine.wait(16.0)
    newcomer = pool.create(recipe(), owner="new")
    assert refusal(lambda: pool.find_standing(token, "new")) == "not_yours"
    # The newcomer's run was touched too recently to go.
    assert refusal(lambda: pool.revive(token, "one")) == "class_full"
    pool.close(newcomer)
    standing = {"recipe": recipe(5), "device": "auto", "status": "paused", "step": 1, "epoch": 0}
    assert pool.find_standing(token, "one") == standing
    assert pool.revive(token, "one") == standing
    # The state from the worker's answer to "close", not the one kept after the step.
    assert pool.call(token, "frame")[0]["state"] == "last"


def test_somebody_who_comes_back_while_the_last_state_is_on_its_way_waits_for_it(
    make_pool: Callable[..., Pool], machine: Machine
) -> None:
    places = ScriptedPlaces()
    pool = make_pool(places, max_runs=1)
    assert eventually(lambda: pool.ready)
    (worker,) = places.opened[:1]
    token = pool.create(recipe(), owner="one")
    facts = {"recipe": recipe(), "device": "auto", "status": "playing", "speed": 7}
    worker.say({"kept": token, **facts, "step": 3}, b"three")
    assert eventually(lambda: pool.find_standing(token, "one")["step"] == 3)
    machine.wait(16.0)
    newcomer = pool.create(recipe(), owner="new")
    pool.close(newcomer)
    back: list[dict[str, Any]] = []
    returning = threading.Thread(target=lambda: back.append(pool.revive(token, "one")))
    returning.start()
    (closed,) = [header for header in asked(worker, "close") if header["token"] == token]
    assert closed["keep"]
    assert not back
    worker.answer(closed, b"nine", **facts, step=9)
    returning.join(10)
    assert back[0]["step"] == 9

    def created() -> list[bytes]:
        return [state for header, state in list(worker.told) if header["do"] == "create" and header["token"] == token]

    assert eventually(lambda: created()[-1] == b"nine")


def test_a_worker_that_is_lost_before_it_hands_out_the_last_state_costs_no_more_than_that(
    make_pool: Callable[..., Pool], machine: Machine
) -> None:
    places = ScriptedPlaces()
    pool = make_pool(places, max_runs=1)
    assert eventually(lambda: pool.warm)
    worker = places.opened[0]
    token = pool.create(recipe(), owner="one")
    facts = {"recipe": recipe(), "device": "auto", "status": "playing", "speed": 7}
    worker.say({"kept": token, **facts, "step": 3}, b"three")
    assert eventually(lambda: pool.find_standing(token, "one")["step"] == 3)
    machine.wait(16.0)
    pool.close(pool.create(recipe(), owner="new"))
    asked(worker, "close")
    worker.die()
    assert pool.revive(token, "one")["step"] == 3


def test_visitors_who_keep_no_cookie_share_a_few_runs_and_a_program_has_its_own(
    make_pool: Callable[..., Pool], machine: Machine
) -> None:
    pool = make_pool(max_runs=100, max_runs_without_cookie=2)
    own = [pool.create(recipe()) for _ in range(30)]
    first, second = (pool.create(recipe(), owner="") for _ in range(2))
    assert refusal(lambda: pool.create(recipe(), owner="")) == "visitors_full"
    assert pool.exists(pool.create(recipe(), owner="somebody"))
    machine.wait(16.0)
    pool.call(second, "step")
    third = pool.create(recipe(), owner="")
    assert not pool.exists(first) and pool.exists(second)
    machine.wait(16.0)
    assert pool.revive(first, "")["recipe"] == recipe()
    assert not pool.exists(second) and pool.exists(third)
    assert all(map(pool.exists, own))


def test_holding_a_run_is_not_touching_it(make_pool: Callable[..., Pool], machine: Machine) -> None:
    pool = make_pool(max_runs=1)
    token = pool.create(recipe(), owner="one")
    machine.wait(16.0)
    pool.hold(token)  # Its page is open, but shows another run.
    pool.create(recipe(), owner="new")
    assert not pool.exists(token)


# A disk that hangs


def test_a_disk_that_hangs_holds_up_who_waits_for_it_and_nobody_else(
    make_pool: Callable[..., Pool], monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = make_pool()
    asking, answered = threading.Event(), threading.Event()
    header = {"recipe": recipe(3), "device": "auto", "owner": "", "speed": 7, "step": 4, "epoch": 1, "life": 0}

    def hang(self: Shelf, token: str) -> Kept:
        asking.set()
        answered.wait(60)
        return Kept(header, b"four")

    monkeypatch.setattr(Shelf, "find", hang)
    found: list[dict[str, Any]] = []
    waiting = [
        threading.Thread(target=lambda: found.append(pool.find_standing("away"))),
        threading.Thread(target=lambda: found.append(pool.revive("away"))),
        threading.Thread(target=lambda: found.append(pool.revive("away"))),
    ]
    for thread in waiting:
        thread.start()
    assert asking.wait(10)
    token = pool.create(recipe())
    assert pool.call(token, "step")[0]["version"] == 1
    pool.hold(token)
    pool.close(token)
    assert not found
    answered.set()
    for thread in waiting:
        thread.join(10)
    assert [standing["step"] for standing in found] == [4, 4, 4]
    assert pool.figures()["runs"] == 1  # It came back once.
    assert pool.call("away", "frame")[0]["state"] == "four"


# After a loss


def test_after_a_worker_is_lost_those_come_back_first_that_are_watched_and_small(
    make_pool: Callable[..., Pool],
) -> None:
    places = ScriptedPlaces()
    pool = make_pool(places)
    assert eventually(lambda: pool.warm)
    worker, spare = places.opened[:2]
    sizes = {pool.create(recipe()): size for size in (500, 10, 90, 50, 0)}
    watched = next(token for token, size in sizes.items() if size == 90)
    facts = {"recipe": recipe(), "device": "auto", "status": "paused", "speed": 7}
    for token, size in sizes.items():
        worker.say({"kept": token, **facts, "step": size + 1}, bytes(size))
    assert eventually(lambda: all(pool.find_standing(token)["step"] == size + 1 for token, size in sizes.items()))
    with pool.viewer(watched):
        worker.die()
        assert eventually(lambda: len(spare.asked("create")) == 5)
    assert [sizes[header["token"]] for header in spare.asked("create")] == [90, 0, 10, 50, 500]


def test_a_state_for_which_there_is_no_room_in_memory_comes_back_from_the_shelf(
    make_pool: Callable[..., Pool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dlcore.runs.server.pool.MOST_KEPT_BYTES", 100)
    places = ScriptedPlaces()
    pool = make_pool(places)
    assert eventually(lambda: pool.ready)
    worker = places.opened[0]
    large, small = pool.create(recipe(1), owner="hog"), pool.create(recipe(2), owner="ann")
    facts = {"device": "auto", "status": "paused", "speed": 7}
    worker.say({"kept": large, "recipe": recipe(1), **facts, "step": 30, "editor": {"own": "rows"}}, bytes(range(90)))
    worker.say({"kept": small, "recipe": recipe(2), **facts, "step": 4}, bytes(20))
    assert eventually(lambda: pool.find_standing(small, "ann")["step"] == 4)
    assert eventually(lambda: not pool.shelf.waiting)
    worker.die()

    def created(place: Scripted, token: str) -> list[bytes]:
        told = list(place.told)
        return [state for header, state in told if header["do"] == "create" and header["token"] == token]

    assert eventually(lambda: any(created(place, large) for place in places.opened[1:]))
    after = next(place for place in places.opened[1:] if created(place, large))
    assert created(after, large) == [bytes(range(90))]
    assert next(header for header, _ in after.told if header.get("token") == large)["editor"] == {"own": "rows"}
    assert eventually(lambda: created(after, small) == [bytes(20)])
    assert pool.find_standing(large, "hog")["step"] == 30
    after = next(
        place
        for place in places.opened
        if any(header.get("token") == large for header, _ in list(place.told)) and place is not worker
    )
    after.say({"kept": large, "recipe": recipe(1), **facts, "step": 30, "same": True})
    assert eventually(lambda: pool.figures()["runs"] == 2)
    pool.stop()
    again = make_pool(ScriptedPlaces())
    assert again.find_standing(large, "hog")["step"] == 30


def test_what_was_brought_back_as_it_was_need_not_come_again(make_pool: Callable[..., Pool]) -> None:
    places = ScriptedPlaces()
    pool = make_pool(places)
    assert eventually(lambda: pool.warm)
    token = pool.create(recipe())
    facts = {"recipe": recipe(), "device": "auto", "status": "paused", "speed": 7}
    places.opened[0].say({"kept": token, **facts, "step": 3}, b"three")
    places.opened[0].say({"kept": token, **facts, "speed": 8, "step": 3, "same": True})

    def on_the_shelf() -> tuple[object, bytes]:
        found = pool.shelf.find(token)
        return (found.header["speed"], found.state) if found else (None, b"")

    assert eventually(lambda: on_the_shelf() == (8, b"three"))


def asked(worker: Scripted, do: str) -> list[dict[str, Any]]:
    assert eventually(lambda: worker.asked(do))
    return worker.asked(do)
