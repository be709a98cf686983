"""Embedding: from the number of a token to a vector that is learned.  B rows of a batch, T steps, D numbers of a vector."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from dlcore.layers.base import Axis, LayerComponent, Shape, Tokens, Words

if TYPE_CHECKING:
    import torch
    from torch import nn

WIDEST = 128


class Embedding(LayerComponent):
    """e_t = the learned vector of token t; padding has the vector 0 (Bengio et al., 2003)."""

    kind: Literal["embedding"] = "embedding"
    title: ClassVar[str] = "Embedding"
    dimensions: int = Field(default=16, ge=1, le=WIDEST, description="Numbers in a token's vector.")
    spread: float = Field(
        default=1.0,
        ge=0.001,
        le=2,
        description="Standard deviation of these numbers at the start. PyTorch: 1; if small, a rare token hardly counts.",
    )

    example_shapes: ClassVar[tuple[Shape, ...]] = (Tokens(5, 7),)
    reads: ClassVar[Literal["shape", "list", "either"]] = "shape"
    has_units: ClassVar[bool] = True
    width: ClassVar[str] = "dimensions"
    most_units: ClassVar[int] = WIDEST
    takes_tokens: ClassVar[bool] = True
    axes: ClassVar[dict[str, tuple[Axis, ...]]] = {"0.weight": (None, "units")}

    def output_shape(self, input_shape: Shape) -> Shape:
        if not isinstance(input_shape, Tokens):
            self.refuse("layer_needs_tokens", input_shape)
        return input_shape[0], self.dimensions

    def num_parameters(self, input_shape: Shape) -> int:
        return _vocabulary(input_shape) * self.dimensions

    def build(self, input_shape: Shape, generator: torch.Generator, device: str) -> list[nn.Module]:
        """[TokenEmbedding]; (B, T) ids -> (B, T, D)."""
        from dlcore.engines.building import allocate
        from dlcore.engines.sequence_modules import TokenEmbedding

        module = TokenEmbedding(_vocabulary(input_shape), self.dimensions, self.spread, device="meta")
        allocate(module, device, lambda: module.begin(generator))
        return [module]

    def script_modules(self, input_shape: Shape) -> list[str]:
        return [f"TokenEmbedding({_vocabulary(input_shape)}, {self.dimensions}, {self.spread!r})"]

    def script_classes(self) -> list[type]:
        from dlcore.engines.sequence_modules import Padding, TokenEmbedding

        return [Padding, TokenEmbedding]

    @property
    def fills_itself(self) -> bool:
        return True

    def in_words(self, words: Words) -> str:
        return words("report.dimensions", dimensions=self.dimensions)

    @property
    def number(self) -> float:
        return self.dimensions


def _vocabulary(shape: Shape) -> int:
    return shape.vocabulary if isinstance(shape, Tokens) else 0
