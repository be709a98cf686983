"""Random valid components and recipes, made from the fields and their bounds: a new component is drawn without a word here.

Strategies are kept: Hypothesis prepares each new one, which takes longer than drawing from it.
"""

from __future__ import annotations

from functools import cache
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen
from hypothesis import assume
from hypothesis import strategies as st
from pydantic.fields import FieldInfo

from dlcore.catalogue import FAMILIES
from dlcore.component import Component, kinds
from dlcore.datasets import Dataset, DatasetComponent, cars
from dlcore.datasets.drawn import EDGE, MOST_CLASSES, Drawn
from dlcore.datasets.own_texts import TextData
from dlcore.datasets.pictures import ImageData
from dlcore.datasets.table import TableData
from dlcore.experiment import Experiment, Feature
from dlcore.layers import (
    BatchNorm,
    Dropout,
    Embedding,
    Flatten,
    Layer,
    LayerComponent,
    LayerNorm,
    Parallel,
    Residual,
    Shape,
    Tokens,
    reads_of,
    shapes_through,
)
from dlcore.losses import Loss
from dlcore.problems import Problem

Bounds = dict[str, float]


def bounds(field: FieldInfo) -> Bounds:
    """{ge, gt, le, lt: number} of a field."""
    found: Bounds = {}
    for mark in field.metadata:
        for kind in (Ge, Gt, Le, Lt):
            if isinstance(mark, kind):
                name = kind.__name__.lower()
                found[name] = getattr(mark, name)
    return found


@st.composite
def drawn_sets(draw: st.DrawFn) -> Drawn:
    """A few drawn points of two to six classes, in two parts or three."""
    coordinate = st.floats(-EDGE, EDGE, allow_subnormal=False)
    label = st.integers(0, draw(st.integers(1, MOST_CLASSES - 1)))
    test, validation = (
        draw(st.lists(st.tuples(coordinate, coordinate, label), min_size=least, max_size=20)) for least in (1, 0)
    )
    train = draw(st.lists(st.tuples(coordinate, coordinate, label), min_size=2, max_size=40))
    needed = range(max(2, *(1 + point[2] for point in test + validation + train)))
    train += [(draw(coordinate), draw(coordinate), one) for one in needed if one not in {point[2] for point in train}]
    return Drawn(train=tuple(train), test=tuple(test), validation=tuple(validation))


@st.composite
def tables(draw: st.DrawFn) -> TableData:
    """Some columns of the bundled table, treated in any way; one that is left may be the target."""
    chosen = draw(st.lists(st.sampled_from(cars.NUMBERS), max_size=4, unique=True))
    columns: list[dict[str, Any]] = [{"kind": "number", "name": name} for name in chosen]
    for column in columns:
        column["impute"] = draw(st.sampled_from(["median", "mean", "most_frequent"]))
        column["scale"] = draw(st.sampled_from(["standard", "minmax", "none"]))
    if not columns or draw(st.booleans()):
        values = draw(st.lists(st.sampled_from(cars.CATEGORIES), min_size=1, unique=True))
        impute = draw(st.sampled_from(["most_frequent", "none"]))
        columns.append({"kind": "category", "name": cars.CATEGORY, "values": values, "impute": impute})
    number = draw(st.sampled_from([name for name in cars.NUMBERS if name not in chosen]))
    target = draw(st.sampled_from([{}, {"target": number, "classes": []}]))
    return TableData.model_validate({"columns": columns, **target})


@st.composite
def pictures(draw: st.DrawFn) -> ImageData:
    """Some of the bundled pictures."""
    return ImageData(samples=draw(st.integers(20, 60)))


@st.composite
def layers_of_one_shape(draw: st.DrawFn, most: int = 3) -> tuple[LayerComponent, ...]:
    """Layers that change no shape, so that they stand anywhere; one may hold others."""
    plain = st.sampled_from([Dropout(p=0.2), LayerNorm(), BatchNorm()])
    return tuple(draw(st.lists(plain | st.just(Residual(layers=(LayerNorm(),))), max_size=most)))


@st.composite
def residuals(draw: st.DrawFn) -> Residual:
    return Residual(layers=draw(layers_of_one_shape()))


@st.composite
def parallels(draw: st.DrawFn) -> Parallel:
    branches = draw(st.lists(layers_of_one_shape(2), min_size=2, max_size=3))
    return Parallel(branches=tuple(branches), join=draw(st.sampled_from(["add", "concatenate"])))


@st.composite
def own_texts(draw: st.DrawFn) -> TextData:
    """The bundled texts, read in any way."""
    unit = draw(st.sampled_from(["words", "characters"]))
    return TextData(tokens=unit, length=draw(st.integers(2, 12)), size=draw(st.integers(3, 40)))


FEW_ROWS, FEW_UNITS = st.integers(20, 60), st.integers(1, 8)
FEW = {
    "units": FEW_UNITS,
    "channels": FEW_UNITS,
    "dimensions": FEW_UNITS,
    "kernel": st.integers(1, 3),
    "padding": st.integers(0, 1),
}
WHOLE: dict[Any, Any] = {  # Their fields hang together.
    Drawn: drawn_sets,
    TableData: tables,
    ImageData: pictures,
    TextData: own_texts,
    Residual: residuals,
    Parallel: parallels,
}


