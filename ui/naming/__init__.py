"""Sets the page's language in the browser, names for parts of Streamlit's page that have none, and its own English words; on every page."""

from __future__ import annotations

from streamlit import config
from streamlit.components.v2 import component

from ui.assets import asset_version
from ui.canvas import LOADER
from ui.session import current, t
from ui.session.state import COOKIE as LANGUAGE_COOKIE
from ui.theming import COOKIE

_naming = component(
    "naming",
    # The script writes the language into this element once everything has its name; tests wait for that.
    html='<span class="naming" hidden></span>',
    js=LOADER.replace("canvas/bundle.js", "naming/bundle.js"),
)


def name_the_page() -> None:
    """Set the page's language; in it, name Streamlit's nameless parts and say the words of its uploaders."""
    names = {name: t(f"page.{name}") for name in ("menu", "menu_close", "upload", "upload.drop")}
    names["upload.limit"] = t("page.upload.limit", size=config.get_option("server.maxUploadSize"))
    state = current()
    data = {"names": names, "language": state.language.replace("_", "-"), "theme": state.theme}
    data["cookies"] = {"language": LANGUAGE_COOKIE, "theme": COOKIE}
    _naming(data={**data, "version": asset_version()}, key="naming")
