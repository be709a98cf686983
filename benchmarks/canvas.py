"""The canvas in use: frames of deep and wide networks, and the time until it is redrawn after a press on "+" or a move on the time line."""

from __future__ import annotations

from itertools import pairwise
from statistics import median, quantiles

from playwright.sync_api import Page, sync_playwright

from benchmarks.page import FIND_CANVAS, FLAGS, PRESS_PLAY, WATCH_FRAMES, browser_path, open_page, set_speed
from benchmarks.server import served
from benchmarks.tables import markdown

DEEP = ([8] * 6, 30)  # units of the hidden layers, frames a second at least
WIDE = ([32] * 12, 45)
UPDATES = "100"

#: JavaScript: milliseconds from an action to the first frame for which `fits(root)` holds.
UNTIL_FRAME = """([act, fits]) => new Promise((resolve) => {
    const root = window.canvasRoot, start = performance.now();
    const before = {...root.dataset};
    const holds = new Function('root', 'before', `return ${fits}`);
    const observer = new MutationObserver(() => {
        if (!holds(root, before)) return;
        observer.disconnect();
        requestAnimationFrame(() => resolve(performance.now() - start));
    });
    observer.observe(root, {attributes: true});
    new Function('root', act)(root);
})"""
ADD_NEURON = "root.querySelector('.nn-more').click()"
SCRUB = """
    const range = root.querySelector('.nn-time-range');
    range.value = String(Math.floor(Math.random() * Number(range.max)));
    range.dispatchEvent(new Event('input', {bubbles: true}));
"""


def run(quick: bool) -> str:
    """The table of the canvas's figures, each beside its goal."""
    seconds, times = (4.0, 4) if quick else (12.0, 15)
    rows = []
    with sync_playwright() as playwright, served() as server:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=FLAGS)
        for units, goal in (DEEP, WIDE):
            page = open_page(browser, server, {"layers": [{"kind": "dense", "units": one} for one in units]})
            rate, late = measure_frames(page, seconds)
            _close(page)
            name = f"{len(units)} hidden layers of {units[0]}"
            rows.append(
                (f"frames a second, {name} (interval's p95)", f"{rate:.1f} ({late:.0f} ms)", f"at least {goal}")
            )
        page = open_page(browser, server, {})
        page.evaluate(PRESS_PLAY)
        added = [until(page, ADD_NEURON, "root.dataset.structure !== before.structure") for _ in range(times)]
        _close(page)
        page = open_page(browser, server, {})
        page.evaluate(PRESS_PLAY)
        page.wait_for_timeout(6000)
        page.evaluate("window.canvasRoot.querySelector('[data-do=play]').click()")
        page.wait_for_timeout(500)
        scrubbed = [until(page, SCRUB, "root.dataset.frames !== before.frames") for _ in range(2 * times)]
        browser.close()
    rows.append(("click on + to the new drawing while playing, median / worst", _pair(added), "200 ms"))
    rows.append(("a scrub's position, median / worst", _pair(scrubbed), "100 ms"))
    return markdown(("figure", "here", "goal"), rows)


def measure_frames(page: Page, seconds: float) -> tuple[float, float]:
    """Frames a second, and the 95th percentile of the time between two frames."""
    set_speed(page, UPDATES)
    page.evaluate(PRESS_PLAY)
    page.wait_for_timeout(2000)
    page.evaluate(WATCH_FRAMES)
    page.wait_for_timeout(1000 * seconds)
    times = page.evaluate("window.frameTimes")
    gaps = [later - earlier for earlier, later in pairwise(times)]
    return len(times) / seconds, quantiles(gaps, n=20)[-1]


def _close(page: Page) -> None:
    """Pause the run and leave the page: a playing run would go on for a minute, beside the next measurement."""
    page.evaluate("window.canvasRoot.querySelector('[data-do=play]').click()")
    page.wait_for_timeout(500)
    page.context.close()


def until(page: Page, act: str, fits: str) -> float:
    """Milliseconds from an action to the first frame for which `fits` holds, both in JavaScript."""
    page.wait_for_timeout(400)
    page.evaluate(f"({FIND_CANVAS})()")
    return page.evaluate(UNTIL_FRAME, [act, fits])


def _pair(values: list[float]) -> str:
    return f"{median(values):.0f} / {max(values):.0f} ms"
