"""How soon the ready networks for pictures reach what is expected of them: seconds of one core until so many test rows are right.

The processor's time counts, not the clock's: what judges the rows is in it, and whoever else uses the machine is not.
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
from dlcore.experiment import Experiment
from dlcore.learning.trainer import Trainer

SEEDS, QUICK_SEEDS = 5, 1
TEST = 0.2  # share of the test rows
#: Data, the accuracy that is a goal, and the seconds for it; without a goal for the others, which are watched for as long.
CASES: tuple[tuple[dict[str, Any], float, float, bool], ...] = (
    ({"kind": "digits"}, 0.98, 10.0, True),
    ({"kind": "mnist", "samples": 5000}, 0.97, 30.0, True),
    ({"kind": "fashion_mnist", "samples": 3000}, 0.85, 30.0, False),
)


def run(quick: bool) -> str:
    """The table of goals, and one line for each ready network of each data set."""
    torch.set_num_threads(1)
    seeds = QUICK_SEEDS if quick else SEEDS
    figures, rows = [], []
    for dataset, goal, seconds, is_goal in CASES:
        for name, start in list_recipes(dataset).items():
            found = [learn(start.replace(seed=seed), goal, seconds) for seed in range(seeds)]
            reached = [at for at, _, _ in found if at is not None]
            middle = median([seconds * 2 if at is None else at for at, _, _ in found])
            best, last = median([one[1] for one in found]), median([one[2] for one in found])
            title = f"{dataset['kind']}, {start.dataset.rows:,} pictures"
            shown = f"{middle:.2f}" if middle < seconds else f"not in {seconds:g}"
            learning = [start.num_parameters, f"{start.optimizer.learning_rate:g}", start.batch_size]
            rows.append(
                [title, name, *learning, goal, shown, f"{len(reached)} of {seeds}", f"{best:.3f}", f"{last:.3f}"]
            )
            print(*rows[-1], file=sys.stderr)
            if is_goal and name == "small_cnn":
                said = f"{title} to {goal:.0%} at test_fraction {TEST:g}, CNN, one core, median of {seeds} seeds"
                figures.append(Figure(said, f"{seconds:g} s", f"{shown} s", middle <= seconds))
    header = [
        "data",
        "network",
        "parameters",
        "rate",
        "batch",
        "accuracy",
        "seconds until then",
        "seeds that reach it",
        "best",
        "last",
    ]
    said = "Accuracy on the test rows after every epoch, for as long as the goal gives, or 10 and 30 seconds; medians over the seeds."
    return f"{goals(figures)}\n\n{said}\n\n{markdown(header, rows)}"


def list_recipes(dataset: dict[str, Any]) -> dict[str, Experiment]:
    """The ready networks of a data set, by name."""
    bare = Experiment.from_dict({"dataset": dataset, "test_fraction": TEST, "batch_size": 1})
    stacks = kinds(Dataset)[dataset["kind"]].model_validate(dataset).stacks(bare.train_rows)  # type: ignore[attr-defined]
    return {name: Experiment.from_dict({**bare.to_dict(), **fitting.parts()}) for name, fitting in stacks.items()}


def learn(experiment: Experiment, goal: float, seconds: float) -> tuple[float | None, float, float]:
    """Seconds until the goal was reached, None if it was not; the best accuracy, and the last one."""
    trainer = Trainer(experiment, "cpu")
    spent, reached = 0.0, None
    while spent < seconds:
        begin = time.process_time()
        trainer.advance()
        spent += time.process_time() - begin
        if reached is None and trainer.history.column("test_accuracy")[-1] >= goal:
            reached = spent
    accuracy = trainer.history.column("test_accuracy")
    return reached, float(max(accuracy)), float(accuracy[-1])
