"""What does one update cost? Ours, plain torch and scikit-learn on the same network and batches, interleaved in one run."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from itertools import islice
from statistics import median
from time import perf_counter

import torch
from sklearn.neural_network import MLPClassifier
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.tables import markdown
from dlcore import Experiment, Trainer
from dlcore.datasets.split import prepare
from dlcore.network import build_model

ROUNDS, UPDATES = 15, 500
QUICK_ROUNDS, QUICK_UPDATES = 3, 50
NETWORKS = ((4, 2), (8,) * 6)
BATCH_SIZES = (10, 100)

Way = Callable[[int], object]  # takes that many updates


def run(quick: bool) -> str:
    """The table: median microseconds an update, and how many times ours."""
    torch.set_num_threads(1)
    rounds, updates = (QUICK_ROUNDS, QUICK_UPDATES) if quick else (ROUNDS, UPDATES)
    rows = []
    for units in NETWORKS:
        for batch_size in BATCH_SIZES:
            costs = measured(ways(experiment(units, batch_size)), rounds, updates)
            ours = costs["ours"]
            cells = [f"{cost:.0f} ({cost / ours:.1f}x)" for cost in costs.values()]
            rows.append(["-".join(map(str, (2, *units, 1))), batch_size, *cells])
    names = ways(experiment(NETWORKS[0], BATCH_SIZES[0]))
    said = f"Microseconds an update, medians of {rounds} interleaved rounds of {updates} updates, one thread; (x): times ours."
    note = (
        "Ours scores both splits and writes the history each epoch, scikit-learn its training loss, the others nothing."
    )
    return f"{said} {note}\n\n{markdown(['network', 'batch', *names], rows)}"


def experiment(units: tuple[int, ...], batch_size: int) -> Experiment:
    """Adam on the circle."""
    layers = [{"kind": "dense", "units": count, "activation": {"kind": "tanh"}} for count in units]
    return Experiment.from_dict({"dataset": {"kind": "circle"}, "layers": layers, "batch_size": batch_size})


def measured(ways: dict[str, Way], rounds: int, updates: int) -> dict[str, float]:
    """{way: median microseconds an update}; each round runs all ways, so that a slow moment meets them all."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way(updates // 10)  # the first updates load code and fill caches
    for _ in range(rounds):
        for name, way in ways.items():
            start = perf_counter()
            way(updates)
            seconds[name].append((perf_counter() - start) / updates)
    return {name: median(found) * 1e6 for name, found in seconds.items()}


def ways(experiment: Experiment) -> dict[str, Way]:
    """The same training in each way; all go on for as long as they are asked."""
    return {
        "ours": _ours(experiment),
        "torch, slices": _pulled(_slices(experiment)),
        "torch, DataLoader": _pulled(_loader(experiment)),
        "scikit-learn MLP": _scikit_learn(experiment),
    }


def _pulled(updates: Iterator[None]) -> Way:
    return lambda count: sum(1 for _ in islice(updates, count))


def _ours(experiment: Experiment) -> Way:
    steps = Trainer(experiment, "cpu").steps()
    return lambda count: sum(1 for _ in islice(steps, count))


def _parts(
    experiment: Experiment,
) -> tuple[nn.Sequential, torch.optim.Optimizer, nn.Module, torch.Tensor, torch.Tensor]:
    train = prepare(experiment).train
    model = build_model(experiment)
    optimizer = torch.optim.Adam(model.parameters(), lr=experiment.optimizer.learning_rate)
    return (
        model,
        optimizer,
        nn.BCEWithLogitsLoss(),
        torch.from_numpy(train.X),
        torch.from_numpy(train.y).float()[:, None],
    )


def _slices(experiment: Experiment) -> Iterator[None]:
    model, optimizer, loss, X, y = _parts(experiment)
    while True:
        order = torch.randperm(len(X))
        X, y = X[order], y[order]
        for start in range(0, len(X), experiment.batch_size):
            rows = slice(start, start + experiment.batch_size)
            optimizer.zero_grad()
            value = loss(model(X[rows]), y[rows])
            value.backward()
            optimizer.step()
            value.item()
            yield


def _loader(experiment: Experiment) -> Iterator[None]:
    model, optimizer, loss, X, y = _parts(experiment)
    batches = DataLoader(TensorDataset(X, y), batch_size=experiment.batch_size, shuffle=True)
    while True:
        for X_BD, y_B1 in batches:
            optimizer.zero_grad()
            value = loss(model(X_BD), y_B1)
            value.backward()
            optimizer.step()
            value.item()
            yield


def _scikit_learn(experiment: Experiment) -> Way:
    train = prepare(experiment).train
    units = [plan.outputs for plan in experiment.plan()[:-1]]
    rate, size = experiment.optimizer.learning_rate, experiment.batch_size

    def fit(count: int) -> None:
        # Whole epochs only: rounded to at least one, and paid for as if they were `count` updates.
        epochs = max(1, round(count / experiment.steps_per_epoch))
        model = MLPClassifier(units, activation="tanh", alpha=0, learning_rate_init=rate, max_iter=epochs, tol=0)
        model.set_params(batch_size=size, n_iter_no_change=epochs + 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it has not converged, and need not
            model.fit(train.X, train.y)

    return fit
