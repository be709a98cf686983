"""A setting moved beside the network: what it costs the serving process and the worker, and when it is seen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from statistics import median, quantiles

import torch
from playwright.sync_api import sync_playwright

from benchmarks.canvas import until
from benchmarks.page import FLAGS, PRESS_PLAY, browser_path, open_page
from benchmarks.server import Server, cpu_seconds, served, wait_until_warm
from benchmarks.student import Student
from benchmarks.tables import markdown
from dlcore.engines import compiled
from dlcore.experiment import Experiment
from dlcore.runs.run import Run

FRAMES_A_SECOND = 20.0
SLICE = 0.004  # seconds of training between two looks at what there is to do
PAUSE = 0.1  # seconds between two moves, beside the pause for the answer
MOVES = {
    "a learning rate": ("optimizer.learning_rate", (0.01, 0.03)),
    "the noise of the data": ("dataset.noise", (0.1, 0.2)),
}
#: JavaScript: move the slider of a setting by one step, as a hand would.
MOVE = """
    const slider = root.querySelector('#nn-set-SETTING');
    slider.value = String(Number(slider.value) + (Number(slider.value) < Number(slider.max) ? 1 : -1) * Number(slider.step || 1));
    slider.dispatchEvent(new Event('input', {bubbles: true}));
"""


def run(quick: bool) -> str:
    """The table of what a move takes, each figure beside its goal."""
    moves, times = (20, 6) if quick else (200, 40)
    rows = []
    with served() as server:
        wait_until_warm(server)
        for name, (path, values) in MOVES.items():
            serving, worker, waits = asyncio.run(_move(server, path, values, moves))
            rows += [
                (f"{name}: processor time of the serving process", f"{serving:.1f} ms", "5 ms"),
                (
                    f"{name}: the change alone, in a worker that trains all the time",
                    f"{_change_busily(path, values, moves):.1f} ms",
                    "3 ms",
                ),
                (
                    f"{name}: the worker's time beyond training and pictures, a move each {PAUSE:g} s",
                    f"{worker:.1f} ms",
                    "",
                ),
                (f"{name}: until a frame has brought it, median / p95", _pair(waits), ""),
            ]
    with sync_playwright() as playwright, served() as server:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=FLAGS)
        for name, (path, _) in MOVES.items():
            page = open_page(browser, server, {})
            page.evaluate(PRESS_PLAY)
            act = MOVE.replace("SETTING", path.replace(".", "-"))
            seen = [until(page, act, "root.dataset.recipe !== before.recipe") for _ in range(times)]
            page.context.close()
            rows.append((f"{name}: from the hand to the picture while playing, median / p95", _pair(seen), "60 ms"))
        browser.close()
    return markdown(("figure", "here", "goal"), rows)


async def _move(server: Server, path: str, values: tuple[float, float], moves: int) -> tuple[float, float, list[float]]:
    """Milliseconds of processor time a move of server and worker, of a run that plays and is watched; and until each was there.

    Beyond the time that the same training and watching takes without moves, before and after.
    """
    student = Student(server.port, playing=True)
    await student.open()
    student.watch(FRAMES_A_SECOND)
    await asyncio.sleep(2)
    waits: list[float] = []

    async def move() -> None:
        for turn in range(moves):
            waits.append(1000 * await student.move(path, values[(turn + 1) % 2]))
            await asyncio.sleep(PAUSE)

    rates = [
        await _share_of_time(server, act)
        for act in (asyncio.sleep(moves * PAUSE), move(), asyncio.sleep(moves * PAUSE))
    ]
    seconds = rates[1][0] / moves
    student.close()
    serving, worker = (1000 * seconds * (rates[1][part] - (rates[0][part] + rates[2][part]) / 2) for part in (1, 2))
    return serving, worker, waits


def _change_busily(path: str, values: tuple[float, float], moves: int) -> float:
    """Milliseconds of processor time that a change takes in a process that trains before and after it; a median."""
    torch.set_num_threads(1)
    compiled.kernels(patient=True)
    run = Run(Experiment().to_json(), "cpu")
    run.set_speed(None)
    run.play()
    taken = []
    for turn in range(moves):
        for _ in range(20):
            run.advance(SLICE)
        begin = time.thread_time()
        run.edit({"do": "setting", "path": path, "value": values[(turn + 1) % 2]})
        taken.append(1000 * (time.thread_time() - begin))
    return median(taken)


async def _share_of_time(server: Server, act: Awaitable[None]) -> tuple[float, float, float]:
    """Seconds that the act takes, and the share of them for which the serving process and the workers compute."""
    begin, before = time.perf_counter(), (cpu_seconds(server.pid), sum(map(cpu_seconds, server.workers())))
    await act
    seconds = time.perf_counter() - begin
    after = cpu_seconds(server.pid), sum(map(cpu_seconds, server.workers()))
    return seconds, (after[0] - before[0]) / seconds, (after[1] - before[1]) / seconds


def _pair(values: list[float]) -> str:
    return f"{median(values):.0f} / {quantiles(values, n=20)[-1]:.0f} ms"
