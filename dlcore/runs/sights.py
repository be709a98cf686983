"""Sights: what there is to see of a run, now or as it was at a kept moment; and what of it each answer holds.

Pictures are made once a version, or once a moment; the rest of what a viewer wants is found when it is asked for.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from dlcore.datasets.split import Data
from dlcore.experiment import Experiment
from dlcore.learning.snapshot import Snapshot
from dlcore.learning.timeline import Moment
from dlcore.learning.trainer import Trainer
from dlcore.pictures.picture import Picture
from dlcore.pictures.questions import Arrays, Looks, Motion
from dlcore.rows import rows_of

HEALTH_EVERY = 0.5  # Seconds, of a run that plays.
PREDICTIONS_EVERY = 0.25
MOST_LOOKS = 4  # Structures whose pictures stay at hand.


@dataclass(frozen=True)
class OldScene:
    """A recipe of the past with its rows."""

    experiment: Experiment
    data: Data


@dataclass
class Sight:
    """One moment of a run with all that can be asked of it."""

    structure: int
    snapshot: Snapshot
    looks: Looks
    arrays: Arrays
    motion: Callable[[], Motion]
    predictions: Callable[[], torch.Tensor]
    _found: dict[str, Any] = field(default_factory=dict)

    def with_layout(self) -> tuple[dict[str, Any], Arrays]:
        """Header and arrays for a viewer that has not seen this structure: all that other frames may leave out."""
        picture = self.looks.picture
        arrays = {**picture.constant_arrays, **self.arrays}
        if "predictions/train" not in arrays:
            arrays |= self.looks.predicted_classes(self.predictions())
        return {"layout": picture.layout}, arrays

    def wanted(self, wants: dict[str, Any]) -> tuple[dict[str, Any], Arrays]:
        """What a viewer wants to see beside the usual."""
        header: dict[str, Any] = {}
        arrays: Arrays = {}
        if wants.get("gradients"):
            arrays |= self.looks.motion(self._motion())
        if wants.get("histograms"):
            if "histograms" not in self._found:
                self._found["histograms"] = self.looks.histograms(self.snapshot, self._motion().gradient)
            header["histograms"], counts = self._found["histograms"]
            arrays |= counts
        if probe := wants.get("probe"):
            found = self.looks.probe(self.snapshot, probe["split"], probe["row"])
            if found is not None:
                header["probe"], answers = found
                arrays |= answers
        return header, arrays

    def _motion(self) -> Motion:
        if "motion" not in self._found:
            self._found["motion"] = self.motion()
        return self._found["motion"]


class Sights:
    """The sights of a run. It remembers what was seen last."""

    def __init__(self) -> None:
        self._now: tuple[int, Sight] | None = None
        self._then: tuple[int, Sight] | None = None
        self._looks: dict[int, Looks] = {}
        self._health: tuple[float, tuple[object, int, int], Arrays] | None = None
        self._predicted = 0.0

    def forget(self) -> None:
        """What was seen is no more."""
        self._now = self._then = self._health = None
        self._looks = {}

    def now(self, trainer: Trainer, picture: Picture, version: int, structure: int, playing: bool) -> Sight:
        """The run as it stands. While it plays, health and predictions are not found anew each time."""
        if self._now is None or self._now[0] != version:
            snapshot = trainer.passing_snapshot() if playing else trainer.snapshot()
            looks = self._looks_at(structure, picture)
            frozen = {} if trainer.engine.frozen is None else trainer.engine.named(trainer.engine.frozen.cpu())
            arrays = {**picture.arrays(snapshot), **looks.masks(snapshot, frozen)}
            now = time.monotonic()
            health = self._health_of(trainer, looks, snapshot, playing)
            if not playing or now - self._predicted >= PREDICTIONS_EVERY:
                arrays |= looks.predicted_classes(looks.predictions(snapshot))
                self._predicted = now
            engine = trainer.engine
            sight = Sight(
                structure,
                snapshot,
                looks,
                arrays | health,
                lambda: Motion(
                    engine.named(engine.gradient()), engine.named((engine.flat.detach() - engine.previous).cpu())
                ),
                lambda: looks.predictions(snapshot),
            )
            self._now = (version, sight)
        return self._now[1]

    def then(self, moment: Moment, trainer: Trainer, picture: Picture, structure: int) -> Sight:
        """The run as it was at this moment."""
        if self._then is None or self._then[0] != moment.id:
            looks = self._old_looks(moment, trainer, picture, structure)
            snapshot = moment.snapshot()
            predictions = looks.predictions(snapshot)
            arrays = {
                **looks.picture.arrays(snapshot),
                **looks.masks(snapshot, moment.named("frozen")),
                **looks.health(snapshot),
                **looks.predicted_classes(predictions),
            }
            previous = moment.named("previous")
            motion = Motion(
                moment.named("gradient"), {name: snapshot.weights[name] - previous[name] for name in previous}
            )
            sight = Sight(moment.structure, snapshot, looks, arrays, lambda: motion, lambda: predictions)
            self._then = (moment.id, sight)
        return self._then[1]

    def _health_of(self, trainer: Trainer, looks: Looks, snapshot: Snapshot, playing: bool) -> Arrays:
        now, weights = time.monotonic(), (trainer.engine, trainer.edits, trainer.step)
        if self._health is not None:
            made, of, health = self._health
            if of == weights or (playing and of[0] is trainer.engine and now - made < HEALTH_EVERY):
                return health
        health = looks.health(snapshot)
        self._health = (now, weights, health)
        return health

    def _old_looks(self, moment: Moment, trainer: Trainer, picture: Picture, structure: int) -> Looks:
        if moment.structure == structure:
            return self._looks_at(structure, picture)
        if moment.structure in self._looks:
            return self._looks[moment.structure]
        experiment = moment.experiment
        scene = OldScene(experiment, rows_of(experiment, trainer.experiment, trainer.data))
        return self._looks_at(moment.structure, Picture(scene))

    def _looks_at(self, structure: int, picture: Picture) -> Looks:
        looks = self._looks.get(structure)
        if looks is None or looks.picture is not picture:
            looks = self._looks[structure] = Looks(picture)
            while len(self._looks) > MOST_LOOKS:
                del self._looks[next(iter(self._looks))]
        return looks


def without_points(arrays: Arrays) -> Arrays:
    """The arrays of a layout without any row of the data."""
    return {name: array[:0] if name.startswith("points/") else array for name, array in arrays.items()}
