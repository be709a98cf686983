"""The large map, the time line and the pictures to keep, used as a person would: points, tools, lines, moments, files."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import PAUSED, PLAYING, canvas, load, open_view, pixels, press, step, wait_for_step

pytestmark = pytest.mark.browser

LEFT, TOP, RIGHT = 34, 4, 4  # the map's margins in pixels, see output.js
PLANE = 6.0
FEW_POINTS = {
    "dataset": {
        "kind": "drawn",
        "train": [[-3, 0, 0], [3, 2, 1], [3, 0, 1], [3, -2, 1]],
        "test": [[-3, 3, 0], [2, -4, 1]],
    },
    "layers": [{"kind": "dense", "units": 2, "activation": {"kind": "tanh"}}],
    "batch_size": 4,
}


def the_map(page: Page) -> Locator:
    return page.get_by_role("application")


def card(page: Page) -> Locator:
    return page.get_by_role("group", name="The point that is looked at")


def place(page: Page, x: float, y: float) -> dict[str, float]:
    """Where a place of the plane lies on the map, in pixels."""
    box = the_map(page).bounding_box()
    assert box is not None
    size = box["width"] - LEFT - RIGHT
    return {"x": LEFT + (x + PLANE) / (2 * PLANE) * size, "y": TOP + (PLANE - y) / (2 * PLANE) * size}


def stroke(page: Page, *places: tuple[float, float]) -> None:
    """Press at the first place, go to the others, let go."""
    the_map(page).scroll_into_view_if_needed()
    box = the_map(page).bounding_box()
    assert box is not None
    for index, (x, y) in enumerate(places):
        at = place(page, x, y)
        page.mouse.move(box["x"] + at["x"], box["y"] + at["y"], steps=6)
        if index == 0:
            page.mouse.down()
    page.mouse.up()


#: The large map as the page shows it, and as the server paints it: a frame for a viewer that does not paint by itself.
BOTH_PICTURES = """([address, name]) => new Promise((resolve, reject) => {
    const find = (root) => root.querySelector('.nn-map-image')
        ?? [...root.querySelectorAll('*')].map((e) => e.shadowRoot && find(e.shadowRoot)).find(Boolean);
    const image = find(document);
    const seen = [...image.getContext('2d').getImageData(0, 0, image.width, image.height).data];
    const socket = new WebSocket(address);
    socket.binaryType = 'arraybuffer';
    socket.onerror = () => reject(new Error('no second viewer'));
    socket.onopen = () => socket.send(JSON.stringify({ type: 'ready', now: true }));
    socket.onmessage = ({ data }) => {
        const length = new DataView(data).getUint32(0, true);
        const { arrays } = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
        const { offset } = arrays.find((array) => array.name === name);
        socket.close();
        resolve([seen, [...new Uint8Array(data, Math.ceil((4 + length) / 8) * 8 + offset, image.width * image.height)]]);
    };
})"""


@pytest.mark.parametrize(
    ("recipe", "unit"),
    [({}, None), ({}, "Hidden 1, unit 1"), ({"dataset": {"kind": "plane"}, "loss": {"kind": "mse"}}, None)],
)
def test_the_page_paints_what_the_server_would(
    page: Page, tmp_path: Path, recipe: dict[str, Any], unit: str | None
) -> None:
    """Every pixel has the colour of its grey level as the server has it, or of one that is two away at most."""
    channels: list[str] = []
    page.on("websocket", lambda socket: channels.append(socket.url) if "/api/live/" in socket.url else None)
    page.reload()
    file = tmp_path / "recipe.json"
    file.write_text(json.dumps(recipe))
    load(page, file)
    press(page, "Play")
    wait_for_step(page, 200)
    press(page, "Pause")
    expect(canvas(page)).to_have_attribute("data-status", PAUSED)
    if unit:
        page.get_by_role("button", name=unit, exact=True).click()
        expect(page.locator(".nn-map-image")).to_have_attribute("width", "50")
    seen, levels = page.evaluate(BOTH_PICTURES, [channels[-1], "maps/0" if unit else "output"])
    colours = np.array(seen).reshape(-1, 4)[:, :3]
    greys = np.array(levels)
    assert len(set(levels)) > 20
    typical = {level: np.median(colours[greys == level], axis=0) for level in set(levels)}
    for level in typical:
        near = np.array([other for at, other in typical.items() if abs(at - level) <= 2])
        pixels_there = colours[greys == level]
        assert (pixels_there >= near.min(axis=0) - 1).all()
        assert (pixels_there <= near.max(axis=0) + 1).all()


def few_points(page: Page, tmp_path: Path) -> None:
    recipe = tmp_path / "few.json"
    recipe.write_text(json.dumps(FEW_POINTS))
    load(page, recipe)
    expect(page.locator(".nn-headings")).to_contain_text("6 rows")


def count_is(page: Page, points: int) -> None:
    """So many are shown, and the run itself has as many."""
    expect(page.locator(".nn-drawing-count")).to_have_text(f"{points} of 2,000 points")
    expect(page.locator(".nn-headings")).to_contain_text(f"{points} rows")


def learn(page: Page, steps: int) -> None:
    press(page, "Play")
    wait_for_step(page, steps)
    press(page, "Pause")
    expect(canvas(page)).to_have_attribute("data-status", PAUSED)


def test_a_point_tells_its_way_by_click_and_by_keyboard(page: Page, tmp_path: Path):
    few_points(page, tmp_path)
    the_map(page).click(position=place(page, 3, 2))  # type: ignore[arg-type]
    expect(card(page)).to_contain_text("Training point 2")
    expect(card(page)).to_contain_text("class 1")
    loss = card(page).locator("dd").last
    before = loss.inner_text()
    assert float(before) > 0
    expect(page.locator(".nn-way")).to_be_visible()
    press(page, "Step")
    expect(loss).not_to_have_text(before)

    card(page).get_by_role("button", name="Close").click()
    expect(card(page)).to_be_hidden()
    expect(page.locator(".nn-way")).to_be_hidden()
    the_map(page).focus()
    page.keyboard.press("ArrowRight")  # to the one nearest to the middle
    spoken = page.locator(".nn-map-spoken")
    expect(spoken).to_have_text("Training point 1, class 0, x₁ −3, x₂ 0")
    page.keyboard.press("ArrowRight")
    expect(spoken).to_have_text("Training point 3, class 1, x₁ 3, x₂ 0")
    page.keyboard.press("Enter")
    expect(card(page)).to_contain_text("Training point 3")
    page.keyboard.press("Escape")
    expect(card(page)).to_be_hidden()


def test_points_are_added_painted_moved_and_wiped_away_while_training_goes_on(page: Page, tmp_path: Path):
    few_points(page, tmp_path)
    press(page, "Play")
    wait_for_step(page, 20)
    press(page, "Add")
    press(page, "class 0")
    stroke(page, (-2, -2))
    count_is(page, 7)
    press(page, "Brush")
    press(page, "Test")
    stroke(page, (-5, 5), (-4, 5))
    expect(page.locator(".nn-headings")).not_to_contain_text("7 rows")
    shown = int(page.locator(".nn-drawing-count").inner_text().split()[0])
    assert shown > 8
    count_is(page, shown)

    press(page, "Move")
    stroke(page, (-2, -2), (0, -5))
    count_is(page, shown)
    press(page, "Erase")
    stroke(page, (0, -5))
    count_is(page, shown - 1)
    reached = step(page)
    assert reached > 20
    expect(canvas(page)).to_have_attribute("data-status", PLAYING)
    wait_for_step(page, reached)

    press(page, "Add")
    the_map(page).focus()
    for _ in range(3):
        page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Enter")
    count_is(page, shown)
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Look", exact=True)).to_have_attribute("aria-pressed", "true")


def test_the_last_point_of_a_class_stays_and_the_page_says_why(page: Page, tmp_path: Path):
    few_points(page, tmp_path)
    learn(page, 10)
    stood = step(page)
    press(page, "Erase")
    before = pixels(page, ".nn-map-points")
    stroke(page, (-3, 0))
    expect(page.locator(".nn-messages")).to_contain_text("Class 0 has no training point")
    count_is(page, 6)
    page.mouse.move(5, 5)
    assert pixels(page, ".nn-map-points") == before
    assert step(page) == stood


def test_toggles_change_the_picture(page: Page):
    learn(page, 30)
    open_view(page, "output")
    for name, layer in (
        ("Validation points", ".nn-map-points"),
        ("Discretize", ".nn-map-image"),
        ("Contours", ".nn-map-curve"),
        ("Wrong points", ".nn-map-points"),
    ):
        box = page.get_by_role("checkbox", name=name, exact=True)
        before, checked = pixels(page, layer), box.is_checked()
        box.set_checked(not checked)
        assert pixels(page, layer) != before
        box.set_checked(checked)
        assert pixels(page, layer) == before
    page.get_by_role("checkbox", name="Wrong points").check()
    expect(page.locator(".nn-caption")).to_contain_text(re.compile(r"\d+ wrong of 350"))


def test_the_time_line_of_a_run_that_has_not_begun_is_empty_and_stands_at_its_start(page: Page):
    slider = page.get_by_role("slider", name="Time line", exact=True)
    ends = "e => [e.min, e.value, e.max].map(Number)"
    drawn = "e => e.getContext('2d').getImageData(0, 0, e.width, e.height).data.some(Boolean)"
    line = page.locator(".nn-time-line")
    assert slider.evaluate(ends) == [0, 0, 0]
    assert not line.evaluate(drawn)
    press(page, "Step")
    expect(canvas(page)).to_have_attribute("data-step", "1")
    expect(slider).not_to_have_attribute("max", "0")
    first, now, last = slider.evaluate(ends)
    assert first < now == last
    assert line.evaluate(drawn)


def scrub(page: Page, moments: int) -> str:
    """Go on by so many kept moments, which lie a blink apart at least; the epoch that is shown then."""
    slider = page.get_by_role("slider", name="Time line", exact=True)
    for _ in range(moments):
        slider.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", re.compile(r"^epoch [1-9]\d* of \d+$"))
    place = re.search(r"\d+", slider.get_attribute("aria-valuetext") or "")
    assert place is not None
    expect(canvas(page)).to_have_attribute("data-epoch", place[0])
    return place[0]


def test_scrubbing_shows_what_was_and_the_run_goes_on_from_there_or_forks(page: Page):
    learn(page, 400)
    stood = step(page)
    slider = page.get_by_role("slider", name="Time line", exact=True)
    slider.press("Home")
    expect(canvas(page)).to_have_attribute("data-step", "0")
    expect(page.get_by_text("You look at epoch 0; the run is at")).to_be_visible()
    epoch = scrub(page, 3)
    expect(page.locator(".nn-plot-then").first).to_be_visible()
    page.get_by_role("region", name="Time line").get_by_role("button", name="Back to now").click()
    expect(canvas(page)).to_have_attribute("data-step", str(stood))

    slider.press("Home")
    assert scrub(page, 3) == epoch
    then = step(page)
    press(page, "Fork here")
    expect(page.get_by_text("You look at epoch")).to_be_hidden()
    expect(canvas(page)).to_have_attribute("data-step", str(then))
    expect(canvas(page)).to_have_attribute("data-epoch", epoch)
    learn(page, then + 200)
    slider.press("Home")
    scrub(page, 2)
    expect(page.get_by_text("You look at epoch")).to_be_visible()
    chosen = step(page)
    press(page, "Go on from here")
    expect(page.get_by_text("You look at epoch")).to_be_hidden()
    expect(canvas(page)).to_have_attribute("data-step", str(chosen))
    press(page, "Step")
    expect(canvas(page)).to_have_attribute("data-step", str(chosen + 1))


def test_the_canvas_goes_home_as_svg_and_as_png(page: Page, tmp_path: Path):
    learn(page, 30)
    files = {}
    open_view(page, "network")
    for kind in ("SVG", "PNG"):
        with page.expect_download() as download:
            press(page, f"Save the canvas as {kind}")
        assert re.fullmatch(rf"circle-epoch-\d+\.{kind.lower()}", download.value.suggested_filename)
        files[kind] = tmp_path / kind
        download.value.save_as(files[kind])
    root = ElementTree.fromstring(files["SVG"].read_text(encoding="utf-8"))
    svg = "{http://www.w3.org/2000/svg}"
    words = [text.text for text in root.iter(f"{svg}text")]
    assert "Hidden 1" in words and "x₁" in words and any("Circle" in (word or "") for word in words)
    assert len(list(root.iter(f"{svg}image"))) > 8
    assert len(list(root.iter(f"{svg}path"))) > 500  # a marker for each point, and the links
    content = files["PNG"].read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", content[16:24])
    assert (width, height) == (round(2 * float(root.get("width", 0))), round(2 * float(root.get("height", 0))))
