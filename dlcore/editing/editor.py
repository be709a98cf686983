"""The editor of a run: a person's edits of its recipe, one setting, layer or point at a time, and what it remembers of them.

    editor = Editor()
    editor.edit(experiment, {"do": "setting", "path": "optimizer.learning_rate", "value": 0.03})

An edit comes from a browser, which may show an older recipe, or from a stranger: what it names may not exist, and its values may be
anything that JSON can say.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from dlcore.catalogue import FAMILIES
from dlcore.component import Component, kinds, validate
from dlcore.datasets import Dataset
from dlcore.datasets.drawn import Drawn
from dlcore.editing import facts
from dlcore.editing.carrying import Left
from dlcore.editing.edited import Edited
from dlcore.editing.fitting import (
    Draft,
    count_training_rows,
    find_fitting,
    fit_loss,
    fit_split,
    fit_weights,
    has_features,
    parts_of,
    take_fitted,
    with_fitting,
)
from dlcore.editing.rates import Rates
from dlcore.editing.setting import OWN_KINDS, Path, can_be_set, read_path, replace_at, value_at
from dlcore.editing.shaping import apply_edit, tell_adjusted, to_drawn
from dlcore.experiment import Experiment
from dlcore.problems import Problem

LARGEST_SEED = 2**31 - 1
#: The beginnings of the keys of problems of a stack that cannot read what it gets.
OF_SHAPES = ("layer_needs", "tokens_need", "output_needs", "kernel_", "pooled_", "heads_", "residual_", "parallel_")
_log = logging.getLogger(__name__)


class Editor:
    """Edits recipes for one person."""

    def __init__(self) -> None:
        self._left = Left()
        self._rates = Rates()
        self._proposed: Draft | None = None  # The settings chosen last because they fit the data.
        self._own: Draft | None = None  # The data that the person brought.
        #: The last descriptions of task and data, each with the key of what it depends on (see facts.py).
        self._described: dict[str, tuple[object, dict[str, Any]]] = {}

    def edit(self, experiment: Experiment, action: dict[str, Any]) -> Edited | None:
        """The experiment after this edit; None if there is nothing to do. Raises Problem if it is not allowed."""
        self._remember_own(experiment)
        match action.get("do"):
            case "setting":
                edited = self._set(experiment, read_path(action.get("path")), action.get("value"))
            case "take_rate":
                wanted = self._rates.find_wanted(experiment.optimizer)
                edited = None if wanted is None else _set_one(experiment, ("optimizer", "learning_rate"), wanted)
            case "take_fitting":
                edited = Edited(self._with_fitting(experiment.to_dict()))
            case "take_stack":
                edited = _take_stack(experiment, action.get("name"))
            case "new_seed":
                edited = _set_one(experiment, ("seed",), (experiment.seed + 1) % (LARGEST_SEED + 1))
            case _:
                edited = apply_edit(experiment, action)
        if edited is None or edited.experiment == experiment:
            return None
        self._rates.follow(experiment.optimizer, edited.experiment.optimizer)
        return edited

    def propose(self, experiment: Experiment) -> None:
        """Count the settings of this experiment as chosen for its data: whoever then chooses other data has chosen none of them."""
        self._proposed = take_fitted(experiment.to_dict())

    @property
    def memory(self) -> dict[str, Any]:
        """All that is remembered, as plain JSON values: an editor that recalls it goes on in another process."""
        return {
            "left": [[path, kind, values] for (path, kind), values in self._left.values.items()],
            "chosen_rates": self._rates.chosen,
            "carried_rate": None if self._rates.carried is None else list(self._rates.carried),
            "proposed": self._proposed,
            "own": self._own,
        }

    def recall(self, memory: dict[str, Any]) -> None:
        """Remember what another editor did; nothing of a memory that cannot be read, as it must not cost what was learned."""
        try:
            left = Left({(path, kind): dict(values) for path, kind, values in memory["left"]})
            carried, own = memory["carried_rate"], memory["own"]
            rates = Rates(dict(memory["chosen_rates"]), None if carried is None else (carried[0], carried[1]))
            proposed = memory["proposed"]
            if own is not None:
                validate(kinds(Dataset)[own["kind"]], own)  # Else every later description would fail on it.
        except Exception:  # It may be of another version of the program.
            _log.exception("The editor begins anew: what it remembered cannot be read.")
            return
        self._left, self._rates, self._proposed, self._own = left, rates, proposed, own

    def describe(self, experiment: Experiment) -> dict[str, Any]:
        """What a page that shows the recipe's settings has to know: {"values", "facts"}, see facts.py."""
        self._remember_own(experiment)
        found = {
            **self._describe_once("task", facts.key_of_task(experiment), facts.describe_task, experiment),
            **self._describe_once("data", facts.key_of_data(experiment), facts.describe_data, experiment),
            **facts.describe_network(experiment),
            "own": facts.describe_own(self._own, experiment.dataset),
            "rate": self._rates.describe(experiment.optimizer),
        }
        if found["fitting"] == take_fitted(values := experiment.to_dict()):
            found["fitting"] = None
        return {"values": facts.without_rows(values), "facts": found}

    def _describe_once(
        self, name: str, key: object, describe: Callable[[Experiment], dict[str, Any]], experiment: Experiment
    ) -> dict[str, Any]:
        """What `describe` gives; its last answer again while the key is the same, as most edits change something else."""
        if name not in self._described or self._described[name][0] != key:
            self._described[name] = key, describe(experiment)
        return self._described[name][1]

    def _remember_own(self, experiment: Experiment) -> None:
        if experiment.dataset.kind in OWN_KINDS:
            self._own = experiment.dataset.to_dict()

    # One setting

    def _set(self, experiment: Experiment, path: Path, value: Any) -> Edited | None:
        if path == ("dataset", "kind"):
            return self._choose_data(experiment, value)
        if path and path[-1] == "kind":
            return self._choose_kind(experiment, path[:-1], value)
        return _set_one(experiment, path, value) if can_be_set(experiment, path) else None

    def _choose_kind(self, experiment: Experiment, path: Path, kind: Any) -> Edited | None:
        """Another kind of what stands at the path, with the values that both kinds have."""
        before, family = value_at(experiment, path), FAMILIES.get(path[-1] if path else "")
        if not isinstance(before, Component) or family is None or kind not in list(kinds(family)):
            return None
        cls = kinds(family)[kind]
        values = self._left.change_kind(".".join(path), before.to_dict(), type(before), cls)
        after = cls.model_validate({"kind": kind, **values})
        return None if after == before else Edited(replace_at(experiment, path, after))

    # Data

    def _choose_data(self, experiment: Experiment, kind: Any) -> Edited | None:
        """Other data, with the values of fields that both have; and what else has to follow from that."""
        draft = experiment.to_dict()
        before, classes = draft["dataset"], kinds(Dataset)
        if kind == before["kind"] or kind not in list(classes):
            return None
        if kind in OWN_KINDS:
            if self._own is None or self._own["kind"] != kind:
                return None
            dataset = self._own
        else:
            carried = self._left.change_kind("dataset", before, classes[before["kind"]], classes[kind])
            dataset = {"kind": kind, **carried}
        if classes[kind] is Drawn:
            dataset = _draw_points(experiment, dataset)
        draft |= {
            "dataset": dataset,
            "loss": fit_loss(draft["loss"], dataset, before),
            "class_weights": fit_weights(draft["class_weights"], dataset),
            **fit_split(draft, dataset),
        }
        if not has_features(dataset):
            draft.pop("features", None)
        draft["batch_size"] = min(draft["batch_size"], count_training_rows(draft))
        fits = take_fitted(experiment.to_dict()) in (find_fitting(experiment.to_dict()), self._proposed)
        # Drawn points begin as the points of the data set before, for which the settings were chosen.
        if fits and classes[kind] is not Drawn:
            after = self._with_fitting(draft)
            return Edited(after, notices=tell_adjusted(experiment, after))
        try:
            after = Experiment.from_dict(draft)
        except Problem as problem:
            if not problem.key.startswith(OF_SHAPES):
                raise
            after = self._with_fitting(draft)  # The layers that were there cannot read such rows.
            return Edited(
                after, notices=(Problem("adjusted_layers", dataset_title=kind), *tell_adjusted(experiment, after))
            )
        return Edited(after, notices=tell_adjusted(experiment, after))

    def _with_fitting(self, draft: Draft) -> Experiment:
        """The draft with the settings that fit its data, remembered as chosen for that reason."""
        fitted = with_fitting(draft)
        self._proposed = take_fitted(fitted)
        return Experiment.from_dict(fitted)


