"""The timeline: moments of a run, kept at a growing spacing, to look at again, to go on from, to fork."""

from __future__ import annotations

import time
import zlib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch

from dlcore.experiment import Experiment
from dlcore.journal import unpacked
from dlcore.learning.snapshot import Scores, Snapshot
from dlcore.problems import Problem
from dlcore.stages import tensors_of

if TYPE_CHECKING:
    from dlcore.learning.trainer import Trainer

MOST_MOMENTS = 400
MOST_BYTES = 8 << 20  # Of one run: a session holds up to four, 32 MB together.
ONE_DRAG = 1.0  # Seconds within which edits that follow one another leave one moment.


@dataclass(frozen=True)
class Moment:
    """All that brings a trainer back to one step, but for the data (made from the recipe) and the history (the run's)."""

    id: int
    structure: int
    recipe: bytes  # JSON, compressed: a recipe can hold thousands of points.
    step: int
    epoch: int
    progress: float
    learning_rate: float
    scores: Scores
    rows: int  # of the history, by then
    state: dict[str, np.ndarray]
    edited: bool  # A hand was in it since the step before.
    made: float

    @cached_property
    def nbytes(self) -> int:
        return sum(array.nbytes for array in self.state.values())

    @property
    def experiment(self) -> Experiment:
        """The recipe of then."""
        return _experiment(self.recipe)

    def follows_in_one_go(self, other: Moment) -> bool:
        """Whether both are edits of the same network, at the same step or in quick succession."""
        return (
            self.edited
            and other.edited
            and self.recipe is other.recipe
            and (self.step == other.step or self.made - other.made < ONE_DRAG)
        )

    def full_state(self, history: np.ndarray) -> dict[str, np.ndarray]:
        """What `Trainer.restore` takes; `history` are the rows of the run, at least to here."""
        history = history[: self.rows]
        if self.step == 0:  # Before the first step another network may have taken the first row.
            train, test = self.scores.train, self.scores.watched
            pairs = [value for name in train for value in (train[name], test[name])]
            history = np.array([[self.epoch, self.step, *pairs]])
        return self.state | {"order": self.state["order"].astype(np.int64), "history": history}

    def named(self, what: str) -> dict[str, torch.Tensor]:
        """What of its state (see states.py) belongs to the tensors of the network, by their names in order; {} where nothing does."""
        names = [name for name in tensors_of(self.experiment) if f"{what}/{name}" in self.state]
        return {name: torch.from_numpy(self.state[f"{what}/{name}"]) for name in names}

    def snapshot(self) -> Snapshot:
        """What the trainer's own snapshot was."""
        experiment = self.experiment
        marks = {name: units for name, units in self.state.items() if name.startswith("silenced/")}
        silenced = {name.removeprefix("silenced/"): torch.from_numpy(units) for name, units in marks.items()}
        return Snapshot(
            experiment,
            self.step,
            self.epoch,
            self.progress,
            self.learning_rate,
            self.scores,
            self.named("tensors"),
            silenced or None,
            unpacked(self.state["journal"]),
        )


class Timeline:
    """The kept moments of a run, oldest first, within MOST_BYTES. `version` tells that they have changed."""

    def __init__(self, first: int = 0) -> None:
        self.version = self._last_id = first
        self._spacing = 1  # epochs
        self._recipe: tuple[Experiment, bytes] | None = None
        self._have([])

    def __len__(self) -> int:
        return len(self._moments)

    @property
    def moments(self) -> tuple[Moment, ...]:
        """All that are kept, oldest first."""
        return tuple(self._moments)

    @property
    def numbers(self) -> dict[str, int]:
        """With the moments, all that there is to know of it."""
        return {"version": self.version, "last_id": self._last_id, "spacing": self._spacing}

    def adopt(self, moments: list[Moment], numbers: dict[str, int]) -> None:
        """Be the time line that had these."""
        self._have(moments)
        self.version, self._last_id, self._spacing = numbers["version"], numbers["last_id"], numbers["spacing"]

    def _have(self, moments: list[Moment]) -> None:
        """Let these be the moments. What is asked about them often is counted along, not each time anew."""
        self._moments: list[Moment] = []
        self._table = np.empty((MOST_MOMENTS + 1, 4))
        self.nbytes = 0  # Bytes of all moments; neighbours with the same recipe share it.
        for moment in moments:
            self._append(moment)

    def _append(self, moment: Moment) -> None:
        shared = bool(self._moments) and self._moments[-1].recipe is moment.recipe
        self.nbytes += moment.nbytes + (0 if shared else len(moment.recipe))
        loss = moment.scores.watched["loss"]
        self._table[len(self._moments)] = moment.id, moment.progress, loss, moment.step
        self._moments.append(moment)

    @property
    def next_epoch(self) -> int:
        """The epoch at whose end the next moment is due."""
        return self._moments[-1].epoch + self._spacing if self._moments else 0

    def find(self, identifier: object) -> Moment | None:
        """The moment of this id, if it is still kept."""
        if identifier is None:
            return None
        return next((moment for moment in self._moments if moment.id == identifier), None)

    def moment(self, identifier: object) -> Moment:
        """The moment of this id. Raises Problem when it is not kept."""
        found = self.find(identifier)
        if found is None:
            raise Problem("moment_gone")
        return found

    def table(self) -> np.ndarray:
        """(n, 4) float64: id, progress in epochs, test loss, step."""
        return self._table[: len(self)].copy()

    def clear(self) -> None:
        """The run starts anew."""
        self._have([])
        self._spacing = 1
        self.version += 1

    def cut(self, moment: Moment) -> None:
        """Forget what came after this moment."""
        self._have(self._moments[: self._moments.index(moment) + 1])
        self.version += 1

    def keep(self, trainer: Trainer, structure: int, edited: bool = False) -> None:
        """Keep where the trainer stands, unless it is kept already or too large; edits in one go leave one moment."""
        newest = self._moments[-1] if self._moments else None
        if newest is not None and newest.step == trainer.step and not edited:
            return
        vectors = 3 + sum(value.dim() > 0 for value in trainer.engine.memory.values())
        if vectors * 4 * trainer.engine.flat.numel() > MOST_BYTES // 2:  # The first and the newest must both fit.
            return
        moment = self._make(trainer, structure, edited)
        if newest is not None and len(self) > 1 and moment.follows_in_one_go(newest):
            self._have(self._moments[:-1])
        self._append(moment)
        while (len(self) > MOST_MOMENTS or self.nbytes > MOST_BYTES) and len(self) > 2:
            self._have([*self._moments[:-1:2], self._moments[-1]])
            self._spacing *= 2
        self.version += 1

    def _make(self, trainer: Trainer, structure: int, edited: bool) -> Moment:
        state = trainer.standing()
        # As small as the row numbers allow: the order of the epoch is what is largest in a small network's state.
        state["order"] = state["order"].astype(np.min_scalar_type(len(state["order"])))
        if self._recipe is None or self._recipe[0] is not trainer.experiment:
            self._recipe = (trainer.experiment, zlib.compress(trainer.experiment.to_json().encode()))
        self._last_id += 1
        return Moment(
            id=self._last_id,
            structure=structure,
            recipe=self._recipe[1],
            step=trainer.step,
            epoch=trainer.epoch,
            progress=trainer.progress,
            learning_rate=trainer.learning_rate,
            scores=trainer.scores(),
            rows=len(trainer.history),
            state=state,
            edited=edited,
            made=time.monotonic(),
        )


@lru_cache(maxsize=8)
def _experiment(recipe: bytes) -> Experiment:
    return Experiment.from_json(zlib.decompress(recipe))
