"""Attention: each step looks at the others; and positions, without which it does not know their order.

B rows of a batch, T steps, D features.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from dlcore.layers.base import SEQUENCE, Axis, LayerComponent, Shape, Words

if TYPE_CHECKING:
    import torch
    from torch import nn

MOST_HEADS = 16


class Attention(LayerComponent):
    """softmax(Q K^T / sqrt(d)) V of the steps' own queries, keys and values, in heads (Bahdanau et al., 2015; Vaswani et al., 2017)."""

    kind: Literal["attention"] = "attention"
    title: ClassVar[str] = "Self-attention"
    heads: int = Field(default=1, ge=1, le=MOST_HEADS, description="Independent looks, each at a part of the features.")
    causal: bool = Field(default=False, description="Whether a step sees only those before it and itself.")

    example_shapes: ClassVar[tuple[Shape, ...]] = ((5, 4), (3, 1))
    reads: ClassVar[Literal["shape", "list", "either"]] = "shape"
    has_units: ClassVar[bool] = True
    axes: ClassVar[dict[str, tuple[Axis, ...]]] = {
        "0.in_proj_weight": ((3, "sources"), "sources"),
        "0.in_proj_bias": ((3, "sources"),),
        "0.out_proj.weight": ("sources", "sources"),
        "0.out_proj.bias": ("sources",),
    }

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != SEQUENCE:
            self.refuse("layer_needs_sequence", input_shape)
        if input_shape[1] % self.heads:
            self.refuse("heads_do_not_divide", input_shape, heads=self.heads, features=input_shape[1])
        return input_shape

    def num_parameters(self, input_shape: Shape) -> int:
        return 4 * (input_shape[1] + 1) * input_shape[1]

    def build(self, input_shape: Shape, generator: torch.Generator, device: str) -> list[nn.Module]:
        """[SelfAttention]; (B, T, D) -> (B, T, D)."""
        from dlcore.engines.building import allocate
        from dlcore.engines.sequence_modules import SelfAttention

        module = SelfAttention(input_shape[1], self.heads, self.causal, device="meta")
        allocate(module, device, lambda: module.begin(generator))
        return [module]

    def script_modules(self, input_shape: Shape) -> list[str]:
        return [f"SelfAttention({input_shape[1]}, {self.heads}, causal={self.causal!r})"]

    def script_classes(self) -> list[type]:
        from dlcore.engines.sequence_modules import Padding, SelfAttention

        return [Padding, SelfAttention]

    @property
    def fills_itself(self) -> bool:
        return True

    def in_words(self, words: Words) -> str:
        return words("report.heads.causal" if self.causal else "report.heads", heads=self.heads)

    @property
    def number(self) -> float:
        return self.heads


class Positions(LayerComponent):
    """x_t + p_t: a vector for each place is added, of sines (Vaswani et al., 2017) or learned (Gehring et al., 2017)."""

    kind: Literal["positions"] = "positions"
    title: ClassVar[str] = "Positions"
    how: Literal["sinusoidal", "learned"] = Field(
        default="sinusoidal", description="Sines of many wavelengths, which are fixed, or vectors that are learned."
    )

    example_shapes: ClassVar[tuple[Shape, ...]] = ((5, 4), (4, 3))
    reads: ClassVar[Literal["shape", "list", "either"]] = "shape"
    has_units: ClassVar[bool] = False
    keeps_units: ClassVar[bool] = True

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != SEQUENCE:
            self.refuse("layer_needs_sequence", input_shape)
        return input_shape

    def num_parameters(self, input_shape: Shape) -> int:
        return input_shape[0] * input_shape[1] if self.how == "learned" else 0

    def build(self, input_shape: Shape, generator: torch.Generator, device: str) -> list[nn.Module]:
        """[SinePositions or LearnedPositions]; (B, T, D) -> (B, T, D)."""
        from dlcore.engines.building import allocate
        from dlcore.engines.sequence_modules import LearnedPositions, SinePositions

        if self.how == "sinusoidal":
            return [SinePositions()]
        module = LearnedPositions(*input_shape, device="meta")
        allocate(module, device, lambda: module.begin(generator))
        return [module]

    def script_modules(self, input_shape: Shape) -> list[str]:
        steps, features = input_shape
        return ["SinePositions()" if self.how == "sinusoidal" else f"LearnedPositions({steps}, {features})"]

    def script_classes(self) -> list[type]:
        from dlcore.engines.sequence_modules import LearnedPositions, SinePositions

        return [SinePositions if self.how == "sinusoidal" else LearnedPositions]

    @property
    def fills_itself(self) -> bool:
        return self.how == "learned"

    def in_words(self, words: Words) -> str:
        return words(f"report.positions.{self.how}")
