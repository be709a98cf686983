"""Everything in sight without scrolling, and nothing that moves it: boxes read at the sizes that people have, in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import combinations

import pytest
from playwright.sync_api import Locator, Page, expect

from dlcore.experiment import Experiment
from tests.browser import IN_CANVAS, canvas, open_view, prefer, press, wait_until_still
from ui.messages import text
from ui.pages import PAGES
from ui.share import encode

pytestmark = pytest.mark.browser

SIZES = [(1280, 720), (1366, 768), (1440, 900), (1920, 1080)]
PHONE = (390, 844)
#: All that has to be in sight at once.
PARTS = (
    ".nn-bar",
    ".nn-network",
    ".nn-output",
    ".nn-map",
    ".nn-curves",
    ".nn-plot",
    ".nn-status",
    ".nn-time",
)
#: As wide as numbers become.
WIDEST = {
    "[data-value=epoch]": "100,000", "[data-value=step]": "2,500,000", "[data-score=train_loss]": "−1.2e+31",
    "[data-score=test_loss]": "−1.2e+31", "[data-score^=train_]:not([data-score=train_loss])": "−1.2e+31",
    "[data-score^=test_]:not([data-score=test_loss])": "−1.2e+31", "[data-value=rate]": "1,234,567",
}  # fmt: skip

Box = dict[str, float]


def measure(part: Locator) -> Box:
    found = part.bounding_box()
    assert found is not None
    return {"x": found["x"], "y": found["y"], "width": found["width"], "height": found["height"]}


def box(page: Page, part: str) -> Box:
    return measure(page.locator(part).first)


#: In scripts: the boxes of the first of each of these parts that is to be seen, within whatever shadow roots.
BOXES = """(parts) => {
    const roots = (root) => [root, ...[...root.querySelectorAll('*')].flatMap((e) => e.shadowRoot ? roots(e.shadowRoot) : [])];
    const all = roots(document);
    return parts.map((part) => {
        const found = all.flatMap((root) => [...root.querySelectorAll(part)]).find((e) => e.checkVisibility());
        const { x, y, width, height } = found.getBoundingClientRect();
        return { x, y, width, height };
    });
}"""


#: In scripts: the boxes of what a part holds and shows.
BOXES_OF_CHILDREN = """(part) => [...part.children]
    .map((e) => [e, e.getBoundingClientRect()])
    .filter(([e, { width, height }]) => width > 0 && height > 0 && e.checkVisibility({ visibilityProperty: true }))
    .map(([, { x, y, width, height }]) => ({ x, y, width, height }))"""


def boxes_of(page: Page, parts: Iterable[str]) -> list[Box]:
    """The boxes of all these parts, measured at once."""
    return page.evaluate(BOXES, list(parts))


def overlap(one: Box, other: Box) -> bool:
    """Whether two boxes share more than the hair's breadth that fractions of pixels make."""
    across = min(one["x"] + one["width"], other["x"] + other["width"]) - max(one["x"], other["x"])
    down = min(one["y"] + one["height"], other["y"] + other["height"]) - max(one["y"], other["y"])
    return across > 0.5 and down > 0.5


def resize(page: Page, size: tuple[int, int]) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    foot = "innerHeight - canvas().querySelector('.nn-time').getBoundingClientRect().bottom"
    page.wait_for_function(f"{IN_CANVAS} {foot} >= 0 && {foot} < 24")


def speak(page: Page, language: str, name: str) -> None:
    if page.get_by_role("button", name=text(language, "canvas.play"), exact=True).count() == 0:
        prefer(page, name, "zh_CN" if language == "en" else "en")
    expect(page.get_by_role("button", name=text(language, "canvas.play"), exact=True)).to_be_visible()


