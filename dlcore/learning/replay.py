"""A run replayed: it begins with the settings that the run began with, and does at each step what the recipe's journal says.

Same recipe, same engine, on the CPU: the same numbers, bit for bit. What a journal does not hold cannot be done again: changes that were
too much to be kept (`left_out`), and the optimizer's memory where a network took several shapes at one step.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Any

import numpy as np
import torch

from dlcore.experiment import Experiment, settings_of
from dlcore.journal import SHAPING, Entry, Values, find_unknown_from
from dlcore.learning import noting
from dlcore.learning.trainer import Trainer
from dlcore.problems import Problem
from dlcore.stages import all_stages, stages_of


class Replay:
    """A trainer, and what of the journal is still to be done. Raises Problem for a journal that does not fit the recipe."""

    def __init__(self, recipe: Experiment, device: str = "auto", engine: str = "auto") -> None:
        self._recipe = recipe.without_journal()
        self._journal = recipe.journal
        self._left = deque(enumerate(recipe.journal))
        # From this step on, numbers may differ from the run's; None: they never do.
        self.inexact_from: int | None = None
        self.repeated = 0  # Entries that were done, the beginning not counted.
        beginning = recipe.journal[0] if recipe.journal and recipe.journal[0].step == 0 else None
        settings = settings_of(beginning.set) if beginning is not None and beginning.set else {}
        self.trainer = Trainer(self._recipe.replace(**settings), device=device, engine=engine)
        self._check_settings()
        if beginning is not None:
            self._left.popleft()
            self._on_network(0, beginning)
            self._fold_if(0, beginning)
        self._do_what_is_due()

    def advance(self, updates: float = math.inf, deadline: float = math.inf, epochs: int = 1) -> None:
        """As `Trainer.advance`, at most to the next entry, which is then done. Raises Diverged, and Problem for one that does not fit."""
        next_step = self._left[0][1].step if self._left else math.inf
        self.trainer.advance(min(updates, next_step - self.trainer.step), deadline, epochs)
        self._do_what_is_due()

    def _do_what_is_due(self) -> None:
        while self._left and self._left[0][1].step <= self.trainer.step:
            self._do(*self._left.popleft())

    def _check_settings(self) -> None:
        """Before the first step: raises Problem if settings do not fit together at any time."""
        now = self.trainer.experiment
        for number, entry in self._left:
            if entry.set and entry.step:
                after = now.replace(**settings_of(entry.set))
                if needs := now.changed_start_fields(after):
                    raise Problem("needs_fresh_start", path=f"journal.{number}.set.{needs[0]}")
                now = after

    def _do(self, number: int, entry: Entry) -> None:
        trainer = self.trainer
        if entry.loaded and entry.weights:
            self._go_on_from(number, entry)
        else:
            if entry.set:
                trainer.change(trainer.experiment.replace(**settings_of(entry.set)), entry.origins)
                if SHAPING & set(entry.set) and entry.weights:
                    self._inexact(entry.step)
            self._on_network(number, entry)
        if entry.went_on:
            trainer.go_on()
        self.repeated += not entry.left_out
        self._fold_if(number, entry)

    def _go_on_from(self, number: int, entry: Entry) -> None:
        """Go on from a file, as the run did: with its weights and buffers, and everything else anew."""
        trainer, past = self.trainer, self.trainer.journal
        assert entry.weights is not None
        weights = _arrays(f"journal.{number}.weights", entry.weights, _shapes(trainer))
        buffers = _buffers(f"journal.{number}.buffers", entry.buffers or {}, trainer)
        for kind, there, told in (("weights", _shapes(trainer), weights), ("buffers", trainer.engine.buffers, buffers)):
            if missing := set(there) - set(told):
                raise Problem("journal_misses_weights", path=f"journal.{number}.{kind}", name=min(missing))
        trainer.load_weights(weights | buffers, step=trainer.step, epoch=trainer.epoch)
        trainer.journal = noting.note_loading(past, trainer.step, trainer.engine)

    def _on_network(self, number: int, entry: Entry) -> None:
        trainer, path = self.trainer, f"journal.{number}"
        slices = trainer.engine.parameter_slices
        if entry.buffers:
            kept = _buffers(f"{path}.buffers", entry.buffers, trainer)
            for name, values in kept.items():
                trainer.engine.buffers[name].copy_(torch.from_numpy(values))
            trainer.note_touch("buffers", tuple(kept))
        if entry.weights:
            found = _arrays(f"{path}.weights", entry.weights, _shapes(trainer))
            with torch.no_grad():
                for name, values in found.items():
                    start, end, _ = slices[name]
                    flat, previous = trainer.engine.flat[start:end], trainer.engine.previous[start:end]
                    told = torch.from_numpy(values).ravel().to(trainer.device)
                    # A weight that was set has no earlier value to go back to.
                    previous.copy_(torch.where(flat == told, previous, told))
                    flat.copy_(told)
            trainer.note_touch("weights", tuple(found))
            if entry.step == 0 and len(found) == len(slices):
                # All weights are new, as the shape changed: the history begins with this network.
                trainer.begin_history()
        if entry.frozen:
            found = _arrays(f"{path}.frozen", entry.frozen, _shapes(trainer), np.bool_)
            frozen = trainer.engine.frozen
            frozen = torch.zeros_like(trainer.engine.flat, dtype=torch.bool) if frozen is None else frozen.clone()
            for name, marks in found.items():
                start, end, _ = slices[name]
                frozen[start:end] = torch.from_numpy(marks).ravel().to(trainer.device)
            trainer.engine.frozen = frozen if frozen.any() else None
            trainer.note_touch("frozen", tuple(found))
        if entry.silenced:
            modules = {stage.address: stage.modules[0] for stage in all_stages(stages_of(trainer.experiment))}
            hidden = {modules[at]: (at, units) for at, units in trainer.experiment.hidden_units.items()}
            shapes = {name: (units,) for name, (_, units) in hidden.items()}
            found = _arrays(f"{path}.silenced", entry.silenced, shapes, np.bool_)
            told = {hidden[name][0]: torch.from_numpy(marks) for name, marks in found.items()}
            trainer.silenced = {**(trainer.silenced or {}), **told}
            trainer.note_touch("silenced", tuple(found))

    def find_notice(self) -> Problem | None:
        """The notice about a replay: how many changes were repeated, and whether the numbers are the run's. None if nothing was changed."""
        if not self.repeated and self.inexact_from is None:
            return None
        if self.inexact_from is not None:
            return Problem("journal_repeated_in_part", count=self.repeated, step=self.inexact_from)
        return Problem("journal_repeated", count=self.repeated)

    def _fold_if(self, number: int, entry: Entry) -> None:
        """If this entry left out changes, use the settings that the run had last from here on, and repeat no further entries."""
        if entry.left_out:
            self._inexact(find_unknown_from(self._journal, number))
            self._left.clear()
            self.trainer.change(self._recipe)

    def _inexact(self, step: int) -> None:
        self.inexact_from = step if self.inexact_from is None else min(step, self.inexact_from)


