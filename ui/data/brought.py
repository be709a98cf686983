"""What a person has brought and wants of it, until it is a recipe. Frozen values and pure functions; no streamlit."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dlcore.component import kinds, validated
from dlcore.datasets import Dataset
from dlcore.experiment import Experiment
from dlcore.problems import Problem

if TYPE_CHECKING:
    from dlcore.desks.job import Job

Part = dict[str, Any]
Options = dict[str, Any]

KINDS = ("number", "category", "date", "text", "id")
INPUT_KINDS = ("number", "category", "date")  # What a network can be given.
FILLS = {
    "number": ("median", "mean", "most_frequent"),
    "date": ("median", "mean", "most_frequent"),
    "category": ("most_frequent", "none"),
}
SCALES = {"number": ("standard", "minmax", "none"), "date": ("standard", "minmax", "none"), "category": ()}
#: How the cells of a file are found.
READING = ("separator", "decimal", "encoding", "quote", "titles", "header", "header_lines", "sheet")
MOST_VALUES = 30  # Categories of an input that become network inputs; further ones count as unknown.
TEST_SHARES = (0.2, 0.3, 0.4, 0.5)
WIDEST, NARROW, NARROWEST = 24, 6, 4  # units: of the first layer at most and at least, of the second at least


@dataclass(frozen=True)
class Brought:
    """A table: the raw file in the store, what was found out about it, and what its owner says."""

    upload: str
    name: str
    profile: dict[str, Any]
    options: Options = field(default_factory=dict)  # corrections, as the job "look" takes them
    chosen: dict[str, bool] = field(default_factory=dict)  # columns that were made an input, or none, by hand
    treatments: dict[str, dict[str, str]] = field(
        default_factory=dict
    )  # {column: {"impute", "scale"}} as changed by hand
    large: bool = False  # whether looking at it takes longer than others should wait

    @property
    def columns(self) -> list[dict[str, Any]]:
        return self.profile["columns"]

    @property
    def target(self) -> str | None:
        return self.profile["target"]

    @property
    def classes(self) -> list[dict[str, Any]]:
        """[{"name", "rows"}]; none where a number is learned."""
        return self.profile["classes"] if self.profile["task"] == "classification" else []

    @property
    def trained(self) -> int:
        """Rows that the network is trained and tested on: those that have a target."""
        return self.profile["trained"]

    def column(self, name: str) -> dict[str, Any]:
        return next(column for column in self.columns if column["name"] == name)

    def is_input(self, name: str) -> bool:
        """Whether the network is given this column."""
        usable = name != self.target and self.column(name)["kind"] in INPUT_KINDS
        return usable and self.chosen.get(name, name in self.profile["inputs"])

    @property
    def inputs(self) -> list[str]:
        return [column["name"] for column in self.columns if self.is_input(column["name"])]

    def treatment(self, name: str) -> dict[str, str]:
        """How its holes are filled and how it is scaled."""
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
        """Numbers that this column becomes."""
        column = self.column(name)
        return min(column["distinct"], MOST_VALUES) if column["kind"] == "category" else 1

    @property
    def num_inputs(self) -> int:
        return sum(self.network_inputs(name) for name in self.inputs)

    def replace(self, **changes: Any) -> Brought:
        return replace(self, **changes)


@dataclass(frozen=True)
class Pictures:
    """A set of pictures: the recipe's part, and a few of them to look at."""

    dataset: Part
    classes: list[dict[str, Any]]
    rows: int
    samples: np.ndarray  # (n, height * width) uint8


@dataclass
class Waiting:
    """A job that somebody waits for, and what to do with its answer."""

    job: Job
    do: str
    said: str  # message key of what is under way
    name: str
    arrived: Callable[[dict[str, Any], bytes], None]
    options: Options = field(default_factory=dict)


