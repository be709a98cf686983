"""Somebody's own table, in a real browser: from the file to a network that learns it, by role and name, as a person would."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browser import PATIENCE, PLAYING, canvas, press, score, wait_until_still

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
    page.get_by_role("link", name="Data", exact=True).click()
    page.locator("input[type=file]").set_input_files({"name": NAME, "mimeType": "text/csv", "buffer": fruit()})
    expect(page.get_by_text("Separator: semicolon")).to_be_visible()
    expect(page.get_by_text("Decimal sign: comma")).to_be_visible()
    expect(page.get_by_text("240 rows, 4 columns")).to_be_visible()

    page.get_by_text("Bring another table").click()
    page.locator("input[type=file]").set_input_files({"name": NAME, "mimeType": "text/csv", "buffer": fruit()[:-200]})
    expect(page.get_by_text(re.compile(r"^23\d rows, 4 columns$"))).to_be_visible()
    expect(page.get_by_test_id("stFileUploaderDropzone").filter(visible=True)).to_have_count(0)

    asked = []
    page.on("request", lambda request: asked.append(request.url))
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
