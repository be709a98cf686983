"""When to stop early: the best epoch by the loss of the watched rows, how long none was better, and all that brings it back.

In a learner's state the arrays of the best epoch are named "best/...". They are shared by all states that have the same best epoch.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from dlcore.learning.learner import Best
from dlcore.problems import Problem
from dlcore.recipes import recipe_from_json

if TYPE_CHECKING:
    from dlcore.experiment import Experiment

Arrays = dict[str, np.ndarray]
OF_BEST = "best/"
# Above so many bytes only the network and the optimizer's memory are kept: enough for `restore_best`, not for going back in time.
MOST_WHOLE = 4 << 20
_OF_NETWORK = ("tensors/", "optimizer/")


@dataclass(frozen=True)
class Kept:
    """The best epoch, with all that brings it back."""

    recipe: Any  # the Experiment
    step: int
    epoch: int
    row: tuple[float, ...]
    rows: int
    state: Arrays
    whole: bool = True  # False where only the network and the optimizer's memory are kept.
    remembers: bool = True  # False once another kind of optimizer has taken over, which cannot use its memory.

    @cached_property
    def arrays(self) -> Arrays:
        """What a learner's state says of it."""
        recipe = np.frombuffer(zlib.compress(self.recipe.to_json().encode()), np.uint8)
        facts = np.array([self.step, self.epoch, self.rows, self.whole, self.remembers], np.int64)
        named = {"recipe": recipe, "facts": facts, "row": np.array(self.row)}
        return {f"{OF_BEST}{name}": array for name, array in (named | self.state).items()}


@dataclass(frozen=True)
class Stopping:
    """What is known of the best epoch, the first of those with the lowest loss; epoch 0 while there is none."""

    loss: float = math.inf
    epoch: int = 0
    waits_from: int = 0  # The epoch from which epochs without a better one are counted.
    kept: Kept | None = None
    restored: int = -1  # The step at which the network got back the best epoch's weights; -1: it has its own.

    def after(self, epoch: int, loss: float) -> Stopping:
        """What is known after one more epoch with this loss."""
        return Stopping(loss, epoch, epoch) if loss < self.loss else self

    def count_waited(self, epoch: int) -> int:
        """Epochs without a better one."""
        return epoch - self.waits_from

    def keep(self, recipe: Experiment, step: int, row: tuple[float, ...], rows: int, state: Arrays) -> Stopping:
        """Keep all that brings back the epoch that was just found to be the best; `state` is where the learner stands now."""
        whole = sum(array.nbytes for array in state.values()) <= MOST_WHOLE
        if not whole:
            state = {name: array for name, array in state.items() if name.startswith(_OF_NETWORK)}
        return replace(self, kept=Kept(recipe, step, self.epoch, row, rows, state, whole))

    def adapt(self, before: Experiment, after: Experiment) -> Stopping:
        """What still holds with other settings: an optimizer of another kind cannot use what the old one remembered.

        Where `restore_best` is switched on, the best epoch is looked for from now on, as the earlier ones were not kept.
        """
        if after.restore_best and not before.restore_best:
            return Stopping(waits_from=self.waits_from)
        if self.kept is not None and before.optimizer.kind != after.optimizer.kind:
            return replace(self, kept=replace(self.kept, remembers=False))
        return self

    def weights_of(self, step: int) -> int | None:
        """The epoch whose weights the network got back at this step; None where it has its own."""
        return self.epoch if self.restored == step else None

    def earlier(self, step: int) -> Best | None:
        """The best epoch, for a learner that stands at this step, somewhere else, and can go back to it."""
        kept = self.kept
        if kept is None or not kept.whole or kept.step == step or self.restored == step:
            return None
        state = kept.state | replace(self, restored=-1).state()
        return Best(kept.recipe, kept.step, kept.epoch, kept.row, self.loss, kept.rows, state)

    def tell_ending(self, step: int, epoch: int, recipe: Experiment) -> Problem:
        """What is to be told of a run that stopped early at this epoch."""
        patience, of = recipe.early_stopping, "" if recipe.watched == "test" else f".{recipe.watched}"
        if not self.epoch:
            return Problem(f"early_stopped.never{of}", epoch=epoch, patience=patience)
        key = "early_stopped" if self.restored != step else "early_stopped.restored"
        return Problem(f"{key}{of}", epoch=epoch, patience=patience, best=self.epoch, loss=f"{self.loss:.4g}")

    def state(self) -> Arrays:
        """Named arrays of all that is known but for `waits_from`, which stands among a learner's counters."""
        best = {} if self.kept is None else self.kept.arrays
        facts = np.array([self.epoch, self.restored], np.int64)
        return {"best_loss": np.array([self.loss]), "best_epoch": facts, **best}


def stopping_of(state: Arrays, waits_from: int) -> Stopping:
    """What `Stopping.state` gave."""
    # A state that an earlier version kept does not know the best epoch apart from the one from which it waited.
    epoch, restored = state["best_epoch"].tolist() if "best_epoch" in state else (waits_from, -1)
    arrays = {name.removeprefix(OF_BEST): array for name, array in state.items() if name.startswith(OF_BEST)}
    loss = float(state["best_loss"][0])
    kept = _kept_of(arrays) if arrays else None
    return Stopping(loss, epoch, waits_from, kept, restored)


def _kept_of(arrays: dict[str, Any]) -> Kept:
    recipe = recipe_from_json(zlib.decompress(arrays.pop("recipe").tobytes()))
    step, epoch, rows, whole, remembers = arrays.pop("facts").tolist()
    row = tuple(arrays.pop("row").tolist())
    return Kept(recipe, step, epoch, row, rows, arrays, bool(whole), bool(remembers))
