"""Numbers on the wire: the bytes and the processor time of a frame, frames of a wide network, and whether both painters paint the same."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import numpy as np
from playwright.sync_api import sync_playwright

from benchmarks.canvas import WIDE, measure_frames
from benchmarks.classroom import EXPERIMENT
from benchmarks.page import FLAGS, browser_path, open_page
from benchmarks.painting import grey_levels_apart, painted_by_browser, painted_by_server, recipes, trained
from benchmarks.server import Server, cpu_seconds, served, wait_until_warm
from benchmarks.student import Student
from benchmarks.tables import Figure, at_least, at_most, goals
from dlcore.problems import Problem

BYTES, FRAMES = 40_000, 30.0  # at most so many a second, both ways, at so many frames a second
COST, WATCHED = 0.3, 60.0  # milliseconds a frame of server and worker, at so many frames a second
SPEED = 1000  # updates a second: the same training, watched and unwatched
SETTLING = 2.0  # seconds
ALIKE, FAR = 0.999, 2  # share of pixels at most one grey level apart; levels that none is further apart
AT_ONCE = 8  # networks that Node paints in one call


def run(quick: bool) -> str:
    """The table of goals."""
    seconds, rounds = (3.0, 2) if quick else (10.0, 5)
    with served() as server:
        wait_until_warm(server)
        carried, frames = asyncio.run(_measure_bytes(server, seconds))
        serving, working, watched = asyncio.run(_measure_cost(server, seconds, rounds))
    units, goal = WIDE
    with sync_playwright() as playwright, served() as server:
        wait_until_warm(server)
        browser = playwright.chromium.launch(executable_path=browser_path(), args=FLAGS)
        page = open_page(browser, server, {"layers": [{"kind": "dense", "units": one} for one in units]})
        rate, late = measure_frames(page, seconds)
        paint = page.evaluate("window.canvasRoot.dataset.paint")
        browser.close()
    rate_of_bytes, cost = FRAMES * carried / frames, serving + working
    said = (
        "Bytes: what the live channel of a light client carries both ways, with the heads of WebSocket messages and without TCP's, "
        f"of a run whose speed is unlimited. Processor time: of a run at {SPEED:,} updates a second, {rounds} times {seconds:g} s "
        "watched and as long unwatched, in turn; the difference over the frames that came. Differences: the browser's painter under "
        "Node, after 60 updates; the pixels of all maps but classes and curves of one input, which have no grey levels."
    )
    figures = [
        at_most(
            f"bytes/s of one student, 2-8-8-1 at {FRAMES:g} frames/s, both ways",
            BYTES,
            rate_of_bytes,
            f"{BYTES / 1000:g} kB",
            f"{rate_of_bytes / 1000:.1f} kB ({carried / frames:,.0f} bytes a frame, {frames / seconds:.1f} frames/s came)",
        ),
        at_most(
            "processor time of server and worker a frame, beside training",
            COST,
            cost,
            f"{COST:g} ms",
            f"{cost:.2f} ms (server {serving:.2f}, worker {working:.2f}, at {watched:.0f} frames/s)",
        ),
        at_least(
            f"frames/s of {len(units)} x {units[0]} units, headless Chromium",
            goal,
            rate,
            f"{goal:g}",
            f"{rate:.1f} (interval's p95 {late:.0f} ms, the last maps painted in {paint} ms)",
        ),
        _compare_painters(),
    ]
    return f"{goals(figures)}\n\n{said}"


async def _measure_bytes(server: Server, seconds: float) -> tuple[int, int]:
    """Bytes that the live channel carried in so many seconds, and frames that it brought."""
    student = Student(server.port, EXPERIMENT, playing=True)
    await student.open()
    student.command("speed", None)
    student.watch(FRAMES)
    await asyncio.sleep(SETTLING)
    bytes_before, frames_before = student.bytes, len(student.seen)
    await asyncio.sleep(seconds)
    found = student.bytes - bytes_before, len(student.seen) - frames_before
    student.command("pause")
    await asyncio.sleep(0.5)
    student.close()
    return found


async def _measure_cost(server: Server, seconds: float, rounds: int) -> tuple[float, float, float]:
    """Milliseconds of the server's and of the worker's processor time that a frame takes beside the same training, and frames a second."""
    student = Student(server.port, EXPERIMENT, playing=True)
    await student.open()
    student.command("speed", SPEED)
    cost, frames = np.zeros(2), 0
    for _ in range(rounds):
        student.watch(WATCHED)
        await asyncio.sleep(SETTLING)
        before, seen = _spent(server), len(student.seen)
        await asyncio.sleep(seconds)
        frames += len(student.seen) - seen
        cost += _spent(server) - before
        student.look_away()
        await asyncio.sleep(SETTLING)
        before = _spent(server)
        await asyncio.sleep(seconds)
        cost -= _spent(server) - before
    student.close()
    serving, working = 1000 * cost / frames
    return serving, working, frames / (rounds * seconds)


def _spent(server: Server) -> np.ndarray:
    """Processor seconds so far of the server and of its workers."""
    return np.array([cpu_seconds(server.pid), sum(map(cpu_seconds, server.workers()))])


def _compare_painters() -> Figure:
    levels = list(_differences())
    apart = np.concatenate(levels)
    alike = (apart <= 1).mean()
    met = bool(alike >= ALIKE and apart.max() <= FAR)
    return Figure(
        "grey levels between a map painted by the browser and by the server, over every activation, loss and kind of data",
        f"1 on {ALIKE:.1%} of pixels, never more than {FAR}",
        f"1 on {100 * alike:.4g}%, at most {apart.max()} ({len(levels)} networks, {len(apart):,} pixels)",
        met,
    )


def _differences() -> Iterator[np.ndarray]:
    """Of each network, its pixels' grey levels between browser and server."""
    trainers = []
    for recipe in recipes().values():
        try:
            trainers.append(trained(**recipe))
        except Problem:  # A loss that does not fit the kind of data.
            continue
    for first in range(0, len(trainers), AT_ONCE):
        some = trainers[first : first + AT_ONCE]
        for trainer, found in zip(some, painted_by_browser(some), strict=True):
            yield grey_levels_apart(painted_by_server(trainer), found)
