"""A convolutional network on the page: its maps move while it learns, and another row is chosen by keyboard or by a press."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import PAUSED, canvas, load, open_view, pixels, press, wait_for_step
from tests.test_access import violations

pytestmark = pytest.mark.browser

CONV = {"kind": "conv2d", "channels": 6, "padding": 1}
RECIPE = {
    "dataset": {"kind": "digits"}, "batch_size": 32, "optimizer": {"kind": "adam", "learning_rate": 0.01},
    "layers": [CONV, {"kind": "max_pool"}, {"kind": "flatten"}],
}  # fmt: skip


@pytest.fixture
def convolutions(page: Page, tmp_path: Path) -> Page:
    path = tmp_path / "cnn.json"
    path.write_text(json.dumps(RECIPE))
    load(page, path)
    expect(page.get_by_role("button", name="Hidden 1, map 6", exact=True)).to_be_visible()
    return page


def rows(page: Page) -> Locator:
    return page.get_by_role("listbox", name=re.compile("^Rows to choose from"))


def chosen(page: Page) -> Locator:
    return rows(page).get_by_role("option", selected=True)


def wait_for_other(page: Page, before: str) -> None:
    """Until the tiles are drawn otherwise."""
    for _ in range(100):
        if pixels(page, ".nn-tiles") != before:  # It waits for the next drawing.
            return
    raise AssertionError("The tiles stay as they were.")


def test_maps_move_while_it_learns_and_another_row_is_chosen_by_keyboard(convolutions: Page) -> None:
    page = convolutions
    before = pixels(page, ".nn-tiles")
    press(page, "Play")
    wait_for_step(page, 20)
    press(page, "Pause")
    expect(canvas(page)).to_have_attribute("data-status", PAUSED)
    learned = pixels(page, ".nn-tiles")
    assert learned != before
    expect(chosen(page)).to_have_attribute("aria-label", re.compile("^Training row 1 "))
    chosen(page).focus()
    page.keyboard.press("ArrowRight")
    expect(chosen(page)).to_have_attribute("aria-label", re.compile(r"^Training row \d+ · True \d · Predicted \d"))
    expect(chosen(page)).not_to_have_attribute("aria-label", re.compile("^Training row 1 "))
    expect(chosen(page)).to_be_focused()
    wait_for_other(page, learned)
    page.keyboard.press("Home")
    expect(chosen(page)).to_have_attribute("aria-label", re.compile("^Test row 1 "))


def test_a_press_chooses_and_a_pinned_map_shows_its_kernels(convolutions: Page) -> None:
    page = convolutions
    rows(page).get_by_role("option", name=re.compile("^Test row")).nth(1).click()
    expect(chosen(page)).to_have_attribute("aria-label", re.compile("^Test row"))
    page.get_by_role("button", name="Hidden 1, map 2", exact=True).click()
    expect(rows(page)).to_be_hidden()
    expect(page.get_by_role("img", name=re.compile("^The kernels of this map, 3 × 3"))).to_be_visible()
    expect(page.get_by_role("textbox", name="Bias")).to_be_hidden()
    expect(page.get_by_label("Incoming weights")).to_be_hidden()
    press(page, "Silence")
    expect(page.locator(".nn-state")).to_have_text(re.compile("silenced|Silenced"))
    page.keyboard.press("Escape")  # The card closes; the map, which has the focus now, is still looked at.
    page.keyboard.press("Escape")
    expect(rows(page)).to_be_visible()


def test_axe_finds_nothing_beside_rows_to_choose_from_or_a_pinned_map(convolutions: Page) -> None:
    page = convolutions
    expect(chosen(page)).to_be_visible()
    assert violations(page) == []
    page.get_by_role("button", name="Hidden 1, map 2", exact=True).click()
    expect(page.get_by_role("img", name=re.compile("^The kernels of this map"))).to_be_visible()
    assert violations(page) == []


def test_gradients_histograms_and_the_past_are_seen_without_a_complaint(convolutions: Page) -> None:
    page = convolutions
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    press(page, "Epoch")
    expect(canvas(page)).to_have_attribute("data-epoch", "1")
    open_view(page, "network")
    for name in ("Gradients", "Histograms"):
        page.get_by_role("checkbox", name=name, exact=True).check()
    histograms = page.locator(".nn-histogram")
    expect(histograms).to_have_count(3)
    expect(histograms.first).to_have_attribute("aria-label", re.compile("weights.*gradients"))
    expect(histograms.nth(1)).not_to_have_attribute("aria-label", re.compile("weights"))  # A pool has none.
    page.locator(".nn-time-range").press("Home")
    expect(page.locator("[data-time=now]")).to_be_enabled()
    expect(rows(page)).to_be_visible()
    assert errors == []
