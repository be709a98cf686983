"""Interventions: what a hand does to the network of a run: set a number, freeze, silence. What is taken back: acts.py.

Places are those of the canvas: the address of a stage; one of its units; one of that unit's inputs, or its bias.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from dlcore.problems import Problem
from dlcore.stages import Stage, all_stages, stages_of

if TYPE_CHECKING:
    from dlcore.learning.trainer import Trainer

LARGEST = torch.finfo(torch.float32).max


def intervene(do: str, value: dict[str, Any], trainer: Trainer) -> bool:
    """Set, freeze or silence. False where that weight or unit does not exist; raises Problem for a weight that is no number."""
    stage = _stage(trainer, value.get("address"))
    if stage is None or not {"set": _set, "freeze": _freeze, "silence": _silence}[do](trainer, stage, value):
        return False
    trainer.note_touch(*_name_tensors(do, stage, value))
    return True


def _name_tensors(do: str, stage: Stage, value: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    """The kind of change, and the names of the tensors or the module, for the journal."""
    if do == "silence":
        return "silenced", (stage.modules[0],)
    names = stage.connections or ()  # Weight and bias. A stage without them was neither set nor frozen.
    if do == "freeze":
        return "frozen", names
    return "weights", names[1:] if value.get("input") in (None, "bias") else names[:1]


def as_weight(value: object) -> float:
    """What was typed, as a float32 number. Raises Problem for anything else."""
    try:
        number = float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        number = None
    if number is None or not abs(number) <= LARGEST:
        raise Problem("bad_weight", came="" if value is None else str(value))
    return number


def _set(trainer: Trainer, stage: Stage, value: dict[str, Any]) -> bool:
    unit, source = value.get("unit"), value.get("input")
    places = [] if unit is None else _places(trainer, stage, unit, "bias" if source is None else source)
    if not places:
        return False
    number = as_weight(value.get("value"))
    with torch.no_grad():
        for flat in (trainer.engine.flat, trainer.engine.previous):
            flat[places[0]] = number
    return True


def _freeze(trainer: Trainer, stage: Stage, value: dict[str, Any]) -> bool:
    places = _places(trainer, stage, value.get("unit"), value.get("input"))
    engine = trainer.engine
    frozen = torch.zeros_like(engine.flat, dtype=torch.bool) if engine.frozen is None else engine.frozen
    for place in places:
        frozen[place] = bool(value.get("on"))
    engine.frozen = frozen if frozen.any() else None
    return bool(places)


def _silence(trainer: Trainer, stage: Stage, value: dict[str, Any]) -> bool:
    address, unit = stage.address, value.get("unit")
    units = trainer.experiment.hidden_units.get(address, 0)
    if not _in(unit, units):
        return False
    silenced = trainer.silenced or {}
    # A copy: a snapshot may hold the old marks.
    marks = silenced.get(address, torch.zeros(units, dtype=torch.bool)).clone()
    marks[unit] = bool(value.get("on"))
    trainer.silenced = {**silenced, address: marks}
    return True


def _stage(trainer: Trainer, address: Any) -> Stage | None:
    """The stage of this address; None where there is none."""
    found = (stage for stage in all_stages(stages_of(trainer.experiment)) if stage.address == address)
    return next(found, None)


def _places(trainer: Trainer, stage: Stage, unit: Any, source: Any) -> list[slice]:
    """Slices of the flat parameters; [] if there is no such unit or input. No unit: the whole layer; no source: all inputs and the bias."""
    if stage.connections is None:
        return []
    (start, end, shape), (bias, bias_end, _) = (trainer.engine.parameter_slices[name] for name in stage.connections)
    if unit is None:
        return [slice(start, end), slice(bias, bias_end)]
    units, inputs = shape
    if not _in(unit, units):
        return []
    row = start + unit * inputs
    if source is None:
        return [slice(row, row + inputs), slice(bias + unit, bias + unit + 1)]
    if source == "bias":
        return [slice(bias + unit, bias + unit + 1)]
    return [slice(row + source, row + source + 1)] if _in(source, inputs) else []


def _in(index: Any, length: int) -> bool:
    return type(index) is int and 0 <= index < length
