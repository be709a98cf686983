"""The page in a browser: first paint, frames, the time that a press takes, memory, and a class of ten."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.server import Server, cpu_seconds, megabytes, served, wait_until_warm
from benchmarks.student import Student
from benchmarks.tables import markdown
from dlcore.experiment import Experiment

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
NETWORK = {"layers": [{"kind": "dense", "units": 8}, {"kind": "dense", "units": 8}]}  # 2-8-8-1 on the circle
STUDENTS = 10
PATIENCE = 60_000  # milliseconds

FIND_CANVAS = """() => {
    const find = (root) => root.querySelector('.nn')
        ?? [...root.querySelectorAll('*')].map((e) => e.shadowRoot && find(e.shadowRoot)).find(Boolean);
    window.canvasRoot = find(document);
    return window.canvasRoot !== undefined && Number(window.canvasRoot.dataset.frames) > 0;
}"""
WATCH_LOADING = """
    window.seen = {};
    const find = (root, selector, fits) => [...root.querySelectorAll(selector)].find(fits)
        ?? [...root.querySelectorAll('*')].map((e) => e.shadowRoot && find(e.shadowRoot, selector, fits)).find(Boolean);
    const look = () => {
        if (document.body) {
            if (!window.seen.play && find(document, 'button', (e) => e.textContent.trim() === 'Play')) window.seen.play = performance.now();
            if (find(document, '.nn', (e) => Number(e.dataset.frames) > 0)) window.seen.picture = performance.now();
        }
        if (!window.seen.picture) requestAnimationFrame(look);
    };
    look();
"""  # By the browser's clock, which starts with the navigation: asking repeatedly from outside would slow the page down.
WATCH_FRAMES = """() => {
    window.frameTimes = [];
    new MutationObserver(() => window.frameTimes.push(performance.now()))
        .observe(window.canvasRoot, {attributes: true, attributeFilter: ['data-frames']});
}"""
PRESS_PLAY = """() => new Promise((resolve) => {
    const root = window.canvasRoot, before = root.dataset.step, start = performance.now();
    const observer = new MutationObserver(() => {
        if (root.dataset.step === before) return;
        observer.disconnect();
        resolve(performance.now() - start);
    });
    observer.observe(root, {attributes: true, attributeFilter: ['data-step']});
    root.querySelector('[data-do=play]').click();
})"""


def run(quick: bool) -> str:
    """The table of the page's figures, each beside its goal."""
    seconds, presses = (4.0, 4) if quick else (15.0, 20)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=FLAGS)
        with served() as server:
            cold = _time_first_paint(browser, server)
            wait_until_warm(server)
            warm = [_time_first_paint(browser, server) for _ in range(2 if quick else 7)]
            with _one_button() as bare:
                floor = [_time_bare(browser, bare) for _ in warm]
            page = open_page(browser, server, NETWORK)
            memory = (megabytes(server.pid), max(map(megabytes, server.workers())))
            frames = _frames(page, server, seconds)
            page.context.close()
            page = open_page(browser, server, NETWORK)
            press = _presses(page, presses)
            page.context.close()
        browser.close()
    with served() as server:
        waits = asyncio.run(_class(server, 2 if quick else 8))
    rows = [
        ("first paint of a cold server, Play in sight / first picture", _pair(cold, "s"), "4 s"),
        ("first paint of a warm server, Play in sight / first picture, medians", _pair(_medians(warm), "s"), "1.5 s"),
        ("the same, a Streamlit page of one button and nothing else", f"{median(floor):.2f} s", ""),
        ("frames a second, 2-8-8-1, maps 50x50, output 100x100", f"{frames['rate']:.1f}", "at least 30"),
        ("interval of frames, median / p95", _pair((frames["median"], frames["p95"]), "ms"), "p95 under 50 ms"),
        ("canvas mounted anew meanwhile", "yes" if frames["remounted"] else "no", "no"),
        ("serving process, processor time a frame", f"{frames['serving']:.2f} ms", ""),
        ("worker, processor time a frame beside training", f"{frames['worker']:.2f} ms", "both together 3 ms"),
        ("Play to the first changed frame, median / worst", _pair((median(press), max(press)), "ms"), "300 ms"),
        ("memory: serving process / largest worker, one session", _pair(memory, "MB"), "200 / 450 MB"),
        (f"a changed setting seen, {STUDENTS} sessions playing, median / p95", _pair(waits, "ms"), "p95 150 ms"),
    ]
    return markdown(("figure", "here", "goal"), rows)


def browser_path() -> str:
    """Chromium or Chrome on the PATH."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        raise SystemExit("No chromium or google-chrome on the PATH: `make chromium` installs one.")
    return found


@contextmanager
def _one_button() -> Iterator[Server]:
    """A served page of one button, to measure what Streamlit alone takes."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "one_button.py"
        script.write_text('import streamlit as st\n\nst.button("Play")\n')
        with served(str(script)) as server:
            yield server


