"""A link is opened: its recipe, or what of it can be opened, and in one sentence why not all."""

from __future__ import annotations

from dlcore.datasets import sharing, store
from dlcore.datasets.pictures import ImageData
from dlcore.datasets.table import TableData
from dlcore.experiment import Experiment
from dlcore.problems import Problem
from dlcore.share import decode
from ui.fitting import fit_to_data

# The part of the address that opens the rows. It stands beside the recipe, so that no file ever holds it.
QUERY = "pass"
INSTEAD = {"kind": "circle"}


def open_recipe(link: str, given: str, mark: str) -> tuple[Experiment, Problem | None]:
    """The recipe of a link for the person of this mark, who came with this pass ("" for none)."""
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
    """The recipe as a run can begin with it, and what there is to say if another run of it was changed while it learned."""
    if not experiment.journal:
        return experiment, None
    first = next((entry.step for entry in experiment.journal if entry.step), 0)
    return experiment.without_journal(), Problem("journal_not_repeated", step=first)


def without_rows(experiment: Experiment) -> Experiment:
    """What of a recipe can be opened by those who may not see its rows."""
    return fit_to_data(experiment, INSTEAD)


def find_refusal(experiment: Experiment, mark: str) -> Problem | None:
    """Why the person of this mark is given no rows of this recipe; None where there is no reason."""
    dataset = find_own_data(experiment)
    key = dataset and store.find_ownership(dataset.digest).refusal(mark)
    return Problem(key, name=dataset.name) if dataset and key else None


def find_own_data(experiment: Experiment) -> TableData | ImageData | None:
    """The table or the pictures that a recipe names and that somebody has brought; None for all other data."""
    dataset = experiment.dataset
    return dataset if isinstance(dataset, TableData | ImageData) and dataset.digest else None


def count_kept_rows(dataset: TableData | ImageData) -> int:
    """How many rows of it are kept, used by the recipe or not."""
    return dataset.available if isinstance(dataset, ImageData) else dataset.rows
