"""The pages that one visitor after another uses: nobody finds there what an earlier one left."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("playwright.sync_api")

from playwright.sync_api import Error

from tests.visitors import Visitors

pytestmark = pytest.mark.browser


def test_what_would_last_for_the_next_visitor_is_refused(visitors: Visitors) -> None:
    page = visitors.open()
    script = "window.spoiled = true"
    for spoil in (
        lambda: page.add_init_script(script),
        lambda: page.context.add_init_script(script),
        lambda: page.context.route("**", lambda route: route.abort()),
        lambda: page.expose_function("spoil", print),
        lambda: page.context.expose_function("spoil", print),
        lambda: page.clock.install(),
        lambda: page.clock.set_fixed_time(0),
    ):
        with pytest.raises(AssertionError, match="open_once"):
            spoil()
    visitors.leave(page)
    assert visitors.open() is page
    page.reload()
    assert page.evaluate("[window.spoiled, window.spoil, Date.now() > 0]") == [None, None, True]


def test_a_page_that_was_closed_keeps_nobody_else_from_leaving(chromium: Any, app_address: str) -> None:
    visitors = Visitors(chromium, app_address)
    closed, other, once = visitors.open(), visitors.open(), visitors.open_once()
    contexts = closed.context, other.context
    once.evaluate("console.error('An error that is known.')")
    assert visitors.console_errors
    closed.close()
    with pytest.raises(Error):
        visitors.leave_all()
    assert once.is_closed()
    assert visitors.console_errors == []
    assert visitors.open() is other
    for context in contexts:
        context.close()
