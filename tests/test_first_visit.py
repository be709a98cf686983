"""The first visitor of a server that has just started, with an empty cache: what they fetch, and that their first press is answered."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Response, expect

from benchmarks.server import served
from tests.browser import PAUSED, canvas, press, step, wait_for_step
from tests.conftest import BROWSER_PATIENCE
from ui.assets import FOR_EVER

pytestmark = pytest.mark.browser
MOST_OF_OURS = 250_000  # bytes


def test_play_is_answered_at_once_and_little_is_fetched_for_it(chromium: Any) -> None:
    expect.set_options(timeout=BROWSER_PATIENCE)
    answers: list[Response] = []
    with served() as server, chromium.new_context(locale="en-US") as context:
        context.set_default_timeout(BROWSER_PATIENCE)
        page = context.new_page()
        page.on("response", lambda answer: answers.append(answer))
        page.goto(server.url, wait_until="commit")
        press(page, "Play")
        wait_for_step(page, 20)
        press(page, "Pause")
        expect(canvas(page)).to_have_attribute("data-status", PAUSED)
        assert step(page) >= 20
        files = [answer for answer in answers if "/api/assets/" in answer.url]
        scripts = [answer for answer in answers if "/static/js/" in answer.url]
        assert {answer.url.split("/")[-2] for answer in files} == {"canvas", "naming", "painter", "rail"}
        assert sum(int(answer.headers["content-length"]) for answer in files) < MOST_OF_OURS
        for answer in [*files, *scripts]:
            assert answer.headers["content-encoding"] == "gzip"
            assert answer.headers["cache-control"] == FOR_EVER
        assert len(scripts) > 50
