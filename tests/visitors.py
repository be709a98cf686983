"""Pages of a browser that one visitor after another uses: each comes as somebody new, to scripts that are compiled already."""

from __future__ import annotations

from collections import defaultdict
from contextlib import ExitStack
from operator import attrgetter
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page

from tests.patience import PATIENCE

DESKTOP = {"width": 1440, "height": 900}
#: What a page is asked to look like, whatever its context.
MEDIA = ("color_scheme", "reduced_motion", "forced_colors")


#: Where Streamlit looks for its server first, below the address of a page that is not the first one, and finds nothing.
SOUGHT = ("/_stcore/health", "/_stcore/host-config")
#: What a page, its context and its clock would keep for the next visitor, as none of it can be taken back.
LASTING = {
    "": ("add_init_script", "expose_binding", "expose_function", "route_web_socket"),
    "context": (
        "add_init_script", "expose_binding", "expose_function", "route", "route_from_har", "route_web_socket",
        "set_extra_http_headers", "set_geolocation", "set_offline",
    ),
    "clock": ("fast_forward", "install", "pause_at", "resume", "run_for", "set_fixed_time", "set_system_time"),
}  # fmt: skip


class Visitors:
    """Opens pages, each in a context of its own, and keeps them for the visitors of later tests.

    To open the playground in a page that has shown it before takes some half of the work.
    """

    def __init__(self, browser: Browser, address: str) -> None:
        self._browser = browser
        # Of the same origin: the browser ends the process of an origin that no page shows.
        self._quiet = f"{address}/_stcore/health"
        self._free: dict[str, list[Page]] = defaultdict(list)
        self._used: dict[Page, str] = {}
        self._once: list[Page] = []
        self.page_errors: list[str] = []
        self.console_errors: list[str] = []

    def open(self, **options: Any) -> Page:
        """A page for somebody new, where nothing is open yet, as Playwright's options of a context describe it."""
        options = {"viewport": DESKTOP, "locale": "en-US", "accept_downloads": True, **options}
        media = {name: options.pop(name) for name in MEDIA if name in options}
        kind = repr(sorted(options.items()))
        page = self._free[kind].pop() if self._free[kind] else self._new_kept(options)
        self._used[page] = kind
        page.set_viewport_size(options["viewport"])
        page.emulate_media(**media)
        page.bring_to_front()
        return page

    def open_once(self, **options: Any) -> Page:
        """A page that nobody uses afterwards, for what cannot be taken back: scripts at its start, routes of web sockets."""
        self._once.append(self._new({"viewport": DESKTOP, "locale": "en-US", **options}))
        return self._once[-1]

    def _new_kept(self, options: dict[str, Any]) -> Page:
        page = self._new(options)
        for owner, lasting in LASTING.items():
            for name in lasting:
                setattr(attrgetter(owner)(page) if owner else page, name, refuse)
        return page

    def _new(self, options: dict[str, Any]) -> Page:
        context = self._browser.new_context(**options)
        context.set_default_timeout(1000 * PATIENCE)
        page = context.new_page()
        page.on("pageerror", lambda error: self.page_errors.append(str(error)))
        page.on("console", self._note)
        page.goto(self._quiet)
        return page

    def _note(self, said: ConsoleMessage) -> None:
        address = said.location["url"]
        if said.type == "error" and not ("404" in said.text and address.endswith(SOUGHT)):
            self.console_errors.append(f"{said.text} ({address})")

    def leave(self, page: Page) -> None:
        """They go, and their browser forgets them."""
        kind = self._used.pop(page)
        self._forget(page)
        self._free[kind].append(page)

    def leave_all(self) -> None:
        """Everybody goes, also if some page cannot be left: that one is used no more."""
        with ExitStack() as leaving:
            leaving.callback(self.console_errors.clear)
            leaving.callback(self.page_errors.clear)
            while self._once:
                leaving.callback(self._once.pop().context.close)
            for page in self._used:
                leaving.callback(self.leave, page)

    def _forget(self, page: Page) -> None:
        for other in page.context.pages:
            if other is not page:
                other.close()
        page.unroute_all()
        page.goto(self._quiet)
        page.evaluate("localStorage.clear(), sessionStorage.clear()")
        page.mouse.move(0, 0)  # Else what opens next under the pointer looks as if somebody were there.
        page.emulate_media(**dict.fromkeys(MEDIA, "null"))
        page.context.clear_cookies()
        page.context.clear_permissions()


def refuse(*_: object) -> None:
    raise AssertionError("The next visitor would have it too: use open_once.")