def _take_stack(experiment: Experiment, name: Any) -> Edited | None:
    """One of the ready networks of these data; None if there is none of this name."""
    stacks = experiment.dataset.stacks(experiment.train_rows)
    if not isinstance(name, str) or name not in stacks:
        return None
    return Edited(Experiment.from_dict({**experiment.to_dict(), **parts_of(stacks[name], experiment.train_rows)}))


def _set_one(experiment: Experiment, path: Path, value: Any) -> Edited:
    """Another value of one setting; what has to follow from it is told."""
    if path == ("validation_fraction",) and not value and experiment.sealed:
        experiment = experiment.replace(sealed=False)  # There is nothing left to watch but the sealed rows.
    try:
        after = replace_at(experiment, path, value)
    except Problem as problem:
        if problem.key != "batch_larger_than_rows" or path == ("batch_size",):
            raise
        after = replace_at(experiment.replace(batch_size=int(problem.values["rows"])), path, value)
    return Edited(after, notices=tell_adjusted(experiment, after))


def _draw_points(experiment: Experiment, otherwise: Draft) -> Draft:
    """The present points as drawn ones, which can be edited; `otherwise` where they do not lie on a plane or have no classes."""
    try:
        return to_drawn(experiment).to_dict()
    except Problem:
        return otherwise
