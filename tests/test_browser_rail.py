"""The rail of settings in a browser: what a person changes there reaches the run, and Streamlit's script hears nothing of it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser import DATA, canvas, count_messages, move_slider, pixels, press, rail, wait_until_still

pytestmark = pytest.mark.browser

PHONE = (390, 844)


@pytest.fixture
def wide(page: Page) -> Page:
    """A page with the rail beside the network."""
    page.set_viewport_size({"width": 1920, "height": 1000})
    expect(canvas(page)).to_have_attribute("data-rail", "standing")
    expect(rail(page).get_by_role("radio", name="Circle", exact=True)).to_be_visible()
    wait_until_still(page)
    return page


def box(page: Page, part: str) -> dict[str, Any]:
    found = page.locator(part).bounding_box()
    assert found is not None, part
    return dict(found)


def value_of(page: Page, name: str) -> str:
    return rail(page).get_by_role("slider", name=name, exact=True).get_attribute("aria-valuetext") or ""


def test_every_kind_of_input_reaches_the_run_and_no_script_runs(wide: Page) -> None:
    page = wide
    count_messages(page)
    settings = rail(page)
    heard = page.evaluate("window.sent.stream")
    settings.get_by_role("radio", name="Moons", exact=True).click()
    expect(page.locator(".nn-headings")).to_contain_text("Moons")
    slider = settings.get_by_role("slider", name="Samples", exact=True)
    slider.press("ArrowRight")
    expect(page.locator(".nn-headings")).to_contain_text("510 rows")
    settings.get_by_role("button", name="sin x₁", exact=True).click()
    expect(page.locator(".nn-headings")).to_contain_text("3 features")
    share = settings.get_by_role("slider", name="Share of validation rows", exact=True)
    share.press("Home")
    expect(page.locator(".nn-score-test").first).to_have_text("test")  # Other rows are watched, so all is named anew:
    expect(share).to_be_focused()  # the hand keeps what it holds.
    page.keyboard.press("ArrowRight")
    expect(page.locator(".nn-score-test").first).to_have_text("validation")
    seed = settings.get_by_role("spinbutton", name="Seed", exact=True)
    seed.fill("7")
    seed.press("Enter")
    settings.get_by_role("button", name="Roll", exact=True).click()
    expect(seed).to_have_value("8")

    settings.get_by_role("combobox", name="Optimizer", exact=True).select_option("SGD")
    expect(settings.get_by_text("SGD usually wants 0.03")).to_be_visible()
    assert value_of(page, "Learning rate") == "0.01"  # One thing changed, not two.
    settings.get_by_role("button", name="Use 0.03", exact=True).click()
    expect(settings.get_by_role("slider", name="Learning rate", exact=True)).to_have_attribute("aria-valuetext", "0.03")
    settings.get_by_role("switch", name="Nesterov momentum").check()
    expect(page.get_by_role("status").filter(has_text="momentum")).to_be_visible()  # Refused with a sentence,
    expect(settings.get_by_role("switch", name="Nesterov momentum")).not_to_be_checked()  # and put back to the truth.
    settings.get_by_role("combobox", name="Regularizer", exact=True).select_option("L2")
    expect(settings.get_by_role("slider", name="L2 strength", exact=True)).to_be_visible()
    assert page.evaluate("window.sent.stream") == heard

    page.keyboard.press("Control+z")
    expect(settings.get_by_role("combobox", name="Regularizer", exact=True)).to_have_value("none")


def test_other_rows_leave_the_drawn_network_in_place_and_bring_their_points(wide: Page) -> None:
    page = wide
    neuron = page.locator(".nn-neuron").nth(4)
    neuron.click()
    expect(neuron).to_have_attribute("aria-pressed", "true")
    neuron.evaluate("e => { e.marked = true; }")
    left = page.locator(".nn-neuron").first.evaluate("e => e.offsetLeft")  # Before the inputs stand the data, small.
    points, data = pixels(page, ".nn-map-points"), pixels(page, ".nn-tiles", left)
    move_slider(page, "Noise", "End")
    page.mouse.move(1, 1)  # So that no tip or frame of what the mouse is at differs.
    assert neuron.evaluate("e => e.marked")  # What is pinned stays, without a blink,
    expect(neuron).to_have_attribute("aria-pressed", "true")
    assert pixels(page, ".nn-map-points") != points
    assert pixels(page, ".nn-tiles", left) != data
    more = page.locator(".nn-more").first
    more.click()
    expect(page.locator(".nn-neuron")).to_have_count(10)
    more.click()  # This edit does not wait in vain for an answer to one before.
    expect(page.locator(".nn-neuron")).to_have_count(11)


def test_the_keyboard_alone_does_everything(wide: Page) -> None:
    page = wide
    settings = rail(page)
    settings.get_by_role("button", name="To the network", exact=True).press("Enter")  # Past some seventy settings.
    expect(page.locator(".nn-neuron[tabindex='0']")).to_be_focused()
    settings.get_by_role("radio", name="Circle", exact=True).focus()
    page.keyboard.press("ArrowRight")
    expect(settings.get_by_role("radio", name="XOR", exact=True)).to_be_focused()
    expect(page.locator(".nn-headings")).to_contain_text("Circle")  # Arrows walk,
    page.keyboard.press("Space")
    expect(page.locator(".nn-headings")).to_contain_text("XOR")  # Space chooses.
    settings.get_by_role("tab").first.focus()
    page.keyboard.press("ArrowRight")
    expect(settings.get_by_role("radio", name="Sine", exact=True)).to_be_visible()

    section = page.locator("details[data-section=network]")
    section.locator("> summary").press("Enter")
    menu = section.get_by_role("button", name="Activation", exact=True).first
    menu.press("Enter")
    expect(section.get_by_role("listbox").get_by_role("option", name="Tanh")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(menu).to_be_focused()
    expect(page.locator(".nn-headings")).to_contain_text("ReLU")
    menu.press("Enter")
    page.keyboard.press("Escape")
    expect(section.get_by_role("listbox")).to_be_hidden()
    expect(menu).to_be_focused()

    section.get_by_role("button", name="+ Dropout", exact=True).click()
    layers = section.get_by_role("listitem")
    expect(layers).to_have_count(3)
    down = section.get_by_role("button", name=re.compile("^Move towards the input: 3"))
    down.press("Enter")
    expect(layers.nth(1)).to_contain_text("Dropout")
    expect(section.get_by_role("button", name=re.compile("^Move towards the input: 2"))).to_be_focused()
    section.get_by_role("button", name=re.compile("^Remove this layer: 2")).press("Enter")
    expect(layers).to_have_count(2)

    help_ = section.get_by_role("button", name="Help: Units").first
    help_.press("Enter")
    expect(page.get_by_role("dialog", name="Units")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Units")).to_be_hidden()
    expect(help_).to_be_focused()


def test_it_folds_to_a_strip_stays_so_and_closes_with_escape_or_a_press_outside(wide: Page) -> None:
    page = wide
    before = box(page, ".nn-network")
    press(page, "Fold the settings away")
    expect(canvas(page)).to_have_attribute("data-rail", "strip")
    network = box(page, ".nn-network")
    assert network["width"] > before["width"] + 100
    learning = rail(page).get_by_role("button", name="Learning", exact=True)
    learning.press("Enter")
    expect(rail(page).get_by_role("combobox", name="Optimizer", exact=True)).to_be_visible()
    assert box(page, ".nn-network") == network  # It lies over the page.
    page.keyboard.press("Escape")
    expect(rail(page).get_by_role("combobox", name="Optimizer", exact=True)).to_be_hidden()
    expect(learning).to_be_focused()
    learning.click()
    page.locator(".nn-curves").click(position={"x": 20, "y": 60})
    expect(rail(page).get_by_role("combobox", name="Optimizer", exact=True)).to_be_hidden()
    page.reload()
    expect(canvas(page)).to_have_attribute("data-rail", "strip")


def test_own_data_are_brought_on_the_page_data_which_opens_without_loading_anew(wide: Page) -> None:
    page = wide
    page.evaluate("window.stays = true")
    rail(page).get_by_role("link", name="Bring a table").click()
    expect(page).to_have_url(DATA)
    wait_until_still(page)
    expect(page.get_by_test_id("stFileUploader")).to_have_count(1)
    assert page.evaluate("window.stays")


def test_the_name_of_a_data_set_is_whole_when_it_is_chosen(wide: Page) -> None:
    rail(wide).get_by_role("tab", name="Real tables", exact=True).click()
    longest = rail(wide).get_by_role("radio", name="Breast cancer", exact=True)
    name = longest.locator("> span").last
    longest.click()
    expect(longest).to_have_attribute("aria-checked", "true")
    assert name.evaluate("e => e.scrollWidth <= e.clientWidth")


def test_on_a_phone_it_is_a_sheet_that_closes_on_choice_and_has_large_targets(page: Page) -> None:
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    opener = canvas(page).get_by_role("button", name="Settings", exact=True)
    opener.click()
    moons = rail(page).get_by_role("radio", name="Moons", exact=True)
    expect(moons).to_be_in_viewport()
    for target in rail(page).locator("button:visible, input:visible, select:visible, summary:visible").all():
        assert target.evaluate(
            "e => (e.role === 'switch' ? e.closest('label') : e).getBoundingClientRect().height >= 44"
        ), target.inner_text()
    moons.click()
    expect(moons).to_be_hidden()
    expect(page.locator(".nn-headings")).to_contain_text("Moons")
    opener.click()
    page.keyboard.press("Escape")
    expect(moons).to_be_hidden()
    expect(opener).to_be_focused()