@st.composite
def stacks(draw: st.DrawFn, dataset: DatasetComponent) -> tuple[LayerComponent, ...]:
    """Layers that such rows can go through, from input to output."""
    tokens = Tokens(dataset.inputs, dataset.vocabulary) if dataset.vocabulary else None

    def shape_after(layers: tuple[LayerComponent, ...]) -> Shape | None:
        shape = dataset.shape if reads_of(layers) == "shape" else (dataset.inputs or 2,)
        try:
            return shapes_through(layers, tokens or shape)[-1]
        except Problem:
            return None

    layers: tuple[LayerComponent, ...] = (Embedding(dimensions=draw(FEW_UNITS)),) if tokens else ()
    for layer in draw(st.lists(_any_small(*kinds(Layer).values(), **FEW), max_size=4)):
        if shape_after((*layers, layer)) is not None:
            layers = (*layers, layer)
    each_step = dataset.objective.answers_each_step
    if each_step:  # An answer to every step: whatever changes their number is left out.
        while (shape := shape_after(layers)) is None or len(shape) != 2 or shape[0] != dataset.shape[0]:
            layers = layers[:-1]
        return layers
    while (shape := shape_after(layers)) is not None and len(shape) != 1:
        layers = (*layers, Flatten())
    return layers


@st.composite
def components(draw: st.DrawFn, cls: type[Component], **fixed: st.SearchStrategy) -> Any:
    """Any valid value of a class; fields named in `fixed` are drawn from there instead."""
    if cls in WHOLE:
        return draw(WHOLE[cls]())
    values = {name: draw(fixed.get(name, strategy)) for name, strategy in _fields(cls).items()}
    try:
        return cls(**values)
    except ValueError:
        assume(False)  # Fields that do not go together, as nesterov without momentum.


def family(union: Any) -> st.SearchStrategy:
    """Any valid value of any class of a family."""
    return _any_of(*kinds(union).values())


@cache
def _any_of(*classes: type[Component]) -> st.SearchStrategy:
    return st.one_of([components(cls) for cls in classes])


@cache
def _any_small(*classes: type[Component], **few: st.SearchStrategy) -> st.SearchStrategy:
    """The same, with fewer of what is named."""
    return st.one_of(
        [components(cls, **{name: few[name] for name in few if name in cls.model_fields}) for cls in classes]
    )


@cache
def _fields(cls: type[Component]) -> dict[str, st.SearchStrategy]:
    return {name: _values(field) for name, field in cls.model_fields.items() if name != "kind"}


def small_datasets(union: Any = Dataset) -> st.SearchStrategy:
    """Data sets of few rows, so that a property is judged on many recipes."""
    return _any_small(*kinds(union).values(), samples=FEW_ROWS)


@st.composite
def experiments(draw: st.DrawFn) -> Experiment:
    """Any valid recipe; small, except for what the bundled tables bring along."""
    dataset = draw(small_datasets())
    losses = [cls for cls in kinds(Loss).values() if _suits(cls, dataset)]
    features = st.none()
    if dataset.surface == "plane":
        features |= st.lists(st.sampled_from(get_args(Feature)), min_size=1, max_size=7, unique=True).map(tuple)
    validation = 0.0 if dataset.own_split else draw(st.just(0.0) | st.floats(0, 0.5, allow_subnormal=False))
    values = {
        "dataset": dataset,
        "features": draw(features),
        "test_fraction": draw(st.floats(0.1, 0.9)),
        "validation_fraction": validation,
        "sealed": draw(st.booleans()) if validation or getattr(dataset, "validation", ()) else False,
        "layers": draw(stacks(dataset)),
        "loss": draw(_any_of(*losses)),
        "class_weights": draw(_setting("class_weights")) if dataset.num_classes else "none",
        "batch_size": draw(st.integers(1, max(1, dataset.rows // 10))),
    }
    others = [name for name in Experiment.model_fields if name not in {*values, "version", "journal"}]
    try:
        return Experiment(**values, **{name: draw(_setting(name)) for name in others})
    except ValueError as error:
        _only_too_few_rows(error)
        assume(False)
        raise


@cache
def _setting(name: str) -> st.SearchStrategy:
    return _values(Experiment.model_fields[name])


def _suits(loss: Any, dataset: DatasetComponent) -> bool:
    classes = dataset.num_classes
    if dataset.objective.answers_each_step:
        return loss.of_classes == "probabilities"
    if classes == 0:
        return loss.for_numbers
    return loss.most_classes is None or classes <= loss.most_classes


def _only_too_few_rows(error: ValueError) -> None:
    # A draw of six classes and twenty rows may leave too few to test; every other refusal would be a wrong strategy.
    problems = [finding.get("ctx", {}).get("error") for finding in getattr(error, "errors", list)()]
    keys = {problem.key for problem in problems if isinstance(problem, Problem)}
    assert keys <= {"too_few_rows", "too_few_rows_of_three", "batch_larger_than_rows"} and keys, error


def _values(field: FieldInfo) -> st.SearchStrategy:
    kind: Any = field.annotation
    if field.discriminator or kind in FAMILIES.values():
        return family(kind)
    bounded = bounds(field)
    if kind is bool:
        return st.booleans()
    if kind is int:
        low = int(bounded.get("ge", bounded.get("gt", -1) + 1))
        high = int(bounded.get("le", bounded.get("lt", 1) - 1))
        return st.integers(low, high)
    if kind is float:
        low, high = bounded.get("ge", bounded.get("gt")), bounded.get("le", bounded.get("lt"))
        return st.floats(low, high, exclude_min="gt" in bounded, exclude_max="lt" in bounded, allow_subnormal=False)
    if get_origin(kind) is Literal:
        return st.sampled_from(get_args(kind))
    if NoneType in get_args(kind):
        return st.none()
    if get_origin(kind) is tuple:
        most = next((mark.max_length for mark in field.metadata if isinstance(mark, MaxLen)), 4)
        return st.lists(family(get_args(kind)[0]), max_size=most).map(tuple)
    raise NotImplementedError(f"No strategy for a field of type {kind}: teach tests/strategies.py.")
