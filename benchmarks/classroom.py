"""A whole class: many sessions play, watch and change settings at once, each by a light client on the same machine (student.py)."""

from __future__ import annotations

import asyncio
import gc
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles

from benchmarks.server import Server, cpu_seconds, megabytes, proportional_megabytes, served, wait_until_warm
from benchmarks.student import PATIENCE, Student
from benchmarks.tables import Figure, goals, markdown
from dlcore.experiment import Experiment

EXPERIMENT = Experiment.from_dict({"layers": [{"kind": "dense", "units": 8}, {"kind": "dense", "units": 8}]})
FRAMES_A_SECOND = 30.0  # frames that a student asks for, at most
PLAYERS_PAUSE = (3.0, 7.0)  # seconds between two changes of a setting by a student whose run plays
READERS_PAUSE = (20.0, 40.0)  # the same by a student whose run is paused
BETWEEN_ARRIVALS = 0.15
WINDOWS, SECONDS = 5, 10.0  # results are medians over so many windows of so many seconds each
QUICK_SECONDS = 2.0
# More than the largest class, so that nobody is turned away.
ENVIRONMENT = {"DLCORE_MAX_RUNS": "400", "DLCORE_MAX_RUNS_PER_SESSION": "10"}


@dataclass(frozen=True)
class Goal:
    """The goals for a class of this size: frames and epochs a second, seconds, MB."""

    students: int
    frames: float
    epochs: float
    answer: float
    pause: float
    memory: float | None = None


GOALS = (Goal(30, 20, 200, 0.150, 1.0), Goal(100, 8, 40, 0.300, 2.0, 1500))
CROWD, CROWD_PLAYING, CROWD_ANSWER = 300, 100, 1.0


@dataclass
class Measured:
    """What was measured of a class."""

    students: int
    # a second, of the median and of the slowest student, for each window
    frames: list[tuple[float, float]] = field(default_factory=list)
    epochs: list[tuple[float, float]] = field(default_factory=list)
    pause: float = 0.0  # longest time without a frame of any student, in seconds
    openings: list[float] = field(default_factory=list)  # seconds until a page was complete
    answers: list[float] = field(default_factory=list)  # seconds until a frame had brought a changed setting
    dropped: int = 0
    errors: int = 0
    shares: dict[str, float] = field(default_factory=dict)  # processor time a second
    proportional: float = 0.0  # MB of all processes
    resident: float = 0.0


def run(quick: bool) -> str:
    """The table of goals, and what else was measured."""
    seconds = QUICK_SECONDS if quick else SECONDS
    figures, rows = [], []
    for goal in GOALS:
        found = _class(goal.students, goal.students, seconds)
        figures += _figures(goal, found)
        rows.append(_row(found))
    found = _class(CROWD, CROWD_PLAYING, seconds)
    answer, opening = p95(found.answers), p95(found.openings)
    figures.append(
        Figure(
            f"{CROWD} sessions, {CROWD_PLAYING} of them playing: a page's answer, p95; dropped",
            f"{CROWD_ANSWER:g} s; nobody",
            f"{answer:.2f} s to a slider, {opening:.2f} s to a newcomer; {found.dropped} dropped",
            max(answer, opening) <= CROWD_ANSWER and not found.dropped,
        )
    )
    rows.append(_row(found))
    said = (
        "Each student opens a link to 2-8-8-1 (circle, 250 training rows, batch 10) that plays from the start, lifts the "
        f"limit of its speed, asks for up to {FRAMES_A_SECOND:g} frames a second and changes the noise of its data every "
        f"{_range(PLAYERS_PAUSE)} s; those who do not play do so every {_range(READERS_PAUSE)} s. A newcomer every "
        f"{BETWEEN_ARRIVALS:g} s. Frames and epochs: medians of {WINDOWS} windows of {seconds:g} s, of the class's median "
        "and of its last; goals are held against the last. The client runs on the same cores; of a frame it reads the "
        "header alone, and it loads no files of the page. Memory: proportional set sizes of all processes, which count "
        "shared pages once (in brackets the sum of resident sizes, which does not)."
    )
    header = [
        "sessions", "frames/s", "epochs/s", "answer median / p95", "opening median / p95", "errors",
        "cores: server / workers / client", "memory",
    ]  # fmt: skip
    return f"{goals(figures)}\n\n{said}\n\n{markdown(header, rows)}"


def _class(students: int, playing: int, seconds: float) -> Measured:
    with served(**ENVIRONMENT) as server:
        wait_until_warm(server)
        return asyncio.run(attend(server, students, playing, seconds))


