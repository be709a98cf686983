"""The page for everybody: by keyboard, by ear, by touch, for every eye. axe-core is the judge of names, roles and contrast."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Locator, Page, Route, WebSocketRoute, expect

from tests.browser import (
    IN_CANVAS,
    PAUSED,
    PLAYING,
    bring,
    canvas,
    count_messages,
    open_settings,
    prefer,
    press,
    rail,
    step,
    wait_for_step,
    wait_until_still,
)
from tests.conftest import SHOWN
from tests.palette import VISIONS, class_colours, least_distance
from tests.patience import eventually
from tests.visitors import Visitors
from ui.evaluating.sections import SECTIONS
from ui.messages import text
from ui.pages import PAGES

ROOT = Path(__file__).parent.parent
#: Every page by its path; the playground is the one at the root.
PATHS = sorted(page.path for page in PAGES)
DESKTOP, PHONE = (1440, 900), (390, 844)
#: What stands on a page when all of it is drawn.
DRAWN = {
    "compare": "[data-testid=stBidiComponentIsolated] h2",
    "data": "textarea",
    "evaluate": ".st-key-figures .js-plotly-plot",
}
#: What Streamlit 1.67 does wrong and no option of it mends, by axe's rule, a best practice beyond WCAG, and what the element
#: holds: its menus hang outside all landmarks.
STREAMLITS_OWN = {("region", "stFloatingOverlayPortal")}
#: The page has its language, and names for what Streamlit leaves without.
NAMED = ".naming[data-language]"
#: All that another theme changes, and another language does not.
COLOURS = ("color-contrast",)
#: The parts of the page from top to bottom where there is room for one column.
COLUMN = (".nn-scores", ".nn-status", ".nn-output", ".nn-curves", ".nn-network", ".nn-time")
#: Two colours in OKLab differ just noticeably at about 0.02 when they fill a field. For marks of about a sixth of a degree,
#: as the points are, a difference must be some four times as large (Stone, Szafir and Setlur, 2014); a little is added.
APART = 0.09
MOST_FRAMES_IN_CALM = 5  # a second
#: Seconds between the next frame and the last of so many.
TIME_OF_FRAMES = """
    many => new Promise((resolve) => {
        const times = [];
        new MutationObserver(() => {
            times.push(performance.now());
            if (times.length === many) resolve((times.at(-1) - times[0]) / 1000);
        }).observe(canvas(), { attributeFilter: ['data-frames'] });
    })
