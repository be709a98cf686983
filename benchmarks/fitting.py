"""Does Play do well on every data set? The settings that fit it, as the page chooses them, many seeds, a hundred epochs.

The split is the page's own: 0.3 of the rows for testing, 0.2 to watch. The scores are those of the watched rows.
"""

from __future__ import annotations

import sys
from statistics import median
from typing import Any

import torch

from benchmarks.tables import Figure, goals, markdown
from dlcore.component import kinds
from dlcore.datasets import Dataset
from dlcore.editing.fitting import group_datasets, with_fitting
from dlcore.experiment import Experiment
from dlcore.learning.trainer import Trainer

SEEDS, QUICK_SEEDS, EPOCHS = 10, 3, 100
GOAL = 0.95
WITH_A_GOAL = ("circle", "xor", "gauss", "spiral", "moons", "rings", "checkerboard", "digits")
ELSEWHERE = ("sequences", "texts")  # Groups with a benchmark of their own.
POINTS = "drawn"  # Whose points come from a person; there are none to try.


def run(quick: bool) -> str:
    """The table of goals, and one line for each data set."""
    torch.set_num_threads(1)
    seeds = QUICK_SEEDS if quick else SEEDS
    figures, rows = [], []
    groups = [kinds_in for group, kinds_in in group_datasets().items() if group not in ELSEWHERE]
    for kind in (kind for group in groups for kind in group if kind != POINTS):
        noisy = "noise" in kinds(Dataset)[kind].model_fields
        start = choose(kind, 0, noise=0.0) if noisy else choose(kind, 0)
        clean = [score(start.replace(seed=seed)) for seed in range(seeds)]
        usual = [score(choose(kind, seed)) for seed in range(seeds)] if noisy else clean
        units = "-".join(str(plan.units) for plan in start.plan()[:-1] if plan.has_units)
        network = f"{units} {start.plan()[0].activation}"
        features = " ".join(start.features or ())
        learning = [f"{start.optimizer.learning_rate:g}", start.batch_size, start.metric]
        rows.append([kind, network, features, *learning, *middle_and_worst(clean), *middle_and_worst(usual)])
        print(*rows[-1], file=sys.stderr)
        if kind in WITH_A_GOAL:
            name = f"{kind}{' without noise' if noisy else ''}, settings that fit, {EPOCHS} epochs, median of {seeds} seeds"
            figures.append(Figure(name, f"{GOAL:g} or more", f"{median(clean):.3f}", median(clean) >= GOAL))
    header = [
        "data",
        "network",
        "features",
        "rate",
        "batch",
        "score",
        "median",
        "worst",
        "with noise 0.1: median",
        "worst",
    ]
    said = f"Scores of the watched rows after {EPOCHS} epochs of Adam, {seeds} seeds; the recipe's other settings are the usual ones."
    return f"{goals(figures)}\n\n{said}\n\n{markdown(header, rows)}"


def choose(kind: str, seed: int, **fields: float) -> Experiment:
    """The recipe that the page makes of this data set."""
    cls: Any = kinds(Dataset)[kind]
    dataset = cls(**fields)
    recipe = {"dataset": dataset.to_dict(), "loss": {"kind": dataset.objective.usual_loss}, "seed": seed}
    whole = Experiment.from_dict({**recipe, "test_fraction": 0.3, "validation_fraction": 0.2}).to_dict()
    return Experiment.from_dict(with_fitting(whole))


def score(experiment: Experiment) -> float:
    """What a trainer reaches."""
    trainer = Trainer(experiment, "cpu")
    while trainer.epoch < EPOCHS:
        trainer.advance()
    return float(trainer.history.column(f"test_{experiment.metric}")[-1])


def middle_and_worst(scores: list[float]) -> list[str]:
    return [f"{median(scores):.3f}", f"{min(scores):.3f}"]