async def attend(server: Server, students: int, playing: int, seconds: float) -> Measured:
    """Run a class of so many, of whom so many play; measured for WINDOWS times so many seconds once all have a run."""
    found = Measured(students)
    chance = random.Random(0)
    players = [Student(server.port, EXPERIMENT, playing=True) for _ in range(playing)]
    everybody = players + [Student(server.port, EXPERIMENT) for _ in range(students - playing)]
    chance.shuffle(everybody)
    # Garbage is collected now, as a collection in this process would take time from the measured ones.
    gc.collect()
    gc.freeze()
    arriving = []
    for student in everybody:
        arriving.append(asyncio.create_task(arrive(student)))
        await asyncio.sleep(BETWEEN_ARRIVALS)
    outcomes = await asyncio.gather(*arriving, return_exceptions=True)
    found.openings = [outcome for outcome in outcomes if isinstance(outcome, float)]
    await asyncio.sleep(3.0)

    start, spent = time.monotonic(), _read_spent(server)
    end = start + WINDOWS * seconds
    moving = [
        asyncio.create_task(fiddle(student, end, chance, found.answers)) for student in everybody if student.there
    ]
    await asyncio.sleep(WINDOWS * seconds / 2)
    found.proportional, found.resident = memory(server)
    await asyncio.sleep(max(end - time.monotonic(), 0))
    now = time.monotonic()
    found.shares = {name: (then - spent[name]) / (now - start) for name, then in _read_spent(server).items()}
    found.dropped = sum(not student.there for student in everybody)
    await asyncio.gather(*moving, return_exceptions=True)
    for student in everybody:
        student.close()

    for window in range(WINDOWS):
        between = start + window * seconds, start + (window + 1) * seconds
        frames = [student.frames(*between) / seconds for student in players]
        epochs = [student.epochs(*between) for student in players]
        found.frames.append((median(frames), min(frames)))
        found.epochs.append((median(epochs), min(epochs)))
    found.pause = max(student.longest_pause(start, end) for student in players)
    found.errors = sum(student.errors for student in everybody)
    return found


async def arrive(student: Student) -> float:
    """Open the page and watch; one who plays sets the speed to as fast as possible. Returns the seconds until the page was complete."""
    waited = await student.open()
    if student.playing:
        student.command("speed", None)
    student.watch(FRAMES_A_SECOND)
    return waited


async def fiddle(student: Student, end: float, chance: random.Random, answers: list[float]) -> None:
    """Change a setting now and then until `end` (`time.monotonic`)."""
    pause = PLAYERS_PAUSE if student.playing else READERS_PAUSE
    await asyncio.sleep(chance.uniform(0, pause[1]))
    while time.monotonic() < end and student.there:
        try:
            answers.append(await student.move("dataset.noise", round(chance.uniform(0, 0.5), 2)))
        except TimeoutError:
            answers.append(PATIENCE)  # No answer came within PATIENCE: count it as that.
        await asyncio.sleep(chance.uniform(*pause))


def memory(server: Server) -> tuple[float, float]:
    """MB of all processes: proportional and resident."""
    processes = server.processes()
    return sum(map(proportional_megabytes, processes)), sum(map(megabytes, processes))


def p95(values: Sequence[float]) -> float:
    """The 95th percentile."""
    return quantiles(values, n=20)[-1] if len(values) > 1 else float("inf")


def _read_spent(server: Server) -> dict[str, float]:
    """Processor time so far."""
    workers = sum(map(cpu_seconds, server.workers()))
    return {"server": cpu_seconds(server.pid), "workers": workers, "client": time.process_time()}


def _figures(goal: Goal, found: Measured) -> list[Figure]:
    name = f"{goal.students} sessions playing"
    frames, epochs = _typical(found.frames), _typical(found.epochs)
    answer = p95(found.answers)
    figures = [
        Figure(
            f"{name}: frames/s each",
            f"{goal.frames:g}",
            f"{frames[1]:.1f} (median {frames[0]:.1f})",
            frames[1] >= goal.frames,
        ),
        Figure(
            f"{name}: epochs/s each",
            f"{goal.epochs:g}",
            f"{epochs[1]:.0f} (median {epochs[0]:.0f})",
            epochs[1] >= goal.epochs,
        ),
        Figure(
            f"{name}: a changed setting seen, p95",
            f"{1000 * goal.answer:.0f} ms",
            f"{1000 * answer:.0f} ms",
            answer <= goal.answer,
        ),
        Figure(f"{name}: longest pause", f"{goal.pause:g} s", f"{found.pause:.2f} s", found.pause <= goal.pause),
    ]
    if goal.memory is not None:
        said = f"{found.proportional:,.0f} MB (resident {found.resident:,.0f})"
        figures.append(
            Figure(
                f"{name}: memory of all processes", f"{goal.memory:,.0f} MB", said, found.proportional <= goal.memory
            )
        )
    return figures


def _row(found: Measured) -> list[str]:
    frames, epochs = _typical(found.frames), _typical(found.epochs)
    return [
        str(found.students),
        f"{frames[0]:.1f}, last {frames[1]:.1f}",
        f"{epochs[0]:.0f}, last {epochs[1]:.0f}",
        _milliseconds(found.answers),
        _milliseconds(found.openings),
        f"{found.dropped} dropped, {found.errors} on pages",
        " / ".join(f"{share:.2f}" for share in found.shares.values()),
        f"{found.proportional:,.0f} MB ({found.resident:,.0f})",
    ]


def _typical(windows: list[tuple[float, float]]) -> tuple[float, float]:
    return median(middle for middle, _ in windows), median(last for _, last in windows)


def _range(pause: tuple[float, float]) -> str:
    return f"{pause[0]:g}-{pause[1]:g}"


def _milliseconds(values: list[float]) -> str:
    return f"{1000 * median(values):.0f} / {1000 * p95(values):.0f} ms of {len(values)}" if values else "none"
