"""What a class does in its first hour, from what the page says and in few actions: each of these walks is counted."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import canvas, open_section, press, score, wait_until_still
from tests.conftest import BROWSER_PATIENCE
from ui.messages import text

pytestmark = pytest.mark.browser


class Walk:
    """A person who presses one thing after another; `actions` counts them."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.actions = 0

    def press(self, name: str) -> None:
        self.actions += 1
        press(self.page, name)

    def choose(self, name: str) -> None:
        self.actions += 1
        self.page.get_by_role("radio", name=name, exact=True).click()

    def open_example(self, name: str) -> None:
        """Open the gallery, and this of its examples, whose question then stands in the status line."""
        self.press(text("en", "gallery"))
        expect(self.page.get_by_role("dialog").get_by_role("img")).to_have_count(12)
        self.press(text("en", f"gallery.{name}.title"))
        expect(self.page.get_by_role("dialog")).to_have_count(0)
        expect(self.page.locator(".nn-status")).to_contain_text(text("en", f"gallery.{name}.question"))
        expect(canvas(self.page)).to_have_attribute("data-step", "0")


def wait_for_score(page: Page, name: str, below: float) -> None:
    page.wait_for_function(
        """([name, most]) => {
            const find = (root) => root.querySelector('.nn')
                ?? [...root.querySelectorAll('*')].map((e) => e.shadowRoot && find(e.shadowRoot)).find(Boolean);
            return Number(find(document).querySelector(`[data-score=${name}]`).textContent) < most;
        }""",
        arg=[name, below],
    )


def advice(page: Page, key: str) -> Locator:
    """What the coach says, once it is this."""
    said = page.locator(f'.nn-message[data-message="coach {key}"]')
    expect(said).to_be_visible(timeout=2 * BROWSER_PATIENCE)
    return said


def test_a_newcomer_finds_what_a_class_is_about_in_few_actions(page: Page) -> None:
    # The smallest network that solves the spiral.
    walk = Walk(page)
    walk.choose("Spiral")
    expect(page.locator(".nn-headings")).to_contain_text("Spiral")
    walk.press("Play")
    wait_for_score(page, "test_loss", 0.4)
    walk.actions += 1
    page.get_by_role("link", name=text("en", "page.evaluate"), exact=True).click()
    open_section(page, "growth")
    walk.actions += 1
    walk.choose(text("en", "evaluate.growth.capacity"))
    expect(page.get_by_text(text("en", "evaluate.growth.capacity.help"))).to_be_visible()
    wait_until_still(page)
    walk.press(text("en", "evaluate.growth.start"))
    findings = page.locator("[class*=st-key-growth_finding]")
    expect(findings.first).to_be_visible(timeout=6 * BROWSER_PATIENCE)
    expect(findings.first).to_contain_text("units")
    assert walk.actions <= 6
    page.get_by_role("link", name=text("en", "page.playground"), exact=True).click()

    # Where nothing more can be learned the coach offers that by itself. The run still plays.
    walk = Walk(page)
    walk.choose("Gauss")
    expect(page.locator(".nn-headings")).to_contain_text("Gauss")
    advice(page, "reached")
    walk.press("Try other sizes")
    expect(page.locator(".st-key-evaluate_growth")).to_be_visible()
    assert walk.actions <= 2
    page.get_by_role("link", name=text("en", "page.playground"), exact=True).click()

    # XOR without a hidden layer: the page says why it cannot be.
    walk = Walk(page)
    walk.open_example("xor")
    walk.press("Play")
    expect(advice(page, "no_hidden")).to_contain_text("without a hidden layer")
    assert float(score(page, "test_accuracy").rstrip("%")) < 75
    assert walk.actions <= 3

    # Overfitting, mended by what the page says, and taken back as any other act.
    walk = Walk(page)
    walk.open_example("overfitting")
    walk.press("Play")
    expect(advice(page, "overfitting")).to_contain_text("validation loss has risen since epoch")
    worst = float(score(page, "test_loss"))
    walk.press("Add L2")
    expect(page.get_by_role("button", name="Undo: Regularizer", exact=False)).to_be_visible()
    wait_for_score(page, "test_loss", 0.8 * worst)
    assert walk.actions <= 8


def test_sgd_against_adam_from_the_same_start_takes_three_actions(page: Page) -> None:
    walk = Walk(page)
    walk.actions += 1
    page.get_by_role("link", name=text("en", "page.compare"), exact=True).click()
    walk.press("Optimizer: Adam or SGD")
    expect(page.locator(".cmp-run[data-step='0']")).to_have_count(2)
    start = page.locator(".cmp-facts").all_inner_texts()
    assert start[0] == start[1]  # The same losses before the first step: the same rows and initial weights.
    walk.press("Play")
    expect(page.locator(".cmp-outcome")).to_contain_text(
        "Adam has the lower validation loss", timeout=2 * BROWSER_PATIENCE
    )
    assert walk.actions <= 4
    told = page.locator(".cmp-table tbody").first.inner_text()
    assert told.strip().split("\n")[1:] == ["Optimizer\tAdam\tSGD"]  # Nothing else differs.
