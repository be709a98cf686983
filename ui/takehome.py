"""Take it home: the files of a run, made when they are asked for, and the way back from a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import streamlit as st

from dlcore.datasets.split import prepare
from dlcore.experiment import Experiment
from dlcore.problems import clean
from dlcore.runs.exporting import export_elsewhere
from ui import live, session
from ui.session import label, t

FILES = {
    "checkpoint": ("model.safetensors", "application/octet-stream", ":material/deployed_code:"),
    "recipe": ("recipe.json", "application/json", ":material/receipt_long:"),
    "history": ("history.csv", "text/csv", ":material/show_chart:"),
    "data": ("data.csv", "text/csv", ":material/table:"),
    "script": ("train.py", "text/x-python", ":material/code:"),
    "onnx": ("model.onnx", "application/octet-stream", ":material/move_to_inbox:"),
}


def take_home(token: str) -> None:
    """Downloads and an upload."""
    state = session.current()
    for what, (file_name, mime, icon) in FILES.items():
        st.download_button(
            label(f"take.{what}"), maker(what, token, state), file_name, mime, key=f"take_{what}", icon=icon, on_click="ignore",
            help=label(f"take.{what}.help"), width="stretch",
        )  # fmt: skip
    key = f"upload_{state.uploads}"
    st.file_uploader(label("load"), key=key, help=label("load.help"), on_change=load_file, args=(key,))


def maker(what: str, token: str, state: session.Session) -> Callable[[], bytes]:
    """What makes a file's bytes. It runs at the press, outside the script, and later than it: it captures who asks, not what is so now."""
    match what:
        case "recipe":
            return lambda: state.experiment.to_json(indent=2).encode()
        case "data":
            return lambda: data_csv(state.experiment)
        case "onnx":
            return lambda: export_elsewhere(live.pool().call(token, "checkpoint")[1], what)
        case _:
            return lambda: live.pool().call(token, what)[1]


def data_csv(experiment: Experiment) -> bytes:
    """The rows in the data's own units: inputs, class or value, and whether they are for training or testing."""
    data = prepare(experiment)
    classes = data.class_names
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*data.raw_names, "class" if classes else "value", "split"])
    for name, split in (("train", data.train), ("test", data.test)):
        for row, target in zip(split.raw.tolist(), split.y.tolist(), strict=True):
            writer.writerow([*row, classes[target] if classes else target, name])
    return out.getvalue().encode()


@session.guarded
def load_file(key: str) -> None:
    """Go on from a file. If it is not right, the run stays as it is."""
    file = session.uploaded(key)
    if file is None:
        return
    session.current().uploads += 1  # A new uploader: the same file can be chosen again.
    session.load(file.name, file.getvalue())
    session.current().notices.append(t("load.done", name=clean(file.name)))
