"""What an engine holds as named arrays, with which another one goes on bit for bit; and what earlier versions have kept, read as such.

Names are those of the plain nn.Sequential:

    tensors/0.weight          parameters and buffers          previous/0.weight         the parameters one step ago
    gradient/0.weight         as the last step used it        frozen/0.weight           what no update moves
    silenced/1                units of a stage that count as 0, by its address
    optimizer/mean/0.weight   what an optimizer remembers of each parameter, and optimizer/step what of all
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from dlcore.engines.autograd import AutogradEngine

Arrays = dict[str, np.ndarray]

_FLAT = {"flat": "tensors", "previous": "previous", "gradient": "gradient", "frozen": "frozen"}


def network_state(engine: AutogradEngine) -> Arrays:
    """All that the engine holds, copied; training that goes on does not move it."""
    state = _split_by_name(engine, "tensors", engine.flat.detach()) | _split_by_name(
        engine, "previous", engine.previous
    )
    state |= _split_by_name(engine, "gradient", engine.gradient())
    for name, buffer in engine.buffers.items():
        state[f"tensors/{name}"] = _copy(buffer)
    if engine.frozen is not None:
        state |= _split_by_name(engine, "frozen", engine.frozen)
    for address, units in (engine.silenced or {}).items():
        state[f"silenced/{address}"] = _copy(units)
    for memory, values in engine.memory.items():
        if values.dim():
            state |= _split_by_name(engine, f"optimizer/{memory}", values)
        else:
            state[f"optimizer/{memory}"] = _copy(values)
    return state


def restore_network(engine: AutogradEngine, state: Arrays) -> None:
    """Let a fresh engine of the same recipe go on from what `network_state` gave."""
    named = name_arrays(engine, state)
    device = engine.flat.device
    assert engine.flat.grad is not None
    with torch.no_grad():
        for what, flat in (("tensors", engine.flat), ("previous", engine.previous), ("gradient", engine.flat.grad)):
            flat.copy_(_flat(engine, what, named))
        for name, buffer in engine.buffers.items():
            buffer.copy_(torch.from_numpy(named[f"tensors/{name}"].copy()))
    if any(name.startswith("frozen/") for name in named):
        engine.frozen = _flat(engine, "frozen", named).to(device)
    silenced = {name.removeprefix("silenced/"): units for name, units in named.items() if name.startswith("silenced/")}
    engine.silence({address: torch.from_numpy(units.copy()) for address, units in silenced.items()})
    _restore_memory(engine, named)


def _restore_memory(engine: AutogradEngine, named: Arrays) -> None:
    for name, values in named.items():
        what, memory, *parameter = name.split("/")[:3] if name.startswith("optimizer/") else ("", "")
        if what and not parameter:
            engine.memory[memory] = torch.from_numpy(values.copy())
        elif what and memory not in engine.memory:
            engine.memory[memory] = _flat(engine, f"optimizer/{memory}", named).to(engine.flat.device)


def restore_weights(engine: AutogradEngine, state: Arrays, memory: bool) -> None:
    """Let an engine have the weights and buffers of an earlier `network_state`, and what its optimizer remembered where `memory`."""
    with torch.no_grad():
        engine.flat.copy_(_flat(engine, "tensors", state))
        engine.previous.copy_(engine.flat)
        for name, buffer in engine.buffers.items():
            buffer.copy_(torch.from_numpy(state[f"tensors/{name}"].copy()))
    if memory:
        engine.memory = {}
        _restore_memory(engine, state)


def name_arrays(engine: AutogradEngine, state: Arrays) -> Arrays:
    """The same state by names, where an earlier version has kept all parameters one after another in one array."""
    if "flat" not in state:
        return state
    named: Arrays = {}
    for name, values in state.items():
        tensor = torch.from_numpy(values.copy())
        if name in _FLAT:
            named |= _split_by_name(engine, _FLAT[name], tensor)
        elif name == "silenced":
            counts = engine.experiment.hidden_units
            parts = tensor.split(list(counts.values()))
            named |= {f"silenced/{address}": part.numpy() for address, part in zip(counts, parts, strict=True)}
        elif name.startswith("optimizer."):
            memory = f"optimizer/{name.removeprefix('optimizer.')}"
            named |= _split_by_name(engine, memory, tensor) if tensor.dim() else {memory: values}
        else:
            named[name] = values
    return named


def _split_by_name(engine: AutogradEngine, what: str, flat: torch.Tensor) -> Arrays:
    """The parts of one copy of a flat tensor."""
    values = _copy(flat)
    return {
        f"{what}/{name}": values[start:end].reshape(shape)
        for name, (start, end, shape) in engine.parameter_slices.items()
    }


def _flat(engine: AutogradEngine, what: str, named: Arrays) -> torch.Tensor:
    return torch.from_numpy(np.concatenate([named[f"{what}/{name}"].ravel() for name in engine.parameter_slices]))


def _copy(values: torch.Tensor) -> np.ndarray:
    return values.cpu().numpy().copy()
