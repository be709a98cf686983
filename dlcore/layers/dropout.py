"""Dropout: noise against overfitting."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from dlcore.layers.base import LayerComponent, Shape, Words

if TYPE_CHECKING:
    import torch
    from torch import nn


class Dropout(LayerComponent):
    """While training, each value is 0 with probability p, else divided by 1 - p; no effect later (Srivastava et al., 2014)."""

    kind: Literal["dropout"] = "dropout"
    title: ClassVar[str] = "Dropout"
    p: float = Field(default=0.1, ge=0, le=0.9, description="Probability that a value is dropped.")

    example_shapes: ClassVar[tuple[Shape, ...]] = ((1,), (7,), (3, 5, 2))
    has_units: ClassVar[bool] = False
    keeps_units: ClassVar[bool] = True
    draws: ClassVar[bool] = True
    judges_otherwise: ClassVar[bool] = True
    judged_as: ClassVar[Literal["dense", "identity", "other"]] = "identity"

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def num_parameters(self, input_shape: Shape) -> int:
        return 0

    def build(self, input_shape: Shape, generator: torch.Generator, device: str) -> list[nn.Module]:
        """[dropout module]; any shape in, the same shape out."""
        from dlcore.engines.modules import SeededDropout

        return [SeededDropout(self.p)]

    def script_modules(self, input_shape: Shape) -> list[str]:
        return [f"SeededDropout({self.p!r})"]

    def script_classes(self) -> list[type]:
        from dlcore.engines.modules import SeededDropout

        return [SeededDropout]

    def in_words(self, words: Words) -> str:
        return f"p = {self.p:g}"

    @property
    def number(self) -> float:
        return self.p