def test_all_is_in_sight_and_numbers_have_fixed_places_at_every_size_in_both_languages(page: Page) -> None:
    press(page, "Epoch")
    for language, name in (("en", "English"), ("zh_CN", "中文")):
        speak(page, language, name)
        for size in SIZES:
            resize(page, size)
            for part, seen in zip(PARTS, boxes_of(page, PARTS), strict=True):
                inside = seen["x"] >= 0 and seen["y"] >= 0
                assert inside and seen["x"] + seen["width"] <= size[0] and seen["y"] + seen["height"] <= size[1], (
                    part,
                    size,
                )
                assert seen["width"] > 40 and seen["height"] > 30, (part, size)
            # The canvas fits itself a moment after the window has changed.
            page.wait_for_function(
                "() => { const main = document.querySelector('[data-testid=stMain]'); return main.scrollHeight === main.clientHeight; }"
            )
            assert box(page, ".nn-map")["height"] >= 150
            panels = boxes_of(page, (".nn-bar", ".nn-network", ".nn-output", ".nn-curves", ".nn-status", ".nn-time"))
            assert not any(overlap(one, other) for one, other in combinations(panels, 2)), size
            menus = [measure(button) for button in page.locator(".st-key-heading button:visible").all()]
            assert all(menu["x"] >= 0 and menu["x"] + menu["width"] <= size[0] for menu in menus), (size, language)
            before = boxes_of(page, PARTS)
            for part, words in WIDEST.items():
                page.locator(part).first.evaluate("(element, words) => { element.textContent = words; }", words)
            assert boxes_of(page, PARTS) == before, (size, language)
            boxes = page.locator(".nn-bar").evaluate(BOXES_OF_CHILDREN)
            assert len(boxes) > 3
            assert not any(overlap(one, other) for one, other in combinations(boxes, 2)), (size, language)
            right = max(each["x"] + each["width"] for each in boxes)
            assert right <= box(page, ".nn-bar")["x"] + box(page, ".nn-bar")["width"] + 0.5, (size, language)
            uncut = [page.locator(part).first.evaluate("e => e.scrollWidth <= e.clientWidth + 1") for part in WIDEST]
            assert all(uncut), (size, language)


def test_no_message_tool_card_or_menu_moves_the_canvas(page: Page) -> None:
    resize(page, (1366, 768))
    press(page, "Epoch")
    standing = (".nn-network", ".nn-output", ".nn-map", ".nn-curves", ".nn-time")
    before = [box(page, part) for part in standing]

    more = page.locator(".nn-more").first.bounding_box()
    assert more is not None
    page.mouse.click(more["x"] + more["width"] / 2, more["y"] + more["height"] / 2)
    expect(page.locator(".nn-message")).to_be_visible()  # It says how many weights were kept.
    assert [box(page, part) for part in standing] == before
    page.mouse.click(more["x"] + more["width"] / 2, more["y"] + more["height"] / 2)  # Still the same button.
    expect(page.locator(".nn-headings")).to_contain_text("2 → 6")
    expect(page.locator(".nn-headings")).to_contain_text("Hidden 2")
    press(page, "Add")
    expect(page.locator(".nn-drawing")).to_be_visible()
    assert [box(page, part) for part in standing] == before
    for of in ("output", "network"):
        open_view(page, of)
        assert [box(page, part) for part in standing] == before
    page.locator(".nn-neuron").nth(2).click()
    expect(page.locator(".nn-inspector")).to_be_visible()
    assert [box(page, part) for part in standing] == before


def test_a_network_of_many_units_fits_too_and_a_spoilt_link_moves_nothing(page: Page, app_address: str) -> None:
    resize(page, (1440, 900))
    before = box(page, ".nn-bar")
    page.goto(f"{app_address}/?run=spoilt")
    expect(page.get_by_role("alert")).to_be_visible()
    page.wait_for_function(f"{IN_CANVAS} canvas()?.dataset.frames > 0")
    assert box(page, ".nn-bar") == before
    page.goto(app_address)
    page.get_by_role("radio", name="Spiral", exact=True).click()
    expect(page.locator(".nn-headings")).to_contain_text("Hidden 3")
    for size in SIZES:
        resize(page, size)
        assert page.locator(".nn-scroll").evaluate("e => e.scrollHeight - e.clientHeight") == 0, size
        last = page.locator(".nn-neuron").nth(9)  # the lowest of the first hidden layer, after two inputs
        assert box(page, ".nn-foot")["y"] >= measure(last)["y"] + measure(last)["height"]


