"""Opening a link: its recipe, or the part of it that can be opened, with the problem that says why not all."""

from __future__ import annotations

from dlcore.datasets import OwnData, sharing, store
from dlcore.datasets.pictures import ImageData
from dlcore.editing.fitting import PAGE_SPLIT, fit_to_data
from dlcore.experiment import Experiment
from dlcore.problems import Problem
from dlcore.share import decode

# The address's parameter with a pass to the rows of a table. It is no part of the recipe, so that no saved recipe contains it.
QUERY = "pass"
INSTEAD = {"kind": "circle"}


def begin() -> Experiment:
    """What a run begins with that somebody begins on the page, without a link."""
    return Experiment.from_dict(PAGE_SPLIT)


def open_recipe(link: str, given: str, mark: str) -> tuple[Experiment, Problem | None]:
    """The recipe of a link, opened by the person with this mark (a hash of their secret), who brings this pass ("" for none)."""
    try:
        experiment = decode(link)
    except Problem as problem:
        return Experiment(), problem
    experiment, told = start_without_journal(experiment)
    dataset = find_own_data(experiment)
    if dataset is None:
        return experiment, told
    try:
        refusal = sharing.enter(dataset.digest, given, mark)
    except Problem as problem:
        return without_rows(experiment), problem
    if refusal is None:
        return experiment, told
    return without_rows(experiment), Problem(f"link_rows_{refusal}", name=dataset.name)


def start_without_journal(experiment: Experiment) -> tuple[Experiment, Problem | None]:
    """The recipe without its journal, with which a run can begin; and a problem that says so if it had one."""
    if not experiment.journal:
        return experiment, None
    first = next((entry.step for entry in experiment.journal if entry.step), 0)
    return experiment.without_journal(), Problem("journal_not_repeated", step=first)


def without_rows(experiment: Experiment) -> Experiment:
    """The recipe on other data, for those who may not see its rows."""
    return fit_to_data(experiment, INSTEAD)


def find_refusal(experiment: Experiment, mark: str) -> Problem | None:
    """Why the person with this mark may not have the rows of this recipe; None if they may."""
    dataset = find_own_data(experiment)
    key = dataset and store.find_ownership(dataset.digest).refusal(mark)
    return Problem(key, name=dataset.name) if dataset and key else None


def find_own_data(experiment: Experiment) -> OwnData | None:
    """The recipe's data if they are a table, images or texts that somebody brought; None for all other data."""
    dataset = experiment.dataset
    return dataset if isinstance(dataset, OwnData) and dataset.digest else None


def count_kept_rows(dataset: OwnData) -> int:
    """How many rows of the data are stored, whether or not the recipe uses all."""
    return dataset.available if isinstance(dataset, ImageData) else dataset.rows
