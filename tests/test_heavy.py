"""Heavy runs: told by their sizes, kept out of the others' way, and standing still as soon as nobody is there to see them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dlcore.experiment import Experiment
from dlcore.limits import Limits
from dlcore.runs.server.pool import Pool
from dlcore.runs.weight import DOUBT, HEAVY, is_heavy, longest_act, may_be_heavy
from tests.machine import Machine
from tests.patience import eventually
from tests.scripted import Scripted, ScriptedPlaces

SMALL = Experiment().to_json()
LARGE = Experiment.from_dict({"layers": [{"kind": "dense", "units": 425}] * 12, "batch_size": 1}).to_json()
COMMON, HEAVIES = 2, 2
SETTLED = 31.0  # Seconds after which what was measured counts no more.
BALANCED = 3.5  # Seconds of uneven load after which a run changes over.


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def make_pool(tmp_path: Path, machine: Machine) -> Iterator[Callable[..., Pool]]:
    pools: list[Pool] = []

    def make(places: ScriptedPlaces) -> Pool:
        # Often enough looked after, though its clock stands still.
        limits = Limits(workers=COMMON, heavy_workers=HEAVIES, shelf=tmp_path, end_after=0.2, hung_after=1e6)
        pools.append(Pool(places=places, limits=limits, clock=machine.clock))
        pools[-1].start()
        return pools[-1]

    yield make
    for pool in pools:
        pool.stop()


class Class:
    """A pool whose workers are scripted; what they are told about moving, they do."""

    def __init__(self, make_pool: Callable[..., Pool], machine: Machine, ready: int = 1000) -> None:
        self.places = ScriptedPlaces(ready)
        self.pool = make_pool(self.places)
        self.machine = machine
        self.steps: dict[str, int] = {}
        self.left: set[tuple[int, int]] = set()
        assert eventually(lambda: len(self.places.opened) >= min(ready, COMMON + 1))
        if ready > COMMON:
            assert eventually(lambda: self.pool.warm)

    def run(self, recipe: str, status: str = "playing", owner: str = "") -> str:
        """A run that plays, or not, in whichever worker it was put."""
        token = self.pool.create(recipe, owner=owner)
        self.tell(token, recipe, status)
        return token

    def tell(self, token: str, recipe: str, status: str = "playing") -> None:
        self.steps[token] = step = self.steps.get(token, 0) + 1
        self.where(token).say(self.kept(token, recipe, status, step), b"state")
        assert eventually(lambda: self.pool.find_standing(token) == {**standing(recipe, status), "step": step})

    def kept(self, token: str, recipe: str, status: str, step: int) -> dict[str, Any]:
        return {"kept": token, **standing(recipe, status), "speed": 7, "step": step}

    def where(self, token: str) -> Scripted:
        """The worker that was told last to make this run."""
        found: list[Scripted] = []
        assert eventually(lambda: found.extend(self.holding(token)) or found)
        return found[-1]

    def holding(self, token: str) -> list[Scripted]:
        """Workers that were told to make the run, and not since to let it leave."""
        return [place for place in self.places.opened if self.last(place, token).get("do") == "create"]

    def last(self, place: Scripted, token: str) -> dict[str, Any]:
        """The last message to this worker that is about where the run lives."""
        about = [header for header, _ in list(place.told) if header.get("token") == token]
        return next((header for header in reversed(about) if header["do"] in ("create", "leave")), {})

    def let_leave(self, token: str, recipe: str) -> None:
        """The run is asked to leave, and does."""
        asked: list[tuple[Scripted, dict[str, Any]]] = []

        def leaving() -> bool:
            for place in self.places.opened:
                last = self.last(place, token)
                if last.get("do") == "leave" and (place.number, last["id"]) not in self.left:
                    asked.append((place, last))
            return bool(asked)

        assert eventually(leaving)
        home, left = asked[0]
        self.left.add((home.number, left["id"]))
        home.answer(left, b"state", **standing(recipe, "playing"), speed=7, luggage={})
        assert eventually(lambda: self.holding(token))

    def looked_after(self) -> None:
        """The pool has had a look since."""
        pings = len(self.places.opened[0].asked("ping"))
        assert eventually(lambda: len(self.places.opened[0].asked("ping")) > pings + 1)


def standing(recipe: str, status: str) -> dict[str, Any]:
    return {"recipe": recipe, "device": "auto", "status": status, "step": 1, "epoch": 0}


# By sizes


def test_sizes_alone_say_what_is_heavy_and_measuring_is_believed_only_near_them() -> None:
    def network(units: int) -> Experiment:
        return Experiment.from_dict({"layers": [{"kind": "dense", "units": units}] * 8})

    assert is_heavy(network(512)) and may_be_heavy(network(512))
    assert not is_heavy(network(200)) and may_be_heavy(network(200))
    assert not is_heavy(network(64)) and not may_be_heavy(network(64))
    for units in (8, 64, 100, 128, 200, 256, 512):
        assert is_heavy(network(units)) == (longest_act(network(units)) > HEAVY)
        assert may_be_heavy(network(units)) == (longest_act(network(units)) * DOUBT > HEAVY)


# Where they live


def test_thirty_heavy_runs_leave_the_common_workers_to_the_others_though_a_worker_for_them_has_yet_to_start(
    make_pool: Callable[..., Pool], machine: Machine
) -> None:
    there = Class(make_pool, machine, ready=COMMON + 1)  # The spare one is warm, and no other one will be for long.
    small = [there.run(SMALL) for _ in range(4)]
    homes = {there.where(token).number for token in small}
    assert homes == {0, 1}
    heavy = [there.pool.create(LARGE) for _ in range(30)]
    assert {there.where(token).number for token in heavy} == {COMMON}
    assert there.where(heavy[0]).niceness > max(there.where(token).niceness for token in small)


def test_the_first_heavy_run_waits_for_a_worker_to_start_and_nobody_waits_for_it(
    make_pool: Callable[..., Pool], machine: Machine
) -> None:
    there = Class(make_pool, machine, ready=COMMON)  # Not even the spare worker is ready.
    small = [there.pool.create(SMALL) for _ in range(2)]
    for token in small:
        there.tell(token, SMALL)
    heavy = there.pool.create(LARGE)
    assert there.where(heavy).number >= COMMON


def test_a_heavy_run_that_came_first_makes_way_when_somebody_plays_beside_it(
    make_pool: Callable[..., Pool], machine: Machine
) -> None:
    there = Class(make_pool, machine)
    heavy = [there.run(LARGE) for _ in range(2)]
    assert {there.where(token).number for token in heavy} == {0, 1}  # Alone each may stay.
    there.looked_after()
    assert not there.places.opened[0].asked("leave")
    small = [there.run(SMALL) for _ in range(2)]
    for token in heavy:
        there.let_leave(token, LARGE)
        assert there.where(token).number >= COMMON
    assert {there.where(token).number for token in small} == {0, 1}


def test_a_heavy_run_stays_with_the_heavy_ones_however_little_it_is_served(
    make_pool: Callable[..., Pool], machine: Machine
) -> None:
    there = Class(make_pool, machine)
    for _ in range(2):
        there.run(SMALL)
    heavy = there.run(LARGE)
    home = there.where(heavy)
    assert home.number >= COMMON
    for _ in range(4):
        machine.wait(SETTLED)
        with there.pool.viewer(heavy):
            there.looked_after()
    assert not home.asked("leave")


def test_a_run_that_is_heavy_no_longer_goes_back_to_the_others(
    make_pool: Callable[..., Pool], machine: Machine
) -> None:
    there = Class(make_pool, machine)
    for _ in range(2):
        there.run(SMALL)
    run = there.run(LARGE)
    assert there.where(run).number >= COMMON
    there.pool.ask(run, "change", recipe=SMALL)
    there.tell(run, SMALL)
    there.let_leave(run, SMALL)
    assert there.where(run).number < COMMON


def test_what_was_measured_counts_for_half_a_minute(make_pool: Callable[..., Pool], machine: Machine) -> None:
    there = Class(make_pool, machine)
    for _ in range(4):
        there.run(SMALL)
    run = there.run(SMALL)
    there.where(run).say({"heavy": run, "seconds": 0.3})
    there.let_leave(run, SMALL)
    assert there.where(run).number >= COMMON
    there.looked_after()
    assert not there.where(run).asked("leave")
    machine.wait(SETTLED)  # Until then it stays on the heavy worker.
    there.let_leave(run, SMALL)
    assert there.where(run).number < COMMON


def test_heavy_runs_are_spread_over_their_workers(make_pool: Callable[..., Pool], machine: Machine) -> None:
    there = Class(make_pool, machine, ready=COMMON + 1)
    for _ in range(2):
        there.run(SMALL)
    heavy = [there.run(LARGE) for _ in range(4)]
    assert {there.where(token).number for token in heavy} == {COMMON}
    late = next(place for place in there.places.opened if place.number == COMMON + 1)
    late.say({"ready": 1})
    for _ in range(3):
        there.looked_after()
        machine.wait(BALANCED)
    assert eventually(lambda: len(there.places.opened[COMMON].asked("leave")) == 1)


# Nobody is there


def test_a_heavy_run_whose_page_has_gone_pauses_at_once_and_goes_on_when_it_is_back(
    make_pool: Callable[..., Pool], machine: Machine
) -> None:
    there = Class(make_pool, machine)
    light, heavy = there.run(SMALL), there.run(LARGE)
    with there.pool.viewer(light), there.pool.viewer(heavy):
        machine.wait(100.0)
        there.looked_after()
    assert not there.where(heavy).asked("pause")
    machine.wait(6.0)
    assert eventually(lambda: there.where(heavy).asked("pause"))
    there.tell(heavy, LARGE, "paused")
    there.looked_after()
    assert not there.where(light).asked("pause")
    with there.pool.viewer(heavy):
        assert eventually(lambda: there.where(heavy).asked("play"))
    machine.wait(55.0)
    assert eventually(lambda: there.where(light).asked("pause"))


@pytest.mark.parametrize("meanwhile", ["too long away", "paused by hand"])
def test_a_heavy_run_stays_paused_when_its_page_was_gone_for_long_or_somebody_wanted_it_so(
    make_pool: Callable[..., Pool], machine: Machine, meanwhile: str
) -> None:
    there = Class(make_pool, machine)
    heavy = there.run(LARGE)
    machine.wait(6.0)
    assert eventually(lambda: there.where(heavy).asked("pause"))
    there.tell(heavy, LARGE, "paused")
    if meanwhile == "too long away":
        machine.wait(61.0)
    else:
        there.pool.ask(heavy, "pause")
    with there.pool.viewer(heavy):
        there.looked_after()
    assert not there.where(heavy).asked("play")
