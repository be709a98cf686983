"""What a changed network keeps of the old one: which number goes where, for weights, an optimizer's memory and masks alike.

P parameters of a network in the order of its flat tensor. What was what is told by alignment.py.

A new unit starts with the initializer's incoming weights and a tenth of its outgoing ones, so that it disturbs little. A new dense layer
as wide as its inputs hands on what it receives, as nearly as its activation can (passing.py). Where a dense layer was taken out, the one
after it takes over its sums: W2 (W1 x + b1) + b2. How far all this is from what was is measured on the training rows (Trainer.change).
"""

from __future__ import annotations

import zlib
from typing import TypeVar

import numpy as np
import torch

from dlcore.engines.autograd import AutogradEngine
from dlcore.experiment import Experiment
from dlcore.learning.alignment import NEW, Carriage, LayerOrigin, Origins, align, pair_tensors, starts_of, take
from dlcore.learning.passing import Passing, nearest_passing
from dlcore.network import build_model
from dlcore.stages import Marks, Network, Stage, all_stages

__all__ = ["NEW", "Carriage", "Origins", "align", "carry_flat", "carry_units", "new_values", "successor"]

SMALL = 0.1
MOST_ROWS = 2000  # training rows at most to which a new layer is fitted
Values = TypeVar("Values", np.ndarray, torch.Tensor)


def new_values(carriage: Carriage, initial: torch.Tensor, flat: torch.Tensor) -> torch.Tensor:
    """(P,) what the parameters start with that are not kept: from `initial` (P,) weights and the old network's `flat`; on the CPU."""
    old, values = flat.detach().cpu().numpy(), initial.detach().cpu().numpy().copy()
    for origin in carriage.layers:
        known = origin.sources != NEW
        if origin.hands_on:
            W, b = _matrices(values, carriage.new, origin.stage)
            W[:], b[:] = np.eye(origin.plan.outputs), 0
        elif known.any() and not known.all():
            for weight in _weights_of_sources(values, carriage, origin.stage):
                weight[:, ~known] *= SMALL
        if origin.removed:
            _compose(carriage, origin, old, *_matrices(values, carriage.new, origin.stage))
    return torch.from_numpy(values)


def _weights_of_sources(values: np.ndarray, carriage: Carriage, stage: Stage) -> list[np.ndarray]:
    """The tensors of a stage, as views of a flat array, whose second axis counts what it gets."""
    found = []
    starts = starts_of(carriage.new)
    for name, facts in stage.tensors.items():
        own = f"0.{name.removeprefix(f'{stage.modules[0]}.')}"
        axes = stage.layer.axes.get(own, ())
        if facts.learned and len(axes) > 1 and axes[1] == "sources":
            found.append(_view(values, starts[name], facts.shape))
    return found


def _view(values: Values, start: int, shape: tuple[int, ...]) -> Values:
    return values[start : start + int(np.prod(shape))].reshape(shape)


def carry_flat(values: torch.Tensor, carriage: Carriage, fresh: torch.Tensor) -> torch.Tensor:
    """Numbers or marks (P_old,) of the old parameters as those of the new ones (P,); `fresh` stands where nothing is kept."""
    source = torch.from_numpy(carriage.source)
    kept = (source != NEW).nonzero().squeeze(1)
    carried = fresh.to(values.device, copy=True)
    carried[kept.to(values.device)] = values.detach()[source[kept].to(values.device)]
    return carried


def carry_units(values: Marks, carriage: Carriage) -> dict[str, torch.Tensor]:
    """Marks of the units of the old hidden layers, as those of the new ones; 0 for new units."""
    hidden = [stage for stage in all_stages(carriage.new[:-1]) if stage.plan.has_units]
    carried = {stage.address: torch.zeros(stage.plan.units, dtype=torch.bool) for stage in hidden}
    for pair in carriage.pairs:
        if not pair.new.plan.has_units or pair.old.address not in values or pair.new is carriage.new[-1]:
            continue
        marks = carried[pair.new.address]
        known = np.flatnonzero(pair.units != NEW)
        known = known[known < len(marks)]
        marks[torch.from_numpy(known)] = values[pair.old.address].cpu()[torch.from_numpy(pair.units[known])]
    for origin in carriage.layers[:-1]:  # Whose sums another layer's became.
        if origin.removed and origin.layer != NEW:
            marks = carried[origin.stage.address]
            known = np.flatnonzero(origin.units != NEW)
            like = values[carriage.before[origin.layer].address].cpu()
            marks[torch.from_numpy(known)] = like[torch.from_numpy(origin.units[known])]
    return carried


