"""A layer that lives in tests only and keeps numbers of its own: batch normalisation; and a recipe that may name it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import ClassVar, Literal

import torch
from torch import nn

from dlcore.layers import LayerComponent, Shape, Words
from tests.naming import recipes_may_name


class BatchNorm(LayerComponent):
    """a = g * (x - mean) / deviation + b, by the batch's mean and deviation, by running ones when judged (Ioffe and Szegedy, 2015)."""

    kind: Literal["batch_norm"] = "batch_norm"
    title: ClassVar[str] = "Batch normalisation"

    example_shapes: ClassVar[tuple[Shape, ...]] = ((3,),)
    has_units: ClassVar[bool] = False
    judges_otherwise: ClassVar[bool] = True

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def num_parameters(self, input_shape: Shape) -> int:
        return 2 * input_shape[0]

    def build(self, input_shape: Shape, generator: torch.Generator, device: str) -> list[nn.Module]:
        return [nn.BatchNorm1d(input_shape[0], device=device)]

    def in_words(self, words: Words) -> str:
        return "to mean 0 and deviation 1"

    @property
    def number(self) -> float:
        return 1


def recipes_may_name_it() -> AbstractContextManager[None]:
    """Meanwhile the union of layers knows it."""
    return recipes_may_name(BatchNorm)
