"""Downloads: the files of a run, each made when its button is pressed; and the upload of such a file."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from dlcore.problems import clean
from ui import live, opening, session
from ui.messages import escape, sentence
from ui.press import Press, make_at_press
from ui.reporting import make_reporter
from ui.session import editing, label, t, uploads
from ui.share import with_journal

FILES = {
    "checkpoint": ("model.safetensors", "application/octet-stream", ":material/deployed_code:"),
    "recipe": ("recipe.json", "application/json", ":material/receipt_long:"),
    "history": ("history.csv", "text/csv", ":material/show_chart:"),
    "data": ("data.csv", "text/csv", ":material/table:"),
    "script": ("train.py", "text/x-python", ":material/code:"),
    "onnx": ("model.onnx", "application/octet-stream", ":material/move_to_inbox:"),
    "report": ("report.html", "text/html", ":material/lab_profile:"),
    "card": ("model_card.md", "text/markdown", ":material/id_card:"),
}
OF_ROWS = ("data", "report", "card")  # Files that contain rows, which this person may not be allowed to have.


def take_home(token: str) -> None:
    """Draw the download buttons and an uploader."""
    state = session.current()
    refusal = opening.find_refusal(state.experiment, session.mark())
    for what, (file_name, mime, icon) in FILES.items():
        st.download_button(
            label(f"take.{what}"), make_maker(what, token, state), file_name, mime, key=f"take_{what}", icon=icon, on_click="ignore",
            help=label(f"take.{what}.help"), width="stretch", disabled=refusal is not None and what in OF_ROWS,
        )  # fmt: skip
        if refusal is not None and what == OF_ROWS[0]:
            st.caption(escape(sentence(state.language, refusal)))
    key = f"upload_{state.uploads}"
    st.file_uploader(label("load"), key=key, help=label("load.help"), on_change=load_file, args=(key,))


def make_maker(what: str, token: str, state: session.Session) -> Callable[[], bytes]:
    """The function that makes a file's bytes at a press, outside the script: it captures who asks, but reads the run's state only then."""
    if what in ("report", "card"):
        return make_reporter(state, what, token)

    def make(press: Press) -> bytes:
        match what:
            case "recipe":
                return with_journal(state.experiment, token).to_json(indent=2).encode()
            case "data":  # By a desk, as some data need scikit-learn, which this process does not load.
                return press.ask("data_csv", state.experiment.to_json().encode())
            case "onnx":
                return press.ask("export", press.checkpoint(token), form=what)
            case _:
                return live.pool().call(token, what)[1]

    return make_at_press(state, make)


@session.guard
def load_file(key: str) -> None:
    """Callback: go on from the uploaded recipe or checkpoint. The run stays as it is if the file is not valid."""
    file = uploads.find_file(key)
    if file is None:
        return
    session.current().uploads += 1  # The next uploader is a new, empty one, so that the same file can be chosen again.
    editing.load(file.name, file.getvalue())
    session.current().notices.append(t("load.done", name=clean(file.name)))
