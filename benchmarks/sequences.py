"""How soon is each task with sequences solved? Every ready network of each data set, several seeds, on one core.

The split is the page's own: 0.3 of the rows for testing, 0.2 to watch. A task is solved when the watched rows reach its score. Seconds are
those of the processor in this process, for learning and for the scores of each epoch, as a run has them; pictures come on top.
"""

from __future__ import annotations

import sys
import time
from statistics import median
from typing import Any

import torch

from benchmarks.tables import Figure, goals, markdown
from dlcore.component import kinds
from dlcore.datasets import Dataset
from dlcore.datasets.fitting import Fitting
from dlcore.editing.fitting import PAGE_SPLIT, USUAL, group_datasets, with_fitting
from dlcore.experiment import Experiment
from dlcore.learning.trainer import Trainer
from dlcore.problems import Problem

SEEDS, QUICK_SEEDS = 3, 1
SECONDS, LONG = 10.0, 60.0  # until a task counts as not solved; for the long one
#: Which column of the history says that a task is solved, and from where on.
SOLVED: dict[str, tuple[str, float]] = {
    "recall": ("accuracy", 0.99),
    "parity": ("accuracy", 0.99),
    "brackets": ("accuracy", 0.98),
    "anbn": ("accuracy", 0.98),
    "adding": ("r2", 0.98),
    "noisy_sine": ("r2", 0.95),
    "copy": ("sequence_accuracy", 0.99),
    "reverse": ("sequence_accuracy", 0.99),
    "digit_rows": ("accuracy", 0.95),
    "births": ("r2", 0.9),
}
REVERSE = 16  # symbols of the long task


def run(quick: bool) -> str:
    """The table of goals; seconds to solve by data set and network; and reverse of 16 symbols, where nobody reads the end first."""
    torch.set_num_threads(1)
    seeds = QUICK_SEEDS if quick else SEEDS
    figures, rows = [], []
    for kind in group_datasets()["sequences"]:
        start = choose(kind)
        column, goal = SOLVED[kind]
        networks: dict[str, Fitting | None] = {"as it opens": None, **start.dataset.stacks(start.train_rows)}
        for name, fitting in networks.items():
            experiment = start if fitting is None else with_network(start, fitting)
            found = [solve(experiment.replace(seed=seed), column, goal, SECONDS) for seed in range(seeds)]
            rows.append([kind, size_of(experiment), name, f"{column} {goal:g}", *describe(found)])
            print(*rows[-1], file=sys.stderr, flush=True)
            if fitting is None:
                figures.append(figure(f"{kind}, as it opens, to {column} {goal:g}", found, SECONDS))
    for name, fitting in choose("reverse", length=REVERSE).dataset.stacks(1000).items():
        experiment = with_network(choose("reverse", length=REVERSE), fitting)
        found = [solve(experiment.replace(seed=seed), "sequence_accuracy", 1.0, LONG) for seed in range(min(seeds, 3))]
        rows.append(["reverse", size_of(experiment), name, "sequence_accuracy 1, 60 s", *describe(found)])
        print(*rows[-1], file=sys.stderr, flush=True)
        if name == "attention_block":
            figures.append(figure(f"reverse of {REVERSE} symbols by attention, every watched row right", found, LONG))
    header = ["data", "length", "network", "solved from", "seconds, median", "slowest", "solved", "best score, median"]
    return f"{goals(figures)}\n\n{markdown(header, rows)}"


def choose(kind: str, **fields: Any) -> Experiment:
    """The recipe that the page makes of this data set."""
    dataset: Any = kinds(Dataset)[kind](**fields)
    draft = {**USUAL, **PAGE_SPLIT, "dataset": dataset.to_dict(), "loss": {"kind": dataset.objective.usual_loss}}
    return Experiment.from_dict(with_fitting(draft))


def with_network(experiment: Experiment, fitting: Fitting) -> Experiment:
    """The recipe with a ready network."""
    return Experiment.from_dict({**experiment.to_dict(), **fitting.parts()})


def solve(experiment: Experiment, column: str, goal: float, limit: float) -> tuple[float | None, float]:
    """Seconds until the watched rows reach the goal, None if they do not, and the best score."""
    trainer = Trainer(experiment, "cpu")
    start, best = time.process_time(), -1.0
    while time.process_time() - start < limit:
        try:
            trainer.advance()
        except Problem:  # It has diverged.
            break
        best = max(best, float(trainer.history.column(f"test_{column}")[-1]))
        if best >= goal:
            return time.process_time() - start, best
    return None, best


def describe(found: list[tuple[float | None, float]]) -> list[str]:
    times = sorted(seconds for seconds, _ in found if seconds is not None)
    best = f"{median(score for _, score in found):.3f}"
    if not times:
        return ["–", "–", f"0 of {len(found)}", best]
    return [f"{median(times):.1f}", f"{times[-1]:.1f}", f"{len(times)} of {len(found)}", best]


def figure(name: str, found: list[tuple[float | None, float]], limit: float) -> Figure:
    """A goal: so many seconds at most in the median of the seeds."""
    middle = median(limit * 9 if seconds is None else seconds for seconds, _ in found)
    return Figure(name, f"{limit:g} s at most", f"{middle:.1f} s" if middle <= limit else "not solved", middle <= limit)


def size_of(experiment: Experiment) -> int:
    return experiment.dataset.shape[0]
