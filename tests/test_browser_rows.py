"""A table of one's own and who else may see its rows, in real browsers: shared, opened by another, withdrawn, refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import PAUSED, PLAYING, bring, canvas, export, press, wait_until_still
from tests.conftest import SHOWN
from tests.test_access import violations
from tests.test_browser_data import fruit
from tests.visitors import Visitors
from ui.messages import text

pytestmark = pytest.mark.browser

ROWS = 240


@pytest.fixture
def arrive(visitors: Visitors, app_address: str) -> Callable[..., Page]:
    """Another person, each time, who opens this address."""

    def opened(address: str = app_address) -> Page:
        page = visitors.open(reduced_motion="reduce")
        go(page, address)
        return page

    return opened


def go(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_function(SHOWN)


def headings(page: Page) -> str:
    return page.locator(".nn-headings").inner_text()


def enter(page: Page, name: str) -> None:
    """Press a button as a keyboard does."""
    button = page.get_by_role("button", name=name, exact=True)
    button.focus()
    button.press("Enter")


def shared_link(page: Page) -> str:
    return page.get_by_test_id("stPopoverBody").locator("code").first.inner_text()


def test_rows_are_shared_opened_by_another_withdrawn_and_refused(
    arrive: Callable[..., Page], visitors: Visitors, tmp_path: Path
) -> None:
    owner = arrive()
    owner.get_by_role("link", name=text("en", "page.data"), exact=True).click()
    bring(owner, {"name": "fruit.csv", "mimeType": "text/csv", "buffer": fruit()})
    owner.get_by_role("button", name="Train on this table").click()
    expect(canvas(owner)).to_have_attribute("data-status", PLAYING)
    press(owner, "Pause")
    wait_until_still(owner)
    press(owner, "Share")
    expect(owner.get_by_text(f"everybody who has the link can train on these {ROWS} rows")).to_be_visible()
    assert violations(owner, "[data-testid=stPopoverBody]") == []
    plain = shared_link(owner)
    assert "pass=" not in plain
    toggle = owner.get_by_role("switch", name="Share the rows too")
    toggle.focus()
    toggle.press("Space")
    expect(owner.get_by_text(f"Everybody who has this link can train on these {ROWS} rows")).to_be_visible()
    expect(toggle).to_be_focused()
    assert violations(owner, "[data-testid=stPopoverBody]") == []
    link = shared_link(owner)
    assert link.startswith(f"{plain}&pass=")

    stranger = arrive(plain)
    expect(stranger.get_by_test_id("stAlert")).to_contain_text("This link does not share the rows of 'fruit.csv'")
    wait_until_still(stranger)  # It opens in several runs of the script, and the sentence stays.
    expect(stranger.get_by_test_id("stAlert")).to_have_count(1)
    assert "Circle" in headings(stranger)
    assert violations(stranger, "[data-testid=stMain]") == []

    visitors.leave(stranger)
    guest = arrive(link)
    expect(guest.locator(".nn")).to_contain_text("class plum")
    assert len(export(guest, "Data rows", tmp_path).read_text().splitlines()) == ROWS + 1
    go(guest, plain)  # This browser is known by now.
    expect(guest.locator(".nn")).to_contain_text("class plum")

    toggle.press("Space")
    expect(owner.get_by_text(f"everybody who has the link can train on these {ROWS} rows")).to_be_visible()
    assert "pass=" not in shared_link(owner)

    press(guest, "Play")  # A run that already has the rows goes on training, ...
    expect(canvas(guest)).to_have_attribute("data-status", PLAYING)
    press(guest, "Pause")
    expect(canvas(guest)).to_have_attribute("data-status", PAUSED)
    guest.get_by_role("button", name="Add layer after Inputs", exact=True).click()
    expect(
        guest.get_by_text("The rows of 'fruit.csv' are no longer shared with you.").locator("visible=true").first
    ).to_be_visible()
    for late in (guest, arrive()):  # ... but no row comes out any more, for whoever has the link.
        go(late, link)
        expect(late.get_by_test_id("stAlert")).to_contain_text("The rows of 'fruit.csv' were withdrawn")
        assert "Circle" in headings(late)

    owner.keyboard.press("Escape")
    owner.get_by_role("link", name=text("en", "page.data"), exact=True).click()
    expect(owner.get_by_text(f"fruit.csv: {ROWS} rows that runs train on.")).to_be_visible()
    wait_until_still(owner)
    assert violations(owner, ".st-key-data_kept") == []
    enter(owner, "Remove the rows from this server")
    expect(owner.get_by_text(f"fruit.csv: {ROWS} rows that runs train on.")).to_have_count(0)
    enter(owner, "Remove the file from this server")
    expect(owner.locator(".st-key-data_kept")).to_have_count(0)
    go(owner, plain)
    expect(owner.get_by_test_id("stAlert")).to_contain_text("no longer kept on this server")
