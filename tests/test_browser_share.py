"""Runs side by side and links, in a real browser: by role and name, as a person would."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, WebSocketRoute, expect

from dlcore.experiment import Experiment
from dlcore.layers import Dense
from dlcore.share import encode
from tests.browser import PLAYING, canvas, export, press, wait_for_step, wait_until_still
from tests.conftest import SHOWN
from tests.patience import eventually
from tests.visitors import Visitors
from ui.messages import text

pytestmark = pytest.mark.browser


def cards(page: Page) -> list[dict[str, str]]:
    return [card.evaluate("card => ({...card.dataset})") for card in page.locator(".cmp-run").all()]


def test_sgd_and_adam_from_the_same_start_are_compared_in_three_actions_and_become_my_runs(page: Page):
    heading = page.get_by_role("button", name="My runs", exact=True)
    page.get_by_role("link", name="Compare", exact=True).click()
    press(page, "Optimizer: Adam or SGD")
    expect(page.locator(".cmp-run[data-step='0']")).to_have_count(2)
    expect(page.locator(".cmp-sentence")).to_contain_text("Adam and SGD differ in optimizer: Adam and SGD.")
    alike = [page.locator(".cmp-facts").nth(index).inner_text() for index in range(2)]
    assert alike[0] == alike[1]
    before = heading.bounding_box()
    press(page, "Play")  # The third and last action.
    page.wait_for_function(
        """() => { const find = (root) => root.querySelector('.cmp')
            ?? [...root.querySelectorAll('*')].map((e) => e.shadowRoot && find(e.shadowRoot)).find(Boolean);
            const steps = [...find(document).querySelectorAll('.cmp-run')].map((card) => Number(card.dataset.step));
            return Math.min(...steps) > 300 && Math.max(...steps) - Math.min(...steps) <= 200; }"""
    )
    expect(page.locator(".cmp-sentence")).to_contain_text("Adam has the lower validation loss")
    page.get_by_role("slider", name="Speed of all").press("Home")
    expect(page.locator(".cmp-speed-value")).to_have_text("1 updates/s")
    press(page, "Pause")
    expect(page.locator(".cmp[data-state=standing]")).to_be_visible()
    expect(page.locator(".cmp-run[data-status=paused]")).to_have_count(2)
    assert len({card["step"] for card in cards(page)}) == 1
    expect(page.locator(".cmp-share")).to_contain_text("% of the plane")
    expect(page.locator(".cmp-table")).to_contain_text("Optimizer")
    page.get_by_role("slider", name="Speed of all").press("End")
    page.get_by_label("Name of SGD").fill("Slow")
    page.get_by_label("Name of SGD").press("Enter")
    expect(page.locator(".cmp-sentence")).to_contain_text("Adam and Slow differ")
    reached = cards(page)[1]["step"]

    heading.click()  # The list shows both, with pictures, and the one that was named by its name.
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("img", name="What Slow answers")).to_be_visible()
    expect(dialog.get_by_role("checkbox", checked=True)).to_have_count(2)
    wait_until_still(page)
    dialog.get_by_role("button", name="Open", exact=True).click()
    expect(dialog).to_have_count(0)
    assert heading.bounding_box() is not None
    assert before is not None
    assert heading.bounding_box() == before  # Whatever there is in the list.
    page.get_by_role("link", name="Playground", exact=True).click()
    expect(canvas(page)).to_have_attribute("data-step", reached)
    press(page, "Play")  # It is no longer held to the other's pace.
    expect(canvas(page)).to_have_attribute("data-status", PLAYING)
    wait_for_step(page, int(reached) + 400)


@pytest.fixture
def two_visitors(visitors: Visitors, app_address: str) -> list[Page]:
    """Two people who open the same link that starts playing, with a run that ends by itself."""
    link = encode(Experiment(seed=11, layers=(Dense(units=3),)))
    pages = [visitors.open(reduced_motion="reduce") for _ in range(2)]
    for page in pages:
        page.goto(f"{app_address}/?run={link}&hide=speed,network&play=1&lang=en")
    return pages


def test_the_same_link_in_two_sessions_gives_the_same_losses_to_the_last_digit(two_visitors: list[Page], tmp_path):
    rows = []
    for number, visitor in enumerate(two_visitors):
        expect(canvas(visitor)).to_have_attribute("data-connection", "open")
        expect(visitor.locator(".nn-speed")).to_be_hidden()
        expect(visitor.locator(".nn-rail [data-section=network]").first).to_be_hidden()
        visitor.wait_for_function(
            """() => { const find = (root) => root.querySelector('.nn')
                ?? [...root.querySelectorAll('*')].map((e) => e.shadowRoot && find(e.shadowRoot)).find(Boolean);
                return Number(find(document).dataset.epoch) > 101; }"""
        )
        press(visitor, "Pause")
        folder = tmp_path / str(number)
        folder.mkdir()
        lines = export(visitor, "History", folder).read_text().splitlines()
        rows.append(next(line for line in lines if line.startswith("100,")))
    assert rows[0] == rows[1]


def test_a_bad_link_opens_the_default_run_with_one_sentence(blank: Page, app_address: str):
    blank.goto(f"{app_address}/?run=1.eNqrVsovKMnM")
    alert = blank.get_by_test_id("stAlert")
    expect(alert).to_have_count(1)
    expect(alert).to_contain_text("cut short or garbled")
    expect(canvas(blank)).to_have_attribute("data-connection", "open")
    expect(blank.locator(".nn-headings")).to_contain_text("Circle")


def test_a_menu_that_is_opened_again_before_the_server_has_heard_of_its_closing_stays_open(
    visitors: Visitors, app_address: str
):
    page = visitors.open_once(reduced_motion="reduce")
    answers: list[tuple[WebSocketRoute, str | bytes]] = []
    held = {"answers": False}

    def hold(stream: WebSocketRoute) -> None:
        server = stream.connect_to_server()
        server.on_message(lambda answer: answers.append((stream, answer)) if held["answers"] else stream.send(answer))

    page.route_web_socket("**/_stcore/stream", hold)
    page.goto(app_address)
    page.wait_for_function(SHOWN)
    button = page.get_by_role("button", name=re.compile(r"\bExport$")).first
    body = page.get_by_test_id("stPopoverBody")
    button.click()
    expect(body.get_by_test_id("stCaptionContainer").first).to_be_visible()
    wait_until_still(page)
    page.evaluate(
        """() => {
        window.timesGone = 0;
        new MutationObserver((changes) => {
            for (const node of changes.flatMap((change) => [...change.removedNodes]))
                if (node.nodeType === 1 && node.parentNode === null)
                    window.timesGone += Number(node.matches('BODY')) + node.querySelectorAll('BODY').length;
        }).observe(document.body, { childList: true, subtree: true });
    }""".replace("BODY", "[data-testid=stPopoverBody]")
    )
    held["answers"] = True
    page.keyboard.press("Escape")
    expect(body).to_have_count(0)
    # The answer is on its way when the button is pressed again.
    assert eventually(lambda: answers or page.wait_for_timeout(10))
    button.click()
    expect(body).to_be_visible()
    held["answers"] = False
    for stream, answer in answers:
        stream.send(answer)
    expect(body.get_by_test_id("stCaptionContainer").first).to_be_visible()
    wait_until_still(page)
    expect(body).to_be_visible()
    assert page.evaluate("window.timesGone") == 1


def test_a_page_is_left_by_its_link_while_a_menu_is_open(page: Page):
    page.get_by_role("button", name=re.compile(r"\bShare$")).first.click()
    expect(page.get_by_test_id("stPopoverBody")).to_be_visible()
    page.get_by_role("link", name=text("en", "page.data"), exact=True).click()
    expect(page).to_have_url(re.compile(r"/data$"))
    expect(page.get_by_role("button", name="Look at it", exact=True)).to_be_visible()


def test_a_link_says_where_it_begins_and_is_copied_without_hovering_and_ticks_say_that_they_hide(page: Page):
    page.locator(".st-key-heading").get_by_role("button", name=re.compile(r"\bShare$")).click()
    menu = page.get_by_test_id("stPopoverBody")
    expect(menu).to_contain_text("at epoch 0")
    expect(menu).to_contain_text("Tick what is to be hidden")
    copy = menu.get_by_role("button", name="Copy to clipboard").first
    expect(copy).to_be_visible()
    seen = """button => {
        let seen = 1;
        for (let part = button; part; part = part.parentElement) seen *= getComputedStyle(part).opacity;
        return seen;
    }"""
    page.mouse.move(0, 0)
    wait_until_still(page)
    assert copy.evaluate(seen) == 1


def test_what_the_page_has_done_stands_in_the_status_line_and_not_over_the_buttons(page: Page):
    press(page, "Step")
    wait_for_step(page, 0)
    press(page, "Fork here")
    expect(page.locator(".nn-status")).to_contain_text("is kept in My runs; the new run goes on from here.")
    expect(page.get_by_test_id("stToast")).to_have_count(0)
    page.get_by_role("link", name=text("en", "page.evaluate"), exact=True).click()
    expect(canvas(page)).to_have_count(0)
    page.get_by_role("link", name=text("en", "page.playground"), exact=True).first.click()
    expect(canvas(page)).to_have_attribute("data-connection", "open")
    wait_until_still(page)
    expect(page.locator(".nn-status")).not_to_contain_text("is kept in My runs")


def go_to(page: Page, target: Locator) -> None:
    """Press Tab until this has the focus."""
    for _ in range(40):
        if target.evaluate("one => one.getRootNode().activeElement === one"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {target}.")


def test_the_keyboard_alone_keeps_names_deletes_brings_back_ticks_and_opens_a_run(page: Page):
    go_to(page, page.get_by_role("button", name="My runs", exact=True))
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    pictures = dialog.get_by_role("img")
    expect(pictures).to_have_count(1)
    wait_until_still(page)

    def act(role: Any, name: str, key: str) -> None:
        wait_until_still(page)
        go_to(page, dialog.get_by_role(role, name=name, exact=True))
        page.keyboard.press(key)

    act("button", "Keep a copy", "Enter")
    expect(pictures).to_have_count(2)
    act("textbox", "Name of Circle 4-2 (2)", "ControlOrMeta+a")
    page.keyboard.type("Spare")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("img", name="What Spare answers")).to_be_visible()
    act("button", "Delete", "Enter")
    expect(dialog.get_by_text("Spare is deleted.")).to_be_visible()
    act("button", "Undo", "Enter")
    expect(dialog.get_by_role("img", name="What Spare answers")).to_be_visible()
    expect(dialog.get_by_role("button", name="Compare the ticked (2)", exact=True)).to_be_enabled()
    act("checkbox", "Compare Spare", "Space")
    expect(dialog.get_by_role("button", name="Compare the ticked (1)", exact=True)).to_be_disabled()
    act("button", "Open", "Enter")
    expect(dialog).to_have_count(0)
    expect(page.locator(".st-key-run_name")).to_have_text("Spare")
