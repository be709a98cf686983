"""Values of widgets, read from and set through st.session_state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from ui.session.state import current

GENERATION = "~"
WIDGETS = "widget:"  # first part of the key of every such widget


def key_of(path: str) -> str:
    """The key of the widget of this path; it changes whenever code, not the pupil, sets the value."""
    generation = current().generations.get(path, 0)
    return WIDGETS + path + (f"{GENERATION}{generation}" if generation else "")


def read(path: str, value: Any) -> Any:
    """The value that the widget of this path shows; `value` if it was not drawn yet."""
    return st.session_state.get(key_of(path), value)


def seed(path: str, value: Any, signature: object) -> Any:
    """Let the widget about to be drawn show this value: set it if the widget is new, shows another value, or `signature` has changed.

    `signature` is what the widget offers. Otherwise the widget is left alone: the browser may have moved on while this script runs.
    Returns the value, to be passed as the widget's default as well: if the next script run begins before this one was sent, the
    browser misses the value that was set, shows the default, and sends it back as if somebody had chosen it.
    """
    session = current()
    key = key_of(path)
    offers = (signature, session.language)
    if key not in st.session_state or session.signatures.get(key) != offers or st.session_state[key] != value:
        st.session_state[key] = value
    session.signatures[key] = offers
    return value


def seed_anew(path: str, value: Any, signature: object) -> Any:
    """As `seed`, for a value that is computed while the widget is on the page: if it shows another value, a new widget replaces it.

    Setting the value of a drawn widget would not be safe: if the next script run begins before this one was sent, the browser misses
    the new value and sends the old one back, as if somebody had chosen it.
    """
    if read(path, value) != value:
        _renew_key(path)
    return seed(path, value, signature)


def find_position(options: Sequence[Any], value: Any) -> int:
    """The index of the value among a menu's options; 0 if it is no longer among them."""
    return options.index(value) if value in options else 0


def show(path: str, value: Any) -> None:
    """Let the widget of this path show this value. For callbacks, which run before any widget is drawn."""
    st.session_state[key_of(path)] = value


def read_points(key: str) -> list[dict[str, Any]]:
    """The points selected in the figure of this key."""
    return st.session_state[key].selection.points


def read_grid(key: str) -> dict[int, dict[str, Any]]:
    """The cells edited in the grid of this key: {row: {column: value}}."""
    return st.session_state[key]["edited_rows"]


def forget(beginning: str) -> None:
    """Let the widgets whose path begins so take their values from code at their next drawing."""
    for path in _list_drawn_paths(beginning):
        _renew_key(path)


def _renew_key(path: str) -> None:
    # With every script run the browser sends the values that it shows, which may be older than ours: a widget with a new key ignores them.
    generations = current().generations
    del st.session_state[key_of(path)]
    generations[path] = generations.get(path, 0) + 1


def _list_drawn_paths(beginning: str) -> list[str]:
    """The paths with this beginning whose widgets were drawn."""
    keys = [str(key) for key in st.session_state if str(key).startswith(WIDGETS + beginning)]
    paths = {key.removeprefix(WIDGETS).split(GENERATION)[0] for key in keys}
    return [path for path in paths if key_of(path) in st.session_state]
