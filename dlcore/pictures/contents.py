"""Contents of frames of supervised learning: what can be shown of a run now or at a moment, and which parts of it a frame contains.

Pictures are made once for each version, or moment; anything else that a viewer wants is computed when it is asked for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import torch

from dlcore.datasets.split import Data
from dlcore.experiment import Experiment
from dlcore.journal import unpack_journal
from dlcore.learning.overfitting import is_apart
from dlcore.learning.snapshot import Scores, Snapshot
from dlcore.learning.timeline import Moment
from dlcore.learning.trainer import Trainer
from dlcore.metrics import FORMS
from dlcore.pictures.picture import Picture
from dlcore.pictures.questions import Arrays, Looks, Motion, finite_or_none
from dlcore.rows import rows_of

HEALTH_EVERY = 0.5  # Seconds between two judgements of the units' health while the run plays.
PREDICTIONS_EVERY = 0.25
FIRST = {"split": "train", "row": 0}  # the example of a viewer who has chosen none
MOST_LOOKS = 4  # Structures whose pictures are cached.


@dataclass(frozen=True)
class ExperimentWithData:
    """An earlier recipe with its rows, to be drawn as a trainer is."""

    experiment: Experiment
    data: Data


@dataclass
class NetworkContents:
    """What frames can contain of one moment of a network: its picture, and answers to what else a viewer may ask of it."""

    structure: int
    snapshot: Snapshot
    start: float  # the loss of the watched rows before the first step
    looks: Looks
    marks: Arrays  # What is known of units and rows beside the picture: health, marks, predicted classes.
    motion: Callable[[], Motion]
    _found: dict[str, Any] = field(default_factory=dict)

    @property
    def arrays(self) -> Arrays:
        """The picture, painted, with the marks."""
        if "painted" not in self._found:
            self._found["painted"] = self.looks.picture.arrays(self.snapshot)
        return {**self._found["painted"], **self.marks}

    @property
    def slim_arrays(self) -> Arrays:
        """What a browser paints the picture from, with the marks; if it cannot, the picture."""
        if "numbers" not in self._found:
            self._found["numbers"] = self.looks.picture.numbers(self.snapshot)
        numbers = self._found["numbers"]
        return self.arrays if numbers is None else {**numbers, **self.marks}

    @property
    def recipe(self) -> Experiment:
        """The recipe at this moment."""
        return self.snapshot.experiment

    @property
    def step(self) -> int:
        """Updates taken by then."""
        return self.snapshot.step

    @property
    def epoch(self) -> int:
        """Epochs ended by then."""
        return self.snapshot.epoch

    @property
    def progress(self) -> float:
        """Time in epochs, fractions included."""
        return self.snapshot.progress

    @property
    def facts(self) -> dict[str, Any]:
        """Entries of a frame's header that only supervised learning has."""
        snapshot, experiment = self.snapshot, self.snapshot.experiment
        splits = {"train": snapshot.scores.train, "test": snapshot.scores.watched}
        return {
            "steps_per_epoch": experiment.steps_per_epoch,
            "losses": {split: finite_or_none(values["loss"]) for split, values in splits.items()},
            "metrics": {
                split: {name: finite_or_none(value) for name, value in values.items() if name != "loss"}
                for split, values in splits.items()
            },
            "metric": {"name": experiment.metric, "form": FORMS[experiment.metric]},
            "apart": is_apart(splits["train"]["loss"], splits["test"]["loss"], self.start),
            "watched": experiment.watched,
            "loss_kind": experiment.loss.kind,
            "learning_rate": finite_or_none(snapshot.learning_rate),
        }

    def with_layout(self, rows: bool, slim: bool) -> tuple[dict[str, Any], Arrays]:
        """Header and arrays that only a viewer needs who does not know this structure."""
        picture, layout = self.looks.picture, self.looks.picture.layout
        arrays = picture.constant_arrays
        if slim and picture.client_side is not None:
            layout = layout | {"painting": picture.client_side.layout}
            arrays |= picture.client_side.constants
        if not rows:
            arrays = {
                name: array[:0] if name.startswith(("points/", "examples/")) else array
                for name, array in arrays.items()
            }
        return {"layout": layout}, arrays

    def asks_for_rows(self, wants: dict[str, Any]) -> bool:
        """Whether a row's path through the network is wanted, or always seen."""
        return bool(wants.get("probe")) or self.looks.picture.examples is not None

    def find(self, wants: dict[str, Any], rows: bool) -> tuple[dict[str, Any], Arrays]:
        """Header and arrays of the extra parts that a viewer wants."""
        header: dict[str, Any] = {}
        arrays: Arrays = {}
        if (examples := self.looks.picture.examples) is not None:
            header["example"], arrays = (
                self._example(wants.get("example") or FIRST) if rows else (None, examples.blank())
            )
        if kernel := wants.get("kernel"):
            arrays |= self.looks.kernel(self.snapshot, kernel["address"], kernel["unit"])
        if wants.get("gradients"):
            arrays |= self.looks.motion(self._motion())
        if wants.get("histograms"):
            if "histograms" not in self._found:
                self._found["histograms"] = self.looks.histograms(self.snapshot, self._motion().gradient)
            header["histograms"], counts = self._found["histograms"]
            arrays |= counts
        if rows and (probe := wants.get("probe")):
            found = self.looks.probe(self.snapshot, probe["split"], probe["row"])
            if found is not None:
                header["probe"], answers = found
                arrays |= answers
        return header, arrays

    def _example(self, chosen: dict[str, Any]) -> tuple[dict[str, Any], Arrays]:
        key = f"example {chosen['split']} {chosen['row']}"
        if key not in self._found:
            self._found[key] = self.looks.example(self.snapshot, chosen["split"], chosen["row"])
        header, arrays = self._found[key]
        return header, dict(arrays)

    def _motion(self) -> Motion:
        if "motion" not in self._found:
            self._found["motion"] = self.motion()
        return self._found["motion"]


