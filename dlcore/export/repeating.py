"""Which changes of a run its exported script makes again: those of how the network learns, each after the step at which it was made.

A script holds one data set and one network, those that the run had last. So it does not repeat changes of rows, inputs or layers, nor
numbers that were set by hand, nor what the journal holds no details of.
"""

from __future__ import annotations

from dataclasses import dataclass

from dlcore.experiment import Experiment, settings_of
from dlcore.journal import Entry, find_unknown_from
from dlcore.problems import Problem

#: Settings of how the network learns; all other settings choose the data or the network.
LEARNING = frozenset(
    {
        "loss",
        "optimizer",
        "schedule",
        "regularizer",
        "gradient_clip",
        "early_stopping",
        "restore_best",
        "batch_size",
        "class_weights",
    }
)


@dataclass(frozen=True)
class Change:
    """What is changed after `step` updates. `forgets`: the optimizer begins anew, without what it remembers of earlier steps."""

    step: int
    before: Experiment
    after: Experiment
    forgets: bool

    def changes(self, *names: str) -> bool:
        """Whether this change alters one of these settings."""
        return any(getattr(self.before, name) != getattr(self.after, name) for name in names)


@dataclass(frozen=True)
class Repetition:
    """How the script learns at first, what it changes on the way, and how far its numbers are the run's."""

    beginning: Experiment
    changes: tuple[Change, ...]
    exact_until: int | None  # From this step on the script's numbers may differ from the run's; None: they never do.

    @property
    def phases(self) -> tuple[Experiment, ...]:
        """The settings that hold one after the other."""
        return (self.beginning, *(change.after for change in self.changes))

    def varies(self, *names: str) -> bool:
        """Whether one of these settings is changed on the way."""
        return any(change.changes(*names) for change in self.changes)


def find_repetition(experiment: Experiment) -> Repetition:
    """What a script of this recipe can repeat of its journal. Nothing, if earlier settings do not fit the present data."""
    exact_until = _find_first_difference(experiment)
    last = experiment.without_journal()
    try:
        return _find_repetition(experiment.journal, last, exact_until)
    except Problem:  # For example, a batch size larger than the number of rows now.
        return Repetition(last, (), exact_until)


def _find_repetition(journal: tuple[Entry, ...], last: Experiment, exact_until: int | None) -> Repetition:
    beginning = now = last
    changes: list[Change] = []
    for entry in journal:
        settings = _read_learning(entry)
        after = last if entry.left_out else now.replace(**settings)
        forgets = now.optimizer.kind != after.optimizer.kind
        if entry.step == 0:  # Settings at step 0 are the beginning, not a change.
            beginning = after
        elif changes and changes[-1].step == entry.step:
            earlier = changes.pop()
            changes.append(Change(entry.step, earlier.before, after, earlier.forgets or forgets))
        elif settings or entry.left_out or entry.went_on:
            changes.append(Change(entry.step, now, after, forgets))
        now = after
        if entry.left_out:
            break  # Later changes were made to settings that are not known.
    return Repetition(beginning, tuple(changes), exact_until)


def _read_learning(entry: Entry) -> dict[str, object]:
    settings = settings_of(entry.set) if entry.set else {}
    return {name: value for name, value in settings.items() if name in LEARNING}


def _find_first_difference(experiment: Experiment) -> int | None:
    """The first step at which something was done that a script does not repeat; 0 where data or network were others at the start."""
    steps = []
    restores = experiment.restore_best or any("restore_best" in (entry.set or ()) for entry in experiment.journal)
    for number, entry in enumerate(experiment.journal):
        if set(entry.set or ()) - LEARNING:
            return 0
        if entry.left_out:
            steps.append(find_unknown_from(experiment.journal, number))
        # A script gets back the best weights in its end only, not where the run went on from them.
        went_on_from_best = entry.went_on and restores
        if entry.weights or entry.frozen or entry.silenced or entry.loaded or went_on_from_best:
            steps.append(entry.step)
    return min(steps, default=None)
