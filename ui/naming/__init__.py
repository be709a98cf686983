"""The page's language, and names for what has none in Streamlit's own page: on every page, whatever else stands on it."""

from __future__ import annotations

from streamlit.components.v2 import component

from ui.assets import asset_version
from ui.canvas import LOADER
from ui.session import current, label

_naming = component(
    "naming",
    html='<span class="naming" hidden></span>',  # Once it has a language, all is named.
    js=LOADER.replace("canvas/bundle.js", "naming/bundle.js"),
)


def name_the_page() -> None:
    """Say the page's language, and name Streamlit's nameless parts in it."""
    names = {name: label(f"page.{name}") for name in ("settings", "settings_close")}
    language = current().language.replace("_", "-")
    _naming(data={"names": names, "language": language, "version": asset_version()}, key="naming")
