"""The network is shaped and touched where it is drawn, by role and name as a person would; and no frame of it is lost on the way."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import PAUSED, PLAYING, canvas, open_settings, open_view, press, score, step, wait_for_step

pytestmark = pytest.mark.browser


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def network(page: Page) -> Locator:
    return page.get_by_role("region", name="Network")


def undoing(page: Page) -> Locator:
    """The button Undo, which is called by what it takes back."""
    return page.get_by_role("button", name=re.compile("^Undo"))


def undo(page: Page) -> None:
    expect(undoing(page)).to_have_attribute("aria-disabled", "false")
    undoing(page).click()


def pin(page: Page, name: str) -> None:
    button(page, name).click()
    expect(button(page, name)).to_have_attribute("aria-pressed", "true")


def pin_link(page: Page, unit: str, number: int) -> Locator:
    """The number field of a unit's incoming link, chosen from the list."""
    pin(page, unit)
    page.get_by_label("Incoming weights").select_option(index=number)
    return page.get_by_role("textbox", name="Weight")


def expect_loss_other_than(page: Page, loss: str) -> None:
    expect(page.locator("[data-score=train_loss]")).not_to_have_text(loss)


def test_neurons_and_layers_come_and_go_while_the_run_plays_on(page: Page):
    press(page, "Play")
    wait_for_step(page, 20)
    press(page, "Add neuron to Hidden 1")
    expect(button(page, "Hidden 1, unit 5")).to_be_visible()
    expect(page.locator("[data-message='notice weights_kept']")).to_contain_text("Kept 25 of 30 weights and biases")
    expect(button(page, "Add neuron to Hidden 1")).to_be_focused()
    reached = step(page)
    assert reached > 20
    press(page, "Add layer after Hidden 1")
    expect(button(page, "Remove Hidden 3")).to_be_visible()
    press(page, "Remove the last neuron of Hidden 1")
    expect(button(page, "Hidden 1, unit 5")).to_have_count(0)
    press(page, "Remove Hidden 3")
    expect(button(page, "Remove Hidden 3")).to_have_count(0)
    wait_for_step(page, max(reached, step(page)))
    expect(canvas(page)).to_have_attribute("data-status", PLAYING)


def test_presses_in_quick_succession_all_count_and_the_settings_follow(page: Page):
    canvas(page).evaluate("root => { root.mark = 'the same'; }")
    press(page, "Play")
    wait_for_step(page, 20)
    button(page, "Add neuron to Hidden 1").focus()
    for _ in range(5):
        page.keyboard.press("Enter")
    expect(button(page, "Hidden 1, unit 9")).to_be_visible()
    network = open_settings(page, "network")
    expect(network.get_by_role("spinbutton", name="Units").first).to_have_value("9")
    expect(button(page, "Hidden 1, unit 10")).to_have_count(0)
    assert canvas(page).evaluate("root => root.mark") == "the same"


def test_a_setting_and_a_press_on_the_canvas_at_once_take_nothing_back(page: Page):
    network = open_settings(page, "network")
    press(page, "Add neuron to Hidden 1")
    press(page, "+ Dense")
    expect(button(page, "Remove Hidden 3")).to_be_visible()
    expect(button(page, "Hidden 1, unit 5")).to_be_visible()
    expect(network.get_by_role("spinbutton", name="Units").first).to_have_value("5")


def test_without_a_hidden_layer_one_can_be_added_and_its_activation_chosen(page: Page):
    press(page, "Remove Hidden 2")
    expect(button(page, "Remove Hidden 2")).to_have_count(0)
    press(page, "Remove Hidden 1")
    expect(button(page, "Remove Hidden 1")).to_have_count(0)
    press(page, "Add layer after Inputs")
    activation = page.get_by_role("combobox", name="Activation of Hidden 1")
    before = score(page, "train_loss")
    activation.select_option("ReLU")
    expect_loss_other_than(page, before)
    expect(activation).to_have_value("relu")


def test_features_are_switched_on_their_names_and_the_last_one_stays(page: Page):
    square, first, second = (button(page, f"Feature {name}") for name in ("x₁²", "x₁", "x₂"))
    expect(square).to_have_attribute("aria-pressed", "false")
    square.click()
    expect(square).to_have_attribute("aria-pressed", "true")
    expect(button(page, "Input x₁²")).to_be_visible()
    first.click()
    expect(first).to_have_attribute("aria-pressed", "false")
    second.click()
    expect(second).to_have_attribute("aria-pressed", "false")
    expect(square).to_have_attribute("aria-disabled", "true")


def test_a_typed_weight_counts_at_once_and_what_is_no_number_is_refused(page: Page):
    weight = pin_link(page, "Hidden 1, unit 2", 1)
    expect(network(page)).to_contain_text("x₁ → Hidden 1, unit 2")
    before, old = score(page, "train_loss"), weight.input_value()
    for wrong in ("abc", "1e400", ""):
        weight.fill(wrong)
        weight.press("Enter")
        expect(weight).to_have_attribute("aria-invalid", "true")
        expect(page.locator(".nn-why")).to_contain_text("The old value stays")
        weight.blur()
        expect(weight).to_have_value(old)
    assert score(page, "train_loss") == before
    weight.fill("-2,5")
    weight.press("Enter")
    expect_loss_other_than(page, before)
    expect(page.locator(".nn-why")).to_have_text("")
    weight.blur()
    expect(weight).to_have_value("−2.5")

    undo(page)
    expect(page.locator("[data-score=train_loss]")).to_have_text(before)
    expect(weight).to_have_value(old)
    expect(undoing(page)).to_have_attribute("aria-disabled", "true")


