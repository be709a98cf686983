"""The layers of a network in their places, with their shapes. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dlcore.component import kind_of
from dlcore.layers import LayerComponent, Shape, all_layers, shapes_through, unit_axis, values_of
from dlcore.problems import Problem

MOST_LAYERS_IN_ALL, DEEPEST = 48, 4  # with those inside of others

Path = tuple[int, ...]


@dataclass(frozen=True)
class LayerPlan:
    """A layer's place in the network: the shapes of a row before and after it, and how many parameters it has.

    `path` leads to it: the index in the stack, and for a layer inside another one then the branch, the index in it, and so on.
    """

    path: Path
    kind: str
    input_shape: Shape
    output_shape: Shape
    parameters: int
    activation: str  # kind of the activation that the layer ends with; "" for none
    has_units: bool  # Its outputs are units of its own; else it hands on the values that it gets.
    units: int  # How many of them; 0 for none.
    branches: tuple[tuple[LayerPlan, ...], ...] = ()  # The layers that it holds.

    @property
    def address(self) -> str:
        """Its path as text: "2" is the third layer, "2.0.1" the second one in the first branch of that."""
        return ".".join(map(str, self.path))

    @property
    def units_in(self) -> int:
        """How many units give what comes in: numbers of a list, features of a sequence, channels of a picture."""
        return self.input_shape[unit_axis(self.input_shape)]

    @property
    def units_out(self) -> int:
        """How many units there are of what goes out, its own or those that it hands on."""
        return self.output_shape[unit_axis(self.output_shape)]

    @property
    def inputs(self) -> int:
        """Numbers in a row before it."""
        return values_of(self.input_shape)

    @property
    def outputs(self) -> int:
        """Numbers in a row after it."""
        return values_of(self.output_shape)


def plan_layers(layers: Iterable[LayerComponent], shape: Shape, path: Path) -> tuple[LayerPlan, ...]:
    """The plans of layers through which a row of this shape goes. `path` leads to the branch in which the layers stand."""
    plans = []
    layers = tuple(layers)
    shapes = shapes_through(layers, shape)
    for place, (layer, before, after) in enumerate(zip(layers, shapes, shapes[1:], strict=False)):
        own = (*path, place)
        branches = enumerate(layer.inner.values())
        plans.append(
            LayerPlan(
                path=own,
                kind=kind_of(type(layer)),
                input_shape=before,
                output_shape=after,
                parameters=layer.num_parameters(before),
                activation=layer.activation_kind,
                has_units=layer.has_units,
                units=after[unit_axis(after)] if layer.has_units else 0,
                branches=tuple(plan_layers(branch, before, (*own, number)) for number, branch in branches),
            )
        )
    return tuple(plans)


def all_plans(plans: Iterable[LayerPlan]) -> Iterator[LayerPlan]:
    """These plans and all plans inside them; each comes before those that it holds."""
    for plan in plans:
        yield plan
        for branch in plan.branches:
            yield from all_plans(branch)


def check_depth(layers: Iterable[LayerComponent]) -> None:
    """Raises Problem for more layers inside of layers than a network may have."""
    layers = tuple(layers)
    count, depth = sum(1 for _ in all_layers(layers)), _depth(layers)
    if count > MOST_LAYERS_IN_ALL:
        raise Problem("too_many_layers", came=count, limit=MOST_LAYERS_IN_ALL)
    if depth > DEEPEST:
        raise Problem("layers_too_deep", came=depth, limit=DEEPEST)


def _depth(layers: Iterable[LayerComponent]) -> int:
    """How many layers stand inside of one another at most."""
    return max((1 + max(map(_depth, layer.inner.values()), default=0) for layer in layers), default=0)
