"""What training many seeds costs: 32 side by side, against one seed as the page trains it, 32 in turn, and 32 by torch's vmap.

S seeds, B rows of a batch, P weights and biases.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter

import torch
from torch.func import functional_call, grad, stack_module_state, vmap

from benchmarks.peers import stay_on_one_core
from benchmarks.tables import Figure, goals, markdown
from dlcore.datasets.split import Data
from dlcore.engines import compiled
from dlcore.experiment import Experiment
from dlcore.learning.trainer import Trainer
from dlcore.network import build_model
from dlcore.randomness import derived_seed
from dlcore.rows import prepare
from dlcore.seeds.members import Abreast, Members, OneByOne, make_recipes

SEEDS, GOAL = 32, 8.0
EPOCHS, ROUNDS, QUICK_ROUNDS = 40, 9, 5
SCORED_EVERY = 4  # epochs between two scores, as in a training of 400 epochs
WAYS = ("one seed", "32 abreast", "32 abreast, scored each epoch", "32 one after the other", "32 by vmap")


def run(quick: bool) -> str:
    """The table of goals, and the milliseconds of each way."""
    stay_on_one_core()
    assert compiled.many() is not None
    rounds = QUICK_ROUNDS if quick else ROUNDS
    figures, rows = [], []
    for name, optimizer in (("sgd", {"kind": "sgd"}), ("adam", {"kind": "adam"})):
        experiment = Experiment.from_dict(
            {
                "dataset": {"kind": "circle", "samples": 500}, "layers": [{"kind": "dense", "units": 8}] * 2,
                "optimizer": optimizer, "batch_size": 10,
            }
        )  # fmt: skip
        costs = measure(experiment, rounds)
        times = costs["32 abreast"] / costs["one seed"]
        figure = f"{SEEDS} seeds of 2-8-8-1 tanh, batch 10, 250 rows, {name}, against one seed"
        figures.append(Figure(figure, f"{GOAL:g}x or less", f"{times:.2f}x", times <= GOAL))
        rows.append([name, *(f"{1e3 * cost:,.2f} ({cost / costs['one seed']:.3g}x)" for cost in costs.values())])
    said = (
        f"One core. Milliseconds an epoch, medians of {rounds} interleaved rounds; (x): how many times one seed. One seed is a trainer "
        "with its compiled engine, which scores all rows after each epoch; the seeds abreast are scored each epoch too, or every "
        f"{SCORED_EVERY}, as the curves of a longer training need it. vmap takes the steps alone, by torch.func and the same update rules."
    )
    return f"{goals(figures)}\n\n{said}\n\n{markdown(['optimizer', *WAYS], rows)}"


def measure(experiment: Experiment, rounds: int) -> dict[str, float]:
    """{way: median seconds of an epoch}."""
    data = prepare(experiment)
    many = compiled.many()
    assert many is not None
    ways: dict[str, tuple[Callable[[int], None], int]] = {
        "one seed": (one(experiment, data), EPOCHS),
        "32 abreast": (side_by_side(Abreast(experiment, SEEDS, data, many), SCORED_EVERY), EPOCHS),
        "32 abreast, scored each epoch": (side_by_side(Abreast(experiment, SEEDS, data, many), 1), EPOCHS),
        "32 one after the other": (side_by_side(OneByOne(experiment, SEEDS, data), SCORED_EVERY), SCORED_EVERY),
        "32 by vmap": (by_vmap(experiment, data), 1),
    }
    for way, _ in ways.values():
        way(SCORED_EVERY)  # Not measured: the first updates load code and fill caches.
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, (way, epochs) in ways.items():
            start = perf_counter()
            way(epochs)
            found[name].append((perf_counter() - start) / epochs)
    return {name: median(times) for name, times in found.items()}


def one(experiment: Experiment, data: Data) -> Callable[[int], None]:
    """One seed, trained as the page does."""
    trainer = Trainer(experiment, "cpu", data, engine="dense")

    def train(epochs: int) -> None:
        for _ in range(epochs):
            trainer.advance()

    return train


def side_by_side(members: Members, scored_every: int) -> Callable[[int], None]:
    """All seeds side by side, scored every so many epochs."""

    def train(epochs: int) -> None:
        for epoch in range(epochs):
            members.take_epoch()
            if (epoch + 1) % scored_every == 0:
                members.scores()

    return train


def by_vmap(experiment: Experiment, data: Data) -> Callable[[int], None]:
    """Stacked weights, and a gradient for each seed by torch.func, as in its tutorial on ensembles."""
    ours = make_recipes(experiment, SEEDS)
    models = [build_model(recipe) for recipe in ours]
    stacked, _ = stack_module_state(models)
    X_ND = torch.from_numpy(data.train.X)
    targets_N = experiment.coding.encode(torch.from_numpy(data.train.target))
    orders = [torch.Generator().manual_seed(derived_seed(recipe.seed, "order")) for recipe in ours]
    memories: dict[str, dict[str, torch.Tensor]] = {name: {} for name in stacked}
    weights = {name: value.detach() for name, value in stacked.items()}
    rate = experiment.optimizer.learning_rate

    def loss(parameters: dict[str, torch.Tensor], X_BD: torch.Tensor, targets_B: torch.Tensor) -> torch.Tensor:
        return experiment.coding.losses(functional_call(models[0], parameters, (X_BD,)), targets_B).mean()

    gradients = vmap(grad(loss))

    def train(epochs: int) -> None:
        for _ in range(epochs):
            order_SN = torch.stack([torch.randperm(len(X_ND), generator=generator) for generator in orders])
            for rows_SB in order_SN.split(experiment.batch_size, dim=1):
                found = gradients(weights, X_ND[rows_SB], targets_N[rows_SB])
                for name, value in weights.items():
                    experiment.optimizer.update(value, found[name], memories[name], rate)

    return train