def successor(engine: AutogradEngine, carriage: Carriage, new: Experiment, X_ND: torch.Tensor) -> AutogradEngine:
    """An engine for the new network that goes on where `engine` stands, with training rows X; that one stays as it is."""
    # The seed depends on the old weights: with the first seed, a new unit could start equal to an old one that moved to another index.
    draw = f"weights after {zlib.crc32(engine.flat.detach().cpu().numpy().tobytes())}"
    after = AutogradEngine(build_model(new, str(engine.flat.device), draw), new)
    initial = after.flat.detach().clone()
    nothing = torch.zeros_like(initial)
    assert engine.flat.grad is not None
    assert after.flat.grad is not None
    with torch.no_grad():
        after.flat.copy_(carry_flat(engine.flat, carriage, new_values(carriage, initial, engine.flat)))
        after.previous.copy_(carry_flat(engine.previous, carriage, new_values(carriage, initial, engine.previous)))
        after.flat.grad.copy_(carry_flat(engine.flat.grad, carriage, nothing))
    if engine.optimizer.kind == new.optimizer.kind:
        for name, value in engine.memory.items():  # A count has no dimension.
            after.memory[name] = carry_flat(value, carriage, nothing) if value.dim() else value.clone()
    _carry_buffers(engine, after, carriage)
    if engine.frozen is not None:
        after.frozen = carry_flat(engine.frozen, carriage, nothing.bool())
    if engine.silenced is not None:
        after.silence(carry_units(engine.silenced, carriage))
    if any(origin.hands_on for origin in carriage.layers):
        with torch.no_grad():
            after.model.eval()
            _hand_on(after, carriage, X_ND[:: -(-len(X_ND) // MOST_ROWS)])
            after.model.train()
    return after


def _carry_buffers(engine: AutogradEngine, after: AutogradEngine, carriage: Carriage) -> None:
    """What layers keep for themselves, such as running means; a new unit's stays as it begins."""
    for pair in carriage.pairs:
        for new_name, old_name, index in pair_tensors(pair):
            if new_name in after.buffers and old_name in engine.buffers:
                fresh, was = after.buffers[new_name].cpu().numpy(), engine.buffers[old_name].cpu().numpy()
                kept = take(np.ones(was.shape, bool), index, fresh.shape, False)
                values = np.where(kept, take(was, index, fresh.shape, 0), fresh)
                after.buffers[new_name].copy_(torch.from_numpy(np.asarray(values)))


def _hand_on(engine: AutogradEngine, carriage: Carriage, values_NI: torch.Tensor) -> None:
    """Make the new layers pass these rows on as nearly unchanged as they can, and the layers behind them undo the scale and shift."""
    origins = {origin.stage.address: origin for origin in carriage.layers}
    network = Network(engine.experiment, engine.model)
    # A stage computes when it is asked for, by the weights that it has been given until then.
    ahead = network.forward(values_NI)
    handed_on = None
    for stage in network.stages:
        origin = origins.get(stage.address)
        if origin is not None:
            before, handed_on = handed_on, None
            if origin.hands_on or before is not None:
                # The weights of a step ago too: a run that diverges goes back to them.
                both = [_matrices(flat, carriage.new, origin.stage) for flat in (engine.flat.detach(), engine.previous)]
                if origin.hands_on:
                    received = values_NI if before is None else before.factor * values_NI - before.constant
                    bend = engine.model.get_submodule(stage.modules[-1])
                    handed_on = nearest_passing(bend, received).to(values_NI.device)
                    for W, b in both:
                        W.copy_(handed_on.gain.diag())
                        b.copy_(handed_on.shift)
                if before is not None and (origin.hands_on or origin.layer != NEW):
                    for W, b in both:
                        _read(W, b, before)
        values_NI = next(values for passed, values in ahead if passed is stage)


def _read(W: torch.Tensor, b: torch.Tensor, handed_on: Passing) -> None:
    """Change W and b in place so that the layer undoes the scale and shift of what was handed on; unchanged if that would overflow."""
    read_W, read_b = W * handed_on.factor, b - W @ handed_on.constant
    if read_W.isfinite().all() and read_b.isfinite().all():
        W.copy_(read_W)
        b.copy_(read_b)


def _compose(carriage: Carriage, origin: LayerOrigin, old: np.ndarray, W: np.ndarray, b: np.ndarray) -> None:
    """Merge the removed layers and the layer behind them into W and b, in place, as if no activation stood between."""
    levels = [*origin.removed, origin.layer]
    W_all = b_all = np.zeros(0)
    with np.errstate(over="ignore", invalid="ignore"):
        for level in levels:
            W_one, b_one = _matrices(old.astype(np.float64), carriage.old, carriage.before[level])
            first = level == levels[0]
            W_all, b_all = (W_one, b_one) if first else (W_one @ W_all, W_one @ b_all + b_one)
        W_all, b_all = W_all.astype(np.float32), b_all.astype(np.float32)
    if not (np.isfinite(W_all).all() and np.isfinite(b_all).all()):
        return
    units, inputs = np.flatnonzero(origin.units != NEW), np.flatnonzero(origin.sources != NEW)
    W[np.ix_(units, inputs)] = W_all[np.ix_(origin.units[units], origin.sources[inputs])]
    b[units] = b_all[origin.units[units]]


def _matrices(values: Values, stages: tuple[Stage, ...], stage: Stage) -> tuple[Values, Values]:
    """W (U, I) and b (U,) of a dense layer as views of a flat array."""
    starts = starts_of(stages)
    assert stage.connections is not None
    weight, bias = stage.connections
    return tuple(_view(values, starts[name], stage.tensors[name].shape) for name in (weight, bias))  # type: ignore[return-value]
