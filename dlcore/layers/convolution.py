"""Convolutions: one small set of weights a unit, moved over a picture or along a sequence.

B rows of a batch, C channels, H x W pixels, T steps, K units (the channels after it).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from dlcore.activations import Activation, ReLU
from dlcore.initializers import HeNormal, Initializer
from dlcore.layers.base import PICTURE, SEQUENCE, Axis, LayerComponent, Shape, Words, activation_in_words

if TYPE_CHECKING:
    import torch
    from torch import nn

MOST_CHANNELS = 128
WIDEST_KERNEL, WIDEST_STRIDE = 11, 4


class Convolution(LayerComponent):
    """What both have."""

    channels: int = Field(
        default=8, ge=1, le=MOST_CHANNELS, description="Number of kernels, each of which makes a map."
    )
    kernel: int = Field(default=3, ge=1, le=WIDEST_KERNEL, description="Width of the window that a kernel weighs.")
    stride: int = Field(default=1, ge=1, le=WIDEST_STRIDE, description="By how much the window moves each time.")
    padding: int = Field(default=0, ge=0, le=WIDEST_KERNEL // 2, description="Zeros around the input, on every side.")
    activation: Activation = Field(default=ReLU(), description="Function applied to each weighted sum.")
    initializer: Initializer = Field(default=HeNormal(), description="How the weights start.")

    reads: ClassVar[Literal["shape", "list", "either"]] = "shape"
    has_units: ClassVar[bool] = True
    width: ClassVar[str] = "channels"
    most_units: ClassVar[int] = MOST_CHANNELS

    @property
    def activation_kind(self) -> str:
        return self.activation.kind

    def starts(self) -> dict[int, Initializer]:
        return {0: self.initializer}

    def in_words(self, words: Words) -> str:
        return words(
            "report.convolution", channels=self.channels, kernel=self.kernel, stride=self.stride, padding=self.padding,
            activation=activation_in_words(self.activation.kind, words),
        )  # fmt: skip

    @property
    def number(self) -> float:
        return self.channels

    def _fill(self, module: nn.Conv1d | nn.Conv2d, generator: torch.Generator) -> None:
        assert module.bias is not None
        self.initializer.fill(module.weight, module.bias, generator)

    def _slide(self, length: int, input_shape: Shape) -> int:
        """How many places the window has along so many pixels or steps."""
        padded = length + 2 * self.padding
        if padded < self.kernel:
            self.refuse("kernel_too_wide", input_shape, kernel=self.kernel, room=padded)
        return (padded - self.kernel) // self.stride + 1

    @property
    def _settings(self) -> str:
        """What its module is given after the numbers of channels, as a script writes it."""
        stride = f", stride={self.stride}" if self.stride > 1 else ""
        return f"{self.kernel}{stride}" + (f", padding={self.padding}" if self.padding else "")


class Conv2d(Convolution):
    """a_K(y, x) = f(sum over channels, window of w_K x + b_K): the same kernel everywhere (Fukushima, 1980; LeCun et al., 1989)."""

    kind: Literal["conv2d"] = "conv2d"
    title: ClassVar[str] = "Convolution 2-D"

    example_shapes: ClassVar[tuple[Shape, ...]] = ((1, 8, 8), (3, 9, 7))
    axes: ClassVar[dict[str, tuple[Axis, ...]]] = {"0.weight": ("units", "sources", None, None), "0.bias": ("units",)}

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != PICTURE:
            self.refuse("layer_needs_picture", input_shape)
        _, height, width = input_shape
        return self.channels, self._slide(height, input_shape), self._slide(width, input_shape)

    def num_parameters(self, input_shape: Shape) -> int:
        return (input_shape[0] * self.kernel**2 + 1) * self.channels

    def build(self, input_shape: Shape, generator: torch.Generator, device: str) -> list[nn.Module]:
        """[nn.Conv2d, activation]; (B, C, H, W) -> (B, K, H', W')."""
        from torch import nn

        from dlcore.engines.building import allocate

        module = nn.Conv2d(input_shape[0], self.channels, self.kernel, self.stride, self.padding, device="meta")
        allocate(module, device, lambda: self._fill(module, generator))
        return [module, self.activation.build()]

    def script_modules(self, input_shape: Shape) -> list[str]:
        return [f"nn.Conv2d({input_shape[0]}, {self.channels}, {self._settings})", self.activation.script_module()]


class Conv1d(Convolution):
    """a_K(t) = f(sum over features, window of w_K x + b_K), along time: a kernel finds its pattern anywhere (Waibel et al., 1989)."""

    kind: Literal["conv1d"] = "conv1d"
    title: ClassVar[str] = "Convolution 1-D"

    example_shapes: ClassVar[tuple[Shape, ...]] = ((8, 1), (9, 4))
    axes: ClassVar[dict[str, tuple[Axis, ...]]] = {"0.weight": ("units", "sources", None), "0.bias": ("units",)}

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != SEQUENCE:
            self.refuse("layer_needs_sequence", input_shape)
        return self._slide(input_shape[0], input_shape), self.channels

    def num_parameters(self, input_shape: Shape) -> int:
        return (input_shape[1] * self.kernel + 1) * self.channels

    def build(self, input_shape: Shape, generator: torch.Generator, device: str) -> list[nn.Module]:
        """[TimeConv1d, activation]; (B, T, C) -> (B, T', K)."""
        from dlcore.engines.building import allocate
        from dlcore.engines.sequence_modules import TimeConv1d

        module = TimeConv1d(input_shape[1], self.channels, self.kernel, self.stride, self.padding, device="meta")
        allocate(module, device, lambda: self._fill(module, generator))
        return [module, self.activation.build()]

    def script_modules(self, input_shape: Shape) -> list[str]:
        return [f"TimeConv1d({input_shape[1]}, {self.channels}, {self._settings})", self.activation.script_module()]

    def script_classes(self) -> list[type]:
        from dlcore.engines.sequence_modules import TimeConv1d

        return [TimeConv1d]
