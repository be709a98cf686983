"""All that the rail of settings offers, in one language: sections, families, kinds, and the input of each field with its words.

The browser draws its inputs from this and from nothing else: a field of a component becomes an input by its bounds (scales.py), its
description the help, a union of components a menu of kinds.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_origin

from pydantic.fields import FieldInfo

from dlcore.catalogue import FAMILIES
from dlcore.component import kinds, list_fields, options_of
from dlcore.editing.fitting import OWN_KINDS, group_datasets
from dlcore.editing.setting import SET_OF_OWN
from dlcore.experiment import FEATURES, Experiment
from ui.differences import FEATURE_SIGNS
from ui.messages import catalogue, text
from ui.rail.scales import MILLION, Entry, Ladder, Slider, choose_scale, find_bounds, find_limits, write_number

Say = Callable[[str], str]
Input = dict[str, Any]

#: The fields of each section, in their order. The browser shows those that apply to the run, by the facts in its frames.
SECTIONS: dict[str, tuple[str, ...]] = {
    "data": ("dataset", "test_fraction", "validation_fraction", "sealed", "features", "seed"),
    "network": ("layers",),
    "learning": (
        "optimizer", "loss", "class_weights", "batch_size", "regularizer", "schedule", "gradient_clip", "early_stopping",
        "restore_best", "device",
    ),
}  # fmt: skip
MOST_ROWS = int(find_bounds(Experiment.model_fields["batch_size"]).upper)
#: Fields with another input than their bounds would give them.
SCALES = {"validation_fraction": Slider(0.0, 0.5, 0.01), "batch_size": Entry(1, MOST_ROWS)}
OFF_AT_ZERO = ("gradient_clip", "early_stopping")
TUCKED = ("initializer", "alpha", "beta1", "beta2")  # behind "Fine tuning"
OWN = tuple(f"dataset.{kind}" for kind in OWN_KINDS)
DEVICES = ("auto", "cpu", "cuda", "mps")
#: The beginnings of the keys of texts that belong to the rail and to no field.
OWN_TEXTS = (
    "rail.",
    "dataset.",
    "few_rows.",
    "points.on_the_map",
    "own.",
    "rate.usual",
    "rate.own",
    "rate.take",
    "fitting.",
    "batch.",
    "layer.",
    "stack.",
    "network.",
)
TEXTS = ("more", "seed.new", "seed.new.help", "differ.comma", "off")
THUMBNAILS = Path(__file__).parent / "thumbnails.json"


@functools.cache
def write_catalogue(language: str) -> bytes:
    """`make_catalogue` as JSON."""
    return json.dumps(make_catalogue(language), ensure_ascii=False, separators=(",", ":")).encode()


def make_catalogue(language: str) -> dict[str, Any]:
    """{"sections": [{"name", "title", "fields": [input]}], "families": {family: {kind: {"title", "help", "fields"}}}, "groups": {group:
    [kind of data set]}, "texts", "thumbnails"}.
    """
    say = functools.partial(text, language)
    keys = [key for key in catalogue(language) if key.startswith(OWN_TEXTS)]
    return {
        "sections": [
            {"name": name, "title": say(f"tab.{name}"), "fields": [_describe_setting(field, say) for field in fields]}
            for name, fields in SECTIONS.items()
        ],
        "families": {
            family: {kind: _describe_kind(family, kind, cls, say) for kind, cls in kinds(union).items()}
            for family, union in FAMILIES.items()
            if family != "metric"
        },
        "groups": group_datasets(),
        "texts": {key: say(key) for key in (*keys, *TEXTS)},
        "thumbnails": json.loads(THUMBNAILS.read_text(encoding="utf-8")),
    }


def _describe_kind(family: str, kind: str, cls: Any, say: Say) -> dict[str, Any]:
    prefix = f"component.{family}.{kind}"
    fields = {name: info for name, info in list_fields(cls).items() if _has_input(family, kind, name, info)}
    offered = cls.offered if family == "dataset" else {}
    # Of a layer: the field that says how many units it has, and the one that has the layers inside of it.
    named = {name: value for name in ("width", "holds") if family == "layer" and (value := getattr(cls, name))}
    return {
        **named,
        "title": say(f"{prefix}.title"),
        "plain": _say_plainly(f"{family}.{kind}", say),
        "help": say(f"{prefix}.help"),
        "fields": [
            describe_field(name, info, f"{prefix}.{name}", say, offered.get(name))
            | ({"tucked": True} if name in TUCKED else {})
            for name, info in fields.items()
        ],
    }


def _has_input(family: str, kind: str, name: str, info: FieldInfo) -> bool:
    """Whether a field is set in the rail: points are drawn on the map, and own data are described where they are brought."""
    if family == "dataset" and kind in OWN_KINDS:
        return name in SET_OF_OWN
    return get_origin(info.annotation) is not tuple


def _describe_setting(name: str, say: Say) -> Input:
    """The input of one field of the recipe itself, or of the device."""
    key = f"experiment.{name}"
    if name == "device":
        options = [{"value": device, "title": say(f"device.{device}")} for device in DEVICES]
        words = {"name": name, "label": say("device"), "plain": _say_plainly(name, say), "help": say("device.help")}
        return {**words, "input": "device", "options": options}
    words = {"name": name, "label": say(key), "plain": _say_plainly(name, say), "help": say(f"{key}.help")}
    if name == "features":
        options = [{"value": feature, "title": FEATURE_SIGNS[feature]} for feature in FEATURES]
        return {**words, "input": "features", "options": options}
    if name == "layers":
        return {**words, "input": "layers"}
    return {**describe_field(name, Experiment.model_fields[name], key, say), "plain": words["plain"]}


def _say_plainly(of: str, say: Say) -> str:
    """What a setting or a kind is for, in a sentence or two that a beginner understands; "" for own data, which describe themselves."""
    return "" if of in OWN else say(f"plain.{of}")


def describe_field(name: str, info: FieldInfo, key: str, say: Say, most: float | None = None) -> Input:
    """What the browser draws one field from: {"name", "label", "help", "input", ...}, where "input" is one of

    "kind": {"family"}; "switch"; "options": {"options": [{"value", "title"}]}; "slider": {"lower", "upper", "step"};
    "ladder": {"rungs"}; "entry": {"lower", "upper"}. The last three say whether they are "whole", and "zero" where 0 has a word. `most` is
    the most that is offered of a number that may be larger in a recipe.
    """
    words: Input = {"name": name, "label": say(key), "help": say(f"{key}.help")}
    if info.discriminator:
        return {**words, "input": "kind", "family": name}
    if info.annotation is bool:
        return {**words, "input": "switch"}
    if options := options_of(info.annotation):
        return {
            **words,
            "input": "options",
            "options": [{"value": one, "title": say(f"{key}.{one}")} for one in options],
        }
    scale = SCALES.get(name) or choose_scale(info, most)
    limits, lower, upper = find_limits(info, scale, most)
    sentence = say(limits).format(lower=write_number(lower), upper=write_number(upper)) if upper <= MILLION else ""
    number: Input = {**words, "help": f"{words['help']} {sentence}".strip(), "whole": info.annotation is int}
    if name in OFF_AT_ZERO:
        number["zero"] = say("off")
    if isinstance(scale, Ladder):
        return {**number, "input": "ladder", "rungs": scale.rungs}
    if isinstance(scale, Slider):
        return {**number, "input": "slider", "lower": scale.lower, "upper": scale.upper, "step": scale.step}
    return {**number, "input": "entry", "lower": scale.lower, "upper": scale.upper}