"""

Open = Callable[..., Page]


@pytest.fixture
def opened(visitors: Visitors, app_address: str) -> Open:
    """Opens the playground: a viewport, and what else a browser context takes."""

    def open_page(size: tuple[int, int] = DESKTOP, **options: Any) -> Page:
        viewport = {"width": size[0], "height": size[1]}
        page = visitors.open(**{"viewport": viewport, "reduced_motion": "reduce", **options})
        page.goto(app_address)
        page.wait_for_function(SHOWN)
        page.wait_for_function(IN_CANVAS + "canvas().querySelector('.nn-plot[data-points]') !== null")
        expect(page.locator(NAMED)).to_have_count(1)
        return page

    return open_page


# axe


def violations(
    page: Page,
    within: str | dict[str, list[str]] = "html",
    rules: tuple[str, ...] = (),
    without: tuple[str, ...] = (),
) -> list[str]:
    """What axe finds by all of its rules, or by these alone, or without those, one line a place."""
    if page.evaluate("typeof axe === 'undefined'"):  # Brought once a page: what has run before runs faster.
        page.evaluate(AXE_SCRIPT)
    chosen = {"runOnly": rules} if rules else {"rules": {rule: {"enabled": False} for rule in without}}
    options = {"resultTypes": ["violations"], **chosen}
    found = page.evaluate("([within, options]) => axe.run(within, options)", [within, options])
    return [
        f"{violation['id']}: {node['target']} {node['html'][:160]}: {node['failureSummary']}"
        for violation in found["violations"]
        for node in violation["nodes"]
        if not any(violation["id"] == rule and place in node["html"] for rule, place in STREAMLITS_OWN)
    ]


def visit(page: Page, path: str) -> None:
    """Another page, and all of it."""
    page.locator(f'a[href$="/{path}"]').first.click()
    page.wait_for_url(f"**/{path}*")
    expect(page.locator(DRAWN[path]).first).to_be_visible()
    wait_until_still(page)


def keep_a_run(page: Page, language: str) -> None:
    """In the list of runs, which axe looks at."""
    press(page, text(language, "myruns"))
    wait_until_still(page)
    page.get_by_role("button", name=text(language, "run.keep")).click()
    expect(page.get_by_role("dialog").get_by_role("checkbox", checked=True)).to_have_count(2)
    wait_until_still(page)
    assert violations(page, "[role=dialog]") == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def show(page: Page, scheme: str) -> None:
    """The theme of this scheme. Streamlit follows by itself, and colours fade into one another."""
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    paper = "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor === 'rgb(255, 255, 255)'"
    page.wait_for_function(paper if scheme == "light" else f"!({paper})")
    wait_until_still(page)


@pytest.mark.browser
def test_axe_finds_nothing_on_any_page_tab_dialog_or_menu(opened: Open) -> None:
    page = opened(color_scheme="light")
    assert page.evaluate("document.documentElement.lang") == "en"
    assert violations(page) == []
    there = {"fromShadowDom": ["[data-testid=stBidiComponentIsolated]", ".nn-rail"]}
    for section in ("network", "learning", "data"):
        open_settings(page, section)
    rail(page).get_by_role("button", name="Activation", exact=True).first.click()
    expect(rail(page).get_by_role("listbox")).to_be_visible()
    wait_until_still(page)
    assert violations(page, there) == []
    page.keyboard.press("Escape")
    rail(page).get_by_role("button", name="Help: Data set", exact=True).click()
    wait_until_still(page)
    assert violations(page, there) == []
    page.keyboard.press("Escape")
    expect(rail(page).get_by_role("dialog")).to_be_hidden()  # While it is closing, keys belong to it.
    for key, dialog in (("?", ".nn-keys"), ("d", ".nn-summary")):
        page.keyboard.press(key)
        expect(page.locator(dialog)).to_be_visible()
        wait_until_still(page)
        assert violations(page, {"fromShadowDom": ["[data-testid=stBidiComponentIsolated]", dialog]}) == []
        page.keyboard.press("Escape")
    press(page, text("en", "gallery"))
    expect(page.get_by_role("dialog").get_by_role("img")).to_have_count(12)
    wait_until_still(page)
    assert violations(page, "[role=dialog]") == []
    page.wait_for_function(
        "document.activeElement.closest('[role=dialog]') !== null"
    )  # Else the key is not the dialog's.
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    for menu in ("share", "export", "preferences"):
        page.get_by_role("button", name=text("en", menu)).first.click()
        expect(page.get_by_test_id("stPopoverBody")).to_be_visible()
        wait_until_still(page)  # It fades in, and half-faded letters have little contrast.
        assert violations(page, "[data-testid=stPopoverBody]") == []
        page.keyboard.press("Escape")
    keep_a_run(page, "en")
    show(page, "dark")
    assert violations(page, rules=COLOURS) == []
    prefer(page, text("en", "theme.projector"))
    expect(page.locator(".nn[data-strong]")).to_have_count(1)
    assert violations(page) == []
    for path in filter(None, PATHS):
        visit(page, path)
        assert violations(page) == []
    prefer(page, text("en", "theme.system"))
    for path in filter(None, PATHS):
        visit(page, path)
        show(page, "dark")
        assert violations(page) == []
        show(page, "light")
        assert violations(page, rules=COLOURS) == []


def test_a_drawing_is_an_image_only_once_it_is_drawn_and_named() -> None:
    for path in (ROOT / "ui").rglob("*.html"):
        assert 'role="img"' not in path.read_text(encoding="utf-8"), path.name


@pytest.mark.browser
def test_axe_finds_nothing_on_the_pages_in_chinese(opened: Open) -> None:
    page = opened(color_scheme="dark", locale="zh-CN")
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    assert violations(page, without=COLOURS) == []
    keep_a_run(page, "zh_CN")
    for path in filter(None, PATHS):
        visit(page, path)
        assert violations(page, without=COLOURS) == []
        if path == "data":
            uploader = page.get_by_test_id("stFileUploader").first
            expect(uploader).to_contain_text(text("zh_CN", "page.upload"))
            assert not re.findall(r"Upload|per file|Add files|Drag", uploader.inner_text())


@pytest.mark.browser
def test_what_has_no_words_yet_is_not_there_to_see_or_to_hear(visitors: Visitors, app_address: str) -> None:
    """As on a slow line or a busy machine: first the scripts are kept back, then the run."""
    page = visitors.open_once(locale="zh-CN")
    scripts: list[Route] = []
    frames: list[tuple[WebSocketRoute, str | bytes]] = []
    held = {"frames": True}

    def hold(run: WebSocketRoute) -> None:
        server = run.connect_to_server()
        server.on_message(lambda frame: frames.append((run, frame)) if held["frames"] else run.send(frame))

    page.route("**/canvas/bundle.js", lambda route: scripts.append(route))
    page.route("**/compare/bundle.js", lambda route: scripts.append(route))
    page.route_web_socket("**/api/live/**", hold)
    page.goto(app_address)
    for path, component, whole in (("", ".nn", ".nn-ready"), ("compare", ".cmp", ".cmp-ready")):
        if path:
            page.locator(f'a[href$="/{path}"]').first.click()
            page.locator(".st-key-contrast_optimizer button").click()
        expect(page.locator(component)).to_be_attached()
        wait_until_still(page)
        pumped(page, lambda: scripts)
        assert violations(page) == []
        for script in scripts:
            script.continue_()
        expect(page.get_by_role("button", name="开始训练", exact=True)).to_be_visible()
        pumped(page, lambda: frames)
        assert violations(page) == []
        held["frames"] = False
        for run, frame in frames:
            run.send(frame)
        expect(page.locator(whole).get_by_role("heading").first).to_be_visible()
        scripts.clear(), frames.clear()
        held["frames"] = True


def pumped(page: Page, condition: Callable[[], object]) -> None:
    """Wait for what the page's own events tell."""
    assert eventually(lambda: condition() or page.wait_for_timeout(10))


