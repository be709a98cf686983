"""Does memory grow? Students come and go for as long as asked, and the memory of all processes is watched."""

from __future__ import annotations

import asyncio
import random
import time
from statistics import median

from benchmarks.classroom import ENVIRONMENT, arrive, fiddle, memory
from benchmarks.server import Server, served, wait_until_warm
from benchmarks.student import Student
from benchmarks.tables import Figure, goals
from dlcore.experiment import Experiment

STUDENTS = 30
HOURS, QUICK_HOURS = 1 / 6, 1 / 60
STAY = (20.0, 120.0)  # seconds that a student stays; then another one comes
GROWTH = 0.05
SETTLED = 600.0  # seconds after which memory should not grow any more; in a shorter watch, half its time
BETWEEN_LOOKS = 5.0
NETWORKS = ((4, 2), (8, 8), (8,) * 6)  # each student gets one at random


def run(quick: bool, hours: float | None = None) -> str:
    """The table of goals."""
    seconds = 3600 * (hours or (QUICK_HOURS if quick else HOURS))
    settled = min(SETTLED, seconds / 2)
    with served(**ENVIRONMENT) as server:
        wait_until_warm(server)
        looks, visits = asyncio.run(_watch(server, seconds))
    span = max(seconds / 20, 2 * BETWEEN_LOOKS)
    before = median(megabytes for at, megabytes in looks if settled <= at < settled + span)
    after = median(megabytes for at, megabytes in looks if at >= seconds - span)
    growth = after / before - 1
    figure = Figure(
        f"{seconds / 60:g} minutes with {STUDENTS} sessions coming and going: growth of memory after the first {settled / 60:g}",
        f"{GROWTH:.0%}",
        f"{growth:+.1%} ({before:,.0f} to {after:,.0f} MB)",
        growth < GROWTH if seconds >= 3600 else None,
    )
    said = (
        f"{visits} visits of {STAY[0]:g}-{STAY[1]:g} s each, playing and moving a slider; proportional set sizes of all "
        f"processes, medians of {span:.0f} s at each end. Below an hour the goal is not judged: "
        "`python -m benchmarks soak --hours 1 --keep` watches one."
    )
    return f"{goals([figure])}\n\n{said}"


async def _watch(server: Server, seconds: float) -> tuple[list[tuple[float, float]], int]:
    """[(seconds since the start, MB)], and the number of students who came."""
    chance = random.Random(0)
    start = time.monotonic()
    seats = [asyncio.create_task(_seat(server, start + seconds, chance)) for _ in range(STUDENTS)]
    looks = []
    while (now := time.monotonic() - start) < seconds:
        looks.append((now, memory(server)[0]))
        await asyncio.sleep(BETWEEN_LOOKS)
    return looks, sum(await asyncio.gather(*seats))


async def _seat(server: Server, end: float, chance: random.Random) -> int:
    """Let one student after the other come until `end`; returns how many."""
    visits = 0
    await asyncio.sleep(chance.uniform(0, 15))
    while time.monotonic() < end:
        visits += 1
        await _visit(server, min(time.monotonic() + chance.uniform(*STAY), end), chance)
    return visits


async def _visit(server: Server, end: float, chance: random.Random) -> None:
    layers = [{"kind": "dense", "units": units} for units in chance.choice(NETWORKS)]
    student = Student(server.port, Experiment.from_dict({"layers": layers}), playing=True)
    try:
        await arrive(student)
        await fiddle(student, end, chance, [])
    except (OSError, TimeoutError):
        pass  # A student who was refused tries again.
    finally:
        student.close()
