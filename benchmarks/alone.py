"""One run, one viewer, as fast as possible: epochs and frames a second as Chromium shows them."""

from __future__ import annotations

from statistics import median

from playwright.sync_api import Page, sync_playwright

from benchmarks.page import FLAGS, browser_path, open_page
from benchmarks.server import cpu_seconds, served, wait_until_warm
from benchmarks.tables import Figure, goals

EPOCHS, FRAMES = 12_000, 60  # goals: so many a second, both at once
STEPS_PER_EPOCH = 25  # 250 training rows in batches of 10
RECIPE = {
    "dataset": {"kind": "circle", "samples": 500},
    "test_fraction": 0.5,
    "layers": [{"kind": "dense", "units": units, "activation": {"kind": "tanh"}} for units in (4, 2)],
    "optimizer": {"kind": "sgd", "learning_rate": 0.03},
    "batch_size": 10,
}
WARM_UP = 700  # milliseconds between Play and the first look

# JavaScript: counts frames and steps between two times of the browser's clock.
WATCH = """([wait, milliseconds]) => new Promise((resolve) => {
    const root = window.canvasRoot;
    const now = () => ({at: performance.now(), frames: Number(root.dataset.frames), step: Number(root.dataset.step)});
    root.querySelector('[data-do=reset]').click();
    root.querySelector('[data-do=play]').click();
    setTimeout(() => {
        const first = now();
        setTimeout(() => {
            const last = now();
            root.querySelector('[data-do=play]').click();
            resolve({
                seconds: (last.at - first.at) / 1000, frames: last.frames - first.frames, steps: last.step - first.step,
            });
        }, milliseconds);
    }, wait);
})"""


def run(quick: bool) -> str:
    """The table of goals."""
    rounds, seconds = (3, 2.0) if quick else (7, 2.5)  # A run ends after 100,000 epochs.
    with sync_playwright() as playwright, served() as server:
        wait_until_warm(server)
        browser = playwright.chromium.launch(executable_path=browser_path(), args=FLAGS)
        page = open_page(browser, server, RECIPE)
        page.get_by_role("slider", name="Speed", exact=True).press("End")
        spent = cpu_seconds(server.pid)
        found = [_round(page, seconds) for _ in range(rounds)]
        spent = (cpu_seconds(server.pid) - spent) / (rounds * (seconds + 1))
        browser.close()
    epochs, frames = (median(one[index] for one in found) for index in (0, 1))
    figure = (
        "epochs/s as seen on the page, alone, 2-4-2-1, 250 rows, speed unlimited, Chromium beside it on the same cores"
    )
    measured = f"{epochs:,.0f} at {frames:.0f} frames/s"
    said = f"Medians of {rounds} rounds of {seconds:g} s, each from a reset; the serving process took {100 * spent:.0f}% of a core."
    met = epochs >= EPOCHS and frames >= FRAMES
    return f"{goals([Figure(figure, f'{EPOCHS:,} at {FRAMES} frames/s', measured, met)])}\n\n{said}"


def _round(page: Page, seconds: float) -> tuple[float, float]:
    """Epochs and frames a second."""
    told = page.evaluate(WATCH, [WARM_UP, 1000 * seconds])
    page.wait_for_timeout(300)
    return told["steps"] / STEPS_PER_EPOCH / told["seconds"], told["frames"] / told["seconds"]
