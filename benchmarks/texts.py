"""What do networks make of the bundled texts, and how soon do they beat naive Bayes? Every ready network, several seeds, one core.

Naive Bayes learns from the same rows of ids (dlcore/evaluation/baselines.py). The split has no validation rows, 0.2 of the rows are for
testing. Seconds are those of the processor in this process, for learning and for the scores of each epoch; pictures come on top.
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
from dlcore.datasets.split import Data
from dlcore.editing.fitting import USUAL, group_datasets
from dlcore.evaluation.baselines import make_naive_bayes
from dlcore.experiment import Experiment
from dlcore.learning.trainer import Trainer
from dlcore.rows import prepare

SEEDS, QUICK_SEEDS = 5, 1
SECONDS = 30.0
TEST = 0.2
AHEAD = 0.01  # what a network shall be better than naive Bayes by
WITH_A_GOAL = "novelists"

Course = list[tuple[float, float]]  # seconds so far, accuracy on the test rows: one an epoch


def run(quick: bool) -> str:
    """The table of goals, and one line for each data set and network."""
    torch.set_num_threads(1)
    seeds = range(QUICK_SEEDS if quick else SEEDS)
    figures, rows = [], []
    for kind in group_datasets()["texts"]:
        cls: Any = kinds(Dataset)[kind]
        networks = {"as it opens": cls().fitting(1000), **cls().stacks(1000)}
        splits = [prepare(choose(kind, networks["as it opens"], seed)) for seed in seeds]
        bayes = [score_of_naive_bayes(choose(kind, networks["as it opens"], 0), data) for data in splits]
        rows.append([kind, "naive Bayes", f"{median(bayes):.3f}", *["–"] * 4])
        for name, fitting in networks.items():
            courses = [learn(choose(kind, fitting, seed)) for seed in seeds]
            best = [max(accuracy for _, accuracy in course) for course in courses]
            beaten = [time_to(course, score + AHEAD) for course, score in zip(courses, bayes, strict=True)]
            early = [at(course, 10.0) for course in courses]
            in_time = [seconds for seconds in beaten if seconds is not None]
            rows.append(
                [
                    kind, name, f"{median(best):.3f}", f"{median(early):.3f}", f"{len(in_time)} of {len(courses)}",
                    f"{median(in_time):.1f}" if in_time else "–", f"{1000 * (median(best) - median(bayes)):+.0f}",
                ]
            )  # fmt: skip
            print(*rows[-1], file=sys.stderr, flush=True)
            if (kind, name) == (WITH_A_GOAL, "as it opens"):
                said = (
                    f"{len(in_time)} of {len(courses)} seeds, after {rows[-1][5]} s; the best {rows[-1][6]} thousandths"
                )
                met = len(in_time) > len(courses) / 2
                figures.append(
                    Figure("the two novelists to naive Bayes on the same split + 1 point", f"{SECONDS:g} s", said, met)
                )
    header = [
        "data", "network", "best within 30 s, median", "after 10 s", "naive Bayes + 1 point within 30 s", "after seconds, median",
        "best against naive Bayes, thousandths",
    ]  # fmt: skip
    return f"{goals(figures)}\n\n{markdown(header, rows)}"


def choose(kind: str, fitting: Fitting, seed: int) -> Experiment:
    """The recipe of this network on this data set."""
    dataset: Any = kinds(Dataset)[kind]()
    recipe = {**USUAL, "dataset": dataset.to_dict(), "test_fraction": TEST, "seed": seed, **fitting.parts()}
    return Experiment.from_dict(recipe)


def score_of_naive_bayes(experiment: Experiment, data: Data) -> float:
    """Its accuracy on the test rows."""
    return float(make_naive_bayes(experiment).fit(data.train.X, data.train.y).score(data.watched.X, data.watched.y))


def learn(experiment: Experiment) -> Course:
    """What a trainer reaches, epoch by epoch, until its time is up."""
    trainer = Trainer(experiment, "cpu")
    course: Course = []
    begin = time.process_time()
    while time.process_time() - begin < SECONDS:
        trainer.advance()
        course.append((time.process_time() - begin, float(trainer.history.column("test_accuracy")[-1])))
    return course


def time_to(course: Course, goal: float) -> float | None:
    """Seconds until the accuracy is so high; None if it never is."""
    return next((seconds for seconds, accuracy in course if accuracy >= goal and seconds <= SECONDS), None)


def at(course: Course, seconds: float) -> float:
    """The accuracy of the last epoch within so many seconds."""
    return max((done, accuracy) for done, accuracy in course if done <= seconds or done == course[0][0])[1]
