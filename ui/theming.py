"""The theme that a person has chosen: the system's, light, dark, or for a projector; kept in a cookie of the browser.

Streamlit sends the theme of its configuration to every page at the begin of each run of the script. Here the message is changed for a
session that has chosen another one, so a page follows at the next run, without being loaded again, and opens in the right theme.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streamlit import runtime
from streamlit.proto.NewSession_pb2 import CustomThemeConfig
from streamlit.runtime import app_session

THEMES = ("system", "light", "dark", "projector")
COOKIE = "playground_theme"
#: What differs from the light theme where a weak lamp shows the page on a far wall: black on white, larger, no pale greys.
PROJECTOR: dict[str, str | int] = {
    "base_font_size": 18,
    "primary_color": "#00463f",
    "background_color": "#ffffff",
    "secondary_background_color": "#e3ebe9",
    "text_color": "#000000",
    "border_color": "#4a5a5c",
    "link_color": "#00463f",
    "code_text_color": "#000000",
    "code_background_color": "#e3ebe9",
    "gray_color": "#2c3a3e",
}
PROJECTOR_COLOURS = (
    "#cc5500", "#0059b3", "#0d9a6b", "#a31b73", "#5c4503", "#3a1769", "#7a1f0a", "#007286", "#454b5a", "#3f7407",
)  # fmt: skip


def find_theme(cookies: Mapping[str, str]) -> str:
    """The theme in these cookies of the browser."""
    theme = str(
        cookies.get(COOKIE, "")
    )  # In Streamlit's AppTest, `cookies` is a mock that returns something else than text.
    return theme if theme in THEMES else THEMES[0]


def install() -> None:
    """Let Streamlit tell each session the theme that its person has chosen."""
    create = app_session.AppSession._create_new_session_message  # pyright: ignore[reportPrivateUsage]

    def create_in_theme(self: app_session.AppSession, *arguments: Any, **named: Any) -> Any:
        message = create(self, *arguments, **named)
        change_theme(message.new_session.custom_theme, _find_choice(self))
        return message

    app_session.AppSession._create_new_session_message = create_in_theme  # type: ignore[method-assign] # pyright: ignore[reportPrivateUsage]


def change_theme(config: CustomThemeConfig, theme: str) -> None:
    """Make the configured themes, which follow the system, the one theme that was chosen."""
    if theme == "system":
        return
    variant = "dark" if theme == "dark" else "light"
    chosen = CustomThemeConfig()
    chosen.CopyFrom(getattr(config, variant))
    config.ClearField("light")
    config.ClearField("dark")
    _overlay(config, chosen)
    config.base = CustomThemeConfig.DARK if variant == "dark" else CustomThemeConfig.LIGHT
    if theme == "projector":
        for part in (config, config.sidebar):
            for name, value in PROJECTOR.items():
                if name != "base_font_size" or part is config:
                    setattr(part, name, value)
        del config.chart_categorical_colors[:]
        config.chart_categorical_colors.extend(PROJECTOR_COLOURS)


def _overlay(config: CustomThemeConfig, over: CustomThemeConfig) -> None:
    """Set what is set in the other one; a list replaces a list."""
    for field, value in over.ListFields():
        if isinstance(value, CustomThemeConfig):
            _overlay(getattr(config, field.name), value)
        elif isinstance(value, str | int | float):
            setattr(config, field.name, value)
        else:
            config.ClearField(field.name)  # type: ignore[arg-type]
            getattr(config, field.name).MergeFrom(value)


def _find_choice(session: app_session.AppSession) -> str:
    """What the session's person has chosen; before its script has run once, what the browser's cookie says."""
    state = session.session_state
    if "session" in state:
        return state["session"].theme
    client = runtime.get_instance().get_client(session.id) if runtime.exists() else None
    context = None if client is None else client.client_context
    return THEMES[0] if context is None else find_theme(context.cookies)