@dataclass
class Bringing:
    """What the page Data remembers of one person: digests and choices, never the file."""

    brought: Brought | None = None
    own: Part | None = None  # the data that were brought last, as a part of the recipe
    pictures: Pictures | None = None
    waiting: Waiting | None = None
    too_many: Brought | None = None  # a table past the limit of rows, of which a sample was not taken yet
    offline: str = ""  # a classic set that could not be fetched
    card: str = ""  # the column that is looked at
    leaving: bool = False  # whether the page is to make way for the playground
    changed: bool = False  # whether more than its fragment shows what a widget has changed
    grids: int = 0  # how often the grid of columns was set from elsewhere
    shown: tuple[Any, ...] = ()  # what the grid of columns was last set to


def with_reading(options: Options, name: str, value: Any) -> Options:
    """Options with one thing about the file said otherwise. What was said of its columns may no longer hold."""
    kept = {key: options[key] for key in (*READING, "sample") if key in options}
    return {**kept, name: value}


def with_type(options: Options, column: str, kind: str) -> Options:
    """Options with another type for this column."""
    return {**options, "types": {**options.get("types", {}), column: kind}}


def with_missing(options: Options, column: str, marks: Iterable[str]) -> Options:
    """Options that say which doubtful marks of this column count as missing: these and no others."""
    return {**options, "missing": {**options.get("missing", {}), column: list(marks)}}


def with_joined(options: Options, column: str, wanted: bool) -> Options:
    """Options that take near-equal spellings of this column for one, or not."""
    others = [name for name in options.get("joined", ()) if name != column]
    return {**options, "joined": [*others, column] if wanted else others}


def with_target(options: Options, column: str) -> Options:
    """Options that ask for another column; which task that is and what helps to predict it, is found out anew."""
    return {**{key: value for key, value in options.items() if key not in ("task", "inputs")}, "target": column}


def with_treatments(part: Part, brought: Brought) -> Part:
    """The recipe's part with what its owner wants done to the columns."""
    columns = []
    for column in part["columns"]:
        wished = brought.treatment(column["name"])
        columns.append({**column, **{key: value for key, value in wished.items() if key in column}})
    return {**part, "columns": columns}


# The recipe


def fit_recipe(draft: Part, dataset: Part) -> Experiment:
    """The draft's recipe on these data: their usual loss, a batch, a share of test rows and a network of their size. Raises Problem."""
    bare = {key: value for key, value in draft.items() if key not in ("features", "class_weights")}
    loss = validated(kinds(Dataset)[dataset["kind"]], dataset).objective.usual_loss
    if not bare[
        "validation_fraction"
    ]:  # Sealed were the test points of drawn ones, which say themselves what they are for.
        bare["sealed"] = False
    bare |= {"dataset": dataset, "loss": {"kind": loss}, "layers": [], "batch_size": 1}
    plain = _with_enough_test_rows(bare)
    return Experiment.from_dict(
        {
            **plain.to_dict(),
            "layers": propose_layers(plain.num_inputs, plain.num_outputs),
            "batch_size": propose_batch(plain.train_rows),
        }
    )


def _with_enough_test_rows(draft: Part) -> Experiment:
    """With the smallest share of test rows that its classes allow."""
    for share in TEST_SHARES[:-1]:
        try:
            return Experiment.from_dict({**draft, "test_fraction": share})
        except Problem as problem:
            if problem.key != "too_few_rows":
                raise
    return Experiment.from_dict({**draft, "test_fraction": TEST_SHARES[-1]})


def propose_layers(inputs: int, outputs: int) -> list[Part]:
    """Two dense layers that narrow towards the outputs: about twice the geometric mean of both ends, small enough to watch."""
    first = min(WIDEST, max(NARROW, 2 * round((inputs * outputs) ** 0.5)))
    return [{"kind": "dense", "units": units} for units in (first, max(NARROWEST, first // 2, min(outputs, WIDEST)))]


def propose_batch(rows: int) -> int:
    """About a hundred updates an epoch, by powers of two; 10 for a small table as for the other data sets."""
    return min(rows, 10 if rows < 2000 else min(512, 1 << (rows // 100).bit_length() - 1))
