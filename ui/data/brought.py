"""Data that a person has brought, and their wishes about it, until a recipe is made of it. No streamlit in here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dlcore.component import kinds, validate
from dlcore.datasets import Dataset
from dlcore.editing.fitting import TWO_PARTS, find_fitting, fit_split
from dlcore.experiment import Experiment
from dlcore.problems import Problem

if TYPE_CHECKING:
    from dlcore.desks.job import Job

Part = dict[str, Any]
Options = dict[str, Any]

KINDS = ("number", "category", "date", "text", "id")
INPUT_KINDS = ("number", "category", "date")  # Kinds of columns that can be inputs of a network, any number of them.
TEXT = "text"  # The kind of a column that is read token by token, and then is the only input.
FILLS = {
    "number": ("median", "mean", "most_frequent"),
    "date": ("median", "mean", "most_frequent"),
    "category": ("most_frequent", "none"),
}
SCALES = {"number": ("standard", "minmax", "none"), "date": ("standard", "minmax", "none"), "category": ()}
#: Options that tell how a file is split into cells.
READING = ("separator", "decimal", "encoding", "quote", "titles", "header", "header_lines", "sheet")
MOST_VALUES = 30  # Categories of an input that become network inputs; further ones count as unknown.
TEST_SHARES = (0.2, 0.3, 0.4, 0.5)


@dataclass(frozen=True)
class Brought:
    """A table: the digest of its raw file in the store, its profile, and its owner's corrections and wishes."""

    upload: str
    name: str
    profile: dict[str, Any]
    options: Options = field(default_factory=dict)  # corrections, as the job "look" takes them
    chosen: dict[str, bool] = field(default_factory=dict)  # whether a column is an input, where a person chose
    treatments: dict[str, dict[str, str]] = field(
        default_factory=dict
    )  # {column: {"impute", "scale"}} as changed by hand
    large: bool = False  # whether profiling it is a long job ("look_long")

    @property
    def columns(self) -> list[dict[str, Any]]:
        return self.profile["columns"]

    @property
    def target(self) -> str | None:
        return self.profile["target"]

    @property
    def classes(self) -> list[dict[str, Any]]:
        """[{"name", "rows"}]; [] if the target is a number."""
        return self.profile["classes"] if self.profile["task"] == "classification" else []

    @property
    def trained(self) -> int:
        """The number of rows that have a target: those that the network is trained and tested on."""
        return self.profile["trained"]

    def column(self, name: str) -> dict[str, Any]:
        return next(column for column in self.columns if column["name"] == name)

    def is_input(self, name: str) -> bool:
        """Whether this column is an input of the network."""
        return name in self.inputs

    @property
    def inputs(self) -> list[str]:
        """Columns that are given to the network: a column of texts only where there is no other."""
        wanted = [
            column for column in self.columns if column["name"] != self.target and self._is_wanted(column["name"])
        ]
        others = [column["name"] for column in wanted if column["kind"] in INPUT_KINDS]
        return others or [column["name"] for column in wanted if column["kind"] == TEXT][:1]

    @property
    def text(self) -> str | None:
        """The column of texts that is the only input; None if there is none."""
        return next((name for name in self.inputs if self.column(name)["kind"] == TEXT), None)

    def _is_wanted(self, name: str) -> bool:
        return self.chosen.get(name, name in self.profile["inputs"])

    def with_input(self, name: str, wanted: bool) -> Brought:
        """The table with this column as an input, or not. With a column of texts there is no other input."""
        chosen = {**self.chosen, name: wanted}
        if wanted:
            reads_text = self.column(name)["kind"] == TEXT
            others = [column for column in self.columns if column["name"] != name]
            chosen |= {column["name"]: False for column in others if reads_text or column["kind"] == TEXT}
        return self.replace(chosen=chosen)

    def treatment(self, name: str) -> dict[str, str]:
        """How the column's missing values are filled and how it is scaled: {"impute", "scale"}, as far as its kind has them."""
        column = self.column(name)
        proposed = column.get("treatment") or {}
        wished = {**proposed, **self.treatments.get(name, {})}
        allowed = {"impute": FILLS.get(column["kind"], ()), "scale": SCALES.get(column["kind"], ())}
        return {
            part: wished[part] if wished.get(part) in options else options[0]
            for part, options in allowed.items()
            if options
        }

    def network_inputs(self, name: str) -> int:
        """How many inputs of the network this column becomes."""
        column = self.column(name)
        return min(column["distinct"], MOST_VALUES) if column["kind"] == "category" else 1

    @property
    def num_inputs(self) -> int:
        return sum(self.network_inputs(name) for name in self.inputs)

    def replace(self, **changes: Any) -> Brought:
        return replace(self, **changes)