def _shapes(trainer: Trainer) -> dict[str, tuple[int, ...]]:
    return {name: tuple(shape) for name, (_, _, shape) in trainer.engine.parameter_slices.items()}


def _buffers(path: str, named: Values, trainer: Trainer) -> dict[str, np.ndarray]:
    """{name: array} of the buffers in an entry, each of the type that its layer has."""
    found: dict[str, np.ndarray] = {}
    for name, values in named.items():
        kept = trainer.engine.buffers
        shapes = {name: tuple(kept[name].shape)} if name in kept else {}
        # Read as float64 first, as a whole number may come as 3.0.
        array = _arrays(path, {name: values}, shapes, np.float64)[name]
        found[name] = array.astype(kept[name].cpu().numpy().dtype)
    return found


def _arrays(
    path: str, named: Values, shapes: dict[str, tuple[int, ...]], kind: Any = np.float32
) -> dict[str, np.ndarray]:
    """{name: array} of what an entry names. Raises Problem where the network of that step has no such tensor, or one of another shape."""
    found = {}
    for name, values in named.items():
        array = np.array(values, dtype=kind)
        if name not in shapes:
            raise Problem("unknown_key", path=f"{path}.{name}")
        if array.shape != shapes[name]:
            expected, came = (" × ".join(map(str, shape)) for shape in (shapes[name], array.shape))
            raise Problem("journal_other_shape", path=f"{path}.{name}", expected=expected, came=came)
        found[name] = array
    return found
