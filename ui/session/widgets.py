"""What the widgets say, and what they are to show: seeded through st.session_state, each in one place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from ui.fitting import OWN_KINDS, group_datasets
from ui.session.state import current

GENERATION = "~"
WIDGETS = "widget:"  # what the keys of all widgets that hold a part of the recipe begin with


def key_of(path: str) -> str:
    """The key of the widget that holds this part of the recipe; another one each time its value was set from elsewhere."""
    generation = current().generations.get(path, 0)
    return WIDGETS + path + (f"{GENERATION}{generation}" if generation else "")


def read(path: str, value: Any) -> Any:
    """What the widget of this path shows; `value` if it has not been drawn yet."""
    return st.session_state.get(key_of(path), value)


def seed(path: str, value: Any, signature: object) -> Any:
    """Let the widget about to be drawn show this value, on its first time and whenever what it offers has changed.

    At other times the browser knows better: it may have moved on while this script runs. Returns the value, for the widget's default:
    what a run of the script says is lost when the next one begins before it was sent, and a browser that has not heard of the value
    shows the default, and sends it back as if somebody had chosen it.
    """
    session = current()
    key = key_of(path)
    offers = (signature, session.language)
    if key not in st.session_state or session.signatures.get(key) != offers or st.session_state[key] != value:
        st.session_state[key] = value
    session.signatures[key] = offers
    return value


def seed_anew(path: str, value: Any, signature: object) -> Any:
    """As `seed`, for what is found out while the browser goes on: a widget that shows another value makes way for a new one.

    A value that is given to a widget which stands is lost with the run of the script that gave it, if the next one begins before it was
    sent; the browser then says the old one again, as if somebody had chosen it.
    """
    if read(path, value) != value:
        _renew_key(path)
    return seed(path, value, signature)


def find_position(options: Sequence[Any], value: Any) -> int:
    """Where the value stands in a menu; the first if what is offered has changed and it is there no more."""
    return options.index(value) if value in options else 0


def put(draft: dict[str, Any]) -> None:
    """Let the widgets show these values from their next drawing on; those that show them already are left as they are."""
    session = current()
    before = session.draft
    session.draft, session.moved = draft, None
    for name in before.keys() | draft.keys():
        if before.get(name) != draft.get(name):
            for path in _list_drawn_paths(name):
                if _find_value(draft, path) != read(path, None):
                    _renew_key(path)


def show(path: str, value: Any) -> None:
    """Let the widget of this path show this value. For callbacks, which come before any widget is drawn."""
    st.session_state[key_of(path)] = value


def read_points(key: str) -> list[dict[str, Any]]:
    """The points that were chosen in the figure of this key."""
    return st.session_state[key].selection.points


def read_grid(key: str) -> dict[int, dict[str, Any]]:
    """What was typed into a grid: {row: {column: value}}."""
    return st.session_state[key]["edited_rows"]


def forget(beginning: str) -> None:
    """Let the widgets whose path begins so be seeded anew."""
    for path in _list_drawn_paths(beginning):
        _renew_key(path)


def _renew_key(path: str) -> None:
    # The browser sends what it shows with every run of the script, and what it shows may be of before: a new key does not listen to that.
    generations = current().generations
    del st.session_state[key_of(path)]
    generations[path] = generations.get(path, 0) + 1


def _list_drawn_paths(beginning: str) -> list[str]:
    """The paths that begin so and have a widget."""
    keys = [str(key) for key in st.session_state if str(key).startswith(WIDGETS + beginning)]
    paths = {key.removeprefix(WIDGETS).split(GENERATION)[0] for key in keys}
    return [path for path in paths if key_of(path) in st.session_state]


def _find_value(draft: dict[str, Any], path: str) -> Any:
    """What the widget of this path should show."""
    name, _, group = path.partition("/")
    if name == "dataset":
        kind = draft["dataset"]["kind"]
        return kind if kind in group_datasets().get(group, OWN_KINDS) else None
    return read(path, None) if group else _read_value(draft, path)


def _read_value(draft: Any, path: str) -> Any:
    """The part of the recipe at a widget's path, in which the kind stands before the fields that only it has; None where there is none."""
    for name in path.split("."):
        if isinstance(draft, list):
            draft = draft[int(name)] if name.isdecimal() and int(name) < len(draft) else None
        elif not isinstance(draft, dict):
            return None
        elif name in draft or draft.get("kind") != name:
            draft = draft.get(name)
    return draft
