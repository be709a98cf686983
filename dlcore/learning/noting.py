"""What becomes an entry of a run's journal when somebody reaches into its network, changes its recipe, or goes on from a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from dlcore.journal import (
    LONGEST_JOURNAL,
    ON_NAMES,
    Journal,
    Values,
    is_shaped,
    number_lists,
    record_loading,
    with_network,
    with_settings,
    with_values,
    without_details,
)  # fmt: skip
from dlcore.layers import all_layers
from dlcore.stages import all_stages, stages_of

if TYPE_CHECKING:
    from dlcore.engines.autograd import AutogradEngine
    from dlcore.experiment import Experiment
    from dlcore.learning.carry import Origins

MOST_NUMBERS = LONGEST_JOURNAL // 2  # A number and its comma are two characters at least.


def note_touch(journal: Journal, step: int, engine: AutogradEngine, kind: str, names: Sequence[str]) -> Journal:
    """Somebody has set "weights" or "buffers", "frozen" weights or "silenced" units, at these names."""
    values = named_values(engine, kind, names)
    return without_details(journal, step) if values is None else with_values(journal, step, **{kind: values})


def note_change(
    journal: Journal,
    step: int,
    engine: AutogradEngine,
    recipes: tuple[Experiment, Experiment],
    origins: Origins | None,
    reshaped: bool,
) -> Journal:
    """One recipe has replaced another; `engine` has the resulting network. Before the first step its settings need no entry."""
    old, new = recipes
    again = is_shaped(journal, step)
    journal = with_settings(
        journal, step, old.settings(), new.settings(), dict(origins) if origins and reshaped else None
    )
    # Weights that were carried before the first step, or through several shapes at one step, do not follow from recipes: they are noted.
    if (reshaped and again) or (step == 0 and (reshaped or _initializers(old) != _initializers(new))):
        values = {kind: named_values(engine, kind) for kind in ON_NAMES}
        if any(named is None for named in values.values()):
            return without_details(journal, step)
        return with_network(journal, step, **{kind: named or {} for kind, named in values.items()})
    return journal


def note_loading(past: Journal, step: int, engine: AutogradEngine) -> Journal:
    """The run goes on from a file at this step: with the journal of the run that wrote it (`past`), and with its network."""
    return record_loading(past, step, named_values(engine, "weights"), named_values(engine, "buffers"))


def named_values(engine: AutogradEngine, kind: str, names: Sequence[str] | None = None) -> Values | None:
    """{name: values} of one kind: weights, which weights are frozen, buffers, or (by a module's name) which units are silenced.

    Without `names` all of them; marks only where something is marked. None if a journal cannot hold the values.
    """
    if kind == "silenced":
        found = _masks(engine, names is not None)
    elif kind == "buffers":
        found = {name: value.cpu().numpy() for name, value in engine.buffers.items()}
    else:
        found = _tensors(engine, engine.flat.detach() if kind == "weights" else _find_frozen(engine, names is not None))
    wanted = {name: array for name, array in found.items() if names is None or name in names}
    if sum(array.size for array in wanted.values()) > MOST_NUMBERS:
        return None
    if not all(
        np.isfinite(array).all() for array in wanted.values()
    ):  # A buffer may overflow, and JSON knows no infinity.
        return None
    return {name: number_lists(array) for name, array in wanted.items()}


def _tensors(engine: AutogradEngine, flat: torch.Tensor | None) -> dict[str, np.ndarray]:
    if flat is None:
        return {}
    return {
        name: flat[start:end].view(shape).cpu().numpy() for name, (start, end, shape) in engine.parameter_slices.items()
    }


def _find_frozen(engine: AutogradEngine, asked: bool) -> torch.Tensor | None:
    """Which weights are frozen. If `asked`, all False where none is, so that the journal notes that the last mark was removed."""
    return torch.zeros_like(engine.flat, dtype=torch.bool) if engine.frozen is None and asked else engine.frozen


def _masks(engine: AutogradEngine, asked: bool) -> dict[str, np.ndarray]:
    modules = {stage.address: stage.modules[0] for stage in all_stages(stages_of(engine.experiment))}
    if engine.silenced is None:
        hidden = engine.experiment.hidden_units.items()
        return {modules[at]: np.zeros(units, dtype=np.bool_) for at, units in hidden} if asked else {}
    return {modules[at]: mask.cpu().numpy() for at, mask in engine.silenced.items()}


def _initializers(recipe: Experiment) -> list[object]:
    return [initializer for layer in all_layers(recipe.layers) for initializer in layer.starts().values()]
