"""Schedules: the learning rate over time, as a factor on the optimizer's own. t is the time in epochs, fractions included."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from dlcore.component import Component


class Constant(Component):
    """factor(t) = 1 (Robbins and Monro, 1951, is the case against)."""

    kind: Literal["constant"] = "constant"
    title: ClassVar[str] = "Constant"

    def factor(self, epoch: float) -> float:
        """Factor on the learning rate at this time."""
        return 1.0


class StepDecay(Component):
    """factor(t) = decay ^ floor(t / every) (Goodfellow et al., Deep Learning, 2016, section 8.3)."""

    kind: Literal["step"] = "step"
    title: ClassVar[str] = "Step"
    every: int = Field(default=50, ge=1, le=100_000, description="Epochs between two drops.")
    decay: float = Field(default=0.5, gt=0, le=1, description="Factor at each drop.")

    def factor(self, epoch: float) -> float:
        """Factor on the learning rate at this time."""
        return self.decay ** math.floor(epoch / self.every)


class Cosine(Component):
    """factor(t) = floor + (1 - floor) * (1 + cos(pi * min(t / epochs, 1))) / 2 (Loshchilov and Hutter, SGDR, 2017)."""

    kind: Literal["cosine"] = "cosine"
    title: ClassVar[str] = "Cosine"
    epochs: int = Field(default=200, ge=1, le=100_000, description="Epochs until the floor is reached.")
    floor: float = Field(default=0.01, ge=0, le=1, description="Last factor.")

    def factor(self, epoch: float) -> float:
        """Factor on the learning rate at this time."""
        return self.floor + (1 - self.floor) * (1 + math.cos(math.pi * min(epoch / self.epochs, 1.0))) / 2


class WarmUp(Component):
    """factor(t) = start + (1 - start) * min(t / epochs, 1): small steps first (Goyal et al., 2017)."""

    kind: Literal["warm_up"] = "warm_up"
    title: ClassVar[str] = "Warm-up"
    epochs: int = Field(default=10, ge=1, le=100_000, description="Epochs until the full learning rate.")
    start: float = Field(default=0.1, gt=0, le=1, description="First factor.")

    def factor(self, epoch: float) -> float:
        """Factor on the learning rate at this time."""
        return self.start + (1 - self.start) * min(epoch / self.epochs, 1.0)


Schedule = Annotated[Constant | StepDecay | Cosine | WarmUp, Field(discriminator="kind")]
