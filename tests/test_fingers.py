"""A phone's targets: where a finger of 44 pixels presses, it meets the control, and everything that can be pressed is as large."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from dlcore.experiment import Experiment
from dlcore.layers import Dense, Dropout
from dlcore.share import encode
from tests.browser import PATIENCE, canvas, open_view, press
from tests.conftest import SHOWN

pytestmark = pytest.mark.browser

#: In scripts: how far around its middle a press meets the control, to the left, right, top and bottom together: (width, height).
#: The browser says what a press meets.
REACH = """element => {
    const root = element.getRootNode();
    element.scrollIntoView({ block: 'center', inline: 'center' });
    const box = (element.closest('label') ?? element).getBoundingClientRect();
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    const meets = (x, y) => {
        const found = root.elementFromPoint(x, y);
        return found !== null && (element.contains(found) || (found.closest('label')?.contains(element) ?? false));
    };
    const reach = (dx, dy) => { let far = 0; while (far < 40 && meets(x + dx * far, y + dy * far)) far += 0.5; return far; };
    return [reach(-1, 0) + reach(1, 0), reach(0, -1) + reach(0, 1)];
}"""
#: A press on the edge itself meets either side.
FINGER = 43


@pytest.fixture
def phone(chromium: Browser, app_address: str) -> Iterator[Page]:
    """A phone that opens a network with a mark between its layers."""
    expect.set_options(timeout=PATIENCE)
    context = chromium.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, locale="en-US", reduced_motion="reduce"
    )
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    marked = Experiment(layers=(Dense(units=4), Dropout(p=0.1), Dense(units=8)))
    page.goto(f"{app_address}/?run={encode(marked)}")
    page.wait_for_function(SHOWN)
    yield page
    context.close()


def too_small(targets: Locator) -> list[str]:
    """The targets that a finger may miss, each with how far it reaches."""
    found = []
    for target in targets.all():
        width, height = target.evaluate(REACH)
        if min(width, height) < FINGER:
            found.append(f"{width} x {height}: {target.evaluate('e => e.outerHTML.slice(0, 120)')}")
    return found


def test_a_finger_meets_each_sign_menu_feature_and_neuron_of_the_network(phone: Page) -> None:
    network = phone.locator(".nn-network")
    expect(network.locator(".nn-headings")).to_contain_text("dropout")
    assert network.locator(".nn-neuron").count() == 2 + 4 + 8 + 1
    assert too_small(network.locator("button:visible, select:visible, summary:visible")) == []
    width, room = phone.locator("[data-testid=stMain]").evaluate("e => [e.scrollWidth, e.clientWidth]")
    assert width <= room  # The network scrolls sideways, the page does not.


def test_a_finger_meets_all_else_on_the_canvas(phone: Page) -> None:
    targets = "button:visible, select:visible, summary:visible, input:visible"
    parts = [
        canvas(phone).locator(f"{part} :is({targets})")
        for part in (".nn-bar", ".nn-status", ".nn-output", ".nn-curves", ".nn-time")
    ]
    assert [small for part in parts for small in too_small(part)] == []
    open_view(phone, "output")
    assert too_small(phone.locator(".nn-output .nn-menu input")) == []


def test_the_card_of_a_pinned_neuron_is_a_sheet_that_leaves_the_neuron_in_sight_and_closes(phone: Page) -> None:
    neuron = phone.get_by_role("button", name="Hidden 1, unit 4", exact=True)
    neuron.tap()
    card = phone.locator(".nn-inspector")
    expect(card).to_contain_text("Hidden 1, unit 4")
    expect(neuron).to_be_in_viewport()
    above, sheet = neuron.bounding_box(), card.bounding_box()
    play = phone.get_by_role("button", name="Play", exact=True).bounding_box()
    assert above and sheet and play
    assert above["y"] + above["height"] <= sheet["y"] < sheet["y"] + sheet["height"] <= play["y"]
    assert too_small(card.locator("button:visible, select:visible, input:visible")) == []
    press(phone, "Let go")
    expect(card).to_be_hidden()
