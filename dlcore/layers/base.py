"""What every layer has.  B rows of a batch, D inputs, K units.

A shape is that of one row's values, without the batch: (D,) of a list, (T, D) of a sequence of T steps, (C, H, W) of a picture with C
channels. Units are counted along the channels of a picture and along the last axis of all else. Everything that is said of a layer
elsewhere (exported script, report, lists of differences) is asked of the layer itself: a new one is one class here, its name in the
union, and its texts. A layer may hold layers (`inner`): what comes in goes through each of its stacks, and `join_outputs` makes one of
what comes out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NoReturn, Protocol

from dlcore.component import Component, kind_of
from dlcore.initializers import Initializer
from dlcore.problems import Problem

if TYPE_CHECKING:
    import torch
    from torch import nn


Shape = tuple[int, ...]


class Tokens(tuple[int, ...]):
    """(T,): the shape of a row whose numbers are no amounts but ids of tokens, 0 to `vocabulary` - 1; 0 is padding, 1 unknown."""

    vocabulary: int

    def __new__(cls, steps: int, vocabulary: int) -> Tokens:
        shape = super().__new__(cls, (steps,))
        shape.vocabulary = vocabulary
        return shape


#: What an axis of a tensor counts: the layer's units, what the units before it give, something of its own (None), or so many times one.
Axis = Literal["units", "sources"] | tuple[int, Literal["units", "sources"]] | None

MOST_UNITS = 512  # of a layer
LIST, SEQUENCE, PICTURE = 1, 2, 3  # how many axes such a shape has


class Words(Protocol):
    """Messages by key, in the reader's language."""

    def __call__(self, key: str, **values: Any) -> str: ...

    def title(self, key: str, english: str) -> str:
        """The name of a choice, which its class knows in English."""
        ...


class LayerComponent(Component):
    """What all layers say of themselves."""

    #: Shapes of a row that it takes; the conformance test builds it for each of them.
    example_shapes: ClassVar[tuple[Shape, ...]]
    #: Its outputs are units of its own, with a picture each; else it hands on the values that it gets.
    has_units: ClassVar[bool]
    #: As what it reads a row of the data if it comes first: in the shape that the data say it has, as a list, or as the layer after it.
    reads: ClassVar[Literal["shape", "list", "either"]] = "either"
    #: The units of what goes out are those of what came in, each with fewer numbers perhaps, or one after another in a list.
    keeps_units: ClassVar[bool] = False
    #: The field that holds its layers: a stack, or a list of stacks; "" if it holds none.
    holds: ClassVar[str] = ""
    #: The field by which a person says how many units it has, and the most; "" and 0: that is not for a person to say.
    width: ClassVar[str] = ""
    most_units: ClassVar[int] = 0
    #: Of a layer whose units weigh what comes in: the names, among its modules' tensors, of weight (units, inputs) and bias (units,).
    connections: ClassVar[tuple[str, str] | None] = None
    #: What the axes of its modules' tensors count, so that what was learned is kept when their number changes; others are kept whole.
    axes: ClassVar[dict[str, tuple[Axis, ...]]] = {}
    #: It draws random numbers while training, from the generator that its modules are given.
    draws: ClassVar[bool] = False
    #: It may come first where the numbers of a row are ids of tokens.
    takes_tokens: ClassVar[bool] = False
    #: While training it computes something else than when judged, so that its modules must be told which it is.
    judges_otherwise: ClassVar[bool] = False
    #: What it computes when judged, for those who compute it without its modules: f(x W^T + b) of its `connections`, x itself, or else.
    judged_as: ClassVar[Literal["dense", "identity", "other"]] = "other"

    @property
    def inner(self) -> dict[str, tuple[LayerComponent, ...]]:
        """The layers that it holds: a branch under the name of its nn.Sequential in the one module that `build` gives then."""
        return {}

    def with_inner(self, name: str, layers: tuple[LayerComponent, ...]) -> LayerComponent:
        """The same layer with other layers in the stack of this name."""
        raise NotImplementedError

    def join_outputs(self, values: torch.Tensor, outputs: Sequence[torch.Tensor]) -> torch.Tensor:
        """(B, *output_shape) of what came in and of what came out of each branch; of a layer that holds layers."""
        raise NotImplementedError

    @property
    def activation_kind(self) -> str:
        """Kind of the activation that it ends with, which a layer of a recipe has in its field `activation`; "" for none."""
        return ""

    def output_shape(self, input_shape: Shape) -> Shape:
        """Shape of a row after this layer."""
        raise NotImplementedError

    def num_parameters(self, input_shape: Shape) -> int:
        """Number of weights and biases."""
        raise NotImplementedError

    def build(self, input_shape: Shape, generator: torch.Generator, device: str) -> list[nn.Module]:
        """Its torch modules; (B, *input_shape) -> (B, *output_shape). On the meta device nothing is allocated."""
        raise NotImplementedError

    def script_modules(self, input_shape: Shape) -> list[str]:
        """The same modules as an exported script writes them, one a line. Raises Problem for a layer that no script writes."""
        raise Problem("layer_without_script", layer=self.title)

    def script_classes(self) -> list[type]:
        """Classes of ours that these lines name: the script carries their source."""
        return []

    def starts(self) -> dict[int, Initializer]:
        """How the weights of its modules start: {place among its modules: initializer}."""
        return {}

    @property
    def fills_itself(self) -> bool:
        """Whether its one module starts by its own method `begin(generator)`, not by an initializer."""
        return False

    def in_words(self, words: Words) -> str:
        """What it is made of, for a report."""
        raise NotImplementedError

    @property
    def number(self) -> float | None:
        """The number that tells it from others of its kind where there is room for one; None where there is none."""
        return None

    def refuse(self, key: str, came: Shape, **values: str | int) -> NoReturn:
        """Raise the Problem that it cannot take such rows; whoever knows where it stands adds the `number`."""
        raise Problem(key, number="?", layer_title=kind_of(type(self)), came=shape_in_words(came), **values)