class NetworkContentsMaker:
    """Makes the contents of frames of a trainer; caches the latest of now and of a moment."""

    def __init__(self, trainer: Trainer) -> None:
        self.picture = Picture(trainer)
        self._now: tuple[int, NetworkContents] | None = None
        self._at_moment: tuple[int, NetworkContents] | None = None
        self._looks: dict[int, Looks] = {}
        self._health: tuple[float, tuple[object, int, int], Arrays] | None = None
        self._predicted: tuple[float, Looks, Arrays] | None = None

    def switch_to(self, trainer: Trainer) -> None:
        """Switch to a trainer with another structure."""
        self.picture = Picture(trainer, self.picture)

    def make_now(self, trainer: Trainer, version: int, structure: int, moving: bool) -> NetworkContents:
        """The run as it is now. While it trains, health and predictions are not computed for every frame."""
        if self._now is None or self._now[0] != version:
            picture = self.picture
            snapshot = trainer.passing_snapshot() if moving else trainer.snapshot()
            looks = self._looks_at(structure, picture)
            frozen = {} if trainer.engine.frozen is None else trainer.engine.split_by_name(trainer.engine.frozen.cpu())
            marks = looks.masks(snapshot, frozen)
            health = self._health_of(trainer, looks, snapshot, moving)
            classes = self._classes_of(looks, snapshot, moving)
            engine = trainer.engine
            contents = NetworkContents(
                structure,
                snapshot,
                _loss_at_start(trainer),
                looks,
                marks | classes | health,
                lambda: Motion(
                    engine.split_by_name(engine.gradient()),
                    engine.split_by_name((engine.flat.detach() - engine.previous).cpu()),
                ),
            )
            self._now = (version, contents)
        return self._now[1]

    def make_at(self, moment: Moment, trainer: Trainer, structure: int) -> NetworkContents:
        """The run as it was at this moment."""
        if self._at_moment is None or self._at_moment[0] != moment.id:
            looks = self._old_looks(moment, trainer, structure)
            names = looks.picture.network.tensors
            snapshot = snapshot_at(moment, names)
            marks = {
                **looks.masks(snapshot, _split_by_name(moment, "frozen", names)),
                **looks.health(snapshot),
                **looks.predicted_classes(looks.predictions(snapshot)),
            }
            previous = _split_by_name(moment, "previous", names)
            update = {name: snapshot.weights[name] - previous[name] for name in previous}
            motion = Motion(_split_by_name(moment, "gradient", names), update)
            contents = NetworkContents(
                moment.structure, snapshot, _loss_at_start(trainer), looks, marks, lambda: motion
            )
            self._at_moment = (moment.id, contents)
        return self._at_moment[1]

    def _health_of(self, trainer: Trainer, looks: Looks, snapshot: Snapshot, moving: bool) -> Arrays:
        now, weights = time.monotonic(), (trainer.engine, trainer.edits, trainer.step)
        if self._health is not None:
            made, of, health = self._health
            if of == weights or (moving and of[0] is trainer.engine and now - made < HEALTH_EVERY):
                return health
        health = looks.health(snapshot)
        self._health = (now, weights, health)
        return health

    def _classes_of(self, looks: Looks, snapshot: Snapshot, moving: bool) -> Arrays:
        now = time.monotonic()
        if moving and self._predicted is not None:
            made, of, classes = self._predicted
            if of is looks and now - made < PREDICTIONS_EVERY:
                return classes
        classes = looks.predicted_classes(looks.predictions(snapshot))
        self._predicted = (now, looks, classes)
        return classes

    def _old_looks(self, moment: Moment, trainer: Trainer, structure: int) -> Looks:
        if moment.structure == structure:
            return self._looks_at(structure, self.picture)
        if moment.structure in self._looks:
            return self._looks[moment.structure]
        experiment = moment.recipe
        drawable = ExperimentWithData(experiment, rows_of(experiment, trainer.experiment, trainer.data))
        return self._looks_at(moment.structure, Picture(drawable))

    def _looks_at(self, structure: int, picture: Picture) -> Looks:
        looks = self._looks.get(structure)
        if looks is None or looks.picture is not picture:
            looks = self._looks[structure] = Looks(picture)
            while len(self._looks) > MOST_LOOKS:
                del self._looks[next(iter(self._looks))]
        return looks


def snapshot_at(moment: Moment, names: Iterable[str]) -> Snapshot:
    """The trainer's snapshot at this moment, of a network whose tensors have these names."""
    experiment = moment.recipe
    marks = {name: units for name, units in moment.state.items() if name.startswith("silenced/")}
    silenced = {name.removeprefix("silenced/"): torch.from_numpy(units) for name, units in marks.items()}
    return Snapshot(
        experiment,
        moment.step,
        moment.epoch,
        moment.progress,
        experiment.learning_rate(moment.progress),
        Scores.from_row(experiment.objective.columns, moment.row),
        _split_by_name(moment, "tensors", names),
        silenced or None,
        unpack_journal(moment.state["journal"]),
    )


def _loss_at_start(trainer: Trainer) -> float:
    return float(trainer.history.view_rows()[0, trainer.history.columns.index("test_loss")])


def _split_by_name(moment: Moment, what: str, names: Iterable[str]) -> dict[str, torch.Tensor]:
    """The arrays of the moment's state (see states.py) under `what` for these tensors, in their order; {} if there are none."""
    found = {name: moment.state.get(f"{what}/{name}") for name in names}
    return {name: torch.from_numpy(values) for name, values in found.items() if values is not None}
