"""The first visit: what it fetches, and how soon the first visitor of a fresh server sees what a press on Play does."""

from __future__ import annotations

from statistics import median
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, sync_playwright

from benchmarks.page import FLAGS, PATIENCE, browser_path
from benchmarks.server import Server, served, wait_until_warm
from benchmarks.tables import Figure, goals, markdown

OURS_KB, PRESS_MS = 250, 300
QUIET = 3000  # milliseconds after the first picture in which files may still be asked for

# Presses Play in the first moment in which it stands there, and notes when a picture of a later step has been drawn.
PRESS_AT_ONCE = """
    window.seen = {};
    const find = (root, selector) => root.querySelector(selector)
        ?? [...root.querySelectorAll('*')].map((e) => e.shadowRoot && find(e.shadowRoot, selector)).find(Boolean);
    const look = () => {
        const root = document.body && find(document, '.nn'), now = performance.now();
        const play = root?.querySelector('[data-do=play]');
        if (!window.seen.ground && document.body) window.seen.ground = now;
        if (!window.seen.play && play?.textContent.trim() && play.getAttribute('aria-disabled') !== 'true') {
            window.seen.play = now;
            if (window.presses) play.click();
        }
        if (!window.seen.picture && Number(root?.dataset.frames) > 0) window.seen.picture = now;
        if (Number(root?.dataset.step) > 0) window.seen.moved = now;
        if (!window.seen[window.presses ? 'moved' : 'picture']) requestAnimationFrame(look);
    };
    look();
"""


def run(quick: bool) -> str:
    """The table of goals, and one of all that was measured."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=FLAGS)
        _visit_nothing(browser)
        pressed = []
        for _ in range(2 if quick else 7):
            with served() as server:
                pressed.append(_press_at_once(browser, server))
        with served() as server:
            wait_until_warm(server)
            fetched = _count_fetched(browser, server)
            warm = [_press_at_once(browser, server) for _ in range(2 if quick else 7)]
        browser.close()
    waits = [1000 * (seen["moved"] - seen["play"]) for seen in pressed]
    ours = fetched["ours"]
    table = goals(
        [
            Figure(
                "files of ours that a first visit fetches, compressed",
                f"{OURS_KB} kB",
                f"{ours[1] / 1000:.0f} kB in {ours[0]}",
                ours[1] < 1000 * OURS_KB,
            ),
            Figure(
                "the first visitor of a server that has just said it is up presses Play at once: until a changed picture, median",
                f"{PRESS_MS} ms",
                f"{median(waits):.0f} ms (worst of {len(waits)}: {max(waits):.0f})",
                median(waits) < PRESS_MS,
            ),
        ]
    )
    theirs = fetched["streamlit"]
    rows = [
        ("files of Streamlit's", f"{theirs[1] / 1000:.0f} kB in {theirs[0]}"),
        ("of them not compressed (typefaces)", f"{fetched['fonts'][1] / 1000:.0f} kB in {fetched['fonts'][0]}"),
        *(
            (f"{name}, seconds after the first visitor came: a fresh server / a warm one", _both(pressed, warm, key))
            for name, key in (("Play in sight", "play"), ("first picture", "picture"), ("changed picture", "moved"))
        ),
        ("press to changed picture, a warm server", f"{median(1000 * (seen['moved'] - seen['play']) for seen in warm):.0f} ms"),
    ]  # fmt: skip
    return f"{table}\n\n{markdown(('figure', 'here'), rows)}"


def _both(pressed: list[dict[str, float]], warm: list[dict[str, float]], key: str) -> str:
    return " / ".join(f"{median(seen[key] for seen in several):.2f}" for several in (pressed, warm))


def _visit_nothing(browser: Browser) -> None:
    """A browser's own first page is slow, and no server's fault."""
    page = browser.new_page()
    page.goto("about:blank")
    page.close()


def _press_at_once(browser: Browser, server: Server) -> dict[str, float]:
    """When a new visitor with an empty cache sees what, in seconds after the navigation began."""
    with browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US") as context:
        page = context.new_page()
        page.add_init_script(f"window.presses = true; {PRESS_AT_ONCE}")
        page.goto(server.url, wait_until="commit")
        page.wait_for_function("window.seen.moved", polling=200, timeout=PATIENCE)
        seen: dict[str, float] = page.evaluate("window.seen")
        return {name: milliseconds / 1000 for name, milliseconds in seen.items()}


def _count_fetched(browser: Browser, server: Server) -> dict[str, tuple[int, int]]:
    """Of our files, of Streamlit's and of its typefaces: how many a first visit fetches, and their bytes as they come."""
    files: dict[str, dict[str, Any]] = {}
    with browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US") as context:
        page = context.new_page()
        network = context.new_cdp_session(page)
        network.on(
            "Network.requestWillBeSent",
            lambda event: files.update({event["requestId"]: {"url": urlsplit(event["request"]["url"]), "bytes": 0}}),
        )
        network.on(
            "Network.loadingFinished",
            lambda event: files[event["requestId"]].update(bytes=event["encodedDataLength"]),
        )
        network.send("Network.enable")
        page.add_init_script(PRESS_AT_ONCE)
        page.goto(server.url, wait_until="commit")
        page.wait_for_function("window.seen.picture", polling=200, timeout=PATIENCE)
        page.wait_for_timeout(QUIET)
    fetched = [one for one in files.values() if one["url"].scheme.startswith("http")]

    def total(chosen: list[dict[str, Any]]) -> tuple[int, int]:
        return len(chosen), sum(one["bytes"] for one in chosen)

    ours = [one for one in fetched if "/api/" in one["url"].path]
    return {
        "ours": total(ours),
        "streamlit": total([one for one in fetched if one not in ours]),
        "fonts": total([one for one in fetched if one["url"].path.endswith(".woff2")]),
    }
