"""Whatever is done on the page is taken back and done again, by key, by button and from the list; the settings follow."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import canvas, press, score, wait_until_still

pytestmark = pytest.mark.browser


def button(page: Page, name: str | re.Pattern[str]) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def radio(page: Page, name: str) -> Locator:
    return page.get_by_role("radio", name=name, exact=True)


def expect_step(page: Page, step: int) -> None:
    expect(canvas(page)).to_have_attribute("data-step", str(step))


def test_all_that_was_done_is_taken_back_by_key_and_done_again(page: Page) -> None:
    undo, headings = button(page, re.compile("^Undo")), page.locator(".nn-headings")
    expect(undo).to_have_attribute("aria-disabled", "true")
    press(page, "Epoch")
    expect(canvas(page)).to_have_attribute("data-epoch", "1")
    step, loss = int(canvas(page).get_attribute("data-step") or 0), score(page, "train_loss")

    press(page, "Add neuron to Hidden 1")
    expect(button(page, "Hidden 1, unit 5")).to_be_visible()
    press(page, "Remove Hidden 2")
    expect(button(page, "Remove Hidden 2")).to_have_count(0)
    wait_until_still(page)
    radio(page, "Spiral").click()
    expect(headings).to_contain_text("Spiral")
    expect_step(page, 0)
    press(page, "Step")
    expect_step(page, 1)
    press(page, "Reset")
    expect_step(page, 0)
    expect(button(page, "Undo: Reset, epoch 0")).to_be_visible()
    wait_until_still(page)

    page.keyboard.press("Control+z")
    expect_step(page, 1)
    page.keyboard.press("Control+z")
    expect(headings).to_contain_text("Circle")
    expect_step(page, step)
    expect(radio(page, "Circle")).to_be_checked()
    page.keyboard.press("Control+z")
    expect(button(page, "Remove Hidden 2")).to_be_visible()
    page.keyboard.press("Control+z")
    expect(button(page, "Hidden 1, unit 5")).to_have_count(0)
    expect(undo).to_have_attribute("aria-disabled", "true")
    assert score(page, "train_loss") == loss

    for _ in range(3):
        page.keyboard.press("Control+y")
    expect(headings).to_contain_text("Spiral")
    expect_step(page, 1)
    expect(radio(page, "Spiral")).to_be_checked()
    page.keyboard.press("Control+Shift+Z")
    expect_step(page, 0)
    expect(button(page, re.compile("^Redo"))).to_have_attribute("aria-disabled", "true")


def test_one_goes_back_in_a_list_that_names_what_was_done(page: Page) -> None:
    press(page, "Remove Hidden 2")
    expect(button(page, "Remove Hidden 2")).to_have_count(0)
    press(page, "Step")
    expect_step(page, 1)
    press(page, "Reset")
    expect_step(page, 0)
    expect(button(page, "Undo: Reset, epoch 0")).to_be_visible()
    button(page, "Edit history").click()
    dialog = page.get_by_role("dialog", name="Edit history")
    entries = dialog.locator("li button")
    expect(entries).to_have_text(["Reset, epoch 0", "Removed Hidden 2, epoch 0", "Beginning"])
    expect(entries.first).to_have_attribute("aria-current", "step")
    entries.nth(1).press("Enter")
    expect_step(page, 1)
    expect(entries.nth(1)).to_have_attribute("aria-current", "step")
    entries.last.press("Enter")
    expect_step(page, 0)
    expect(entries.last).to_have_attribute("aria-current", "step")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(button(page, "Remove Hidden 2")).to_be_visible()


def test_a_field_keeps_its_own_undo(page: Page) -> None:
    press(page, "Remove Hidden 2")
    expect(button(page, "Remove Hidden 2")).to_have_count(0)
    press(page, "Hidden 1, unit 1")
    bias = page.get_by_role("textbox", name="Bias")
    before = bias.input_value()
    bias.fill("2.5")
    bias.press("Control+z")
    expect(bias).to_have_value(before)
    expect(button(page, "Undo: Removed Hidden 2, epoch 0")).to_be_visible()
