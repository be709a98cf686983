"""Somebody's own table, in a real browser: from the file to a network that learns it, by role and name, as a person would."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, Request, expect

from dlcore.spreadsheet import FORMULA, safe_cell
from tests.browser import PATIENCE, PLAYING, bring, canvas, open_section, press, score, wait_until_still
from ui.messages import text

pytestmark = pytest.mark.browser

NAME = "<b>fruit.csv"
FIRST_ROW, TICK = 34 * 1.5, 40  # pixels from the grid's corner: the middle of the first row, and its tick


def fruit() -> bytes:
    """Semicolons, decimal commas, a hole, and a plain line between the two classes."""
    generator = np.random.default_rng(0)
    out = io.StringIO()
    out.write("![n](http://evil.example/a.png);weight;length;kind\n")
    for row in range(240):
        kind = row % 2
        noise, weight, length = generator.normal(0, 1), *generator.normal((4 * kind, 3), 0.8)
        cells = [
            "" if row == 7 else f"{noise:.3f}",
            f"{weight:.3f}",
            f"{length:.3f}",
            "$lemon$ [x](y)" if kind else "plum",
        ]
        out.write(";".join(cells).replace(".", ",") + "\n")
    return out.getvalue().encode()


def test_a_table_is_brought_understood_and_learned(page: Page):
    page.get_by_role("link", name=text("en", "page.data"), exact=True).click()
    bring(page, {"name": NAME, "mimeType": "text/csv", "buffer": fruit()})
    expect(page.get_by_text("Separator: semicolon")).to_be_visible()
    expect(page.get_by_text("Decimal sign: comma")).to_be_visible()
    expect(page.get_by_text("240 rows, 4 columns")).to_be_visible()

    page.get_by_text("Bring another table").click()
    bring(page, {"name": NAME, "mimeType": "text/csv", "buffer": fruit()[:-200]})
    expect(page.get_by_text(re.compile(r"^23\d rows, 4 columns$"))).to_be_visible()
    expect(page.get_by_test_id("stFileUploaderDropzone").filter(visible=True)).to_have_count(0)

    asked = []

    def note(request: Request) -> None:
        asked.append(request.url)

    page.on("request", note)
    target = page.get_by_role("combobox", name="Target")
    target.fill("length")
    expect(page.get_by_role("option", name="length")).to_be_visible()
    target.press("Enter")
    expect(page.get_by_text("A number to predict.")).to_be_visible()
    target.fill("kind")
    expect(page.get_by_role("option", name="kind")).to_be_visible()
    target.press("Enter")
    expect(page.get_by_text("2 classes to tell apart.")).to_be_visible()
    expect(page.get_by_text("3 columns become 3 network inputs.")).to_be_visible()

    grid = page.locator("[class*=st-key-data_columns] [data-testid=stDataFrameResizable]")
    grid.locator("canvas").first.wait_for()
    wait_until_still(page)
    grid.click(position={"x": TICK, "y": FIRST_ROW})
    expect(page.get_by_text("2 columns become 2 network inputs.")).to_be_visible()

    expect(page.get_by_text("no longer kept here")).to_have_count(0)  # The uploaders that were emptied say nothing.

    card = page.get_by_role("combobox", name="Column in detail")
    card.press("ArrowDown")
    expect(page.get_by_role("option", name="![n](http://evil.example/a.png)")).to_be_visible()
    card.press("Escape")
    page.remove_listener("request", note)
    assert not [address for address in asked if "evil.example" in address]

    train = page.get_by_role("button", name="Train on this table")
    train.focus()
    train.press("Enter")
    expect(canvas(page)).to_have_attribute("data-status", PLAYING)
    expect(page.locator(".nn")).to_contain_text("class plum")
    expect(page.locator(".nn")).to_contain_text("class $lemon$ [x](y)")
    expect(page.get_by_text("2 columns, 2 network inputs. Target: kind.")).to_be_visible()
    page.wait_for_function(
        """() => { const find = (root) => root.querySelector('.nn')
            ?? [...root.querySelectorAll('*')].map((e) => e.shadowRoot && find(e.shadowRoot)).find(Boolean);
            return Number(find(document)?.querySelector('[data-score=train_loss]')?.textContent) < 0.1; }""",
        timeout=PATIENCE,
    )
    press(page, "Pause")
    assert float(score(page, "test_loss")) < 0.3  # Three deviations lie between the classes.


NASTY = [
    '=HYPERLINK("http://evil.example","x")',
    "@SUM(1,2)",
    "+cmd|'/C calc'!A0",
    "-2+3",
    "＝1+1",
    'plain, "quoted"',
    "-2",
    "x",
]


def nasty() -> bytes:
    """A table whose column names and cells are formulas, as in a file that a stranger gives away; with text columns, and a hole."""
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow([*NASTY[:5], "number", "kind"])
    for row in range(60):
        kind = row % 2
        table.writerow(
            [*(NASTY[(row + place) % 8] for place in range(5)), "" if row == 7 else row + 100 * kind, NASTY[kind]]
        )
    return out.getvalue().encode()


def downloaded(page: Page, grid: Locator) -> list[list[str]]:
    """What the grid's own menu gives. By keyboard: the menu lies above the grid, under what the page scrolls below."""
    grid.hover()
    with page.expect_download() as download:
        grid.get_by_role("button", name="Download as CSV").press("Enter")
    rows = list(csv.reader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8-sig"))))
    assert len(rows) > 1
    return rows


def test_what_a_grid_lets_one_download_is_text_for_a_spreadsheet_and_reads_as_it_was_brought(page: Page) -> None:
    # It would ask where to put the file.
    page.evaluate("window.showSaveFilePicker = undefined")
    page.get_by_role("link", name=text("en", "page.data"), exact=True).click()
    bring(page, {"name": "n.csv", "mimeType": "text/csv", "buffer": nasty()})
    expect(page.get_by_text("60 rows, 7 columns")).to_be_visible()
    grids = page.locator("[data-testid=stDataFrame]")
    wait_until_still(page)
    found = downloaded(page, grids.filter(visible=True).first)
    assert {safe_cell(name) for name in NASTY[:5]} <= {cell for row in found for cell in row}
    page.get_by_role("tab", name="First rows").click()
    wait_until_still(page)
    found += downloaded(page, grids.filter(visible=True).first)
    assert {safe_cell(cell) for cell in NASTY} <= {cell for row in found for cell in row}

    press(page, "Train on this table")
    expect(canvas(page)).to_have_attribute("data-status", PLAYING)
    press(page, "Pause")
    page.get_by_role("link", name=text("en", "page.evaluate")).click()
    # A stranger's fifth action, from Data on: is the network better than a baseline or not?
    compared = r"((better|worse) than|as good as|too close to call against) (always|logistic|a random)"
    verdict = page.locator(".st-key-verdict").get_by_role("heading")
    expect(verdict).to_have_text(re.compile(rf"^[\d.]+% .* on \d+ validation rows it has not seen, {compared}.*\.$"))
    open_section(page, "examples")
    expect(grids.first).to_be_visible()
    wait_until_still(page)
    rows = downloaded(page, grids.first)
    assert {safe_cell(name) for name in NASTY[:2]} <= {cell for row in rows for cell in row}
    assert not [cell for row in found + rows for cell in row if cell.startswith(FORMULA) and safe_cell(cell) != cell]
