"""Layers that hold layers: a way around some of them, or several ways side by side; and with them the union of all.  B rows of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from dlcore.component import kind_of
from dlcore.layers.attention import Attention, Positions
from dlcore.layers.base import (
    LayerComponent,
    Shape,
    Words,
    build_stack,
    shape_in_words,
    shapes_through,
    unit_axis,
)
from dlcore.layers.convolution import Conv1d, Conv2d
from dlcore.layers.dense import Dense
from dlcore.layers.dropout import Dropout
from dlcore.layers.embedding import Embedding
from dlcore.layers.flatten import Flatten
from dlcore.layers.normalization import BatchNorm, LayerNorm
from dlcore.layers.pooling import AveragePool, GlobalAveragePool, MaxPool
from dlcore.layers.recurrent import GRU, LSTM, RNN

if TYPE_CHECKING:
    import torch
    from torch import nn

MOST_IN_A_BRANCH = 12
MOST_BRANCHES = 4


class Holder(LayerComponent):
    """What layers have that hold others."""

    has_units: ClassVar[bool] = False

    def num_parameters(self, input_shape: Shape) -> int:
        return sum(
            layer.num_parameters(shape)
            for branch in self.inner.values()
            for layer, shape in zip(branch, shapes_through(branch, input_shape), strict=False)
        )

    def _outputs(self, input_shape: Shape) -> list[Shape]:
        """The shape of a row after each branch."""
        return [shapes_through(branch, input_shape)[-1] for branch in self.inner.values()]


class Residual(Holder):
    """a = x + f(x): what comes in is added to what the layers make of it, so that gradients have a way around them (He et al., 2016)."""

    kind: Literal["residual"] = "residual"
    title: ClassVar[str] = "Residual"
    layers: tuple[Layer, ...] = Field(
        default=(), max_length=MOST_IN_A_BRANCH, description="The layers that the skip connection goes around."
    )

    example_shapes: ClassVar[tuple[Shape, ...]] = ((3,), (5, 3), (2, 4, 3))
    keeps_units: ClassVar[bool] = True
    holds: ClassVar[str] = "layers"

    @property
    def inner(self) -> dict[str, tuple[LayerComponent, ...]]:
        return {"": self.layers}

    def with_inner(self, name: str, layers: tuple[LayerComponent, ...]) -> Residual:
        return self.replace(layers=layers)

    def join_outputs(self, values: torch.Tensor, outputs: Sequence[torch.Tensor]) -> torch.Tensor:
        return values + outputs[0]

    def output_shape(self, input_shape: Shape) -> Shape:
        (output,) = self._outputs(input_shape)
        if output != input_shape:
            self.refuse(
                "residual_shapes", input_shape, made=shape_in_words(output), units=input_shape[unit_axis(input_shape)]
            )
        return input_shape

    def build(self, input_shape: Shape, generator: torch.Generator, device: str) -> list[nn.Module]:
        """[SkipConnection of the layers]; any shape in, the same shape out."""
        from dlcore.engines.branch_modules import SkipConnection

        return [SkipConnection(*build_stack(self.layers, input_shape, generator, device))]

    def script_modules(self, input_shape: Shape) -> list[str]:
        return [f"SkipConnection({', '.join(_script_lines(self.layers, input_shape))})"]

    def script_classes(self) -> list[type]:
        from dlcore.engines.branch_modules import SkipConnection

        return [SkipConnection]

    def in_words(self, words: Words) -> str:
        return words("report.around", layers=_titles(self.layers, words))

    @property
    def number(self) -> float:
        return len(self.layers)


class Parallel(Holder):
    """a = f(x) + g(x), or both side by side: the same input on several ways (Szegedy et al., 2015). An empty branch hands it on."""

    kind: Literal["parallel"] = "parallel"
    title: ClassVar[str] = "Parallel"
    branches: tuple[tuple[Layer, ...], ...] = Field(
        default=((), ()),
        min_length=2,
        max_length=MOST_BRANCHES,
        description="The layers of each way, from input to output.",
    )
    join: Literal["add", "concatenate"] = Field(
        default="add", description="Whether what comes out of the branches is added, or put side by side."
    )

    example_shapes: ClassVar[tuple[Shape, ...]] = ((3,), (5, 3), (2, 4, 3))
    holds: ClassVar[str] = "branches"

    @property
    def inner(self) -> dict[str, tuple[LayerComponent, ...]]:
        return {str(number): branch for number, branch in enumerate(self.branches)}

    def with_inner(self, name: str, layers: tuple[LayerComponent, ...]) -> Parallel:
        return self.replace(branches=tuple(layers if one == name else branch for one, branch in self.inner.items()))

    def join_outputs(self, values: torch.Tensor, outputs: Sequence[torch.Tensor]) -> torch.Tensor:
        import torch

        if self.join == "add":
            return torch.stack(list(outputs)).sum(0)
        return torch.cat(list(outputs), dim=1 if outputs[0].dim() == 4 else -1)

    def output_shape(self, input_shape: Shape) -> Shape:
        first, *others = outputs = self._outputs(input_shape)
        axis = unit_axis(first)
        if self.join == "concatenate":
            alike = [_without(shape, axis) for shape in outputs]
        else:
            alike = outputs
        if any(shape != alike[0] for shape in alike) or any(len(shape) != len(first) for shape in others):
            made = ", ".join(map(shape_in_words, outputs))
            self.refuse(f"parallel_shapes.{self.join}", input_shape, made=made)
        if self.join == "add":
            return first
        return (*first[:axis], sum(shape[axis] for shape in outputs), *first[axis + 1 :])

    def build(self, input_shape: Shape, generator: torch.Generator, device: str) -> list[nn.Module]:
        """[Branches added or concatenated]; any shape in, (B, *output_shape) out."""
        from dlcore.engines import branch_modules

        stacks = [build_stack(branch, input_shape, generator, device) for branch in self.branches]
        return [getattr(branch_modules, self._module)(stacks)]

    def script_modules(self, input_shape: Shape) -> list[str]:
        stacks = [f"nn.Sequential({', '.join(_script_lines(branch, input_shape))})" for branch in self.branches]
        return [f"{self._module}([{', '.join(stacks)}])"]

    def script_classes(self) -> list[type]:
        from dlcore.engines import branch_modules

        return [getattr(branch_modules, self._module)]

    def in_words(self, words: Words) -> str:
        ways = " | ".join(_titles(branch, words) for branch in self.branches)
        return words(f"report.parallel.{self.join}", layers=ways)

    @property
    def number(self) -> float:
        return len(self.branches)

    @property
    def _module(self) -> str:
        return {"add": "AddedBranches", "concatenate": "ConcatenatedBranches"}[self.join]


def _without(shape: Shape, axis: int) -> Shape:
    return (*shape[:axis], *shape[axis + 1 :])


def _script_lines(layers: Sequence[LayerComponent], shape: Shape) -> list[str]:
    shapes = shapes_through(layers, shape)
    return [line for layer, before in zip(layers, shapes, strict=False) for line in layer.script_modules(before)]


def _titles(layers: Sequence[LayerComponent], words: Words) -> str:
    titles = [words.title(f"component.layer.{kind_of(type(layer))}.title", layer.title) for layer in layers]
    return ", ".join(titles) or words("report.nothing_between")


Layer = Annotated[
    Dense
    | Dropout
    | Conv2d
    | Conv1d
    | MaxPool
    | AveragePool
    | GlobalAveragePool
    | Flatten
    | BatchNorm
    | LayerNorm
    | Embedding
    | Positions
    | RNN
    | LSTM
    | GRU
    | Attention
    | Residual
    | Parallel,
    Field(discriminator="kind"),
]
for _holder in (Residual, Parallel):  # They hold layers of this union themselves.
    _holder.model_rebuild()
