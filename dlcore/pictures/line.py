"""Data with one column: a curve of the network's output, and of each unit's answer, over the column's range."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch

from dlcore.pictures.base import Bend, Drawable, Interval, OutputPicture, as_inputs, pad, ranges_of, target_name


class UnitLine:
    """A unit as a curve, at the output's points."""

    kind: ClassVar = "line"
    painted: ClassVar = False
    painted_by_client: ClassVar = True

    @classmethod
    def suits(cls, drawable: Drawable, output: OutputPicture) -> bool:
        return isinstance(output, Line)

    def __init__(self, drawable: Drawable, output: OutputPicture) -> None:
        self.inputs_DP = output.inputs_DP
        self.shape = (1, self.inputs_DP.shape[1])
        self._x_range = output.layout["x_range"]

    @property
    def layout(self) -> dict[str, Any]:
        return {"kind": self.kind, "columns": self.shape[1], "x_range": self._x_range}

    def draw(self, answers_KP: torch.Tensor, bend: Bend) -> torch.Tensor:
        return bend(answers_KP)


class Line:
    """The output, a number, as a curve over the one column, with the rows as points."""

    kind: ClassVar = "line"
    plane_D3 = plane_factors = None

    @classmethod
    def suits(cls, drawable: Drawable) -> bool:
        return drawable.experiment.dataset.surface == "line"

    def __init__(self, drawable: Drawable, side: int) -> None:
        data = drawable.data
        (x_range,) = ranges_of(drawable)
        self._scaling = data.scaling
        self.inputs_DP = as_inputs(self._scaling.inputs(np.linspace(*x_range, side)[:, None]))
        self.shape = (side,)
        self.layout: dict[str, Any] = {
            "kind": self.kind, "columns": side, "x_range": list(x_range), "y_range": list(pad(data.train.y)),
            "axes": [data.raw_names[0], target_name(drawable.experiment)],
        }  # fmt: skip

    def points(self, raw: np.ndarray, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.stack([self._scaling.fill_missing(raw)[:, 0], y], axis=1)

    def numbers(self, values_P: np.ndarray, value_range: Interval) -> dict[str, np.ndarray]:
        return {"output_line": values_P.astype(np.float32)}
