"""Does our trainer learn as well as TensorFlow Playground? Its settings, many seeds.

Its settings: tanh, half the squared error through tanh, weights from U(-0.5, 0.5) with bias 0.1, plain gradient descent with rate 0.03
on half the squared error (0.015 on our mse), batches of 10, 250 training and 250 test points, no noise.
"""

from __future__ import annotations

import sys
from statistics import median
from typing import NamedTuple

import torch

from benchmarks.tables import markdown
from dlcore import Experiment, Trainer

SEEDS, EPOCHS = 20, 1000
QUICK_SEEDS, QUICK_EPOCHS = 2, 100
SOLVED = 0.01  # half the squared error on the test rows


class Case(NamedTuple):
    """One data set and network, and what the Playground itself reaches on it."""

    dataset: str
    units: tuple[int, ...]
    solved: str
    first_epoch: str
    accuracy: str


CASES = (
    Case("circle", (4, 2), "20 of 20", "105", "-"),
    Case("gauss", (4, 2), "20 of 20", "9", "-"),
    Case("xor", (4, 2), "at least 12 of 20", "-", "-"),
    Case("spiral", (8, 8), "-", "-", "about 90%"),
)


class Outcome(NamedTuple):
    """One seed: the first epoch with all test rows right and a loss below SOLVED (None: never), and the last test accuracy."""

    solved_at: int | None
    accuracy: float


def run(quick: bool) -> str:
    """The table: ours beside the Playground's."""
    torch.set_num_threads(1)
    seeds, epochs = (QUICK_SEEDS, QUICK_EPOCHS) if quick else (SEEDS, EPOCHS)
    rows = []
    for case in CASES:
        outcomes = [outcome(case, seed, epochs) for seed in range(seeds)]
        solved = [found.solved_at for found in outcomes if found.solved_at is not None]
        first = f"{median(solved):g}" if solved else "-"
        accuracy = f"{100 * median(found.accuracy for found in outcomes):.1f}%"
        network = "-".join(map(str, (2, *case.units, 1)))
        ours = f"{len(solved)} of {seeds}"
        rows.append([case.dataset, network, ours, case.solved, first, case.first_epoch, accuracy, case.accuracy])
        print(f"{case.dataset}: {ours}", file=sys.stderr)
    header = [
        "data",
        "network",
        "solved",
        "Playground",
        "first epoch (median)",
        "Playground",
        "test accuracy (median)",
        "Playground",
    ]
    said = f"Solved: 100% of the test rows and half the squared error below {SOLVED}, within {epochs} epochs; {seeds} seeds."
    return f"{said}\n\n{markdown(header, rows)}"


def outcome(case: Case, seed: int, epochs: int) -> Outcome:
    """Train one seed for all epochs; the history has the scores of each."""
    trainer = Trainer(experiment(case, seed), "cpu")
    while trainer.epoch < epochs:
        trainer.advance()
    losses, accuracies = trainer.history.column("test_loss") / 2, trainer.history.column("test_accuracy")
    solved = ((accuracies == 1) & (losses < SOLVED)).nonzero()[0]
    return Outcome(int(solved[0]) if len(solved) else None, float(accuracies[-1]))


def experiment(case: Case, seed: int) -> Experiment:
    """The Playground's settings as a recipe."""
    layer = {"kind": "dense", "activation": {"kind": "tanh"}, "initializer": {"kind": "uniform"}}
    return Experiment.from_dict(
        {
            "dataset": {"kind": case.dataset, "samples": 500, "noise": 0},
            "test_fraction": 0.5,
            "layers": [{**layer, "units": units} for units in case.units],
            "loss": {"kind": "mse"},
            "optimizer": {"kind": "sgd", "learning_rate": 0.015},
            "batch_size": 10,
            "seed": seed,
        }
    )
