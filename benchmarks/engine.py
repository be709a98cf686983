"""The autograd engine against a plain torch loop: images, sequences, large networks, and the GPU if there is one.

Before them the compiled engine: how much of a tiny network's epoch is Python's own work.

B rows of a batch, C channels, H and W a picture's sides, T steps of a sequence, D numbers a step.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain, islice, repeat
from statistics import median
from time import perf_counter, thread_time

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.libraries import ours as trained
from benchmarks.peers import cases, stay_on_one_core
from benchmarks.tables import Figure, goals, markdown
from dlcore.engines.autograd import AutogradEngine
from dlcore.experiment import Experiment
from dlcore.learning.supervised import Supervised
from dlcore.network import build_model
from dlcore.rows import prepare

ROUNDS, SECONDS = 9, 0.5
SHARE, EPOCHS_AT_ONCE, ROUNDS_OF_PYTHON = 0.2, 64, 300
QUICK_ROUNDS, QUICK_SECONDS = 3, 0.1
BATCHES = 16  # batches of rows, used in turn
RATE = 0.001
CLASSES = 10
WAYS = ("ours", "plain loop", "plain loop, DataLoader")


@dataclass(frozen=True)
class Shape:
    """A network, what one row of it looks like, and how many times as fast as a plain loop the engine should be."""

    name: str
    build: Callable[[], nn.Sequential]
    row: tuple[int, ...]
    batch: int
    goal: float


class LastStep(nn.Module):
    """An LSTM's hidden state after the last step: (B, T, D) in, (B, hidden) out."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(inputs, hidden, batch_first=True)

    def forward(self, values_BTD: torch.Tensor) -> torch.Tensor:
        """(B, T, D) in, (B, hidden) out: the hidden state after the last step."""
        return self.lstm(values_BTD)[0][:, -1]


def convolutional(side: int) -> nn.Sequential:
    """Two convolutions with pooling and a dense layer, for pictures (1, side, side)."""
    quarter = side // 4
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(16 * quarter * quarter, CLASSES),
    )  # fmt: skip


def recurrent() -> nn.Sequential:
    """An LSTM of 16 units and a dense layer."""
    return nn.Sequential(LastStep(4, 16), nn.Linear(16, CLASSES))


def dense(*widths: int) -> nn.Sequential:
    """Dense layers with ReLU between them."""
    layers: list[nn.Module] = []
    for inputs, outputs in zip(widths, [*widths[1:], CLASSES], strict=True):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


SMALL = (  # The playground's own batch.
    Shape("CNN 1x8x8", lambda: convolutional(8), (1, 8, 8), 10, 1.3),
    Shape("CNN 1x28x28", lambda: convolutional(28), (1, 28, 28), 10, 1.3),
    Shape("LSTM, 16 steps, 16 units", recurrent, (16, 4), 10, 1.3),
)
CONVOLUTIONS = (  # By the compiled kernels: layers, data set, batch, goal.
    ("conv8-conv16", ("conv8", "conv16"), "digits", 10, 8.0),
    ("conv8-pool-conv16-pool", ("conv8", "pool", "conv16", "pool"), "mnist", 10, 2.5),
    ("conv8-conv16", ("conv8", "conv16"), "digits", 64, 1.0),
    ("conv8-pool-conv16-pool", ("conv8", "pool", "conv16", "pool"), "mnist", 64, 1.0),
)
LARGE = (
    Shape("64-512-512-10", lambda: dense(64, 512, 512), (64,), 512, 1.0),
    Shape("64-1000-1000-10", lambda: dense(64, 1000, 1000), (64,), 256, 1.0),
)
GPU = (  # The same goal for what is small: no slower anywhere.
    Shape("64-1000-1000-10", lambda: dense(64, 1000, 1000), (64,), 256, 1.5),
    Shape("64-1000-1000-10", lambda: dense(64, 1000, 1000), (64,), 4096, 1.5),
    Shape("64-128-10", lambda: dense(64, 128), (64,), 4096, 1.5),
    Shape("CNN 1x28x28", lambda: convolutional(28), (1, 28, 28), 32, 1.0),
    Shape("LSTM, 16 steps, 16 units", recurrent, (16, 4), 32, 1.0),
)


