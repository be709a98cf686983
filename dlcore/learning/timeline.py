"""The timeline: moments of a run, kept at a growing spacing, to look at again, to go on from, to fork."""

from __future__ import annotations

import time
import zlib
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from dlcore.problems import Problem
from dlcore.recipes import recipe_from_json

if TYPE_CHECKING:
    from dlcore.learning.learner import Best, Learner
    from dlcore.recipe import Recipe

MOST_MOMENTS = 400
MOST_BYTES = 8 << 20  # Of one run: a session holds up to four, 32 MB together.
ONE_DRAG = 1.0  # Seconds within which edits that follow one another leave one moment.


@dataclass(frozen=True)
class Moment:
    """All that brings a learner back to one step, except the data (made from the recipe) and the history (kept by the run)."""

    id: int
    structure: int
    packed_recipe: bytes  # JSON, compressed: a recipe can hold thousands of points.
    step: int
    epoch: int
    progress: float
    row: tuple[float, ...]  # The row of the history for this step.
    value: float  # The number of `row` that is shown for the moment.
    rows: int  # of the history, at this moment
    state: dict[str, np.ndarray]
    edited: bool  # True if something was set by hand since the last step.
    made: float

    @cached_property
    def nbytes(self) -> int:
        return sum(array.nbytes for array in self.state.values())

    @property
    def recipe(self) -> Any:
        """The Recipe that the run had at this moment."""
        return unpack(self.packed_recipe)

    def follows_in_one_go(self, other: Moment) -> bool:
        """Whether both are edits of the same network, at the same step or in quick succession."""
        return (
            self.edited
            and other.edited
            and self.packed_recipe is other.packed_recipe
            and (self.step == other.step or self.made - other.made < ONE_DRAG)
        )

    def history(self, rows: np.ndarray) -> np.ndarray:
        """The history as it was then; `rows` are those of the run, at least to here."""
        # Before the first step, row 0 of the history may be that of another network.
        return rows[: self.rows] if self.step else np.array([self.row])

    def full_state(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """What `Learner.restore` takes."""
        return self.state | {"history": self.history(rows)}


class Timeline:
    """The kept moments of a run, oldest first, within MOST_BYTES. `version` tells that they have changed."""

    def __init__(self, first: int = 0) -> None:
        self.version = self._last_id = first
        self.spacing = 1  # epochs between two moments
        self._recipe: tuple[Recipe, bytes] | None = None
        self._have([])

    def __len__(self) -> int:
        return len(self._moments)

    @property
    def moments(self) -> tuple[Moment, ...]:
        """All moments that are kept, oldest first."""
        return tuple(self._moments)

    @property
    def numbers(self) -> dict[str, int]:
        """The counters that, with the moments, are the whole state of a time line."""
        return {"version": self.version, "last_id": self._last_id, "spacing": self.spacing}

    def adopt(self, moments: list[Moment], numbers: dict[str, int]) -> None:
        """Take over the moments and counters of another time line."""
        self.version, self._last_id, self.spacing = numbers["version"] - 1, numbers["last_id"], numbers["spacing"]
        self._have(moments)
        self.version += 1

    def bring_back(self, moments: tuple[Moment, ...], spacing: int) -> None:
        """Have the moments again that there were; ids and version go on, so that viewers take nothing for what they had before."""
        self._have(list(moments))
        self.spacing = spacing
        self.version += 1

    def pack(self, recipe: Recipe) -> bytes:
        """The recipe as moments keep it; the same object for the same recipe."""
        if self._recipe is None or self._recipe[0] is not recipe:
            self._recipe = (recipe, zlib.compress(recipe.to_json().encode()))
        return self._recipe[1]

    def _have(self, moments: list[Moment]) -> None:
        """Replace all moments. Their table and size in bytes are kept beside them, as both are asked for often."""
        self._moments: list[Moment] = []
        self._added: list[int] = []  # With which version each came.
        self._replaced = self.version + 1  # The version since which moments were only added.
        self._table = np.empty((MOST_MOMENTS + 1, 4))
        # Bytes of all moments; neighbours share their recipe, and arrays such as those of the best epoch.
        self.nbytes = 0
        for moment in moments:
            self._append(moment)

    def _append(self, moment: Moment) -> None:
        before = self._moments[-1] if self._moments else None
        known = set() if before is None else {id(array) for array in before.state.values()}
        self.nbytes += sum(array.nbytes for array in moment.state.values() if id(array) not in known)
        if before is None or before.packed_recipe is not moment.packed_recipe:
            self.nbytes += len(moment.packed_recipe)
        self._table[len(self._moments)] = moment.id, moment.progress, moment.value, moment.step
        self._moments.append(moment)
        self._added.append(self.version + 1)

    @property
    def next_epoch(self) -> int:
        """The epoch at whose end the next moment is due."""
        return self._moments[-1].epoch + self.spacing if self._moments else 0

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
        """(n, 4) float64: id, progress in epochs, the learner's shown number (the loss of the watched rows of a trainer), step."""
        return self._table[: len(self)].copy()

    def table_since(self, version: int | None) -> tuple[int, np.ndarray]:
        """How many rows of the table are what they were at that version, and the rows after these."""
        kept = 0 if version is None or version < self._replaced else bisect_right(self._added, version)
        return kept, self._table[kept : len(self)].copy()

    def clear(self) -> None:
        """Forget all moments: the run starts anew."""
        self._have([])
        self.spacing = 1
        self.version += 1

    def until(self, moment: Moment) -> tuple[Moment, ...]:
        """The moments up to this one."""
        return tuple(self._moments[: self._moments.index(moment) + 1])

    def keep(self, learner: Learner, structure: int, edited: bool = False) -> None:
        """Keep where the learner stands, unless it is kept already or too large; edits in one go leave one moment.

        Of a learner that has finished its best epoch is kept, too.
        """
        self._keep(learner, structure, edited)
        if (best := learner.best) is not None and self.find_best(best) is None:
            self._insert(best, structure)

    def newest_sound(self, learner: Learner, sound: Callable[[Moment, np.ndarray], bool]) -> int | None:
        """The id of the newest moment before the learner's step that `sound` calls so."""
        history = learner.history.rows()
        earlier = (one for one in reversed(self._moments) if one.step < learner.step)
        return next((one.id for one in earlier if sound(one, history)), None)

    def find_best(self, best: Best | None) -> Moment | None:
        """The moment of a learner's best epoch."""
        if best is None:
            return None
        return next((one for one in self._moments if one.step == best.step and one.row == best.row), None)

    def _insert(self, best: Best, structure: int) -> None:
        self._last_id += 1
        moment = Moment(
            id=self._last_id,
            structure=structure,
            packed_recipe=zlib.compress(best.recipe.to_json().encode()),
            step=best.step,
            epoch=best.epoch,
            progress=float(best.epoch),
            row=best.row,
            value=best.value,
            rows=best.rows,
            state=best.state,
            edited=False,
            made=0.0,  # Counts as made long ago.
        )
        earlier = [one for one in self._moments if one.step <= best.step]
        self._have([*earlier, moment, *self._moments[len(earlier) :]])
        self.version += 1

    def _keep(self, learner: Learner, structure: int, edited: bool) -> None:
        newest = self._moments[-1] if self._moments else None
        if newest is not None and newest.step == learner.step and not edited:
            return
        if learner.standing_bytes > MOST_BYTES // 2:  # The first and the newest must both fit.
            return
        moment = self._make(learner, structure, edited)
        if newest is not None and len(self) > 1 and moment.follows_in_one_go(newest):
            self._have(self._moments[:-1])
        self._append(moment)
        while (len(self) > MOST_MOMENTS or self.nbytes > MOST_BYTES) and len(self) > 2:
            self._have([*self._moments[:-1:2], self._moments[-1]])
            self.spacing *= 2
        self.version += 1

    def _make(self, learner: Learner, structure: int, edited: bool) -> Moment:
        self._last_id += 1
        row = learner.row()
        return Moment(
            id=self._last_id,
            structure=structure,
            packed_recipe=self.pack(learner.recipe),
            step=learner.step,
            epoch=learner.epoch,
            progress=learner.progress,
            row=row,
            value=row[learner.history.columns.index(learner.shown_column)],
            rows=len(learner.history),
            state=learner.standing(),
            edited=edited,
            made=time.monotonic(),
        )


@lru_cache(maxsize=8)
def unpack(packed: bytes) -> Recipe:
    """The recipe of what `Timeline.pack` gave."""
    return recipe_from_json(unpack_text(packed))


def unpack_text(packed: bytes) -> str:
    """The recipe's JSON."""
    return zlib.decompress(packed).decode()
