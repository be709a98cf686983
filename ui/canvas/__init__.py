"""The network canvas: data, network and output, drawn in the browser from frames of the live channel, without reruns of the script."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from streamlit.components.v2 import component

from ui.assets import asset_version
from ui.messages import catalogue

FOLDER = Path(__file__).parent
MOST_AT_ONCE = 20  # Actions that one message of the canvas may hold; a page has never so many that are unanswered.

#: Keys, in the catalogues of messages, of every text that the canvas's scripts draw.
STRINGS: tuple[str, ...] = tuple(key for key in catalogue("en") if key.startswith("canvas."))
#: One style sheet for each part of the page, so that a part can be read by itself.
STYLES = "\n".join(path.read_text(encoding="utf-8") for path in sorted(FOLDER.rglob("*.css")))

# Streamlit sends this script again at every update, so it is short and imports the rest, which the browser caches. The base
# address is read from Streamlit's own script tag, which is right under a base path and behind a proxy.
LOADER = """
let modules = null;
export default async function (component) {
  if (modules === null) {
    const own = document.querySelector('script[src*="static/js/"]').src;
    const base = own.slice(0, own.lastIndexOf("static/js/"));
    modules = import(`${base}api/assets/${component.data.version}/canvas/bundle.js`);
    modules.catch(() => { modules = null; });
  }
  return (await modules).default(component);
}
"""

_network_canvas = component(
    "network_canvas",
    html=(FOLDER / "canvas.html").read_text(encoding="utf-8"),
    css=STYLES,
    js=LOADER,
)


def network_canvas(
    token: str,
    strings: dict[str, str],
    language: str,
    *,
    key: str,
    hidden: str,
    life: int,
    visit: dict[str, str],
    answered: dict[str, Any],
    searching: bool,
    example: dict[str, str] | None,
    notices: tuple[dict[str, Any], ...],
    on_action: Callable[[], None],
) -> None:
    """Draw the run behind `token`.

    `strings` holds the texts of STRINGS and every `problem.<key>`, in the page's `language` ("en", "zh-CN").
    `hidden` names the groups of controls that are not shown, see hide.css. `life` counts how often the run was restored;
    `visit` is {"server", "session"}, by which a page notices that it talks to another server or session than before.
    `answered` is the last action that was answered: {"by": mark of its canvas, "number"}.
    `example` is the example that is open: {"id", "question", "dataset": the kind of data it speaks of}.
    `notices` is what the page has told last: {"number" within the session, "words"}.
    `searching` says whether a learning rate is looked for.
    A press that Python must answer calls `on_action`; `st.session_state[key].action` is then `{"do": ..., ...}`, see
    `acting.answer_canvas`.
    """
    data = {"token": token, "life": life, "visit": visit, "strings": strings, "language": language, "hidden": hidden}
    data |= {
        "searching": searching,
        "example": example,
        "notices": list(notices),
        "answered": answered,
        "at_once": MOST_AT_ONCE,
        "version": asset_version(),
    }
    _network_canvas(data=data, key=key, on_action_change=on_action)
