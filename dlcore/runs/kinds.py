"""Kinds of learning: for each, how a run builds its learner, draws it, intervenes in it and writes its files.

To add one: its recipe with a line in recipes.py, its learner, what its frames contain, and a line in KINDS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from dlcore.coaching.coach import Coach as TrainersCoach
from dlcore.editing.editor import Editor as NetworkEditor
from dlcore.experiment import Experiment
from dlcore.learning import noting
from dlcore.learning.interventions import intervene
from dlcore.learning.learner import Learner, nothing_to_reach
from dlcore.learning.sound import is_sound
from dlcore.learning.timeline import Moment
from dlcore.learning.trainer import Trainer
from dlcore.pictures.contents import NetworkContentsMaker
from dlcore.problems import Problem
from dlcore.recipe import Recipe
from dlcore.recipes import SUPERVISED, learning_of
from dlcore.rows import rows_of

Arrays = dict[str, np.ndarray]


class FrameContents(Protocol):
    """What frames can contain of one moment of a run: its picture, and answers to what else a viewer may ask of it."""

    structure: int

    @property
    def arrays(self) -> Arrays:
        """The picture, which every frame contains."""
        ...

    @property
    def slim_arrays(self) -> Arrays:
        """The same for a viewer that paints by itself: what it paints from."""
        ...

    @property
    def recipe(self) -> Recipe:
        """The recipe at this moment."""
        ...

    @property
    def step(self) -> int:
        """Steps taken by then."""
        ...

    @property
    def epoch(self) -> int:
        """Epochs ended by then."""
        ...

    @property
    def progress(self) -> float:
        """Time in epochs, fractions included."""
        ...

    @property
    def facts(self) -> dict[str, Any]:
        """Entries of a frame's header that only this kind of learning has, as plain JSON values."""
        ...

    def with_layout(self, rows: bool, slim: bool) -> tuple[dict[str, Any], Arrays]:
        """Header ({"layout": ...}) and more arrays for a viewer that does not know this structure; no rows of the data unless `rows`."""
        ...

    def asks_for_rows(self, wants: dict[str, Any]) -> bool:
        """Whether the extra parts that a viewer wants show rows of the data."""
        ...

    def find(self, wants: dict[str, Any], rows: bool) -> tuple[dict[str, Any], Arrays]:
        """Header and arrays of the extra parts that a viewer wants; nothing that shows rows of the data unless `rows`."""
        ...


class Coach(Protocol):
    """Says now and then what goes wrong in a run. Built for a learner."""

    def advise(self, learner: Any, arrays: Arrays, moving: bool, /) -> dict[str, Any] | None:
        """What goes wrong, as plain JSON values; None where nothing does. `arrays` are those of the picture of now."""
        ...


class Silent:
    """A coach of learners of whom nothing is known."""

    def advise(self, learner: Any, arrays: Arrays, moving: bool, /) -> dict[str, Any] | None:
        return None


class ContentsMaker(Protocol):
    """Makes the contents of a run's frames. Built for a learner of one structure; caches the latest ones."""

    def switch_to(self, learner: Any, /) -> None:
        """Switch to a learner with another structure. A failure leaves everything as it was."""
        ...

    def make_now(self, learner: Any, version: int, structure: int, moving: bool, /) -> FrameContents:
        """The run as it is now."""
        ...

    def make_at(self, moment: Moment, learner: Any, structure: int, /) -> FrameContents:
        """The run as it was at this moment; `structure` is the present one."""
        ...


class Edited(Protocol):
    """What an edit gives: the changed recipe, what came from where in it (see carry.py), and what is to be told."""

    @property
    def experiment(self) -> Any: ...
    @property
    def origins(self) -> dict[str, Any] | None: ...
    @property
    def notices(self) -> tuple[Problem, ...]: ...


class Editor(Protocol):
    """Edits recipes of one run, one setting, layer or point at a time, and remembers what is needed for that."""

    def edit(self, recipe: Any, action: dict[str, Any], /) -> Edited | None:
        """The recipe after this edit; None if there is nothing to do. Raises Problem if it is not allowed."""
        ...

    @property
    def memory(self) -> dict[str, Any]:
        """All that it remembers, as plain JSON values, for a run that moves to another worker."""
        ...

    def recall(self, memory: dict[str, Any], /) -> None:
        """Remember what the editor did that this memory is of; nothing if it cannot be read."""
        ...

    def propose(self, recipe: Any, /) -> None:
        """Count the settings of this recipe as chosen for its data, not by the person."""
        ...

    def describe(self, recipe: Any, /) -> dict[str, Any]:
        """What a page that offers the settings has to know, as plain JSON values."""
        ...


class NoEditor:
    """For a kind of learning of which nothing can be edited while it runs."""

    def edit(self, recipe: Recipe, action: dict[str, Any], /) -> None:
        """Nothing to do."""

    @property
    def memory(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def recall(self, memory: dict[str, Any], /) -> None:
        """Nothing to remember."""

    def propose(self, recipe: Recipe, /) -> None:
        """Nothing is chosen."""

    def describe(self, recipe: Recipe, /) -> dict[str, Any]:
        return {"values": recipe.to_dict(), "facts": {}}


@dataclass(frozen=True)
class Kind:
    """A kind of learning."""

    # From a recipe, for a device; may reuse the rows of an earlier learner (or None).
    learner: Callable[[Any, str, Any], Learner]
    load: Callable[[bytes, str], Learner]  # From a checkpoint, for a device.
    contents_maker: Callable[[Any], ContentsMaker]
    editor: Callable[[], Editor] = NoEditor
    # Sets, freezes or silences what the values of a command name; False where that does not exist.
    intervene: Callable[[str, dict[str, Any], Any], bool] = nothing_to_reach
    # Whether it is worth going on from a moment of a learner with this history, once it has diverged.
    sound: Callable[[Moment, np.ndarray], bool] = lambda moment, history: True
    coach: Callable[[], Coach] = Silent
    # Functions that write a learner's files, by name.
    files: Mapping[str, Callable[[Any], bytes]] = field(default_factory=dict)


def _trainer(recipe: Experiment, device: str, before: Trainer | None) -> Trainer:
    data = None if before is None else rows_of(recipe, before.experiment, before.data)
    return Trainer(recipe, device=device, data=data)


def _load(data: bytes, device: str) -> Trainer:
    from dlcore.checkpoint import open_checkpoint

    checkpoint = open_checkpoint(data)
    trainer = Trainer(checkpoint.experiment, device=device)
    trainer.load_weights(checkpoint.weights, step=checkpoint.step, epoch=checkpoint.epoch)
    trainer.journal = noting.note_loading(checkpoint.experiment.journal, trainer.step, trainer.engine)
    return trainer


def _checkpoint(trainer: Trainer) -> bytes:
    from dlcore.checkpoint import save_checkpoint

    return save_checkpoint(trainer.snapshot(), trainer.data)


def _script(trainer: Trainer) -> bytes:
    """A Python script that trains the same in plain PyTorch."""
    from dlcore.checkpoint import checkpoint_of
    from dlcore.export import export

    return export(checkpoint_of(trainer.snapshot(), trainer.data), "script")


KINDS = {
    SUPERVISED: Kind(
        learner=_trainer,
        load=_load,
        contents_maker=NetworkContentsMaker,
        editor=NetworkEditor,
        intervene=intervene,
        sound=is_sound,
        coach=TrainersCoach,
        files={"checkpoint": _checkpoint, "script": _script},
    )
}


def kind_of_learning(recipe: Recipe) -> Kind:
    """The kind of learning that this recipe describes."""
    return KINDS[learning_of(recipe)]