def test_a_drag_is_one_thing_to_take_back(page: Page):
    weight = pin_link(page, "Hidden 1, unit 1", 2)
    old = weight.input_value()
    box = page.get_by_role("slider", name="Weight").bounding_box()
    assert box
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.3, middle)
    page.mouse.down()
    for share in (0.5, 0.7, 0.9):
        before = weight.input_value()
        page.mouse.move(box["x"] + box["width"] * share, middle)
        expect(weight).not_to_have_value(before)
    page.mouse.up()
    expect(weight).not_to_have_value(old)
    undo(page)
    expect(weight).to_have_value(old)


def test_what_is_frozen_does_not_learn(page: Page):
    weight = pin_link(page, "Hidden 1, unit 2", 1)
    old = weight.input_value()
    press(page, "Freeze weight")
    expect(button(page, "Freeze weight")).to_have_attribute("aria-pressed", "true")
    for _ in range(3):
        press(page, "Step")
    expect(canvas(page)).to_have_attribute("data-step", "3")
    expect(weight).to_have_value(old)
    expect(network(page)).to_contain_text("last update 0")
    page.get_by_label("Incoming weights").select_option(index=2)
    expect(network(page)).not_to_contain_text(re.compile(r"last update 0\b(?!\.)"))


def test_a_silenced_neuron_is_missed_and_can_be_undone(page: Page):
    before = score(page, "train_loss")
    pin(page, "Hidden 2, unit 1")
    press(page, "Silence")
    expect_loss_other_than(page, before)
    expect(network(page)).to_contain_text("Silenced: its activation counts as 0 everywhere.")
    undo(page)
    expect(page.locator("[data-score=train_loss]")).to_have_text(before)
    expect(button(page, "Silence")).to_have_attribute("aria-pressed", "false")


def test_what_is_pinned_stays_through_frames_and_other_shapes(page: Page):
    title = page.locator(".nn-output-title")
    pin(page, "Hidden 2, unit 2")
    page.mouse.move(10, 10)
    expect(title).to_have_text("Hidden 2, unit 2")
    expect(
        page.get_by_role("group", name="What a press on the map does")
    ).to_be_visible()  # Points are drawn on a neuron's picture, too.
    press(page, "Play")
    wait_for_step(page, 20)
    press(page, "Add layer after Inputs")
    expect(title).to_have_text("Hidden 3, unit 2")
    press(page, "Remove Hidden 1")
    expect(title).to_have_text("Hidden 2, unit 2")
    press(page, "Pause")
    expect(canvas(page)).to_have_attribute("data-status", PAUSED)
    press(page, "Remove")
    expect(title).to_have_text("Output")


def test_the_keyboard_pins_walks_the_links_and_lets_go(page: Page):
    button(page, "Input x₁").focus()
    for key in ("ArrowRight", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    expect(button(page, "Hidden 1, unit 2")).to_have_attribute("aria-pressed", "true")
    links = page.get_by_label("Incoming weights")
    links.focus()
    page.keyboard.press("ArrowDown")
    expect(network(page)).to_contain_text("x₁ → Hidden 1, unit 2")
    page.keyboard.press("ArrowDown")
    expect(network(page)).to_contain_text("x₂ → Hidden 1, unit 2")
    expect(links).to_be_focused()
    page.keyboard.press("Escape")
    expect(button(page, "Hidden 1, unit 2")).to_be_focused()
    expect(links).to_be_hidden()


def test_a_link_is_met_on_the_drawing_and_gradients_and_histograms_are_shown(page: Page):
    source, target = (button(page, name).bounding_box() for name in ("Hidden 1, unit 1", "Hidden 2, unit 1"))
    assert source and target
    x = (source["x"] + source["width"] + target["x"]) / 2
    y = (source["y"] + source["height"] / 2 + target["y"] + target["height"] / 2) / 2
    page.mouse.move(x, y)
    tip = page.locator(".nn-picture .nn-tip")
    expect(tip).to_contain_text("Hidden 1, unit 1 → Hidden 2, unit 1")
    expect(tip).to_contain_text("gradient")
    words = tip.bounding_box()
    assert words and words["y"] + words["height"] <= min(source["y"], target["y"])  # It hides neither neuron.
    page.mouse.click(x, y)
    expect(button(page, "Freeze weight")).to_be_visible()
    press(page, "Step")
    open_view(page, "network")
    page.get_by_role("checkbox", name="Gradients").check()
    expect(network(page)).to_contain_text("Links show gradients by their order of magnitude")
    page.get_by_role("checkbox", name="Histograms").check()
    expect(network(page).get_by_role("img", name="Hidden 1. weights:")).to_be_visible()
