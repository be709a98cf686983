"""Which layers can stand where: the kinds that suit a shape of data, and the last place of a stack at which one fits. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dlcore.component import kinds
from dlcore.experiment import Experiment
from dlcore.layers import (
    GRU,
    LIST,
    LSTM,
    PICTURE,
    RNN,
    SEQUENCE,
    Conv2d,
    Dense,
    Flatten,
    Layer,
    LayerComponent,
    Parallel,
    Residual,
    Shape,
    Tokens,
    shapes_through,
    unit_axis,
)
from dlcore.problems import Problem

Stack = tuple[LayerComponent, ...]


def list_suiting_kinds(experiment: Experiment) -> list[str]:
    """The kinds of layers that can be used on these data, wherever they stand."""
    dataset = experiment.dataset
    ranks = {LIST} if len(dataset.shape) == LIST else {len(dataset.shape), LIST}
    if dataset.vocabulary:
        ranks = {SEQUENCE, LIST}
    return [
        kind
        for kind, cls in kinds(Layer).items()
        if any(_is_of(shape, ranks, bool(dataset.vocabulary)) for shape in cls.example_shapes)  # type: ignore[attr-defined]
    ]


def _is_of(shape: Shape, ranks: set[int], tokens: bool) -> bool:
    return tokens if isinstance(shape, Tokens) else len(shape) in ranks


def find_place(experiment: Experiment, layer: LayerComponent) -> tuple[Experiment, list[int | None]]:
    """The recipe with this layer at the last place where it fits, and which layer each one was. Raises Problem if there is none.

    A layer that makes a picture or a sequence where a list is needed gets a Flatten behind it.
    """
    refused = None
    for at in range(len(experiment.layers), -1, -1):
        for added in _additions(experiment, layer, at):
            try:
                changed = experiment.replace(layers=(*experiment.layers[:at], *added, *experiment.layers[at:]))
            except Problem as problem:
                refused = refused or problem
            else:
                return changed, [*range(at), *[None] * len(added), *range(at, len(experiment.layers))]
    assert refused is not None
    raise refused


def _additions(experiment: Experiment, layer: LayerComponent, at: int) -> Iterator[Stack]:
    for one in _fill(experiment, layer, at):
        yield (one,)
        yield (one, Flatten())


def _fill(experiment: Experiment, layer: LayerComponent, at: int) -> Iterator[LayerComponent]:
    """The layer as it can stand there: one that holds others and is empty gets layers that keep the shape.

    A recurrent layer before another one returns all steps.
    """
    if isinstance(layer, RNN | LSTM | GRU):
        yield layer
        yield layer.replace(returns="all")
        return
    if not isinstance(layer, Residual | Parallel) or any(layer.inner.values()):
        yield layer
        return
    for shape in _shapes_before(experiment, at):
        inside = keep_shape(shape)
        yield Residual(layers=(inside,)) if isinstance(layer, Residual) else Parallel(branches=((inside,), ()))


def _shapes_before(experiment: Experiment, at: int) -> list[Shape]:
    before = experiment.layers[:at]
    dataset = experiment.dataset
    starts = [experiment.row_shape, *([] if dataset.vocabulary else [dataset.shape])]
    found = []
    for start in starts:
        try:
            found.append(shapes_through(before, start)[-1])
        except Problem:
            continue
    return list(dict.fromkeys(found))


def keep_shape(shape: Shape) -> Conv2d | Dense:
    """A layer that learns something and changes no such shape."""
    units = shape[unit_axis(shape)]
    return Conv2d(channels=units, padding=1) if len(shape) == PICTURE else Dense(units=units)


def nearest_that_fits(experiment: Experiment, at: int, candidates: Sequence[LayerComponent]) -> Experiment:
    """The recipe with the first of these layers that can stand at this place. Raises Problem, that of the first, if none can."""
    refused = None
    for layer in candidates:
        try:
            return experiment.replace(layers=(*experiment.layers[:at], layer, *experiment.layers[at:]))
        except Problem as problem:
            refused = refused or problem
    assert refused is not None
    raise refused