@pytest.mark.browser
def test_a_notice_has_a_name_on_a_page_without_a_picture_too(opened: Open) -> None:
    page = opened(locale="zh-CN")
    page.locator('a[href$="/data"]').first.click()
    # Too many files at once: the door shows a notice.
    bring(page, [{"name": f"{number}.csv", "mimeType": "text/csv", "buffer": b"a,b\n1,2\n"} for number in range(101)])
    notice = page.get_by_test_id("stToast").first
    expect(notice).to_have_attribute("aria-label", re.compile("."))
    expect(notice).not_to_have_attribute("aria-labelledby", re.compile("."))


@pytest.mark.browser
def test_a_page_without_a_picture_says_its_language_too(visitors: Visitors, app_address: str) -> None:
    page = visitors.open(locale="zh-CN")
    page.goto(f"{app_address}/data")
    expect(page.locator(NAMED)).to_have_count(1)
    assert page.evaluate("document.documentElement.lang") == "zh-CN"


@pytest.mark.browser
def test_axe_finds_nothing_in_the_sections_of_evaluate(opened: Open) -> None:
    page = opened(color_scheme="dark")
    visit(page, "evaluate")
    assert violations(page) == []
    for section in SECTIONS:
        page.locator(f"[class*=st-key-open_{section}] button").first.press("Enter")
        expect(page.locator(f".st-key-evaluate_{section}")).to_be_visible()
        wait_until_still(page)
        assert violations(page, f".st-key-evaluate_{section}") == [], section
        page.get_by_role("button", name=text("en", "evaluate.all_figures")).press("Enter")
        expect(page.locator(".st-key-figures")).to_be_visible()


@pytest.mark.browser
def test_on_a_phone_the_page_is_one_column_with_a_sheet_of_settings_and_axe_finds_nothing(opened: Open) -> None:
    page = opened(size=PHONE, color_scheme="light", has_touch=True, is_mobile=True, locale="zh-CN")
    assert violations(page) == []
    width, room = page.locator("[data-testid=stMain]").evaluate("e => [e.scrollWidth, e.clientWidth]")
    assert width <= room == PHONE[0]
    boxes = [page.locator(part).bounding_box() for part in COLUMN]
    tops = [box["y"] for box in boxes if box]
    assert len(tops) == len(COLUMN)
    assert tops == sorted(tops)
    assert too_small(page) == []
    page.get_by_role("button", name="设置", exact=True).tap()
    expect(rail(page).get_by_role("radio").first).to_be_in_viewport()
    assert violations(page) == []
    assert too_small(page) == []
    page.get_by_role("button", name="关闭设置", exact=True).tap()
    expect(page.get_by_role("button", name="开始训练", exact=True)).to_be_in_viewport()
    show(page, "dark")
    assert violations(page, rules=COLOURS) == []


