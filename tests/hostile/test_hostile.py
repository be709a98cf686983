"""Attacks on the served app, on this machine only and bounded: who learns beside one goes on learning, and the server stays small.

The attackers are those of the benchmark `hostile`, which measures what is only held to happen here. F12 (a stranger's link) is held
in test_rights.py, F13 and F14 in test_health.py and test_browser_evaluate.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.hostile import (
    DESCRIPTORS,
    MOST_MEMORY,
    attackers_of,
    bring_a_table,
    change_setting,
    come,
    neighbour_of,
    silent_port,
    take_recipe,
)  # fmt: skip
from benchmarks.server import Server, megabytes, served
from benchmarks.student import Student, cookie_of_page
from benchmarks.visitor import Visitor, put
from dlcore.experiment import Experiment
from dlcore.runs.server.shelf import name_of
from tests.loops import run
from tests.patience import PATIENCE

pytestmark = pytest.mark.xdist_group("hostile")  # One server for all.
SHELF_MB = 48  # Little, so that large runs fill it soon.
ANSWERS, PICTURES = 4, 12  # That the neighbour gets while the attack goes on.


@dataclass(frozen=True)
class Attacked:
    """A server, and where it keeps runs."""

    server: Server
    shelf: Path


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    """A server whose look-ups of the outside world would never end."""
    shelf = tmp_path_factory.mktemp("shelf")
    with silent_port() as silent:
        outside = {"http_proxy": f"http://127.0.0.1:{silent}", "no_proxy": ""}
        kept = {"DLCORE_SHELF": str(shelf), "DLCORE_SHELF_MB": str(SHELF_MB), "DLCORE_TABLES": str(shelf / "tables")}
        with served(DLCORE_WORKERS="1", **outside, **kept) as server, pytest.MonkeyPatch.context() as patch:
            patch.setattr("benchmarks.student.PATIENCE", PATIENCE)  # Other tests may share the two cores.
            yield Attacked(server, shelf)


@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        ("foreign_origin", 2.0),
        ("flood_of_frames", 2.0),
        ("flood_of_commands", 2.0),
        ("invented_uploads", 2.0),
        ("endless_messages", 3.0),
        ("reruns", 3.0),
    ],
)
def test_a_neighbour_learns_on(attacked: Attacked, name: str, seconds: float) -> None:
    async def lesson() -> None:
        async with beside(attacked.server, name, seconds):
            pass

    run(lesson())


def test_a_newcomer_comes_in_after_three_hundred_others(attacked: Attacked) -> None:
    async def lesson() -> None:
        async with beside(attacked.server, "newcomers", 6.0):
            await come(attacked.server)

    run(lesson())


def test_an_honest_table_is_looked_at_beside_ragged_ones(attacked: Attacked) -> None:
    async def lesson() -> None:
        async with beside(attacked.server, "ragged_tables", 4.0):
            await bring_a_table(attacked.server)

    run(lesson())


def test_a_recipe_is_taken_home_beside_reports(attacked: Attacked) -> None:
    async def lesson() -> None:
        async with beside(attacked.server, "reports", 4.0):
            await take_recipe(attacked.server)

    run(lesson())


def test_the_page_comes_beside_heads_without_end(tmp_path: Path) -> None:
    """With as few descriptors as a service has where nobody has asked for more."""

    async def lesson(server: Server) -> None:
        async with beside(server, "half_heads", 4.0):
            assert await cookie_of_page(server.port)
            await come(server)

    with served("app.py", DESCRIPTORS, DLCORE_WORKERS="1", DLCORE_SHELF=str(tmp_path)) as server:
        run(lesson(server))


def test_an_upload_that_no_page_has_asked_for_is_refused(attacked: Attacked) -> None:
    async def lesson() -> None:
        visitor = Visitor(attacked.server.port)
        await visitor.open()
        place = f"/_stcore/upload_file/{visitor.session}/invented"
        assert await put(attacked.server.port, place, "a.csv", b"a,b\n1,2\n", visitor.cookie) == 403
        visitor.close()

    run(lesson())


def test_what_others_have_learned_stays_on_the_shelf(attacked: Attacked) -> None:
    async def lesson() -> None:
        honest = Student(attacked.server.port, Experiment())
        await honest.open()
        honest.command("step")
        await until((attacked.shelf / name_of(honest.token)).exists)
        honest.close()
        async with beside(attacked.server, "large_runs", 4.0):
            await until(lambda: sum(file.stat().st_size for file in kept(attacked)) > SHELF_MB << 19)
        assert (attacked.shelf / name_of(honest.token)).exists()
        assert sum(file.stat().st_size for file in kept(attacked)) <= SHELF_MB << 20

    run(lesson())


def kept(attacked: Attacked) -> list[Path]:
    return list(attacked.shelf.glob("*.run"))


@asynccontextmanager
async def beside(server: Server, name: str, seconds: float) -> AsyncIterator[None]:
    """An attack, and beside it somebody whose slider is answered and whose pictures come; until it has ended."""
    most = 0.0

    async def weigh() -> None:
        nonlocal most
        while True:
            most = max(most, megabytes(server.pid))
            await asyncio.sleep(0.02)

    async with neighbour_of(server) as neighbour, attackers_of(server, name, seconds) as attackers:
        assert attackers.stdin is not None and attackers.stdout is not None
        weighing = asyncio.create_task(weigh())
        attackers.stdin.write(b"now\n")
        there = len(neighbour.seen)
        for turn in range(ANSWERS):
            await change_setting(neighbour, turn)
        await until(lambda: len(neighbour.seen) >= there + PICTURES)
        yield
        async with asyncio.timeout(PATIENCE):
            assert await attackers.stdout.readline()  # It has sent all that it could.
        weighing.cancel()
        assert neighbour.there
        assert most <= MOST_MEMORY


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.05)