def run(quick: bool) -> str:
    """The table of goals, and microseconds an update."""
    stay_on_one_core()
    share, tiny = measure_python(ROUNDS_OF_PYTHON)
    rounds, seconds = (QUICK_ROUNDS, QUICK_SECONDS) if quick else (ROUNDS, SECONDS)
    figures: list[Figure] = [Figure("Python's share of a tiny epoch", f"{100 * SHARE:.0f}%", tiny, share <= SHARE)]
    rows = []
    for title, layers, dataset, batch, goal in CONVOLUTIONS:
        kernels, loop = measure_kernels(layers, dataset, batch, rounds, seconds)
        name, times = f"{title} on {dataset}, batch {batch}, one core, compiled", loop / kernels
        figures.append(Figure(f"updates/s, {name}, against a plain loop", f"{goal:g}x", f"{times:.2f}x", times >= goal))
        rows.append([name, f"{kernels:,.0f}", f"{loop:,.0f}", ""])
    there = torch.cuda.is_available()
    for device, shapes in (("cpu", (*SMALL, *LARGE)), ("cuda", GPU if there else ())):
        for shape in shapes:
            costs = measure(shape, device, rounds, seconds)
            name = (
                f"{shape.name}, batch {shape.batch}, {'one core' if device == 'cpu' else torch.cuda.get_device_name()}"
            )
            times = costs["plain loop"] / costs["ours"]
            figures.append(
                Figure(
                    f"updates/s, {name}, against a plain loop", f"{shape.goal:g}x", f"{times:.2f}x", times >= shape.goal
                )
            )
            rows.append([name, *(f"{cost:,.0f}" for cost in costs.values())])
    if not there:
        figures.append(
            Figure(
                "updates/s, GPU, 1,000-wide nets and batches of 4,096, against a plain eager loop",
                "1.5x",
                "no GPU here",
                None,
            )
        )
    said = (
        f"Microseconds an update, Adam, medians of {rounds} interleaved rounds of about {seconds:g} s each. The plain loop takes slices of "
        "rows in memory, and is what the goals are held against; the other one has a DataLoader. All look at every loss."
    )
    return f"{goals(figures)}\n\n{said}\n\n{markdown(['network', *WAYS], rows)}"


def measure_python(rounds: int) -> tuple[float, str]:
    """What neither the kernel nor torch.randperm takes of an epoch of 2-4-2-1 by the trainer, which scores all rows; in words, too."""
    case = cases()[0]
    epoch = trained(case)
    experiment, rows, count = case.experiment, len(case.data.train.X), EPOCHS_AT_ONCE
    engine = Supervised(experiment, "cpu", case.data, "dense")
    engine.begin()
    dense = engine.dense_engine(patient=True)
    assert dense is not None
    rates = np.full(count * experiment.steps_per_epoch, experiment.optimizer.learning_rate)
    orders = torch.empty(count, rows, dtype=torch.int64)

    def draw(epochs: int) -> None:
        for order in orders[:epochs].unbind():
            torch.randperm(rows, out=order)

    draw(count)
    ways = (epoch, lambda _: dense.take_epochs(rates, orders.numpy()), draw)
    for way in ways:
        way(count)
    times = [[1e6 * _processor_time(way, count) / count for way in ways] for _ in range(rounds)]
    whole, kernel, orders_drawn = (median(one) for one in zip(*times, strict=True))
    share = 1 - (kernel + orders_drawn) / whole
    return (
        share,
        f"{100 * share:.0f}% of {whole:.1f} µs: the kernel takes {kernel:.1f}, drawing orders {orders_drawn:.1f}",
    )


def _processor_time(way: Callable[[int], object], epochs: int) -> float:
    """Seconds of so many epochs, without those that other processes took: an epoch is far shorter than their turns."""
    begin = thread_time()
    way(epochs)
    return thread_time() - begin


