"""The menu Export: the files of a run, each made when its button is pressed; and the upload of such a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import streamlit as st

from dlcore.desks.job import Job
from dlcore.problems import clean
from ui import live, opening, session
from ui.messages import escape, sentence
from ui.press import Press, make_at_press
from ui.reporting import make_reporter
from ui.session import editing, label, t, uploads, widgets
from ui.share import read_recipe

FILES = {
    "checkpoint": ("model.safetensors", "application/octet-stream", ":material/deployed_code:"),
    "recipe": ("recipe.json", "application/json", ":material/receipt_long:"),
    "history": ("history.csv", "text/csv", ":material/show_chart:"),
    "data": ("data.csv", "text/csv", ":material/table_rows:"),
    "script": ("train.py", "text/x-python", ":material/code:"),
    "onnx": ("model.onnx", "application/octet-stream", ":material/move_to_inbox:"),
    "report": ("report.html", "text/html", ":material/lab_profile:"),
    "card": ("model_card.md", "text/markdown", ":material/id_card:"),
}
OF_ROWS = ("data", "report", "card")  # Files that contain rows, which this person may not be allowed to have.
POLL = 1.0  # Seconds between two looks at how far a desk is, while the menu is open.
PROGRESS_HEIGHT = 56  # pixels


@dataclass
class Exporting:
    """What the menu remembers of a person."""

    jobs: dict[str, Job] = field(default_factory=dict)  # By file, the last job of a desk that made it.


def export_menu(token: str) -> None:
    """Draw the menu with all files, which are made when their buttons are pressed, and the upload of such a file."""
    if session.is_hidden("home"):
        return
    menu = st.popover(
        label("export"), icon=":material/download:", key=widgets.key_of("/export"), on_change="rerun", width="content"
    )
    if menu.open:
        with menu, st.container(key="export_menu"):
            _draw_files(token)
            st.fragment(_show_progress, run_every=POLL)()
            _draw_upload()


def _draw_files(token: str) -> None:
    state = session.current()
    refusal = opening.find_refusal(state.experiment, session.mark())
    columns = [column.container(gap="small") for column in st.columns(2, gap="medium")]
    for position, (what, (file_name, mime, icon)) in enumerate(FILES.items()):
        with columns[position % 2].container(gap="xxsmall"):
            st.download_button(
                label(f"export.{what}"), make_maker(what, token, state), file_name, mime, key=f"export_{what}", icon=icon,
                on_click="ignore", width="stretch", disabled=refusal is not None and what in OF_ROWS,
            )  # fmt: skip
            st.caption(label(f"export.{what}.help"))
    if refusal is not None:
        st.caption(escape(sentence(state.language, refusal)))


def _show_progress() -> None:
    """Say how far the desk is with a file, in a line that is always there."""
    unfinished = {what: job for what, job in _jobs(session.current()).items() if job.state in ("waiting", "working")}
    with st.container(height=PROGRESS_HEIGHT, border=False, key="export_progress"):
        for what, job in list(unfinished.items())[-1:]:
            key = "export.waiting" if job.state == "waiting" else "export.making"
            said = label(key, file=t(f"export.{what}"), share=round(100 * job.share), ahead=job.ahead)
            st.progress(min(1.0, max(0.02, job.share)), text=said)


def _draw_upload() -> None:
    key = f"upload_{session.current().uploads}"
    st.file_uploader(label("load"), key=key, on_change=load_file, args=(key,))
    st.caption(label("load.help"))


def _jobs(state: session.Session) -> dict[str, Job]:
    return state.memory(Exporting).jobs


def make_maker(what: str, token: str, state: session.Session) -> Callable[[], bytes]:
    """The function that makes a file's bytes at a press, outside the script: it captures who asks, but reads the run's state only then."""
    jobs = _jobs(state)

    def follow(job: Job) -> None:
        jobs[what] = job

    if what in ("report", "card"):
        return make_reporter(state, what, token, follow=follow)

    def make(press: Press) -> bytes:
        match what:
            case "recipe":
                return read_recipe(token, state.experiment).to_json(indent=2).encode()
            case "data":  # By a desk, as some data need scikit-learn, which this process does not load.
                recipe = read_recipe(token, state.experiment).without_journal()
                return press.ask("data_csv", recipe.to_json().encode())
            case "onnx":
                return press.ask("export", press.checkpoint(token), form=what)
            case _:
                return live.pool().call(token, what)[1]

    return make_at_press(state, make, follow)


@session.guard
def load_file(key: str) -> None:
    """Callback: go on from the uploaded recipe or checkpoint. The run stays as it is if the file is not valid."""
    file = uploads.find_file(key)
    if file is None:
        return
    widgets.forget("/export")  # A new menu, which is closed: the run is what there is to see now.
    session.current().uploads += 1  # The next uploader is a new, empty one, so that the same file can be chosen again.
    editing.load(file.name, file.getvalue())
    session.current().notices.append(t("load.done", name=clean(file.name)))
