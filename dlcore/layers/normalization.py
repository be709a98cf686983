"""Normalisation: values brought to mean 0 and deviation 1, then scaled and shifted by what is learned.

B rows of a batch, T steps, D features, C channels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from dlcore.layers.base import PICTURE, Axis, LayerComponent, Shape, Words, unit_axis, values_of

if TYPE_CHECKING:
    import torch
    from torch import nn


class BatchNorm(LayerComponent):
    """a = g (x - m) / s + b, m and s of the batch while training, running ones when judged (Ioffe and Szegedy, 2015).

    One for each unit: a channel of a picture over all its pixels, a feature of a sequence over all steps.
    """

    kind: Literal["batch_norm"] = "batch_norm"
    title: ClassVar[str] = "Batch normalization"

    example_shapes: ClassVar[tuple[Shape, ...]] = ((3,), (5, 3), (2, 4, 3))
    has_units: ClassVar[bool] = False
    keeps_units: ClassVar[bool] = True
    judges_otherwise: ClassVar[bool] = True
    axes: ClassVar[dict[str, tuple[Axis, ...]]] = {
        **{f"0.{name}": ("sources",) for name in ("weight", "bias", "running_mean", "running_var")},
        "0.num_batches_tracked": (),
    }

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def num_parameters(self, input_shape: Shape) -> int:
        return 2 * input_shape[unit_axis(input_shape)]

    def build(self, input_shape: Shape, generator: torch.Generator, device: str) -> list[nn.Module]:
        """[nn.BatchNorm2d] for pictures, else [UnitBatchNorm]; any shape in, the same shape out."""
        from torch import nn

        from dlcore.engines.modules import UnitBatchNorm

        cls = nn.BatchNorm2d if len(input_shape) == PICTURE else UnitBatchNorm
        return [cls(input_shape[unit_axis(input_shape)], device=device)]

    def script_modules(self, input_shape: Shape) -> list[str]:
        cls = "nn.BatchNorm2d" if len(input_shape) == PICTURE else "UnitBatchNorm"
        return [f"{cls}({input_shape[unit_axis(input_shape)]})"]

    def script_classes(self) -> list[type]:
        from dlcore.engines.modules import UnitBatchNorm

        return [UnitBatchNorm]

    def in_words(self, words: Words) -> str:
        return words("report.by_batch")


class LayerNorm(LayerComponent):
    """a = g (x - m) / s + b, m and s of the row's own values: the same while training and when judged (Ba et al., 2016).

    Of a list or a picture over all its values, of a sequence over the features of each step.
    """

    kind: Literal["layer_norm"] = "layer_norm"
    title: ClassVar[str] = "Layer normalization"

    example_shapes: ClassVar[tuple[Shape, ...]] = ((3,), (5, 3), (2, 4, 3))
    has_units: ClassVar[bool] = False
    keeps_units: ClassVar[bool] = True
    axes: ClassVar[dict[str, tuple[Axis, ...]]] = {"0.weight": ("sources",), "0.bias": ("sources",)}

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def num_parameters(self, input_shape: Shape) -> int:
        return 2 * values_of(self._normalized(input_shape))

    def build(self, input_shape: Shape, generator: torch.Generator, device: str) -> list[nn.Module]:
        """[nn.LayerNorm]; any shape in, the same shape out."""
        from torch import nn

        return [nn.LayerNorm(list(self._normalized(input_shape)), device=device)]

    def script_modules(self, input_shape: Shape) -> list[str]:
        return [f"nn.LayerNorm({list(self._normalized(input_shape))})"]

    def in_words(self, words: Words) -> str:
        return words("report.by_row")

    def _normalized(self, input_shape: Shape) -> Shape:
        return input_shape if len(input_shape) == PICTURE else input_shape[-1:]