def measure(shape: Shape, device: str, rounds: int, seconds: float) -> dict[str, float]:
    """{way: median microseconds of an update}."""
    generator = torch.Generator().manual_seed(0)
    count = BATCHES * shape.batch
    X = torch.randn(count, *shape.row, generator=generator).to(device)
    y = torch.randint(CLASSES, (count,), generator=generator).to(device)
    model = shape.build().to(device)
    models = [copy.deepcopy(model) for _ in WAYS]
    makers = (ours, plain, loader)
    ways = {name: make(one, X, y, shape.batch) for name, make, one in zip(WAYS, makers, models, strict=True)}
    for way in ways.values():
        time_way(way, BATCHES, device)  # The first updates load code and fill caches.
    once = min(time_way(way, BATCHES, device) for way in ways.values()) / BATCHES
    updates = max(BATCHES, round(seconds / once))
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            found[name].append(time_way(way, updates, device) / updates)
    return {name: 1e6 * median(times) for name, times in found.items()}


def measure_kernels(
    layers: tuple[str, ...], dataset: str, batch: int, rounds: int, seconds: float
) -> tuple[float, float]:
    """Median microseconds of an update by the compiled kernels for convolutions, and by a plain loop, of the processor."""
    recipe = {
        "dataset": {"kind": dataset},
        "layers": [
            {"kind": "max_pool"} if name == "pool" else {"kind": "conv2d", "channels": int(name[4:]), "padding": 1}
            for name in layers
        ]
        + [{"kind": "flatten"}],
        "optimizer": {"kind": "adam", "learning_rate": RATE},
        "batch_size": batch,
    }
    experiment = Experiment.from_dict(recipe)
    learned = Supervised(experiment, "cpu", prepare(experiment), "dense")
    learned.begin()
    kernels = learned.dense_engine(patient=True)
    assert kernels is not None
    rates, order = np.full(BATCHES, RATE), np.resize(learned.order.numpy(), BATCHES * batch)
    X, y = learned.X[order], learned.targets[order]
    loop = plain(build_model(experiment), X, y, batch)

    def compiled(updates: int) -> None:
        for _ in range(0, updates, BATCHES):
            kernels.take(rates, order, 0)

    ways = (compiled, loop)
    for way in ways:
        way(BATCHES)
    once = _processor_time(loop, BATCHES) / BATCHES
    updates = BATCHES * max(1, round(seconds / once / BATCHES))
    times = [[_processor_time(way, updates) / updates for way in ways] for _ in range(rounds)]
    ours_us, loop_us = (1e6 * median(one) for one in zip(*times, strict=True))
    return ours_us, loop_us


def ours(model: nn.Sequential, X: torch.Tensor, y: torch.Tensor, batch: int) -> Callable[[int], None]:
    """Our engine, with the loss of a recipe of ten classes."""
    recipe = {"dataset": {"kind": "digits"}, "optimizer": {"kind": "adam", "learning_rate": RATE}}
    engine = AutogradEngine(model, Experiment.from_dict(recipe))

    def train(updates: int) -> None:
        for number in range(updates):
            start = number % BATCHES * batch
            engine.step(X[start : start + batch], y[start : start + batch], RATE)

    return train


def plain(model: nn.Sequential, X: torch.Tensor, y: torch.Tensor, batch: int) -> Callable[[int], None]:
    """The usual loop in plain torch, over slices of tensors."""
    optimizer, loss = torch.optim.Adam(model.parameters(), lr=RATE), nn.CrossEntropyLoss()

    def train(updates: int) -> None:
        for number in range(updates):
            start = number % BATCHES * batch
            optimizer.zero_grad()
            value = loss(model(X[start : start + batch]), y[start : start + batch])
            value.backward()
            optimizer.step()
            value.item()

    return train


def loader(model: nn.Sequential, X: torch.Tensor, y: torch.Tensor, batch: int) -> Callable[[int], None]:
    """The loop of most tutorials, with a DataLoader."""
    optimizer, loss = torch.optim.Adam(model.parameters(), lr=RATE), nn.CrossEntropyLoss()
    batches = DataLoader(TensorDataset(X, y), batch_size=batch, shuffle=True)

    def train(updates: int) -> None:
        for X_batch, y_batch in islice(chain.from_iterable(repeat(batches)), updates):
            optimizer.zero_grad()
            value = loss(model(X_batch), y_batch)
            value.backward()
            optimizer.step()
            value.item()

    return train


def time_way(way: Callable[[int], None], updates: int, device: str) -> float:
    """Seconds of so many updates, until the device has finished them."""
    start = perf_counter()
    way(updates)
    if device == "cuda":
        torch.cuda.synchronize()
    return perf_counter() - start
