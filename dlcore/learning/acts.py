"""Acts: everything that a person did to a run, in order, each of which can be taken back and done again.

Where the run stood is kept on both sides of each act, except where it stands now:

    standings   0 --first act-- 1 --second act-- 2 ... n        `position` is the one where the run stands

Whoever leaves a position keeps there how the run stood at that moment. So Undo brings back the network as it was when the act was done,
and Redo what stood when Undo was pressed. A new act forgets the acts that were taken back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from dlcore.component import Component
from dlcore.learning.timeline import Moment
from dlcore.problems import Problem

MOST_ACTS = 200
MOST_BYTES = 8 << 20  # Of one run, beside what its time line keeps.
ONE_GO = 1.0  # Seconds within which changes of the same settings that follow one another are one act.

Arrays = dict[str, np.ndarray]
Thing = np.ndarray | Moment | bytes


@dataclass(frozen=True)
class Act:
    """What was done at a step. `target` says to what: plain JSON values, as the command named it."""

    kind: str  # change, recipe, example, set, freeze, silence, reset, load or rewind
    step: int
    epoch: int
    target: dict[str, Any] = field(default_factory=dict)
    # What later acts must have in common with it to be part of it; None: each is an act of its own.
    series: object = None
    made: float = 0.0
    id: int = 0  # The higher, the later it was done, or was last made part of.


@dataclass(frozen=True)
class Standing:
    """How a run stood: all that brings it back. Without `state` only its settings come back."""

    packed_recipe: bytes
    structure: int
    step: int
    epoch: int
    state: Arrays | None
    history: np.ndarray | None
    moments: tuple[Moment, ...] = ()
    spacing: int = 1  # of the time line
    diverged: bool = False
    problem: Problem | None = None  # why it had diverged

    @property
    def full_state(self) -> Arrays:
        """What `Learner.restore` takes."""
        assert self.state is not None
        assert self.history is not None
        return {**self.state, "history": self.history}

    def things(self) -> Iterator[Thing]:
        """All that takes memory."""
        yield self.packed_recipe
        for moment in self.moments:
            yield moment
            yield moment.packed_recipe
        if self.state is not None:
            yield from map(owner_of, self.full_state.values())


class Acts:
    """The acts of one run, within MOST_ACTS and MOST_BYTES. `version` tells that they have changed."""

    def __init__(self, first: int = 0) -> None:
        self.version = first
        self._adopt([], [None], 0)

    def _adopt(self, acts: list[Act], standings: list[Standing | None], position: int) -> None:
        self._acts = acts
        self._standings: list[Standing | None] = [None]
        self._uses: Counter[int] = Counter()  # How many standings have a thing, by its id.
        self.nbytes = 0  # Bytes of all standings, what they share counted once.
        self.position = position  # How many acts are done.
        for at, standing in enumerate(standings):
            if at:
                self._standings.append(None)
            self._put(at, standing)

    def adopt(self, acts: list[Act], standings: list[Standing | None], version: int) -> None:
        """Take over the acts of another run; the one standing that is None is where it stands."""
        self.version = version
        self._adopt(acts, standings, standings.index(None))
        self._trim()

    @property
    def acts(self) -> tuple[Act, ...]:
        """All acts, oldest first, those that were taken back last."""
        return tuple(self._acts)

    @property
    def standings(self) -> tuple[Standing | None, ...]:
        """How the run stood before the first act and after each; None where it stands."""
        return tuple(self._standings)

    @property
    def facts(self) -> dict[str, Any]:
        """What a frame tells: the kinds of the acts that Undo and Redo would take back and do again, or None; and the version."""
        undo, redo = self._acts[: self.position], self._acts[self.position :]
        return {
            "undo": undo[-1].kind if undo else None,
            "redo": redo[0].kind if redo else None,
            "version": self.version,
        }

    def find_last(self, kind: str) -> Act | None:
        """The last act of this kind that was not taken back; None if there is none."""
        return next((act for act in reversed(self._acts[: self.position]) if act.kind == kind), None)

    # Done

    def continues(self, series: object, now: float) -> bool:
        """Whether an act of this series, done now, is part of the last one."""
        last = self._acts[-1] if self._acts and self.position == len(self._acts) else None
        if series is None or last is None or last.series != series:
            return False
        return not isinstance(series, Settings) or now - last.made < ONE_GO

    def note(
        self,
        kind: str,
        before: Standing | None,
        now: float,
        target: dict[str, Any] | None = None,
        series: object = None,
    ) -> None:
        """An act was done, before which the run stood like this; None where the act is known to continue the last one."""
        self.version += 1
        if before is None or self.continues(series, now):
            self._acts[-1] = replace(self._acts[-1], made=now, id=self.version)
            return
        while len(self._standings) > self.position + 1:
            self._put(len(self._standings) - 1, None)
            self._standings.pop()
        self._put(self.position, before)
        act = Act(kind, before.step, before.epoch, target or {}, series, now, self.version)
        self._acts[self.position :] = [act]
        self._standings.append(None)
        self.position += 1
        self._trim()

    # Taken back, and done again

    def position_after(self, identifier: object) -> int:
        """Where the run stood after the act of this id; 0: before the first. Raises Problem for an act that is no longer known."""
        if identifier == 0:
            return 0
        for at, act in enumerate(self._acts):
            if act.id == identifier:
                return at + 1
        raise Problem("act_gone")

    def standing(self, position: int) -> Standing | None:
        """How the run stood at this position; None where it stands, and where there is none."""
        return self._standings[position] if 0 <= position < len(self._standings) else None

    def move(self, position: int, now: Standing) -> None:
        """The run stands at another position. It left the one before like `now`."""
        self.version += 1
        self._put(self.position, now)
        self._put(position, None)
        self.position = position
        self._trim()

    # Memory

    def _put(self, at: int, standing: Standing | None) -> None:
        """Keep this at a position; what is equal to what the neighbour has is shared with it."""
        if standing is not None:
            standing = _share(standing, self._standings[at - 1] if at else None)
        self._count(standing, 1)
        self._count(self._standings[at], -1)
        self._standings[at] = standing

    def _count(self, standing: Standing | None, by: int) -> None:
        for thing in () if standing is None else standing.things():
            before = self._uses[id(thing)]
            self._uses[id(thing)] = before + by
            if not before or not before + by:
                self.nbytes += by * (len(thing) if isinstance(thing, bytes) else thing.nbytes)
            if not before + by:
                del self._uses[id(thing)]

    def _trim(self) -> None:
        """Keep within bounds: the oldest standings first lose their time lines, then their networks; then the oldest acts go."""
        for lose in ({"moments": (), "spacing": 1}, {"state": None, "history": None}):
            for at, standing in enumerate(self._standings):
                if self.nbytes <= MOST_BYTES:
                    break
                if standing is not None:
                    self._put(at, replace(standing, **lose))
        while self.position and (len(self._acts) > MOST_ACTS or self.nbytes > MOST_BYTES):
            self._put(0, None)
            del self._standings[0], self._acts[0]
            self.position -= 1


class Settings(tuple[str, ...]):
    """The paths of settings that one change changed."""


def changed_settings(before: Any, after: Any, path: str = "") -> Settings:
    """Where two recipes, or components of one, differ: "dataset.noise", "layers.0.activation"."""
    if before == after:
        return Settings()
    if isinstance(before, Component) and type(before) is type(after):
        pairs = [(name, getattr(before, name), getattr(after, name)) for name in type(before).model_fields]
    elif isinstance(before, tuple) and isinstance(after, tuple) and _pair_up(before, after):
        pairs = [(str(at), one, other) for at, (one, other) in enumerate(zip(before, after, strict=True))]
    else:
        return Settings((path,))
    deeper = (changed_settings(one, other, f"{path}.{name}".lstrip(".")) for name, one, other in pairs)
    return Settings(found for settings in deeper for found in settings)


def _pair_up(before: tuple[Any, ...], after: tuple[Any, ...]) -> bool:
    return len(before) == len(after) and all(isinstance(one, Component) for one in (*before, *after))


def _share(standing: Standing, neighbour: Standing | None) -> Standing:
    """The same standing, its arrays those of the neighbour where they are equal."""
    if standing.state is None or neighbour is None or neighbour.state is None:
        return standing
    known = neighbour.state
    state = {
        name: known[name] if name in known and _equal(array, known[name]) else array
        for name, array in standing.state.items()
    }
    return replace(standing, state=state)


def _equal(one: np.ndarray, other: np.ndarray) -> bool:
    # By their bytes: -0.0 and 0.0 are two numbers here, and NaN is equal to itself.
    return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()


def owner_of(array: np.ndarray) -> np.ndarray:
    """The array whose memory this one shows."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array
