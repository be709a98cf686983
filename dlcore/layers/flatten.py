"""Flatten: from a picture or a sequence to a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from dlcore.layers.base import LayerComponent, Shape, Words, values_of

if TYPE_CHECKING:
    import torch
    from torch import nn


class Flatten(LayerComponent):
    """All values one after another in a list: dense layers behind it see each place by itself (LeCun et al., 1998)."""

    kind: Literal["flatten"] = "flatten"
    title: ClassVar[str] = "Flatten"

    example_shapes: ClassVar[tuple[Shape, ...]] = ((5, 3), (2, 4, 3))
    has_units: ClassVar[bool] = False
    keeps_units: ClassVar[bool] = True

    def output_shape(self, input_shape: Shape) -> Shape:
        return (values_of(input_shape),)

    def num_parameters(self, input_shape: Shape) -> int:
        return 0

    def build(self, input_shape: Shape, generator: torch.Generator, device: str) -> list[nn.Module]:
        """[nn.Flatten]; (B, ...) -> (B, D)."""
        from torch import nn

        return [nn.Flatten()]

    def script_modules(self, input_shape: Shape) -> list[str]:
        return ["nn.Flatten()"]

    def in_words(self, words: Words) -> str:
        return words("report.one_list")
