"""Updates a second of our trainer and of other libraries: same network, rows, batches, optimizer and loss, measured in turns."""

from __future__ import annotations

import os
from dataclasses import replace
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from benchmarks.libraries import Case, Way, ways
from benchmarks.tables import Figure, goals, markdown
from dlcore.datasets.split import Data, Split
from dlcore.experiment import Experiment
from dlcore.rows import prepare

ROUNDS, SECONDS = 7, 0.6  # rounds, and seconds for each way in a round
QUICK_ROUNDS, QUICK_SECONDS = 3, 0.1
PEERS = {  # library as named in the goals: its ways in libraries.py
    "torch, DataLoader": ("torch, DataLoader",),
    "scikit-learn": ("scikit-learn",),
    "Keras (JAX)": ("Keras (JAX)", "Keras (JAX), epoch an execution"),
    "skorch": ("skorch",),
    "Lightning": ("Lightning",),
}
Rates = dict[str, float | None]


class Pixels(Experiment):
    """An experiment on made-up images of 28 x 28, for which there is no recipe."""

    @property
    def num_inputs(self) -> int:
        return 28 * 28


def run(quick: bool) -> str:
    """The table of goals, and the updates a second of each way."""
    stay_on_one_core()
    rounds, seconds = (QUICK_ROUNDS, QUICK_SECONDS) if quick else (ROUNDS, SECONDS)
    found = {case.name: measure(case, ways(case), rounds, seconds) for case in cases()}
    first, *others = found
    rows = [
        _against(
            f"updates/s, {first}, against {peer}", 100 if peer == "torch, DataLoader" else 25, found[first], [peer]
        )
        for peer in PEERS
    ]
    # The made-up images are trained by the engine's steps alone, as the trainer would score nearly twice as many rows as it trains on.
    for name, goal, way in zip(others, (10, 1.2, 1), ("ours", "ours", "ours, steps alone"), strict=True):
        rows.append(_against(f"updates/s, {name}, against the fastest of these", goal, found[name], [*PEERS], way))
    said = (
        f"One core. Updates a second, medians of {rounds} interleaved rounds of about {seconds:g} s each; (x): how many "
        "times as fast ours is. Ours scores all rows of both splits and writes the history each epoch, as the playground "
        "does; of the others only scikit-learn and Keras keep the training loss. 784-128-10 has rows that are made up, as "
        "no recipe has 784 inputs, and is judged by the steps alone: nobody else scores two rows for each one that it learns from."
    )
    names = next(iter(found.values()))
    table = markdown(["network", *names], [[name, *_cells(rates)] for name, rates in found.items()])
    return f"{goals(rows)}\n\n{said}\n\n{table}"


def stay_on_one_core() -> None:
    """Pin this process to one core, as not every library lets one set its number of threads."""
    torch.set_num_threads(1)
    threadpool_limits(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def cases() -> list[Case]:
    """The networks that the goals name."""
    digits = {"dataset": {"kind": "digits"}, "layers": [_layer(128, "relu")], "batch_size": 32}
    digits |= {"optimizer": {"kind": "adam", "learning_rate": 0.001}}
    plane = {"dataset": {"kind": "circle", "samples": 500}, "batch_size": 10}
    plane |= {"optimizer": {"kind": "sgd", "learning_rate": 0.03}}
    found = [
        _case("2-4-2-1 tanh, batch 10, sgd", plane | {"layers": [_layer(4), _layer(2)]}),
        _case("2-8x6-1 tanh, batch 10, sgd", plane | {"layers": [_layer(8)] * 6}),
        _case("digits 64-128-10 relu, batch 32, adam", digits),
    ]
    wide = Pixels.from_dict(digits)
    return [*found, Case("784-128-10 relu, batch 32, adam", wide, _pixels(prepare(Experiment.from_dict(digits))))]


def measure(case: Case, ways: dict[str, Way | None], rounds: int, seconds: float) -> Rates:
    """{way: median updates a second}; each round runs all ways, so that a slow moment of the machine affects all alike."""
    there = {name: way for name, way in ways.items() if way is not None}
    epochs = {name: epochs_in(way, seconds) for name, way in there.items()}
    times: dict[str, list[float]] = {name: [] for name in there}
    for _ in range(rounds):
        for name, way in there.items():
            times[name].append(time_way(way, epochs[name]))
    steps = case.experiment.steps_per_epoch
    return {name: steps * epochs[name] / median(times[name]) if name in there else None for name in ways}


def time_way(way: Way, epochs: int) -> float:
    """Seconds for so many epochs."""
    start = perf_counter()
    way(epochs)
    return perf_counter() - start


def epochs_in(way: Way, seconds: float) -> int:
    """About how many epochs fit into so many seconds; the first ones, which load and compile, are not measured."""
    time_way(way, 1)
    epochs = 1
    while (took := time_way(way, epochs)) < seconds / 4 and epochs < 100_000:
        epochs *= 4
    return max(1, round(epochs * seconds / took))


def _layer(units: int, activation: str = "tanh") -> dict[str, Any]:
    return {"kind": "dense", "units": units, "activation": {"kind": activation}}


def _case(name: str, recipe: dict[str, Any]) -> Case:
    experiment = Experiment.from_dict(recipe)
    return Case(name, experiment, prepare(experiment))


def _pixels(data: Data) -> Data:
    generator = np.random.default_rng(0)

    def other_inputs(split: Split) -> Split:
        return replace(split, X=generator.random((len(split.X), 28 * 28), dtype=np.float32))

    return replace(data, train=other_inputs(data.train), watched=other_inputs(data.watched))


def _against(figure: str, goal: float, rates: Rates, peers: list[str], way: str = "ours") -> Figure:
    """The figure that compares our way with the fastest of these libraries."""
    there = {name: rate for peer in peers for name in PEERS[peer] if (rate := rates[name]) is not None}
    missing = [peer for peer in peers if not any(name in there for name in PEERS[peer])]
    without = f"; not installed: {', '.join(missing)}" if missing else ""
    if not there:
        return Figure(figure, f"{goal:g}x", "not installed", None)
    fastest = max(there, key=there.__getitem__)
    ours = rates[way]
    assert ours is not None
    times = ours / there[fastest]
    named = f" ({fastest})" if len(peers) > 1 else ""
    return Figure(
        figure, f"{goal:g}x", f"{times:.3g}x{named}{without}", None if missing and times >= goal else times >= goal
    )


def _cells(rates: Rates) -> list[str]:
    ours = rates["ours"]
    assert ours is not None
    return ["not installed" if rate is None else f"{rate:,.0f} ({ours / rate:.3g}x)" for rate in rates.values()]