#: In scripts: the boxes of the words and signs above the network, of menus the words that they lie on.
HEADINGS = f"""() => {{ {IN_CANVAS}
    return [...canvas().querySelectorAll('.nn-headings :is(.nn-heading > span, .nn-shape)')]
        .filter((part) => part.checkVisibility() && part.textContent.trim())
        .map((part) => {{
            const range = document.createRange();
            range.selectNodeContents(part);
            const found = (part.tagName === 'SPAN' ? range : part).getBoundingClientRect();
            return {{ x: found.x, y: found.y, width: found.width, height: found.height }};
        }});
}}"""


def test_words_and_signs_above_three_wide_layers_stand_apart(blank: Page, app_address: str) -> None:
    wide = Experiment.from_dict({"layers": [{"kind": "dense", "units": 16}] * 3})
    blank.goto(f"{app_address}/?run={encode(wide)}")
    expect(blank.locator(".nn-headings")).to_contain_text("Hidden 3")
    for size in SIZES:
        resize(blank, size)
        boxes = blank.evaluate(HEADINGS)
        assert len(boxes) > 20
        assert not any(overlap(one, other) for one, other in combinations(boxes, 2)), size


def test_the_sign_that_removes_a_layer_stands_apart_from_its_name_for_a_projector_too(page: Page) -> None:
    prefer(page, text("en", "theme.projector"))
    expect(page.locator(".nn[data-strong]")).to_have_count(1)
    for size in SIZES:
        resize(page, size)
        boxes = page.evaluate(HEADINGS)
        assert len(boxes) > 10
        assert not any(overlap(one, other) for one, other in combinations(boxes, 2)), size


def test_legend_and_caption_of_many_classes_stay_in_their_panel(blank: Page, app_address: str) -> None:
    blank.goto(f"{app_address}/?run={encode(Experiment.from_dict({'dataset': {'kind': 'digits'}}))}")
    expect(blank.locator(".nn-caption")).to_contain_text("principal")
    for size in SIZES[1:]:  # The lowest screen has no room for a map that one could read beside ten names.
        resize(blank, size)
        panel, caption = box(blank, ".nn-output"), box(blank, ".nn-caption")
        assert caption["y"] + caption["height"] <= panel["y"] + panel["height"], size


def test_a_menu_of_what_is_shown_opens_and_closes_by_the_keyboard(page: Page) -> None:
    menu = page.locator(".nn-output details.nn-view")
    summary = menu.locator("summary")
    expect(summary).to_have_accessible_name("What the map shows")
    summary.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.get_by_role("checkbox", name="Validation points")).not_to_be_checked()
    page.keyboard.press("Escape")
    expect(menu).not_to_have_attribute("open", "")
    expect(summary).to_be_focused()


def test_the_curves_stand_behind_tabs_that_arrow_keys_walk(page: Page) -> None:
    press(page, "Epoch")
    tab = page.get_by_role("tab", name="Loss", exact=True)
    expect(page.locator(".nn-curve-loss .nn-plot")).to_have_attribute("data-epoch", "1")
    tab.focus()
    page.keyboard.press("ArrowRight")
    metric = page.get_by_role("tab", name="Accuracy", exact=True)
    expect(metric).to_be_focused()
    expect(metric).to_have_attribute("aria-selected", "true")
    expect(page.locator(".nn-curve-metric .nn-plot")).to_have_attribute("data-epoch", "1")
    expect(page.locator(".nn-curve-loss")).to_be_hidden()
    expect(page.locator(".nn-log")).to_be_hidden()  # Only losses have a logarithmic scale.


