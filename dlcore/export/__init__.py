"""A trained network in a form for elsewhere: a PyTorch script that trains it anew, an ONNX model that runs anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlcore.problems import Problem

if TYPE_CHECKING:
    from dlcore.checkpoint import Checkpoint

FORMATS = ("script", "onnx")
EPOCHS_OF_AN_UNTRAINED_RUN = 100


def export(checkpoint: Checkpoint, form: str) -> bytes:
    """The file's content. A script trains for as many epochs as this network has been. Raises Problem for an unknown format."""
    match form:
        case "script":
            from dlcore.export.script import export_script

            return export_script(checkpoint.experiment, checkpoint.epoch or EPOCHS_OF_AN_UNTRAINED_RUN).encode()
        case "onnx":
            from dlcore.export.onnx import export_onnx

            return export_onnx(checkpoint)
    raise Problem("no_format", expected=", ".join(FORMATS), came=form)
