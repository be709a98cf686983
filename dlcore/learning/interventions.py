"""Interventions: what a hand does to the network of a run (set a number, freeze, silence), and taking it back.

Places are those of the canvas: the address of a stage; one of its units; one of that unit's inputs, or its bias.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from dlcore.problems import Problem
from dlcore.stages import Stage, all_stages, stages_of

if TYPE_CHECKING:
    from dlcore.engines.autograd import AutogradEngine
    from dlcore.journal import Journal
    from dlcore.learning.trainer import Trainer

MOST_UNDOS = 200
LARGEST = torch.finfo(torch.float32).max
Inverse = Callable[["Trainer"], None]


class Done(NamedTuple):
    """How to take back an intervention, what it touched, and where the trainer stood before it."""

    inverse: Inverse
    touched: tuple[str, tuple[str, ...]]
    step: int
    engine: weakref.ref[AutogradEngine]
    journal: Journal


class NetworkInterventions:
    """Changes what a person asks for in the network of a run, and remembers how to take that back."""

    def __init__(self) -> None:
        self._undos: deque[Done] = deque(maxlen=MOST_UNDOS)
        self._stroke: object = None  # the drag that the last value belongs to

    def __len__(self) -> int:
        return len(self._undos)

    def clear(self) -> None:
        """Forget all interventions: the network is another one, so that none can be taken back."""
        self._undos.clear()
        self._stroke = None

    def apply(self, do: str, value: dict[str, Any], trainer: Trainer) -> bool:
        """Set, freeze or silence. False where that weight or unit does not exist; raises Problem for a weight that is no number."""
        stage = _stage(trainer, value.get("address"))
        if stage is None:
            return False
        inverse = {"set": _set, "freeze": _freeze, "silence": _silence}[do](trainer, stage, value)
        if inverse is None:
            return False
        touched = _touched(do, stage, value)
        stroke = value.get("stroke")
        # All values of one drag are taken back together: only the first one knows the value before.
        if stroke is None or stroke != self._stroke:
            self._undos.append(Done(inverse, touched, trainer.step, weakref.ref(trainer.engine), trainer.journal))
        self._stroke = stroke
        trainer.touched(*touched)
        return True

    def undo(self, trainer: Trainer) -> bool:
        """Take back the last intervention; False when there is none."""
        if not self._undos:
            return False
        done = self._undos.pop()
        self._stroke = None
        done.inverse(trainer)
        trainer.touched(*done.touched)
        if trainer.step == done.step and trainer.engine is done.engine():
            trainer.journal = done.journal  # No step came between: the journal forgets the intervention.
        return True


def _touched(do: str, stage: Stage, value: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
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


def _set(trainer: Trainer, stage: Stage, value: dict[str, Any]) -> Inverse | None:
    unit, source = value.get("unit"), value.get("input")
    places = [] if unit is None else _places(trainer, stage, unit, "bias" if source is None else source)
    if not places:
        return None
    return _write(trainer, places[0].start, as_weight(value.get("value")))


def _write(trainer: Trainer, index: int, number: float) -> Inverse:
    engine = trainer.engine
    with torch.no_grad():
        before = engine.flat[index].clone(), engine.previous[index].clone()
        engine.flat[index] = number
        engine.previous[index] = number

    def undo(trainer: Trainer) -> None:
        with torch.no_grad():
            trainer.engine.flat[index], trainer.engine.previous[index] = before

    return undo


def _freeze(trainer: Trainer, stage: Stage, value: dict[str, Any]) -> Inverse | None:
    places = _places(trainer, stage, value.get("unit"), value.get("input"))
    if not places:
        return None
    frozen = trainer.engine.frozen
    before = [False if frozen is None else _shortened(frozen[place]) for place in places]
    _mark(trainer, places, [bool(value.get("on"))] * len(places))
    return lambda trainer: _mark(trainer, places, before)


def _mark(trainer: Trainer, places: list[slice], values: Sequence[bool | torch.Tensor]) -> None:
    engine = trainer.engine
    frozen = torch.zeros_like(engine.flat, dtype=torch.bool) if engine.frozen is None else engine.frozen
    for place, value in zip(places, values, strict=True):
        frozen[place] = value
    engine.frozen = frozen if frozen.any() else None


def _shortened(mask: torch.Tensor) -> bool | torch.Tensor:
    # Most masks are all True or all False: one bool is kept instead of the mask of a large layer.
    if mask.all() or not mask.any():
        return bool(mask.any())
    return mask.clone()


def _silence(trainer: Trainer, stage: Stage, value: dict[str, Any]) -> Inverse | None:
    address, unit = stage.address, value.get("unit")
    units = trainer.experiment.hidden_units.get(address, 0)
    if not _in(unit, units):
        return None

    def switch(trainer: Trainer, on: bool) -> bool:
        silenced = trainer.silenced or {}
        # A copy: a snapshot may hold the old marks.
        marks = silenced.get(address, torch.zeros(units, dtype=torch.bool)).clone()
        before = bool(marks[unit])
        marks[unit] = on
        trainer.silenced = {**silenced, address: marks}
        return before

    before = switch(trainer, bool(value.get("on")))

    def undo(trainer: Trainer) -> None:
        switch(trainer, before)

    return undo


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
