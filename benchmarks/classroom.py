"""A whole class: many sessions play, watch and change settings at once, each by a light client on the same machine (student.py), but
one of them, which is a real browser (browsing.py).
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles

from benchmarks.browsing import Seen, browser_of, look_back, watch
from benchmarks.server import Server, megabytes, proportional_megabytes, served, wait_until_warm
from benchmarks.spent import find_scoring_share, read_spent, share_of_cores, tell_server, tell_workers
from benchmarks.student import PATIENCE, Student
from benchmarks.tables import Figure, at_least, at_most, goals, markdown
from dlcore.experiment import Experiment

EXPERIMENT = Experiment.from_dict({"layers": [{"kind": "dense", "units": 8}, {"kind": "dense", "units": 8}]})
FRAMES_A_SECOND = 30.0  # frames that a student asks for
BETWEEN_MOVES = (3.0, 7.0)  # seconds between two changes of a setting by a student
BETWEEN_ARRIVALS = 0.15
WINDOWS, SECONDS = 5, 10.0  # results are medians over so many windows of so many seconds each
QUICK_SECONDS = 2.0
# More than the largest class, so that nobody is turned away.
ENVIRONMENT = {"DLCORE_MAX_RUNS": "400", "DLCORE_MAX_RUNS_PER_SESSION": "10"}


@dataclass(frozen=True)
class Goal:
    """The goals for a class of this size: frames and epochs a second, seconds, MB; and how many frames a second each student asks for."""

    students: int
    frames: float
    epochs: float
    answer: float
    pause: float
    memory: float | None = None
    asked: float = FRAMES_A_SECOND


GOALS = (Goal(30, 30, 250, 0.1, 0.5), Goal(100, 15, 60, 0.2, 1.0, 1500), Goal(300, 4, 15, 0.5, 3.0, 2500, asked=10.0))


@dataclass
class Measured:
    """What was measured of a class."""

    goal: Goal
    seconds: float  # of a window
    # a second, of the median and of the slowest student, for each window
    frames: list[tuple[float, float]] = field(default_factory=list)
    epochs: list[tuple[float, float]] = field(default_factory=list)
    pause: float = 0.0  # longest time without a frame of any student, in seconds
    openings: list[float] = field(default_factory=list)  # seconds until a page was complete
    answers: list[float] = field(default_factory=list)  # seconds until a frame had brought a changed setting
    dropped: int = 0
    errors: int = 0
    browser: Seen | None = None
    shares: dict[str, float] = field(default_factory=dict)  # processor time a second, see spent.py
    proportional: float = 0.0  # MB of all processes
    resident: float = 0.0


def run(quick: bool) -> str:
    """The table of goals, and what else was measured."""
    seconds = QUICK_SECONDS if quick else SECONDS
    classes = [_class(goal, seconds) for goal in GOALS]
    figures = [figure for found in classes for figure in _figures(found)]
    said = (
        "Each student opens a link to 2-8-8-1 (circle, 250 training rows, batch 10) that plays from the start, lifts the limit of "
        f"its speed, asks for {FRAMES_A_SECOND:g} frames a second (of {GOALS[-1].students}, for {GOALS[-1].asked:g}; one that came "
        f"late is made up for) and changes the noise of its data every {_range(BETWEEN_MOVES)} s. One of them is headless Chromium, "
        "which asks for 60 and changes nothing; frames, epochs, pauses and answers are the others'. A newcomer every "
        f"{BETWEEN_ARRIVALS:g} s. Frames and epochs: medians of {WINDOWS} windows of {seconds:g} s, of the class's median and of its "
        "last; goals are held against the last, whose window may have cut off one frame. Clients and browser run on the same cores; "
        "a client reads of a frame the header alone, and loads no files of the page. Memory: proportional set sizes of all "
        "processes of the server, which count shared pages once (in brackets the sum of resident sizes, which does not)."
    )
    scores = find_scoring_share(EXPERIMENT.to_dict())
    spent = (
        "Where the processors' time goes, in cores. Scripts: Streamlit's reruns. Workers count their own time: training (of the "
        f"kernels' alone {scores:.0%} are the scores after each epoch), what frames contain (pictures), changes and commands, keeping "
        "states for the server, the pipe to it, and the rest, as whose turn it is. What clients, the browser and other programs leave "
        "is all that server and workers could have had."
    )
    header = [
        "sessions",
        "frames/s",
        "epochs/s",
        "answer median / p95",
        "opening median / p95",
        "errors",
        "memory",
        "the browser",
    ]
    busy = ["sessions", "server", "workers", "clients", "browser", "other programs", "left to server and workers"]
    return f"{goals(figures)}\n\n{said}\n\n{markdown(header, map(_row, classes))}\n\n{spent}\n\n{markdown(busy, map(_busy_row, classes))}"


def _class(goal: Goal, seconds: float) -> Measured:
    with served(**ENVIRONMENT) as server:
        wait_until_warm(server)
        return asyncio.run(_attend(server, goal, seconds))


async def _attend(server: Server, goal: Goal, seconds: float) -> Measured:
    """Run a class; measured for WINDOWS times so many seconds once all have a run."""
    found = Measured(goal, seconds)
    chance = random.Random(0)
    students = [Student(server.port, EXPERIMENT, playing=True) for _ in range(goal.students - 1)]
    async with browser_of(server, EXPERIMENT) as page:
        # Garbage is collected now, as a collection in this process would take time from the measured ones.
        gc.collect()
        gc.freeze()
        arriving = []
        for student in students:
            arriving.append(asyncio.create_task(arrive(student, goal.asked)))
            await asyncio.sleep(BETWEEN_ARRIVALS)
        outcomes = await asyncio.gather(*arriving, return_exceptions=True)
        found.openings = [outcome for outcome in outcomes if isinstance(outcome, float)]
        await asyncio.sleep(3.0)

        start, spent = time.monotonic(), await read_spent(server)
        await watch(page)
        end = start + WINDOWS * seconds
        moving = [
            asyncio.create_task(fiddle(student, end, chance, found.answers)) for student in students if student.there
        ]
        await asyncio.sleep(WINDOWS * seconds / 2)
        found.proportional, found.resident = memory(server)
        await asyncio.sleep(max(end - time.monotonic(), 0))
        found.browser = await look_back(page, time.monotonic() - start)
        found.shares = share_of_cores(spent, await read_spent(server), time.monotonic() - start)
        found.dropped = sum(not student.there for student in students) + found.browser.dropped
        await asyncio.gather(*moving, return_exceptions=True)
        for student in students:
            student.close()

    for window in range(WINDOWS):
        between = start + window * seconds, start + (window + 1) * seconds
        frames = [student.frames(*between) / seconds for student in students]
        epochs = [student.epochs(*between) for student in students]
        found.frames.append((median(frames), min(frames)))
        found.epochs.append((median(epochs), min(epochs)))
    found.pause = max(student.longest_pause(start, end) for student in students)
    found.errors = sum(student.errors for student in students)
    return found


async def arrive(student: Student, frames_a_second: float = FRAMES_A_SECOND) -> float:
    """Open the page, set the speed to as fast as possible and watch. Returns the seconds until the page was complete."""
    waited = await student.open()
    student.command("speed", None)
    student.watch(frames_a_second)
    return waited


async def fiddle(student: Student, end: float, chance: random.Random, answers: list[float]) -> None:
    """Change a setting now and then until `end` (`time.monotonic`)."""
    await asyncio.sleep(chance.uniform(0, BETWEEN_MOVES[1]))
    while time.monotonic() < end and student.there:
        try:
            answers.append(await student.move("dataset.noise", round(chance.uniform(0, 0.5), 2)))
        except TimeoutError:
            answers.append(PATIENCE)  # No answer came within PATIENCE: count it as that.
        await asyncio.sleep(chance.uniform(*BETWEEN_MOVES))


def memory(server: Server) -> tuple[float, float]:
    """MB of all processes: proportional and resident."""
    processes = server.processes()
    return sum(map(proportional_megabytes, processes)), sum(map(megabytes, processes))


def p95(values: Sequence[float]) -> float:
    """The 95th percentile."""
    return quantiles(values, n=20)[-1] if len(values) > 1 else float("inf")


def _figures(found: Measured) -> list[Figure]:
    goal = found.goal
    name = f"{goal.students} sessions playing"
    frames, epochs, answer = _typical(found.frames), _typical(found.epochs), p95(found.answers)
    figures = [
        at_least(
            f"{name}: frames/s each, of {goal.asked:g} asked for", goal.frames, frames[1], f"{goal.frames:g}",
            f"{frames[1]:.1f} (median {frames[0]:.1f})", slack=1 / found.seconds,
        ),
        at_least(
            f"{name}: epochs/s each", goal.epochs, epochs[1], f"{goal.epochs:g}", f"{epochs[1]:.0f} (median {epochs[0]:.0f})"
        ),
        at_most(
            f"{name}: a changed setting seen, p95", goal.answer, answer, f"{1000 * goal.answer:.0f} ms", f"{1000 * answer:.0f} ms"
        ),
        at_most(f"{name}: longest pause", goal.pause, found.pause, f"{goal.pause:g} s", f"{found.pause:.2f} s"),
        Figure(f"{name}: dropped", "nobody", str(found.dropped or "nobody"), found.dropped == 0),
    ]  # fmt: skip
    if goal.memory is not None:
        said = f"{found.proportional:,.0f} MB (resident {found.resident:,.0f})"
        figures.append(
            at_most(f"{name}: memory of all processes", goal.memory, found.proportional, f"{goal.memory:,.0f} MB", said)
        )
    return figures


def _row(found: Measured) -> list[str]:
    frames, epochs = _typical(found.frames), _typical(found.epochs)
    return [
        str(found.goal.students),
        f"{frames[0]:.1f}, last {frames[1]:.1f}",
        f"{epochs[0]:.0f}, last {epochs[1]:.0f}",
        _milliseconds(found.answers),
        _milliseconds(found.openings),
        f"{found.dropped} dropped, {found.errors} on pages",
        f"{found.proportional:,.0f} MB ({found.resident:,.0f})",
        found.browser.words if found.browser else "-",
    ]


def _busy_row(found: Measured) -> list[str]:
    """Where the processors' time went; what clients and browser did not take was there for server and workers."""
    shares = found.shares
    cores = os.cpu_count() or 1
    beside = shares["client"] + shares["browser"] + shares["others"]
    return [
        str(found.goal.students),
        tell_server(shares),
        tell_workers(shares),
        f"{shares['client']:.2f}",
        f"{shares['browser']:.2f}",
        f"{shares['others']:.2f}",
        f"{max(cores - beside, 0.0):.2f} of {cores}",
    ]


def _typical(windows: list[tuple[float, float]]) -> tuple[float, float]:
    return median(middle for middle, _ in windows), median(last for _, last in windows)


def _range(pause: tuple[float, float]) -> str:
    return f"{pause[0]:g}-{pause[1]:g}"


def _milliseconds(values: list[float]) -> str:
    return f"{1000 * median(values):.0f} / {1000 * p95(values):.0f} ms of {len(values)}" if values else "none"
