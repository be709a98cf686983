"""Pooling: many neighbours become one number.  B rows of a batch, C channels, H x W pixels, T steps, D features."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from dlcore.layers.base import LIST, PICTURE, LayerComponent, Shape, Words

if TYPE_CHECKING:
    import torch
    from torch import nn

LARGEST = 8


class Pooling(LayerComponent):
    """What pooling by windows has: they stand side by side, and what does not fill one is left out."""

    size: int = Field(default=2, ge=2, le=LARGEST, description="Pixels on a side of a window, or steps in it.")

    pools: ClassVar[str]  # as torch.nn names its module for pictures, but for "2d"

    example_shapes: ClassVar[tuple[Shape, ...]] = ((1, 8, 8), (3, 5, 7), (8, 3))
    reads: ClassVar[Literal["shape", "list", "either"]] = "shape"
    has_units: ClassVar[bool] = True
    keeps_units: ClassVar[bool] = True

    def output_shape(self, input_shape: Shape) -> Shape:
        size = self.size
        if len(input_shape) == LIST:
            self.refuse("layer_needs_picture_or_sequence", input_shape)
        pixels = input_shape[1:] if len(input_shape) == PICTURE else input_shape[:1]
        if min(pixels) < size:
            self.refuse("pooled_to_nothing", input_shape, window=size)
        pooled = tuple(length // size for length in pixels)
        return (input_shape[0], *pooled) if len(input_shape) == PICTURE else (*pooled, input_shape[1])

    def num_parameters(self, input_shape: Shape) -> int:
        return 0

    def build(self, input_shape: Shape, generator: torch.Generator, device: str) -> list[nn.Module]:
        """[pooling module]; (B, C, H, W) -> (B, C, H', W') or (B, T, D) -> (B, T', D)."""
        from torch import nn

        from dlcore.engines import sequence_modules

        if len(input_shape) == PICTURE:
            return [getattr(nn, f"{self.pools}2d")(self.size)]
        return [getattr(sequence_modules, f"Time{self.pools}1d")(self.size)]

    def script_modules(self, input_shape: Shape) -> list[str]:
        if len(input_shape) == PICTURE:
            return [f"nn.{self.pools}2d({self.size})"]
        return [f"Time{self.pools}1d({self.size})"]

    def script_classes(self) -> list[type]:
        from dlcore.engines import sequence_modules

        return [getattr(sequence_modules, f"Time{self.pools}1d")]

    def in_words(self, words: Words) -> str:
        return words("report.window", window=self.size)

    @property
    def number(self) -> float:
        return self.size


class MaxPool(Pooling):
    """a = the largest value of each window: where something was found counts less than that it was (Zhou and Chellappa, 1988)."""

    kind: Literal["max_pool"] = "max_pool"
    title: ClassVar[str] = "Max pooling"
    pools: ClassVar[str] = "MaxPool"


class AveragePool(Pooling):
    """a = the mean of each window: a coarser picture of the same (LeCun et al., 1989)."""

    kind: Literal["average_pool"] = "average_pool"
    title: ClassVar[str] = "Average pooling"
    pools: ClassVar[str] = "AvgPool"


class GlobalAveragePool(LayerComponent):
    """a_C = mean of a channel over the whole picture, or of a feature over all steps (Lin et al., Network in Network, 2014)."""

    kind: Literal["global_average_pool"] = "global_average_pool"
    title: ClassVar[str] = "Global average pooling"

    example_shapes: ClassVar[tuple[Shape, ...]] = ((3, 5, 7), (8, 3))
    reads: ClassVar[Literal["shape", "list", "either"]] = "shape"
    has_units: ClassVar[bool] = True
    keeps_units: ClassVar[bool] = True

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) == LIST:
            self.refuse("layer_needs_picture_or_sequence", input_shape)
        return input_shape[:1] if len(input_shape) == PICTURE else input_shape[-1:]

    def num_parameters(self, input_shape: Shape) -> int:
        return 0

    def build(self, input_shape: Shape, generator: torch.Generator, device: str) -> list[nn.Module]:
        """[nn.AdaptiveAvgPool2d, nn.Flatten]: (B, C, H, W) -> (B, C); or [TimeAverage]: (B, T, D) -> (B, D)."""
        from torch import nn

        from dlcore.engines.sequence_modules import TimeAverage

        return [nn.AdaptiveAvgPool2d(1), nn.Flatten()] if len(input_shape) == PICTURE else [TimeAverage()]

    def script_modules(self, input_shape: Shape) -> list[str]:
        return ["nn.AdaptiveAvgPool2d(1)", "nn.Flatten()"] if len(input_shape) == PICTURE else ["TimeAverage()"]

    def script_classes(self) -> list[type]:
        from dlcore.engines.sequence_modules import TimeAverage

        return [TimeAverage]

    def in_words(self, words: Words) -> str:
        return words("report.mean_of_all")
