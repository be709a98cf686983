"""How recipes differ: rows of a table and a sentence, in the reader's language. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from dlcore.component import Component
from dlcore.datasets.drawn import Drawn
from dlcore.editing.shaping import key_of_parts
from dlcore.experiment import FEATURES, Experiment
from ui.rail.scales import write_number

Say = Callable[..., str]  # t(key, **values) of a language

FEATURE_SIGNS = dict(zip(FEATURES, ("x₁", "x₂", "x₁²", "x₂²", "x₁·x₂", "sin x₁", "sin x₂"), strict=True))
MISSING = "–"
OFF_AT_ZERO = ("gradient_clip", "early_stopping")
MOST_NAMED = 3  # settings that one sentence may list


@dataclass(frozen=True)
class Setting:
    """One setting of one recipe: the value to compare, and its name and value as shown."""

    value: Any
    label: str
    shown: str


@dataclass(frozen=True)
class Row:
    """A setting in which recipes differ; one value for each recipe."""

    path: str
    label: str
    values: tuple[str, ...]


def compare_recipes(experiments: Sequence[Experiment], say: Say) -> list[Row]:
    """The settings that differ among these recipes."""
    one_by_one = len({tuple(layer.kind for layer in experiment.layers) for experiment in experiments}) == 1
    tables = [dict(_iterate_settings(experiment, one_by_one, say)) for experiment in experiments]
    rows = []
    for path in dict.fromkeys(path for table in tables for path in table):
        found = [table.get(path) for table in tables]
        # A field that not all have belongs to one kind only, and the row of the kind shows that.
        if None in found or len({setting.value for setting in found if setting}) == 1:
            continue
        settings = [setting for setting in found if setting]
        rows.append(Row(path, settings[0].label, tuple(setting.shown for setting in settings)))
    return rows


def write_difference(names: tuple[str, str], experiments: tuple[Experiment, Experiment], say: Say) -> str:
    """A sentence on how two recipes differ."""
    a, b = names
    rows = compare_recipes(experiments, say)
    if not rows:
        return say("differ.nothing", a=a, b=b)
    if len(rows) == 1:
        left, right = rows[0].values
        return say("differ.one", a=a, b=b, setting=lower_first(rows[0].label), left=left, right=right)
    if len(rows) > MOST_NAMED:
        return say("differ.many", a=a, b=b, count=len(rows))
    return say("differ.some", a=a, b=b, settings=say("differ.comma").join(_list_settings(rows, say)))


def _list_settings(rows: Iterable[Row], say: Say) -> list[str]:
    return [say("differ.item", setting=lower_first(row.label), left=row.values[0], right=row.values[1]) for row in rows]


def lower_first(label: str) -> str:
    """A label for the middle of a sentence: "Learning rate" becomes "learning rate", "L1" stays."""
    return label[:1].lower() + label[1:] if label[1:2].islower() else label


def _iterate_settings(experiment: Experiment, one_by_one: bool, say: Say) -> Iterator[tuple[str, Setting]]:
    for name in Experiment.model_fields:
        value = getattr(experiment, name)
        label = say(f"experiment.{name}")
        match value:
            case Component():
                yield from _iterate_component(name, name, value, label, say)
            case _ if name == "layers" and one_by_one:
                for position, layer in enumerate(value):
                    title = f"{label} {position + 1}"
                    for path, setting in _iterate_component(f"layers.{position}", "layer", layer, title, say):
                        named = say("differ.in_layer", number=position + 1, setting=setting.label)
                        yield path, Setting(setting.value, named, setting.shown)
            case _ if name == "layers":
                yield name, Setting(value, label, _write_stack(value, say))
            case _ if name == "features":
                features = experiment.input_features
                yield name, Setting(features, label, ", ".join(map(FEATURE_SIGNS.__getitem__, features)) or MISSING)
            case str():
                yield name, Setting(value, label, say(f"experiment.{name}.{value}"))
            case _:
                shown = say("off") if name in OFF_AT_ZERO and value == 0 else _show(value, say)
                yield name, Setting(value, label, shown)


def _iterate_component(path: str, family: str, component: Any, label: str, say: Say) -> Iterator[tuple[str, Setting]]:
    kind = component.kind
    yield f"{path}.kind", Setting(kind, label, say(f"component.{family}.{kind}.title"))
    if isinstance(component, Drawn):
        counts = {part: len(getattr(component, part)) for part in ("train", "validation", "test")}
        said = say(f"points.count{key_of_parts(component)}", **counts)
        yield f"{path}.points", Setting(component, say("differ.points"), said)
        return
    for name in type(component).model_fields:
        if name == "reading":
            continue  # How a table's file was parsed does not matter to the run.
        value = getattr(component, name)
        named = say(f"component.{family}.{kind}.{name}") if name != "kind" else ""
        if isinstance(value, Component):
            yield from _iterate_component(f"{path}.{name}", name, value, named, say)
        elif name != "kind":
            yield f"{path}.{name}", Setting(value, named, _show(value, say))


def _write_stack(layers: Iterable[Any], say: Say) -> str:
    """All layers in one line, as "Dense 4, Dropout 0.1, Dense 2"."""
    titles = [(say(f"component.layer.{layer.kind}.title"), layer.number) for layer in layers]
    parts = [title if number is None else f"{title} {write_number(number)}" for title, number in titles]
    return ", ".join(parts) or MISSING


def _show(value: Any, say: Say) -> str:
    if isinstance(value, bool):
        return say("on") if value else say("off")
    return write_number(value) if isinstance(value, int | float) else str(value)
