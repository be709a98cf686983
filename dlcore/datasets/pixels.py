"""What all sets of pictures have in common whose pixels are bytes.  N rows, D pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from dlcore.datasets.base import DatasetComponent, Grey, Surface
from dlcore.datasets.fitting import Fitting
from dlcore.datasets.preparation import Preparation, make_scaling
from dlcore.datasets.ready_images import list_stacks
from dlcore.objectives import Classes, objective_of_classes

BRIGHTEST = 255
SUFFIXES = {1: ("",), 3: (" red", " green", " blue")}  # of the names of pixels, by how many channels there are


class PixelData(DatasetComponent):
    """Pictures of one size in classes, each pixel divided by 255."""

    group: ClassVar[str] = "images"

    if TYPE_CHECKING:  # Some sets have these as fields of the recipe, others always the same.
        height: int  # lines of pixels
        width: int  # pixels in a line
        channels: Literal[1, 3]  # 1 of grey pictures, 3 of pictures in colour
        classes: tuple[str, ...]  # what a picture may show

    @property
    def inputs(self) -> int:  # type: ignore[override]
        return self.channels * self.height * self.width

    @property
    def objective(self) -> Classes:  # type: ignore[override]
        return objective_of_classes(len(self.classes))

    @property
    def surface(self) -> Surface:
        return "space"

    @property
    def picture(self) -> Grey:
        return Grey(self.height, self.width, BRIGHTEST, self.channels)

    @property
    def column_names(self) -> tuple[str, ...]:
        lines, pixels = range(1, self.height + 1), range(1, self.width + 1)
        return tuple(
            f"{line}x{pixel}{channel}" for channel in SUFFIXES[self.channels] for line in lines for pixel in pixels
        )

    def stacks(self, train_rows: int) -> dict[str, Fitting]:
        return list_stacks(self.height, self.width, train_rows)

    def fitting(self, train_rows: int) -> Fitting:
        return self.stacks(train_rows)["small_cnn"]

    def prepare(self, X: np.ndarray, y: np.ndarray) -> Preparation:
        return Preparation(make_scaling(np.zeros(self.inputs), np.full(self.inputs, BRIGHTEST)))
