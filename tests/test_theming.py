"""The theme that a person chooses: what the browser is told of it, what is remembered, and that figures follow."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from streamlit.proto.NewSession_pb2 import CustomThemeConfig

from tests.palette import class_colours, linear
from ui.theming import COOKIE, PROJECTOR, PROJECTOR_COLOURS, THEMES, change_theme, find_theme

ROOT = Path(__file__).parent.parent


@pytest.fixture
def config() -> CustomThemeConfig:
    """Two themes that follow the system, as Streamlit sends them."""
    found = CustomThemeConfig(base_font_size=15, body_font="Inter")
    found.light.background_color, found.light.sidebar.background_color = "#ffffff", "#f4f7f6"
    found.dark.background_color, found.dark.sidebar.background_color = "#11181b", "#172024"
    found.light.chart_categorical_colors.append("#f59322")
    found.dark.chart_categorical_colors.append("#ff9d2f")
    return found


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2."""
    dark, light = sorted(float(linear(colour) @ (0.2126, 0.7152, 0.0722)) for colour in (one, other))
    return (light + 0.05) / (dark + 0.05)


def test_without_a_choice_both_themes_are_sent_and_the_system_chooses(config: CustomThemeConfig) -> None:
    before = CustomThemeConfig()
    before.CopyFrom(config)
    change_theme(config, "system")
    assert config == before


@pytest.mark.parametrize(("theme", "paper", "side"), [("light", "#ffffff", "#f4f7f6"), ("dark", "#11181b", "#172024")])
def test_a_chosen_theme_is_sent_alone(config: CustomThemeConfig, theme: str, paper: str, side: str) -> None:
    change_theme(config, theme)
    assert (config.background_color, config.sidebar.background_color) == (paper, side)
    assert config.base == (CustomThemeConfig.DARK if theme == "dark" else CustomThemeConfig.LIGHT)
    assert not config.HasField("light") and not config.HasField("dark")
    assert config.body_font == "Inter" and config.base_font_size == 15
    assert list(config.chart_categorical_colors) == ["#ff9d2f" if theme == "dark" else "#f59322"]


def test_for_a_projector_all_is_larger_and_stronger_than_in_the_light_theme(config: CustomThemeConfig) -> None:
    change_theme(config, "projector")
    light = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]
    assert config.base_font_size > light["baseFontSize"]
    for name, usual in (("text_color", "textColor"), ("border_color", "borderColor"), ("gray_color", "grayColor")):
        stronger = contrast(getattr(config, name), config.background_color)
        assert stronger > 1.3 * contrast(light["light"][usual], light["light"]["backgroundColor"]), name
    assert contrast(config.text_color, config.background_color) == 21
    # Against 3:1, what a drawing needs (WCAG 1.4.11), which the light theme's orange has not.
    assert all(contrast(colour, str(PROJECTOR["background_color"])) > 3.3 for colour in PROJECTOR_COLOURS)
    assert list(config.chart_categorical_colors) == list(PROJECTOR_COLOURS) == class_colours("PROJECTOR")
    assert config.sidebar.text_color == config.text_color


def test_a_browser_that_says_nothing_or_nonsense_follows_the_system() -> None:
    assert [find_theme({COOKIE: theme}) for theme in THEMES] == list(THEMES)
    assert find_theme({}) == find_theme({COOKIE: "<b>"}) == "system"