def too_small(page: Page) -> list[str]:
    """Targets below 24 pixels.

    Not those with a larger label or track, those that a screen reader alone finds, and those in a closed sheet.
    """
    return page.evaluate("""() => {
        const found = [];
        const look = (root) => root.querySelectorAll('*').forEach((element) => {
            if (element.shadowRoot) look(element.shadowRoot);
            if (!element.matches('button, a[href], select, summary, input, [role=button], [role=tab], [role=radio]')) return;
            const larger = element.closest('label') ?? (element.type === 'range' ? element.parentElement : element);
            const target = element.matches('input') ? larger : element;
            const { width, height, right } = target.getBoundingClientRect();
            const unseen = right <= 0 || width <= 1 || height <= 1 || !element.checkVisibility({ visibilityProperty: true });
            if (!unseen && (width < 23.9 || height < 23.9)) found.push(`${width} x ${height}: ${element.outerHTML.slice(0, 160)}`);
        });
        look(document);
        return found;
    }""")


# Keys


def focus(page: Page, target: Locator, key: str = "Tab", most: int = 120) -> None:
    """Go there as a keyboard does."""
    for _ in range(most):
        if target.evaluate("element => element.matches(':focus')"):
            return
        page.keyboard.press(key)
    expect(target).to_be_focused(timeout=1)


@pytest.mark.browser
def test_the_main_path_by_keyboard_alone(page: Page) -> None:
    expect(canvas(page)).to_have_attribute("data-step", "0")
    page.keyboard.press("Space")
    expect(canvas(page)).to_have_attribute("data-status", PLAYING)
    wait_for_step(page, 30)
    page.keyboard.press("Space")
    expect(canvas(page)).to_have_attribute("data-status", PAUSED)
    stood = step(page)
    page.keyboard.press("s")
    expect(canvas(page)).to_have_attribute("data-step", str(stood + 1))
    epoch = int(canvas(page).get_attribute("data-epoch") or -1)
    page.keyboard.press("e")
    expect(canvas(page)).to_have_attribute("data-epoch", str(epoch + 1))

    structure = canvas(page).get_attribute("data-structure") or ""
    spiral = page.get_by_role("radio", name="Spiral", exact=True)
    focus(page, page.get_by_role("radio", name="Circle", exact=True))
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(spiral).to_be_focused()
    page.keyboard.press("Space")
    expect(canvas(page)).not_to_have_attribute("data-structure", structure)
    expect(page.locator(".nn-headings")).to_contain_text("Spiral")

    layers = page.locator(".nn-headings").get_by_text("Hidden", exact=False)
    before = layers.count()
    focus(page, page.get_by_role("button", name="Add layer after Inputs", exact=True))
    page.keyboard.press("Enter")
    expect(layers).to_have_count(before + 1)

    focus(page, page.locator(".nn-neuron[tabindex='0']"))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".nn-output-title")).to_have_text("Hidden 1, unit 2")
    page.keyboard.press("Escape")

    page.keyboard.press("e")
    expect(canvas(page)).not_to_have_attribute("data-step", "0")
    page.keyboard.press("r")
    expect(canvas(page)).to_have_attribute("data-step", "0")

    focus(page, page.get_by_role("button", name=text("en", "preferences"), exact=True), "Shift+Tab")
    page.keyboard.press("Enter")
    focus(page, page.get_by_role("radio", name="English", exact=True))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="开始训练", exact=True)).to_be_visible()


@pytest.mark.browser
def test_the_question_mark_shows_the_keys_and_focus_goes_back_to_where_it_was(page: Page) -> None:
    here = page.get_by_role("button", name="Epoch", exact=True)
    here.focus()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog.get_by_role("row")).to_have_count(12)
    for key in ("s", "r", "e"):  # a dialog is open: these are not for the run
        page.keyboard.press(key)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(here).to_be_focused()
    expect(canvas(page)).to_have_attribute("data-step", "0")

    # Spoken words arrive as letters: whoever speaks to the computer switches single keys off, and the browser remembers.
    press(page, "Keyboard shortcuts")
    dialog.get_by_role("checkbox").uncheck()
    dialog.get_by_role("button", name="Close").click()
    page.keyboard.press("s")
    page.reload()
    page.wait_for_function(SHOWN)
    count_messages(page)
    page.keyboard.press("s")
    assert page.evaluate("window.sent.live") == 0
    press(page, "Step")
    expect(canvas(page)).to_have_attribute("data-step", "1")
    assert page.evaluate("window.sent.live") == 1


