"""A trained network in a form for elsewhere: a PyTorch script that trains it anew, an ONNX model that runs anywhere, and what there is
to say of it: a report in HTML and a model card in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlcore.jobs import Answer, Progress
from dlcore.problems import Problem

if TYPE_CHECKING:
    from dlcore.checkpoint import Checkpoint

FORMATS = ("script", "onnx", "report", "card")
EPOCHS_OF_AN_UNTRAINED_RUN = 100


def export_job(arguments: dict[str, Any], payload: bytes, progress: Progress) -> Answer:
    """The job "export": from a checkpoint to the file. Done by a desk: torch's ONNX exporter would cost a worker seconds and 160 MB."""
    from dlcore.checkpoint import open_checkpoint

    checkpoint = open_checkpoint(payload)
    if arguments["form"] == "onnx":
        from dlcore.export.onnx import export_onnx

        return {}, export_onnx(checkpoint, lambda share: progress(share, {}))
    return {}, export(checkpoint, arguments["form"])


def export(checkpoint: Checkpoint, form: str, history: str = "") -> bytes:
    """The file's content. A script trains for as many epochs as this network was trained; a report draws the curves of its history.csv.

    Raises Problem for an unknown format.
    """
    match form:
        case "script":
            from dlcore.export.script import export_script

            return export_script(checkpoint.experiment, checkpoint.epoch or EPOCHS_OF_AN_UNTRAINED_RUN).encode()
        case "onnx":
            from dlcore.export.onnx import export_onnx

            return export_onnx(checkpoint)
        case "report":
            from dlcore.export.report import report

            return report({"history": history}, checkpoint.to_bytes(), _nobody_watches)[1]
        case "card":
            from dlcore.export.card import card

            return card({}, checkpoint.to_bytes(), _nobody_watches)[1]
    raise Problem("no_format", expected=", ".join(FORMATS), came=form)


def _nobody_watches(share: float, partial: dict[str, Any]) -> None:
    """A progress function for a caller who waits for the result and is told nothing on the way."""
