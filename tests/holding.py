"""Layers that live in tests only and hold layers: one that an exported script writes, and one that none does."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import nn

from dlcore.experiment import Experiment
from dlcore.layers import Dense, Dropout, LayerComponent, Shape, Words, build_stack, values_of
from tests.naming import recipes_may_name


class Added(nn.Module):
    """What comes in, and what becomes of it."""

    def __init__(self, inner: nn.Sequential) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """(B, D) in, (B, D) out."""
        return values + self.inner(values)


class Side(nn.Module):
    """What becomes of it on two ways, one beside the other."""

    def __init__(self, left: nn.Sequential, right: nn.Sequential) -> None:
        super().__init__()
        self.left, self.right = left, right

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """(B, D) in, (B, K1 + K2) out."""
        return torch.cat([self.left(values), self.right(values)], dim=1)


class Holding(LayerComponent):
    """What both have."""

    has_units: ClassVar[bool] = False

    def num_parameters(self, input_shape: Shape) -> int:
        total = 0
        for branch in self.inner.values():
            shape = input_shape
            for layer in branch:
                total += layer.num_parameters(shape)
                shape = layer.output_shape(shape)
        return total

    def in_words(self, words: Words) -> str:
        return "layers"

    @property
    def number(self) -> float:
        return len(self.inner)


class Residual(Holding):
    """a = x + f(x): what comes in is added to what its layers make of it (He et al., 2016)."""

    kind: Literal["residual"] = "residual"
    title: ClassVar[str] = "Residual"
    layers: tuple[Inner, ...] = ()

    example_shapes: ClassVar[tuple[Shape, ...]] = ((3,),)

    @property
    def inner(self) -> dict[str, tuple[LayerComponent, ...]]:
        return {"inner": self.layers}

    def join_outputs(self, values: torch.Tensor, outputs: Sequence[torch.Tensor]) -> torch.Tensor:
        return values + outputs[0]

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def build(self, input_shape: Shape, generator: torch.Generator, device: str) -> list[nn.Module]:
        return [Added(build_stack(self.layers, input_shape, generator, device))]

    def script_modules(self, input_shape: Shape) -> list[str]:
        lines, shape = [], input_shape
        for layer in self.layers:
            lines += layer.script_modules(shape)
            shape = layer.output_shape(shape)
        return [f"Added(nn.Sequential({', '.join(lines)}))"]

    def script_classes(self) -> list[type]:
        return [Added]


class Parallel(Holding):
    """a = [f(x), g(x)]: two ways, one beside the other (Szegedy et al., 2015)."""

    kind: Literal["parallel"] = "parallel"
    title: ClassVar[str] = "Parallel"
    left: tuple[Inner, ...] = ()
    right: tuple[Inner, ...] = ()

    example_shapes: ClassVar[tuple[Shape, ...]] = ((3,),)

    @property
    def inner(self) -> dict[str, tuple[LayerComponent, ...]]:
        return {"left": self.left, "right": self.right}

    def join_outputs(self, values: torch.Tensor, outputs: Sequence[torch.Tensor]) -> torch.Tensor:
        return torch.cat(list(outputs), dim=1)

    def output_shape(self, input_shape: Shape) -> Shape:
        shapes = []
        for branch in self.inner.values():
            shape = input_shape
            for layer in branch:
                shape = layer.output_shape(shape)
            shapes.append(shape)
        return (sum(map(values_of, shapes)),)

    def build(self, input_shape: Shape, generator: torch.Generator, device: str) -> list[nn.Module]:
        return [Side(*(build_stack(one, input_shape, generator, device) for one in (self.left, self.right)))]


Inner = Annotated[Dense | Dropout | Residual | Parallel, Field(discriminator="kind")]
for holder in (Residual, Parallel):
    holder.model_rebuild()


def recipes_may_name_them() -> AbstractContextManager[None]:
    """Meanwhile the union of layers knows those that hold layers."""
    return recipes_may_name(Residual, Parallel)


def recipe(*layers: LayerComponent, **changes: Any) -> Experiment:
    """With these layers. No recipe can say so: the union of layers does not know them."""
    return Experiment.model_construct(**{**dict(Experiment()), **changes, "layers": layers})


def branched(**changes: Any) -> Experiment:
    """Dense, a residual with dropout inside, in which stands a parallel; dense again."""
    inner = (Dense(units=2), Dropout(p=0.5), Parallel(left=(Dense(units=1),), right=(Dense(units=4), Dense(units=2))))
    return recipe(Dense(units=3), Residual(layers=inner), Dense(units=2), **changes)
