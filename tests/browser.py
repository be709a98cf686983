"""What browser tests share: the ways of a person on the real page, by role and name. The `page` itself is in conftest.py."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Locator, Page, expect
from safetensors.numpy import load_file

from tests.conftest import BROWSER_PATIENCE
from ui.messages import LANGUAGES, text

PATIENCE = BROWSER_PATIENCE
DATA = re.compile(r"/data(\?.*)?$")  # the address of the page Data
PLAYING, PAUSED = "playing", "paused"
#: In scripts: the canvas, within whatever shadow roots.
IN_CANVAS = """
    var canvas = (root = document) => root.querySelector('.nn')
        ?? [...root.querySelectorAll('*')].map((e) => e.shadowRoot && canvas(e.shadowRoot)).find(Boolean);
"""


def canvas(page: Page) -> Locator:
    return page.locator(".nn")


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def rail(page: Page) -> Locator:
    """The rail of settings beside the network."""
    return page.locator(".nn-rail")


def open_settings(page: Page, section: str) -> Locator:
    """A section of the settings, "data", "network" or "learning", unfolded."""
    found = page.locator(f".nn-rail details[data-section={section}]")
    expect(found).to_be_visible()
    if found.get_attribute("open") is None:
        found.locator("> summary").click()
    return found


def open_view(page: Page, of: str) -> None:
    """Open the menu of what the network or the output shows."""
    menu = page.locator(f".nn-{of} details.nn-view")
    if menu.get_attribute("open") is None:
        menu.locator("summary").click()


def step(page: Page) -> int:
    return int(canvas(page).get_attribute("data-step") or -1)


def score(page: Page, name: str) -> str:
    return page.locator(f"[data-score={name}]").inner_text()


def count_messages(page: Page) -> None:
    """From here on `sent.stream` and `sent.live` of the page's window say how much it has told Streamlit and its run."""
    page.evaluate(
        """() => {
            if (window.sent) return;
            window.sent = { stream: 0, live: 0 };
            const send = WebSocket.prototype.send;
            WebSocket.prototype.send = function (data) {
                if (this.url.includes('/_stcore/stream')) window.sent.stream += 1;
                else if (String(data).includes('"command"')) window.sent.live += 1;
                return send.call(this, data);
            };
        }"""
    )


def move_slider(page: Page, name: str, key: str) -> None:
    """Press an arrow key on a slider of the settings, and wait until the run has answered with its recipe."""
    slider = rail(page).get_by_role("slider", name=name, exact=True)
    before, recipe = slider.get_attribute("aria-valuetext") or "", canvas(page).get_attribute("data-recipe") or ""
    slider.press(key)
    expect(slider).not_to_have_attribute("aria-valuetext", before)
    expect(canvas(page)).not_to_have_attribute("data-recipe", recipe)


def pixels(page: Page, layer: str, width: int | None = None) -> str:
    """A digest of a drawn canvas, of its left edge up to `width` where one is given, once it has been drawn again."""
    read = """(canvas, width) => new Promise((done) => requestAnimationFrame(() => {
        const { data } = canvas.getContext('2d').getImageData(0, 0, width ?? canvas.width, canvas.height);
        done(data.reduce((sum, byte) => (31 * sum + byte) % 2147483647, 7));
    }))"""
    return str(page.locator(layer).evaluate(read, width))


def wait_for_step(page: Page, beyond: int) -> None:
    page.wait_for_function(
        """n => {
            const find = (root) => root.querySelector('.nn')
                ?? [...root.querySelectorAll('*')].map((e) => e.shadowRoot && find(e.shadowRoot)).find(Boolean);
            return Number(find(document).dataset.step) > n;
        }""",
        arg=beyond,
    )


def wait_until_still(page: Page) -> None:
    """Until the script has run through, and nothing of before is left or fades away."""
    page.wait_for_function(
        """() => {
            const roots = (root) => [root, ...[...root.querySelectorAll('*')].flatMap((e) => e.shadowRoot ? roots(e.shadowRoot) : [])];
            return document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'
                && !document.querySelector('[data-stale=true], [data-testid=stSpinner]')
                && roots(document).flatMap((root) => root.getAnimations()).every((one) => one.playState !== 'running'
                    || one.effect.getComputedTiming().endTime === Infinity);
        }"""
    )


def bring(page: Page, file: Any) -> None:
    """Choose files on the page Data, once it is there: until the server answers, the uploader is that of the page before."""
    expect(page).to_have_url(DATA)
    expect(page.get_by_test_id("stFileUploader")).to_have_count(1)
    wait_until_still(page)
    page.locator("input[type=file]").set_input_files(file)


def export(page: Page, what: str, folder: Path) -> Path:
    """Download a file from the menu Export, and close it."""
    open_export(page)
    with page.expect_download() as download:
        press(page, what)
    path = folder / f"{len(list(folder.iterdir()))}-{download.value.suggested_filename}"
    download.value.save_as(path)
    close_menu(page)
    return path


def open_export(page: Page) -> None:
    # A menu that is opened right after it was closed may close once more: then a second press opens it.
    wait_until_still(page)
    press(page, "Export")
    try:
        expect(page.locator(".st-key-export_menu input[type=file]")).to_be_attached(timeout=15_000)
    except AssertionError:
        press(page, "Export")
        expect(page.locator(".st-key-export_menu input[type=file]")).to_be_attached()
    wait_until_still(page)


def load(page: Page, path: Path) -> None:
    open_export(page)
    page.locator(".st-key-export_menu input[type=file]").set_input_files(path)
    expect(page.get_by_test_id("stPopoverBody")).to_have_count(0)  # It closes by itself.


def prefer(page: Page, choice: str, language: str = "en") -> None:
    """Choose a language or a theme in the menu of a page in this language, and close it."""
    page.get_by_role("button", name=text(language, "preferences"), exact=True).click()
    page.get_by_role("radio", name=choice, exact=True).click()
    now = next((code for code, name in LANGUAGES.items() if name == choice), language)
    expect(page.get_by_role("button", name=text(now, "preferences"), exact=True)).to_be_visible()
    wait_until_still(page)
    close_menu(page)


def close_menu(page: Page) -> None:
    """Close the open menu, and wait until the server has heard of it."""
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("stPopoverBody")).to_have_count(0)
    wait_until_still(page)


def same_weights(one: Path, other: Path) -> bool:
    a, b = load_file(one), load_file(other)
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


def open_section(page: Page, name: str) -> None:
    """On the page Evaluate: press the card of this section, which opens it large; from another one, after going back to all figures."""
    close = page.locator(".st-key-close_section button")
    if close.count():
        close.click()
    page.locator(f"[class*=st-key-open_{name}] button").first.click()
    expect(page.locator(f".st-key-evaluate_{name}")).to_be_visible()
