"""The names of acts: "Removed Hidden 1", "Noise 0.1 to 0.2". Pure functions."""

from __future__ import annotations

from typing import Any

from dlcore.datasets.drawn import Drawn
from dlcore.experiment import Experiment
from ui.differences import MOST_NAMED, Say, compare_recipes

Target = dict[str, Any]


def write_act(kind: str, target: Target, before: Experiment, after: Experiment, say: Say) -> str:
    """What was done, in a few words. `target` names what a hand did it to, `before` and `after` are the recipes."""
    match kind:
        case "change":
            return _write_change(before, after, say)
        case "set":
            name = "bias" if target["input"] in (None, "bias") else "weight"
            return say(f"act.set.{name}", unit=_name_unit(target, before, say))
        case "freeze" | "silence":
            return say(f"act.{kind}.{'on' if target['on'] else 'off'}", what=_name_target(target, before, say))
    return say(f"act.{kind}")


def _write_change(before: Experiment, after: Experiment, say: Say) -> str:
    if before.replace(seed=after.seed) == after:
        return say("act.new_seed")
    old, new = before.dataset, after.dataset
    if old.kind != new.kind and not (isinstance(new, Drawn) and before.layers == after.layers):
        return say("act.data", left=_title(old, say), right=_title(new, say))
    if isinstance(new, Drawn) and old != new:
        return say("act.points")
    if before.layers != after.layers:
        return _write_layers(before, after, say)
    return _write_settings(before, after, say)


def _title(dataset: Any, say: Say) -> str:
    return say(f"component.dataset.{dataset.kind}.title")


def _write_layers(before: Experiment, after: Experiment, say: Say) -> str:
    grown = len(after.layers) - len(before.layers)
    if abs(grown) == 1:
        longer, shorter = (after, before) if grown > 0 else (before, after)
        pairs = zip(longer.layers, shorter.layers, strict=False)
        at = next((at for at, (one, other) in enumerate(pairs) if one != other), len(shorter.layers))
        return say("act.added" if grown > 0 else "act.removed", layer=_name_layer(str(at), longer, say))
    return _write_settings(before, after, say)


def _write_settings(before: Experiment, after: Experiment, say: Say) -> str:
    """Old and new value of each changed setting, those of layers by the names on the canvas; of many settings their number."""
    rows = compare_recipes((before, after), say)
    items = []
    for row in rows:
        left, right = row.values
        family, _, rest = row.path.partition(".")
        address, _, setting = rest.partition(".")
        if family == "layers" and setting in ("units", "activation.kind"):
            layer = _name_layer(address, before, say)
            items.append(say(f"act.{setting.partition('.')[0]}", layer=layer, left=left, right=right))
        else:
            items.append(say("change.item", setting=row.label, left=left, right=right))
    if len(items) > MOST_NAMED or not items:
        return say("act.settings", count=len(items)) if items else say("act.change")
    return say("change.and").join(items)


# Places


def _name_layer(address: str, experiment: Experiment, say: Say) -> str:
    """A hidden layer by its number, as on the canvas; one without units, or inside another layer, by its kind."""
    if address == str(len(experiment.layers)):
        return say("canvas.output")
    hidden = [one for one in experiment.hidden_units if "." not in one]
    if address in hidden:
        return say("canvas.hidden", number=hidden.index(address) + 1)
    outermost = experiment.layers[int(address.partition(".")[0])]
    return say(f"component.layer.{outermost.kind}.title")


def _name_unit(target: Target, experiment: Experiment, say: Say) -> str:
    layer = _name_layer(target["address"], experiment, say)
    if target["address"] == str(len(experiment.layers)) and experiment.num_outputs == 1:
        return layer
    return say("canvas.unit", layer=layer, number=target["unit"] + 1)


def _name_target(target: Target, experiment: Experiment, say: Say) -> str:
    """A layer, a unit, or a weight into it."""
    if target["unit"] is None:
        return _name_layer(target["address"], experiment, say)
    unit = _name_unit(target, experiment, say)
    return unit if target["input"] is None else say("act.weight_of", unit=unit)
