"""The page Evaluate in a real browser, at real desks: it says what the canvas says, and the keyboard alone opens everything."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import canvas, open_section, prefer, press, score, wait_until_still
from tests.visitors import Visitors
from ui.messages import text

COLOUR, BACKGROUND = (f"one => getComputedStyle(one).{name}" for name in ("color", "backgroundColor"))
pytestmark = pytest.mark.browser


def metric(page: Page, name: str) -> Locator:
    """The value of the figure of this name."""
    return page.get_by_test_id("stMetric").filter(has_text=name).get_by_test_id("stMetricValue")


def count(page: Page, name: str) -> int:
    return int(metric(page, text("en", f"evaluate.metric.{name}")).inner_text().replace(",", ""))


def test_a_trained_network_is_judged_from_scores_to_single_examples(page: Page) -> None:
    for _ in range(2):
        before = int(canvas(page).get_attribute("data-step") or 0)
        press(page, "Epoch")
        expect(canvas(page)).to_have_attribute("data-step", str(before + 25))
    on_the_canvas = float(re.sub(r"[^\d.]", "", score(page, "test_accuracy")))
    page.get_by_role("link", name=text("en", "page.evaluate")).click()
    verdict = page.locator(".st-key-verdict").get_by_role("heading")
    expect(verdict).to_have_text(re.compile(r"^[\d.]+% .* on 100 validation rows it has not seen, .*\.$"))
    assert float(verdict.inner_text().split("%")[0]) == pytest.approx(on_the_canvas, abs=0.51)
    expect(page.get_by_text(re.compile(r"The run at step 50, epoch 2"))).to_be_visible()
    # All figures lie on one page; the whole card is the target of its button.
    cards = page.locator(".st-key-figures [class*=st-key-card_]")
    expect(cards.locator(".js-plotly-plot")).to_have_count(5)
    room = page.get_by_test_id("stMain").evaluate("main => main.scrollHeight - main.clientHeight")
    assert room <= 0
    cards.nth(0).locator(".js-plotly-plot").click(force=True)  # What lies there is the button.
    shown = metric(page, "Accuracy: Validation")
    expect(shown).to_have_text(re.compile(r"\d"))
    assert float(shown.inner_text().rstrip("%")) == pytest.approx(on_the_canvas, abs=0.51)

    open_section(page, "curves")
    thumb = page.get_by_role("slider")
    expect(thumb).to_have_value("0.5")
    rows = ("true_positive", "false_positive", "false_negative", "true_negative")
    at_half = [count(page, name) for name in rows]
    assert sum(at_half) == 100
    thumb.press("End")  # Nobody is given a probability as high as that.
    expect(metric(page, text("en", "evaluate.metric.true_positive"))).to_have_text("0")
    assert [count(page, name) for name in rows] == [0, 0, at_half[0] + at_half[2], at_half[1] + at_half[3]]

    open_section(page, "growth")
    start = page.get_by_role("button", name=text("en", "evaluate.growth.start"))
    expect(start).to_be_visible()
    start.evaluate("button => { button.disabled = true; }")  # As it is while its job is under way.
    assert start.locator("p").evaluate(COLOUR) != page.locator(".stApp").evaluate(BACKGROUND)

    open_section(page, "examples")
    cells = page.locator(".js-plotly-plot .textpoint text")
    expect(cells.first).to_be_visible()
    table = page.get_by_text(re.compile(r"^\d+ of \d+ rows, the largest loss first\.$"))
    expect(table).to_have_text(re.compile(r"of 100 rows"))
    counts = [int(number or 0) for number in cells.all_text_contents()]
    assert sum(counts) == 100
    cells.nth(0).click(force=True)
    of_first = re.compile(rf"of {counts[0]} rows")
    expect(table).to_have_text(of_first)
    menu = page.get_by_role("combobox", name=text("en", "views.true_class"))
    menu.press("Enter")
    page.keyboard.type(text("en", "evaluate.any_class"))
    page.keyboard.press("Enter")
    expect(table).not_to_have_text(of_first)


def test_new_rows_are_brought_and_predictions_taken_home_with_the_keyboard_alone(page: Page) -> None:
    page.get_by_role("link", name=text("en", "page.evaluate")).click()
    open_section(page, "predict")
    expect(page.get_by_text(re.compile(r"in any order: x1, x2$"))).to_be_visible()
    wait_until_still(page)
    upload = page.get_by_test_id("stFileUploaderDropzone").get_by_role("button", name="Upload", exact=True)
    with page.expect_file_chooser() as chooser:
        upload.press("Enter")
    content = b"x2;x1;who\n0,5;-1;Ada\n;2;Grace\n-3;4,25;Joan\n"
    chooser.value.set_files({"name": "new.csv", "mimeType": "text/csv", "buffer": content})
    expect(page.get_by_text("2 of 3 rows could be predicted.")).to_be_visible()
    expect(page.get_by_text("row 2 below the header, column 'x2'")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name=text("en", "predict.take")).press("Enter")
    lines = list(csv.reader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8"))))
    assert [len(line) for line in lines] == [3] * 4
    assert lines[0][0] == "prediction" and lines[2] == [""] * 3
    assert {line[0] for line in (lines[1], lines[3])} <= {name.removeprefix("probability_") for name in lines[0][1:]}


def opened_large(page: Page, name: str) -> Locator:
    """The name of the section that is opened large."""
    return page.locator(".st-key-section_head").get_by_role("heading", name=text("en", f"evaluate.section.{name}"))


def test_back_leads_to_the_page_before_and_takes_back_what_was_chosen_first(page: Page, app_address: str) -> None:
    press(page, "Step")
    expect(canvas(page)).to_have_attribute("data-step", "1")
    page.get_by_role("link", name=text("en", "page.evaluate")).click()
    expect(page.locator(".st-key-figures")).to_be_visible()
    page.go_back()
    expect(canvas(page)).to_have_attribute("data-step", "1")
    assert page.url == f"{app_address}/"

    page.get_by_role("link", name=text("en", "page.evaluate")).click()
    open_section(page, "curves")
    expect(opened_large(page, "curves")).to_be_visible()
    page.wait_for_url("**/evaluate?section=curves")
    page.go_back()
    expect(page.locator(".st-key-figures")).to_be_visible()
    page.go_forward()
    expect(opened_large(page, "curves")).to_be_visible()
    page.go_back()
    expect(page.locator(".st-key-figures")).to_be_visible()
    prefer(page, "中文")
    expect(page.get_by_role("heading", name=text("zh_CN", "app.title"))).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name=text("en", "app.title"))).to_be_visible()
    page.go_back()
    expect(canvas(page)).to_have_attribute("data-step", "1")


def test_a_link_to_a_section_opens_it_and_nothing_stands_between_it_and_where_one_came_from(
    visitors: Visitors, app_address: str
) -> None:
    page = visitors.open()
    page.goto(f"{app_address}/_stcore/health")
    page.goto(f"{app_address}/evaluate?section=growth&lang=en")
    expect(opened_large(page, "growth")).to_be_visible()
    page.go_back()
    page.wait_for_url("**/_stcore/health")
