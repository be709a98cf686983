"""A layer that lives in tests only and keeps numbers of its own: batch normalisation; and a recipe that may name it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import nn

from dlcore.experiment import Experiment
from dlcore.layers import Dense, Dropout, LayerComponent, Shape, Words


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
    def size(self) -> float:
        return 1


@contextmanager
def recipes_may_name_it() -> Iterator[None]:
    """Meanwhile the union of layers knows it."""
    field = Experiment.model_fields["layers"]
    union = field.annotation
    field.annotation = tuple[Annotated[Dense | Dropout | BatchNorm, Field(discriminator="kind")], ...]
    Experiment.model_rebuild(force=True)
    try:
        yield
    finally:
        field.annotation = union
        Experiment.model_rebuild(force=True)
