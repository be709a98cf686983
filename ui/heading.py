"""The top of every page: a line with title and menus, and problems and notices below it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.navigation.page import StreamlitPage

from ui import session
from ui.messages import LANGUAGES, escape, sentence
from ui.myruns import panel
from ui.session import label, widgets
from ui.terms import draw_dialog, open_term
from ui.terms.dialog import Reading
from ui.theming import THEMES

ICONS = {
    "system": ":material/brightness_auto:",
    "light": ":material/light_mode:",
    "dark": ":material/dark_mode:",
    "projector": ":material/present_to_all:",
}


def draw_heading(*menus: Callable[[], None]) -> DeltaGenerator:
    """Draw title, these menus and that of language and theme; returns the container for messages below them."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="heading"):
        st.title(label("app.title"), anchor=False, width="stretch")
        panel.draw_button()
        for menu in menus:
            menu()
        _draw_preferences()
    return st.container(gap="small", key="problems")


def draw_tabs(pages: Sequence[StreamlitPage]) -> None:
    """Draw the names of the pages as tabs. A phone shows them, as it has no room for Streamlit's own; see frame.css."""
    with st.container(horizontal=True, gap=None, key="tabs"):
        for page in pages:
            if page.visibility == "visible":
                st.page_link(page, width="stretch")


def _draw_preferences() -> None:
    """Draw the menu of language, theme and the cards of terms; a new theme reaches the browser with the next run of the script."""
    state = session.current()
    # Opening a term closes this menu: with a new key Streamlit draws another one, which is closed.
    key = f"preferences_menu_{state.memory(Reading).opened}"
    menu = st.popover(label("preferences"), icon=":material/more_horiz:", key=key, width="content")
    with menu, st.container(key="preferences"):
        _draw_choice("app.language", "/language", LANGUAGES, state.language, choose_language)
        themes = {theme: f"{ICONS[theme]} {label(f'theme.{theme}')}" for theme in THEMES}
        _draw_choice("theme", "/theme", themes, state.theme, choose_theme)
        st.button(label("terms"), key="terms", icon=":material/menu_book:", on_click=open_term, width="stretch")
        st.caption(label("preferences.keys"))
    draw_dialog()
    if state.theme_is_new:
        state.theme_is_new = False
        st.rerun()


def _draw_choice(key: str, path: str, names: dict[str, str], chosen: str, choose: Callable[[], None]) -> None:
    st.segmented_control(
        label(key), list(names), default=widgets.seed(path, chosen, None), format_func=names.__getitem__,
        key=widgets.key_of(path), on_change=choose, width="content",
    )  # fmt: skip


@session.guard
def choose_language() -> None:
    """Callback: switch to the chosen language. A press on the present one changes nothing."""
    session.speak(widgets.read("/language", None) or session.current().language)


@session.guard
def choose_theme() -> None:
    """Callback: switch to the chosen theme. A press on the present one changes nothing."""
    state = session.current()
    before, state.theme = state.theme, widgets.read("/theme", None) or state.theme
    state.theme_is_new = state.theme != before


def say_problems(container: DeltaGenerator) -> None:
    """Show each problem as a sentence in the container, and each notice as a toast, or beside the problem that came with it.

    Problems with the link that opened the page are shown until the experiment changes, not once: the script runs several times
    while a page opens.
    """
    state = session.current()
    if state.arrival is not None and state.arrival[0] != state.experiment:
        state.arrival = None
    arrival = () if state.arrival is None else state.arrival[1]
    problems, notices = [*arrival, *state.problems], state.notices
    state.problems, state.notices = [], []
    for one in problems:
        container.error(escape(sentence(state.language, one)), icon=":material/error:")
    for notice in notices:
        if problems:
            container.info(escape(notice), icon=":material/info:")
        else:
            st.toast(escape(notice), icon=":material/info:", duration="long")