def test_a_curve_says_what_the_scores_say_and_a_part_of_it_is_shown_larger_until_it_is_reset(page: Page) -> None:
    for epoch in (1, 2, 3):
        press(page, "Epoch")
        expect(canvas(page)).to_have_attribute("data-epoch", str(epoch))
    plot, tip = page.locator(".nn-curve-loss .nn-plot"), page.locator(".nn-curve-loss .nn-tip")
    expect(plot).to_have_attribute("data-epoch", "3")
    where = measure(plot)
    middle = where["y"] + where["height"] / 2
    page.mouse.move(where["x"] + where["width"] - 71, middle)  # The end of the lines, before their names.
    lines = tip.inner_text().splitlines()
    assert lines[0] == "Epoch 3"
    for line, split in zip(lines[1:], ("train", "test"), strict=True):
        told = float(line.split()[-1])
        assert told == pytest.approx(float(page.locator(f"[data-score={split}_loss]").inner_text()), abs=1e-4)
    again = page.get_by_role("button", name="Reset zoom")
    for take_back in (again.click, lambda: page.mouse.dblclick(where["x"] + 100, middle)):
        expect(again).to_be_hidden()
        page.mouse.move(where["x"] + 60, middle - 20)
        page.mouse.down()
        page.mouse.move(where["x"] + where["width"] / 2, middle + 20)
        page.mouse.up()
        expect(again).to_be_visible()
        take_back()
    expect(again).to_be_hidden()


def test_on_a_phone_play_stands_at_the_foot_and_the_result_comes_first(page: Page) -> None:
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    play = page.get_by_role("button", name="Play", exact=True)
    expect(play).to_be_in_viewport()
    page.wait_for_function(
        f"{IN_CANVAS} innerHeight - canvas().querySelector('.nn-play').getBoundingClientRect().bottom < 24"
    )
    order = [box(page, part)["y"] for part in (".nn-output", ".nn-curves", ".nn-network", ".nn-time")]
    assert order == sorted(order)
    assert box(page, ".nn-output")["y"] < PHONE[1] / 2
    for button in page.locator(".nn-buttons > button").all():
        size = button.bounding_box()
        assert size is not None
        assert min(size["width"], size["height"]) >= 44
    press(page, "Play")
    expect(canvas(page)).to_have_attribute("data-status", "playing")
    press(page, "Pause")


def test_on_a_phone_the_pages_are_tabs_at_the_head_as_wide_as_thumbs(page: Page) -> None:
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    tabs = page.locator(".st-key-tabs").get_by_role("link")
    expect(tabs).to_have_count(len(PAGES))
    for each in PAGES:
        tab = page.get_by_role("link", name=text("en", each.title), exact=True)  # There is no other of this name.
        tab.click()
        page.wait_for_url(re.compile(rf"/{each.path}(\?.*)?$"))
        wait_until_still(page)
        expect(tabs).to_have_count(len(PAGES))
        boxes = [measure(one) for one in tabs.all()]
        assert all(min(one["width"], one["height"]) >= 44 for one in boxes)
        assert all(one["y"] >= 0 and one["y"] + one["height"] <= 52 for one in boxes)
        assert not any(overlap(one, other) for one, other in combinations(boxes, 2))
        for button in page.locator(".st-key-heading button:visible").all():
            size = measure(button)
            assert min(size["width"], size["height"]) >= 44 and size["y"] >= 52
    page.set_viewport_size({"width": 1440, "height": 900})
    expect(tabs.first).to_be_hidden()


def test_on_a_phone_the_verdict_has_no_empty_room_under_its_last_line(page: Page) -> None:
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    page.get_by_role("link", name=text("en", "page.evaluate"), exact=True).click()
    card = page.locator(".st-key-verdict")
    expect(card.get_by_role("button", name=text("en", "verdict.open"), exact=True)).to_be_visible()
    wait_until_still(page)
    ends = [measure(part)["y"] + measure(part)["height"] for part in card.get_by_test_id("stElementContainer").all()]
    around = measure(card)
    assert 0 <= around["y"] + around["height"] - max(ends) < 24


def test_the_title_stands_apart_from_the_names_of_the_pages_wherever_it_is_seen(page: Page) -> None:
    for each in PAGES:
        page.get_by_role("link", name=text("en", each.title), exact=True).click()
        page.wait_for_url(re.compile(rf"/{each.path}(\?.*)?$"))
        wait_until_still(page)
        for size in ((1520, 900), (1920, 1080)):
            page.set_viewport_size({"width": size[0], "height": size[1]})
            names = [measure(link) for link in page.get_by_test_id("stTopNavLink").all()]
            title = measure(page.locator(".st-key-heading h1"))
            assert len(names) == len(PAGES) and not any(overlap(title, name) for name in names), (each.path, size)