def all_layers(layers: Iterable[LayerComponent]) -> Iterator[LayerComponent]:
    """These layers and all layers inside them; each comes before those that it holds."""
    for layer in layers:
        yield layer
        for branch in layer.inner.values():
            yield from all_layers(branch)


def shapes_through(layers: Iterable[LayerComponent], shape: Shape) -> list[Shape]:
    """The shape of a row before the first of these layers, and after each of them.

    Raises Problem, with the `number` of the layer, where one cannot take what it gets.
    """
    shapes = [shape]
    for number, layer in enumerate(layers, start=1):
        try:
            if isinstance(shape, Tokens) and not layer.takes_tokens:
                layer.refuse("tokens_need_embedding", shape)
            shape = layer.output_shape(shape)
        except Problem as problem:
            inside = problem.values.get("number", "")
            told = str(number) if inside in ("?", "") else f"{number}.{inside}"
            raise Problem(problem.key, **{**problem.values, "number": told}) from None
        shapes.append(shape)
    return shapes


def build_stack(
    layers: Iterable[LayerComponent], input_shape: Shape, generator: torch.Generator, device: str
) -> nn.Sequential:
    """The modules of these layers, one after another: (B, *input_shape) -> (B, *shape after the last)."""
    from torch import nn

    modules: list[nn.Module] = []
    for layer in layers:
        modules += layer.build(input_shape, generator, device)
        input_shape = layer.output_shape(input_shape)
    return nn.Sequential(*modules)


def activation_in_words(kind: str, words: Words) -> str:
    """The name of an activation, for a report."""
    return words.title(f"component.activation.{kind}.title", kind.replace("_", " "))


def reads_of(layers: Iterable[LayerComponent]) -> Literal["shape", "list"]:
    """How these layers read a row of the data: as the first one that minds."""
    for layer in all_layers(layers):
        if layer.reads != "either":
            return layer.reads
    return "list"


def unit_axis(shape: Shape) -> int:
    """The axis along which units of such a shape are counted: the channels of a picture, the last axis of all else."""
    return 0 if len(shape) == PICTURE else len(shape) - 1


def shape_in_words(shape: Shape) -> str:
    """As people write it: "8 x 28 x 28"."""
    return " x ".join(map(str, shape))


def values_of(shape: Shape) -> int:
    """How many numbers a row of this shape holds."""
    return math.prod(shape)
