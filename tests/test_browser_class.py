"""What a student sees when the class is full, the server is killed, or the tab is hidden: the real page in a real browser."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from benchmarks.server import wait_until_it_answers
from dlcore.runs.server.shelf import SUFFIX, Kept
from tests.browser import PAUSED, canvas, prefer, press, wait_for_step, wait_until_still
from tests.conftest import BROWSER_PATIENCE, ROOT
from tests.patience import eventually
from tests.visitors import Visitors

pytestmark = pytest.mark.browser
HIDE = """hidden => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
    Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => hidden ? 'hidden' : 'visible' });
    document.dispatchEvent(new Event('visibilitychange'));
}"""


class SmallClass:
    """A server with room for some runs, that can be killed and started again at the same address."""

    def __init__(self, shelf: Path, runs: int) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.shelf = shelf
        self.address = f"http://127.0.0.1:{self._port}"
        limits = {"DLCORE_WORKERS": "1", "DLCORE_MAX_RUNS": str(runs), "DLCORE_END_AFTER": "1"}
        self._environment = {**os.environ, **limits, "DLCORE_SHELF": str(shelf)}
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true"]
        options = [f"--server.port={self._port}", "--server.address=127.0.0.1"]
        self._process = subprocess.Popen([*command, *options], cwd=ROOT, env=self._environment)
        wait_until_it_answers(self.address, self._process)

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


@pytest.fixture
def small_class(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[SmallClass]:
    server = SmallClass(tmp_path / "shelf", request.param)
    yield server
    server.kill()


@pytest.fixture
def visit(chromium: Any) -> Iterator[Any]:
    """Open an address as another person: a context of its own."""
    contexts = []
    expect.set_options(timeout=BROWSER_PATIENCE)

    def open_page(address: str, locale: str = "en-US") -> Page:
        context = chromium.new_context(viewport={"width": 1440, "height": 900}, locale=locale)
        context.set_default_timeout(BROWSER_PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()


def until(page: Page, condition: Callable[[], object]) -> None:
    """Wait for what the page's own events tell."""
    assert eventually(lambda: condition() or page.wait_for_timeout(10))


def epoch(page: Page) -> int:
    return int(canvas(page).get_attribute("data-epoch") or -1)


@pytest.mark.parametrize("small_class", [4], indirect=True)
def test_a_killed_server_comes_back_and_the_run_with_it(small_class: SmallClass, visit: Any) -> None:
    page = visit(small_class.address)
    page.get_by_role("radio", name="Spiral", exact=True).click()
    expect(page.locator(".nn-headings")).to_contain_text("Spiral")
    press(page, "Play")
    wait_for_step(page, 200)
    press(page, "Pause")
    expect(canvas(page)).to_have_attribute("data-status", PAUSED)
    reached = epoch(page)
    press(page, "My runs")
    page.get_by_role("dialog").get_by_role("textbox").fill("Mine")
    page.get_by_role("dialog").get_by_role("textbox").press("Enter")
    expect(page.get_by_role("dialog").get_by_role("img", name="What Mine answers")).to_be_visible()
    page.keyboard.press("Escape")
    shelf = small_class.shelf
    assert eventually(
        lambda: reached in [Kept.from_bytes(file.read_bytes()).header["epoch"] for file in shelf.glob(f"*{SUFFIX}")]
    )

    small_class.kill()
    expect(page.locator("[data-message=reconnecting]")).to_be_visible()
    small_class.start()
    offer = page.locator("[data-message=way_back_restarted]")
    expect(offer).to_contain_text("The server was restarted. Your run was kept at epoch")
    kept = int("".join(filter(str.isdigit, offer.locator(".nn-message-words").inner_text())))
    assert 0 < kept <= reached
    press(page, "Go on from there")
    expect(offer).to_have_count(0)
    expect(canvas(page)).to_have_attribute("data-epoch", str(kept))
    expect(page.locator(".nn-headings")).to_contain_text("Spiral")
    expect(page.get_by_role("radio", name="Spiral", exact=True)).to_be_checked()
    press(page, "Play")
    wait_for_step(page, int(canvas(page).get_attribute("data-step") or 0))

    page.reload()  # The tab remembers its run.
    back = page.locator("[data-message=way_back]")
    expect(back).to_contain_text("Welcome back. Your run was kept at epoch")
    page.goto(f"{small_class.address}/evaluate")  # Every page offers it, also one that is opened by its address.
    bar, verdict = page.locator(".ret"), page.locator(".st-key-verdict").get_by_role("heading")
    expect(bar).to_contain_text("Welcome back. Your run was kept at epoch")
    expect(verdict).to_contain_text("Untrained")
    press(page, "Go on from there")
    expect(bar).to_be_hidden()
    expect(verdict).not_to_contain_text("Untrained")
    page.goto(small_class.address)
    expect(back).to_contain_text("Welcome back. Your run was kept at epoch")
    press(page, "Start anew")
    expect(back).to_have_count(0)
    page.reload()
    expect(canvas(page)).not_to_have_attribute("data-frames", "0")
    expect(back).to_have_count(0)

    press(page, "My runs")  # It is there all the same, by its name, and comes back.
    expect(page.get_by_role("dialog").get_by_role("textbox", name="Name of Mine")).to_have_value("Mine")
    wait_until_still(page)
    page.get_by_role("dialog").get_by_role("button", name="Open", exact=True).first.click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator(".nn-headings")).to_contain_text("Spiral")