def _time_loading(browser: Browser, server: Server, until: str) -> dict[str, float]:
    """When a new visitor with an empty cache sees what, in seconds after the navigation began."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
    page = context.new_page()
    page.add_init_script(WATCH_LOADING)
    page.goto(server.url, wait_until="commit")
    page.wait_for_function(f"window.seen.{until}", polling=500, timeout=PATIENCE)
    seen = page.evaluate("window.seen")
    context.close()
    return {name: milliseconds / 1000 for name, milliseconds in seen.items()}


def _time_bare(browser: Browser, server: Server) -> float:
    return _time_loading(browser, server, "play")["play"]


def _time_first_paint(browser: Browser, server: Server) -> tuple[float, float]:
    seen = _time_loading(browser, server, "picture")
    return seen["play"], seen["picture"]


def open_page(browser: Browser, server: Server, recipe: dict[str, Any]) -> Page:
    """A page with the network to measure, loaded from a file of its recipe."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(server.url)
    page.wait_for_function(FIND_CANVAS)
    if recipe:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "recipe.json"
            path.write_text(json.dumps(recipe))
            page.get_by_role("button", name="Export", exact=True).click()
            page.locator(".st-key-export_menu input[type=file]").set_input_files(path)
            parameters = f"{Experiment.from_dict(recipe).num_parameters:,} "
            page.locator(".nn-total").filter(has_text=parameters).wait_for()
    page.wait_for_timeout(3000)
    return page


def _frames(page: Page, server: Server, seconds: float) -> dict[str, Any]:
    """Rate and intervals of drawn frames; processor time of browser and server, the workers' beyond the same training without a viewer."""
    page.evaluate("window.canvasRoot.mark = 'the same'")
    set_speed(page, "100")
    page.evaluate(PRESS_PLAY)
    page.wait_for_timeout(2000)
    page.evaluate(WATCH_FRAMES)
    before = cpu_seconds(server.pid), _worker_seconds(server)
    page.wait_for_timeout(1000 * seconds)
    times = page.evaluate("window.frameTimes")
    after = cpu_seconds(server.pid), _worker_seconds(server)
    remounted = page.evaluate(f"({FIND_CANVAS})(), window.canvasRoot.mark !== 'the same'")
    steps = int(page.evaluate("window.canvasRoot.dataset.step"))
    unseen = _measure_unseen(page, server, seconds)
    assert steps > 0
    gaps = [later - earlier for earlier, later in pairwise(times)]
    return {
        "rate": len(times) / seconds,
        "median": median(gaps),
        "p95": quantiles(gaps, n=20)[-1],
        "remounted": remounted,
        "serving": 1000 * (after[0] - before[0]) / len(times),
        "worker": 1000 * max(0.0, after[1] - before[1] - unseen) / len(times),
    }


def set_speed(page: Page, updates: str) -> None:
    """Move the speed slider until it shows this."""
    slider = page.get_by_role("slider", name="Speed", exact=True)
    slider.press("Home")
    for _ in range(20):
        if page.locator(".nn-speed-value").inner_text().startswith(f"{updates} "):
            return
        slider.press("ArrowRight")
    raise RuntimeError(f"the speed slider has no step for {updates}")


def _measure_unseen(page: Page, server: Server, seconds: float) -> float:
    """The workers' processor time for the same training without a viewer: the run plays on for a minute after its page is left."""
    page.goto("about:blank")
    page.wait_for_timeout(1500)
    before = _worker_seconds(server)
    page.wait_for_timeout(1000 * seconds)
    return _worker_seconds(server) - before


def _worker_seconds(server: Server) -> float:
    return sum(map(cpu_seconds, server.workers()))


def _presses(page: Page, count: int) -> list[float]:
    """Milliseconds from a press on Play to the first drawn frame with another step."""
    found = []
    for _ in range(count):
        page.wait_for_timeout(400)
        found.append(page.evaluate(PRESS_PLAY))
        page.evaluate("window.canvasRoot.querySelector('[data-do=play]').click()")
    return found


async def _class(server: Server, moves: int) -> tuple[float, float]:
    """Median and 95th percentile, in milliseconds, of the time until a changed setting is seen while ten play and watch."""
    students = [Student(server.port, playing=True) for _ in range(STUDENTS)]
    for student in students:
        await student.open()
        student.watch(frames_a_second=10)
    await asyncio.sleep(3)
    waits = []
    for move in range(moves):
        for student in students:
            waits.append(await student.move("dataset.noise", 0.05 + 0.01 * move))
            await asyncio.sleep(0.2)
    assert all(student.seen for student in students)
    for student in students:
        student.close()
    return 1000 * median(waits), 1000 * quantiles(waits, n=20)[-1]


def _medians(pairs: list[tuple[float, float]]) -> tuple[float, float]:
    return median(first for first, _ in pairs), median(second for _, second in pairs)


def _pair(values: tuple[float, float], unit: str) -> str:
    digits = 2 if unit == "s" else 0
    return " / ".join(f"{value:.{digits}f}" for value in values) + f" {unit}"
