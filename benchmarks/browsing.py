"""A real browser among a class of light clients: headless Chromium, whose page plays as the others do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import median, quantiles
from urllib.parse import urlencode

from playwright.async_api import Page, async_playwright

from benchmarks.page import FIND_CANVAS, FLAGS, PATIENCE, browser_path
from benchmarks.server import Server
from dlcore.experiment import Experiment
from dlcore.share import encode

# JavaScript: note when each frame was drawn, and how long its maps took to be painted.
WATCH = """() => {
    const root = window.canvasRoot;
    window.drawn = [];
    new MutationObserver(() => window.drawn.push([performance.now(), Number(root.dataset.paint)]))
        .observe(root, {attributes: true, attributeFilter: ['data-frames']});
}"""


@dataclass(frozen=True)
class Seen:
    """What a browser showed: frames drawn a second, and the milliseconds in which a frame's maps were painted."""

    frames: float
    paint: float
    slow_paint: float  # of 95% at most
    dropped: bool  # whether its live channel is closed

    @property
    def words(self) -> str:
        """In a table's cell."""
        return f"{self.frames:.1f} frames/s, maps painted in {self.paint:.1f} / {self.slow_paint:.1f} ms"


@asynccontextmanager
async def browser_of(server: Server, experiment: Experiment) -> AsyncIterator[Page]:
    """A browser's page on which this experiment plays as fast as it can."""
    link = urlencode({"run": encode(experiment), "play": "1", "lang": "en"})
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=browser_path(), args=FLAGS)
        context = await browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
        context.set_default_timeout(PATIENCE)
        page = await context.new_page()
        await page.goto(f"{server.url}?{link}")
        await page.wait_for_function(FIND_CANVAS)
        await page.get_by_role("slider", name="Speed", exact=True).press("End")
        yield page
        await browser.close()


async def watch(page: Page) -> None:
    """Note from now on what the page draws."""
    await page.wait_for_function(FIND_CANVAS)
    await page.evaluate(WATCH)


async def look_back(page: Page, seconds: float) -> Seen:
    """What it has drawn in the seconds since `watch`."""
    drawn = await page.evaluate("window.drawn")
    paints = [paint for _, paint in drawn]
    slow = quantiles(paints, n=20)[-1] if len(paints) > 1 else float("nan")
    dropped = await page.evaluate("window.canvasRoot.dataset.connection !== 'open'")
    return Seen(len(drawn) / seconds, median(paints) if paints else float("nan"), slow, dropped)
