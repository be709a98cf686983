"""Maps: what a channel of a picture holds, pixel by pixel, for one row of the data.  K channels, H x W pixels."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from dlcore.layers import PICTURE, Shape


class UnitImage:
    """A unit as the map (H, W) of its channel; of a large map every n-th pixel in both directions is sent, none is made up."""

    kind: ClassVar = "image"

    @classmethod
    def suits(cls, shape: Shape) -> bool:
        """Whether values of this shape are drawn so."""
        return len(shape) == PICTURE

    def __init__(self, shape: Shape, every: int = 1) -> None:
        self._every = every
        self.shape = (-(-shape[1] // every), -(-shape[2] // every))

    @property
    def layout(self) -> dict[str, Any]:
        """What the browser needs to draw it."""
        return {"kind": self.kind, "rows": self.shape[0], "columns": self.shape[1], "every": self._every}

    def draw(self, values_KHW: torch.Tensor) -> torch.Tensor:
        """(K, numbers of one map) of the values of one row."""
        return values_KHW[:, :: self._every, :: self._every].flatten(1)