@dataclass(frozen=True)
class Pictures:
    """A set of images: its part of the recipe, its classes, and a few samples to show."""

    dataset: Part
    classes: list[dict[str, Any]]
    rows: int
    samples: np.ndarray  # (n, height * width) uint8


@dataclass
class Waiting:
    """A job that the page waits for; `arrived` is called with its result."""

    job: Job
    do: str
    said: str  # key of the message that names the job
    name: str
    arrived: Callable[[dict[str, Any], bytes], None]
    options: Options = field(default_factory=dict)


@dataclass
class Bringing:
    """What the page Data remembers of one person: digests and choices, never the file."""

    brought: Brought | None = None
    own: Part | None = None  # the data last trained on, as a part of the recipe
    pictures: Pictures | None = None
    waiting: Waiting | None = None
    pasted: str = ""  # digest of the text that was pasted last
    too_many: Brought | None = None  # a table with too many rows, of which a sample can be taken
    offline: str = ""  # a classic set that could not be downloaded
    card: str = ""  # the column whose card is shown
    leaving: bool = False  # True once training begins: the browser is to go on to the playground
    changed: bool = False  # True once a widget in a fragment changed what the rest of the page shows
    grids: int = 0  # how often the grid of columns was replaced by a new one
    shown: tuple[Any, ...] = ()  # the cells that code last put into the grid of columns


def with_reading(options: Options, name: str, value: Any) -> Options:
    """Options with one option of READING changed. Corrections of columns are dropped, as the file's columns may be others then."""
    kept = {key: options[key] for key in (*READING, "sample") if key in options}
    return {**kept, name: value}


def with_type(options: Options, column: str, kind: str) -> Options:
    """Options with this type for the column."""
    return {**options, "types": {**options.get("types", {}), column: kind}}


def with_missing(options: Options, column: str, marks: Iterable[str]) -> Options:
    """Options under which exactly these doubtful marks of the column count as missing."""
    return {**options, "missing": {**options.get("missing", {}), column: list(marks)}}


def with_joined(options: Options, column: str, wanted: bool) -> Options:
    """Options under which near-equal spellings in the column are one category, or not."""
    others = [name for name in options.get("joined", ()) if name != column]
    return {**options, "joined": [*others, column] if wanted else others}


def with_target(options: Options, column: str) -> Options:
    """Options with this target; the task and the proposed inputs are found anew."""
    return {**{key: value for key, value in options.items() if key not in ("task", "inputs")}, "target": column}


def with_treatments(part: Part, brought: Brought) -> Part:
    """The recipe's part with the treatments of columns that its owner chose."""
    if part["kind"] != "table":
        return part
    columns = []
    for column in part["columns"]:
        wished = brought.treatment(column["name"])
        columns.append({**column, **{key: value for key, value in wished.items() if key in column}})
    return {**part, "columns": columns}


# The recipe


def fit_recipe(draft: Part, dataset: Part) -> Experiment:
    """The draft's recipe on these data, with loss, batch size, share of test rows and layers chosen for them. Raises Problem.

    So is the optimizer, unless somebody chose one.
    """
    bare = {key: value for key, value in draft.items() if key not in ("features", "class_weights")}
    data = validate(kinds(Dataset)[dataset["kind"]], dataset)
    loss = data.objective.usual_loss
    # None are needed to judge the split, but tokens cannot be read without.
    layers = data.fitting(1).parts()["layers"] if data.vocabulary else []
    bare |= fit_split(draft, dataset)
    plain = _with_enough_test_rows(
        bare | {"dataset": dataset, "loss": {"kind": loss}, "layers": layers, "batch_size": 1}
    )
    recipe = plain.to_dict()
    fitting = find_fitting(recipe)
    # Somebody chose another one than fitted the data before.
    if draft["optimizer"] != find_fitting(draft)["optimizer"]:
        fitting["optimizer"] = draft["optimizer"]
    return Experiment.from_dict({**recipe, **fitting})


def _with_enough_test_rows(draft: Part) -> Experiment:
    """The draft as an experiment, with the smallest of TEST_SHARES that gives each class enough test rows, if need be in two parts."""
    splits = [split for split in ({}, TWO_PARTS) if draft["validation_fraction"] or split]
    *tries, last = [{**draft, **split, "test_fraction": share} for split in splits for share in TEST_SHARES]
    for recipe in tries:
        try:
            return Experiment.from_dict(recipe)
        except Problem as problem:
            if problem.key not in ("too_few_rows", "too_few_rows_of_three"):
                raise
    return Experiment.from_dict(last)
