"""Predict: the network's predictions for the rows of a new file; the first ones are shown, all can be downloaded as CSV."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from dlcore.problems import Problem, clean
from ui import session
from ui.data.found import TABLE, say_findings
from ui.evaluating.asking import ask, begin, find_job, judging, moment, watch
from ui.evaluating.judging import NewFile
from ui.grids import add_columns
from ui.messages import escape, sentence
from ui.press import Press, make_at_press
from ui.session import label, t, uploads

QUICK, LONG, CSV = "predict", "predict_long", "predictions_csv"
LARGE = "large"  # `form` in the quick job's result for a file that needs the long job
OF_FILES = ("upload_", "table_", "predict_")  # beginnings of the keys of problems that only another file can solve
MOST_NAMED = 12  # columns named in one sentence


def draw_section() -> None:
    """Draw which columns a file needs, the uploader, and the predictions for the file that was brought."""
    st.caption(label("predict.see", columns=_list_names(moment().column_names)))
    key = _key_of_uploader()
    st.file_uploader(
        label("predict.file"), accept_multiple_files=True, key=key, help=label("predict.file.help"),
        on_change=take_file, args=(key,),
    )  # fmt: skip
    file = judging().file
    if file is None:
        return
    with st.container(border=True, key="predicted"):
        if file.refusal is not None and file.refused_for == moment().column_names:
            _show_refusal(file, file.refusal)
            return
        try:
            found = ask(QUICK, **file.arguments)[0]
        except Problem as problem:
            if not problem.key.startswith(OF_FILES):
                raise  # Not the file's fault, so nothing is remembered: the next try may succeed.
            file.refusal, file.refused_for = problem, moment().column_names
            _show_refusal(file, problem)
            return
        if found.get("form") == LARGE:
            _find_long_job(file)
        else:
            _show(file, found)


# The way in


def _key_of_uploader() -> str:
    """The key of the uploader; it changes whenever a file was taken, so that the next uploader is empty."""
    return f"predict_upload_{session.current().uploads}"


@session.guard
def take_file(key: str) -> None:
    """Callback: put the file chosen last into the store; a new, empty uploader replaces this one."""
    if key != _key_of_uploader():
        return  # An earlier uploader, which reports that it is empty since its file was taken.
    files = uploads.take_files(key)
    if not files:
        raise Problem("upload_gone")
    name, content = files[-1]
    judging().file = NewFile(uploads.keep_upload(content), clean(Path(name).name) or "table")
    judging().begun.pop(LONG, None)


# The result


def _find_long_job(file: NewFile) -> None:
    """Draw the predictions of a large file, made by a long job, which starts anew for another file or moment."""
    now, known = moment(), find_job(LONG)
    if known is None or (known.step, known.epoch, known.arguments) != (now.step, now.epoch, file.arguments):
        begin(LONG, **file.arguments)
    watch(LONG, lambda found, _: _show(file, found))


def _show_refusal(file: NewFile, problem: Problem) -> None:
    st.markdown(f"{TABLE} **{escape(file.name)}**")
    st.error(escape(sentence(session.current().language, problem)), icon=":material/error:")


def _show(file: NewFile, found: dict[str, Any]) -> None:
    if "rows" not in found:
        return  # A partial result: the file is still being read.
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="predicted_rows"):
        st.markdown(f"{TABLE} **{escape(file.name)}**", width="content")
        st.markdown(
            label("predict.rows", predicted=f"{found['predicted']:,}", rows=f"{found['rows']:,}"), width="stretch"
        )
        if found["predicted"]:
            st.download_button(
                label("predict.take"), make_maker(session.current(), file, moment().content), "predictions.csv", "text/csv",
                icon=":material/download:", type="primary", key="take_predictions", on_click="ignore",
                help=label("predict.take.help"),
            )  # fmt: skip
    if found["missing"]:
        # Only the preparation of own tables can fill missing columns; bundled data have nothing to fill them with.
        key = "predict.missing.filled" if moment().experiment.dataset.kind == "table" else "predict.missing"
        missing = label(key, count=len(found["missing"]), columns=_list_names(found["missing"]))
        st.warning(missing, icon=":material/warning:")
    if found["refusal"] is not None:
        refusal = Problem(found["refusal"]["key"], **found["refusal"]["values"])
        st.warning(escape(sentence(session.current().language, refusal)), icon=":material/warning:")
    say_findings(found["findings"], "predicted_more_findings")
    if found["target"] is not None:
        st.caption(label("predict.target", column=found["target"]))
    if found["unused"]:
        st.caption(label("predict.unused", count=len(found["unused"]), columns=_list_names(found["unused"])))
    if found["first"]:
        _draw_grid(found)


def _draw_grid(found: dict[str, Any]) -> None:
    """Draw the first rows: prediction, true value if the file has it, the network's confidence, and the cells it was given."""
    first, classes = found["first"], bool(found["class_names"])
    ours: dict[str, list[Any]] = {
        t("evaluate.row"): list(range(1, len(first) + 1)),
        t("views.predicted"): [_shorten(row["prediction"]) for row in first],
    }
    if found["target"] is not None:
        ours[t("evaluate.true")] = [row["true"] for row in first]
    if classes:
        ours[t("evaluate.certainty")] = [
            None if row["certainty"] is None else f"{row['certainty']:.1%}" for row in first
        ]
    st.caption(label("predict.first", shown=len(first), rows=f"{found['rows']:,}"))
    table = add_columns(ours, found["columns"], [row["cells"] for row in first])
    st.dataframe(table, hide_index=True, alt=t("predict.first", shown=len(first), rows=f"{found['rows']:,}"))


def _shorten(prediction: str | float | None) -> str | float | None:
    return float(f"{prediction:.6g}") if isinstance(prediction, float) else prediction


def make_maker(state: session.Session, file: NewFile, checkpoint: bytes) -> Callable[[], bytes]:
    """The function that a press on Download calls: it makes the CSV for this file and this checkpoint."""

    def make(press: Press) -> bytes:
        return press.ask(CSV, checkpoint, **file.arguments)

    return make_at_press(state, make)


def _list_names(columns: list[str] | tuple[str, ...]) -> str:
    """The first MOST_NAMED of these names, as text."""
    return ", ".join(columns[:MOST_NAMED]) + (" …" if len(columns) > MOST_NAMED else "")