@pytest.mark.parametrize("small_class", [1], indirect=True)
def test_a_newcomer_to_a_full_class_waits_and_comes_in_when_there_is_room(small_class: SmallClass, visit: Any) -> None:
    inside = visit(small_class.address)
    press(inside, "Play")
    wait_for_step(inside, 10)
    outside = visit(small_class.address, "zh-CN")
    expect(outside.get_by_role("heading", name="请稍候")).to_be_visible()
    expect(outside.get_by_text("课堂已满")).to_be_visible()
    expect(outside.locator(".nn")).to_have_count(0)
    expect(outside.get_by_role("link", name="比较")).to_have_count(0)
    prefer(outside, "English", "zh_CN")
    expect(outside.get_by_text("The class is full: 1 of 1 runs. Try again in a minute.")).to_be_visible()
    outside.set_viewport_size({"width": 390, "height": 844})
    assert outside.evaluate("document.documentElement.scrollWidth <= innerWidth")
    press(outside, "Try again")
    expect(outside.get_by_text("tries so far: ")).to_be_visible()
    reached = int(canvas(inside).get_attribute("data-step") or 0)
    wait_for_step(inside, reached)  # Those inside go on.

    inside.context.close()
    # The waiting page gets in by itself, without a press.
    expect(canvas(outside)).to_have_attribute("data-connection", "open")
    expect(outside.get_by_role("heading", name="One moment, please")).to_have_count(0)


def test_a_hidden_tab_asks_for_nothing_and_is_back_at_once(visitors: Visitors, app_address: str) -> None:
    page, asked = visitors.open(), []

    def listen(channel: Any) -> None:
        if "/api/live/" in channel.url:
            channel.on("framesent", lambda message: asked.append(message))

    page.on("websocket", listen)
    page.goto(app_address)
    press(page, "Play")
    wait_for_step(page, 50)
    page.evaluate(HIDE, True)
    other = visitors.open()
    other.goto(app_address)
    press(other, "Play")
    wait_for_step(other, 50)  # What was asked before is answered by then.
    asked.clear()
    wait_for_step(other, 500)
    assert not asked
    drawn = int(canvas(page).get_attribute("data-frames") or 0)
    page.evaluate(HIDE, False)
    page.wait_for_function(
        """n => {
            const find = (root) => root.querySelector('.nn')
                ?? [...root.querySelectorAll('*')].map((e) => e.shadowRoot && find(e.shadowRoot)).find(Boolean);
            return Number(find(document).dataset.frames) >= n + 5;
        }""",
        arg=drawn,
    )
    page.remove_listener("websocket", listen)
