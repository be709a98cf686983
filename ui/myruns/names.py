"""Names of runs: the given one, else what the run is ("Spiral 8-8"); beside one another, what differs ("Adam", "SGD"). Pure functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from dlcore.datasets import OwnData
from dlcore.experiment import Experiment
from dlcore.problems import clean
from ui.differences import Row, Say, compare_recipes

MOST_PARTS = 2  # differences that one name may list
LONGEST = 40  # characters


def name_after_recipe(experiment: Experiment, say: Say) -> str:
    """The data set and the sizes of the hidden layers: "Spiral 8-8"."""
    dataset = experiment.dataset
    own = isinstance(dataset, OwnData)
    title = dataset.name if own else say(f"component.dataset.{dataset.kind}.title")
    return shorten(f"{title} {_write_sizes(experiment, say)}".strip())


def name_by_difference(given: Sequence[str], experiments: Sequence[Experiment], say: Say) -> list[str]:
    """For each run its given name ("" for none), else that in which it differs from the others, else what it is; no two the same."""
    rows = list(_join_sizes(compare_recipes(experiments, say), experiments, say))
    parts = [[_say_part(row, position) for row in rows[:MOST_PARTS]] for position in range(len(experiments))]
    names = [
        shorten(name or say("differ.comma").join(own) or name_after_recipe(experiment, say))
        for name, own, experiment in zip(given, parts, experiments, strict=True)
    ]
    return number_doubles(names)


def describe_differences(experiments: Sequence[Experiment], say: Say) -> list[str]:
    """For each run up to three settings in which it differs from the others, beyond what its name says."""
    rows = [row for row in compare_recipes(experiments, say) if not _is_in_name(row.path)]
    # A value that most of them share says nothing about one of them.
    return [
        say("differ.comma").join([_say_part(row, position) for row in rows if _is_rare(row, position)][:3])
        for position in range(len(experiments))
    ]


def number_doubles(names: Sequence[str]) -> list[str]:
    """The names, with a number where one has occurred before."""
    seen: Counter[str] = Counter()
    numbered = []
    for name in names:
        seen[name] += 1
        numbered.append(f"{name} ({seen[name]})" if seen[name] > 1 else name)
    return numbered


def shorten(name: str) -> str:
    """Untrusted text as a name."""
    name = clean(name)
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"


def _write_sizes(experiment: Experiment, say: Say) -> str:
    """The hidden layers: "8-8"; "" for none."""
    return "-".join(
        str(layer.units) if layer.kind == "dense" else say(f"component.layer.{layer.kind}.title")
        for layer in experiment.layers
    )


def _join_sizes(rows: Sequence[Row], experiments: Sequence[Experiment], say: Say) -> Iterator[Row]:
    """The rows, with one ("4-2", "8-4") in place of all that say how many units the layers have."""
    sizes = tuple(_write_sizes(experiment, say) or say("report.no_hidden") for experiment in experiments)
    joined = [row for row in rows if _is_of_sizes(row.path)] if len(set(sizes)) > 1 else []
    for row in rows:
        if row not in joined:
            yield row
        elif row is joined[0]:
            yield Row("layers", row.label, sizes)


def _say_part(row: Row, position: int) -> str:
    """A choice speaks for itself ("Adam"); a number needs its setting ("Learning rate 0.03")."""
    value = row.values[position]
    return value if row.path.endswith(".kind") or row.path == "layers" else f"{row.label} {value}"


def _is_in_name(path: str) -> bool:
    return path in ("dataset.kind", "dataset.name") or _is_of_sizes(path)


def _is_of_sizes(path: str) -> bool:
    return path == "layers" or path.endswith(".units")


def _is_rare(row: Row, position: int) -> bool:
    counts = Counter(row.values)
    return counts[row.values[position]] <= len(row.values) / 2
