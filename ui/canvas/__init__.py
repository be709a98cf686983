"""The network canvas: the whole pipeline, drawn live in the browser from the live channel, not by reruns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from streamlit.components.v2 import component

from ui.assets import asset_version

FOLDER = Path(__file__).parent

_NAMES = """
play play_help pause pause_help step step_help epoch epoch_help reset reset_help new_seed
new_seed_help controls speed speed_value fastest epoch_label step_label rate device network data
rows inputs hidden output units one_unit dropout parameters parameters_short total_parameters more
units_help unit input_unit output_unit bias weight range negative positive test_points discretize
class value predicted predicted_class output_picture projection_caption line_caption groups_caption
train_loss test_loss train_accuracy test_accuracy train_r2 test_r2 loss accuracy r2 metric epochs
train test log_scale reset_zoom curves_missing connecting reconnecting gone diverged early_stopped
epoch_limit dismiss fix_learning_rate fix_gradient_clip
"""

#: Every text that the scripts draw; the catalogues hold them under these very keys.
STRINGS: tuple[str, ...] = tuple(f"canvas.{name}" for name in _NAMES.split())


# Streamlit sends this text again at every update, so it is short and fetches the rest once. The base is
# taken from Streamlit's own script tag: it is right under a base path and behind a proxy.
LOADER = """
let modules = null;
export default async function (component) {
  if (modules === null) {
    const own = document.querySelector('script[src*="static/js/"]').src;
    const base = own.slice(0, own.lastIndexOf("static/js/"));
    modules = import(`${base}api/assets/${component.data.version}/canvas/canvas.js`);
    modules.catch(() => { modules = null; });
  }
  return (await modules).default(component);
}
"""

_network_canvas = component(
    "network_canvas",
    html=(FOLDER / "canvas.html").read_text(encoding="utf-8"),
    css=(FOLDER / "canvas.css").read_text(encoding="utf-8"),
    js=LOADER,
)


def network_canvas(
    token: str,
    strings: dict[str, str],
    language: str,
    *,
    key: str,
    on_action: Callable[[], None],
) -> None:
    """Draw the run behind `token`.

    `strings` holds the texts of STRINGS and every `problem.<key>`, in the page's `language` ("en", "zh-CN").
    `options`: `dataset`, the data set's title under the data column.
    A press that Python must answer calls `on_action`; `st.session_state[key].action` is then
    `{"do": "new_seed" | "fix_learning_rate" | "fix_gradient_clip" | "renew"}`.
    """
    data = {"token": token, "strings": strings, "language": language, "version": asset_version()}
    _network_canvas(data=data, key=key, on_action_change=on_action)