@pytest.mark.browser
def test_keys_leave_typing_pressing_and_streamlit_alone(page: Page) -> None:
    page.keyboard.press("e")
    expect(canvas(page)).not_to_have_attribute("data-step", "0")
    reached = step(page)
    seed = page.get_by_role("spinbutton").first
    seed.focus()
    for key in ("s", "e", "r", "d", "Space"):
        page.keyboard.press(key)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    press(page, "Play")  # has the focus now, so that Space is its own
    expect(canvas(page)).to_have_attribute("data-status", PLAYING)
    page.keyboard.press("Space")
    expect(canvas(page)).to_have_attribute("data-status", PAUSED)
    assert step(page) >= reached
    for key in ("Control+s", "Alt+e", "Shift+R"):
        page.keyboard.press(key)
    stood = step(page)
    assert stood >= reached

    # Streamlit's own R reruns the script: it shows in what is sent to the server.
    page.evaluate("document.activeElement.blur()")
    count_messages(page)
    page.keyboard.press("r")
    expect(canvas(page)).to_have_attribute("data-step", "0")
    assert page.evaluate("window.sent") == {"stream": 0, "live": 1}


# Ears


@pytest.mark.browser
def test_progress_is_spoken_now_and_then_and_events_at_once(page: Page) -> None:
    page.evaluate(
        IN_CANVAS
        + """
        window.spoken = [];
        const region = canvas().querySelector('.nn-spoken');
        new MutationObserver(() => window.spoken.push([performance.now(), region.textContent])).observe(region, { childList: true });
    """
    )
    spoken = page.locator(".nn-spoken")
    expect(spoken).to_have_attribute("aria-live", "polite")
    press(page, "Step")
    expect(spoken).to_contain_text("Step 1. Validation loss")
    press(page, "Play")
    expect(spoken).to_contain_text("Training started")
    expect(spoken).to_contain_text("accuracy")
    press(page, "Pause")
    expect(spoken).to_contain_text("Paused at epoch")
    press(page, "Reset")
    expect(spoken).to_contain_text("Reset to the initial weights")
    said = page.evaluate("window.spoken")
    assert all(before != after for (_, before), (_, after) in pairwise(said))
    progress = [at for at, words in said if words.startswith(("Epoch", "Training started"))]
    assert len(progress) == 2
    assert progress[1] - progress[0] >= 4900


@pytest.mark.browser
def test_the_summary_is_one_key_away_in_both_languages(opened: Open) -> None:
    page = opened()
    page.keyboard.press("d")
    dialog = page.get_by_role("dialog", name="Describe in words")
    expect(dialog).to_contain_text("Hidden 1: 4 units, tanh.")
    expect(dialog).to_contain_text("No update has been made yet")
    assert "{" not in dialog.inner_text()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.keyboard.press("e")
    expect(canvas(page)).to_have_attribute("data-epoch", "1")
    press(page, "Describe in words")
    expect(dialog).to_contain_text("at the start")
    page.keyboard.press("Escape")
    prefer(page, "中文")
    expect(page.get_by_role("button", name="开始训练", exact=True)).to_be_visible()
    page.get_by_role("button", name="用文字描述", exact=True).click()
    expect(page.get_by_role("dialog", name="用文字描述")).to_contain_text("输入：x₁和x₂。")


# Eyes


@pytest.mark.browser
def test_whoever_asks_for_less_motion_gets_few_pictures_and_no_transition(opened: Open) -> None:
    page = opened(reduced_motion="reduce")
    press(page, "Play")
    wait_for_step(page, 20)
    seconds = page.evaluate(IN_CANVAS + TIME_OF_FRAMES, 6)
    assert seconds >= 0.8 * 5 / MOST_FRAMES_IN_CALM
    durations = page.evaluate(
        IN_CANVAS + "[...canvas().querySelectorAll('*')].map((e) => getComputedStyle(e).transitionDuration)"
    )
    assert set(durations) == {"0s"}


@pytest.mark.browser
def test_in_forced_colours_buttons_have_a_rim_and_focus_is_seen(opened: Open) -> None:
    page = opened(forced_colors="active")
    for name in ("Play", "Step", "Keyboard shortcuts"):
        button = page.get_by_role("button", name=name, exact=True)
        assert button.evaluate("e => parseFloat(getComputedStyle(e).borderTopWidth)") >= 1
        focus(page, button)
        assert button.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
        assert button.evaluate("e => parseFloat(getComputedStyle(e).outlineWidth)") >= 2


@pytest.mark.parametrize("theme", ["LIGHT", "DARK", "PROJECTOR"])
@pytest.mark.parametrize("vision", VISIONS)
def test_the_first_six_class_colours_stay_apart_for_every_eye(theme: str, vision: str) -> None:
    assert least_distance(class_colours(theme)[:6], vision) >= APART
