"""How often does TensorFlow Playground's own algorithm solve the circle? Written out here for hundreds of seeds at once.

It was seen to solve 20 of 20; this tells how likely that is. S seeds, N rows, B rows of a batch, K and J units of two layers.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch

from benchmarks.learning import EPOCHS, SEEDS, SOLVED
from benchmarks.tables import markdown
from dlcore.datasets.toy import circle

MANY, FEW = 400, 20
ROWS, BATCH, RATE = 250, 10, 0.03
UNITS = (2, 4, 2, 1)


def run(quick: bool) -> str:
    """The table: a line for its fixed order of rows, a line for a new order each epoch, as our trainer has."""
    seeds = FEW if quick else MANY
    rows = []
    for name, reshuffled in (("the same each epoch, as the Playground", False), ("anew each epoch, as here", True)):
        first = first_solved(seeds, reshuffled)
        solved = first > 0
        blocks = solved.view(-1, SEEDS).all(1)
        row = [name, f"{int(solved.sum())} of {seeds}", f"{first[solved].median().item():g}"]
        rows.append([*row, f"{int(blocks.sum())} of {len(blocks)}"])
    header = ["order of rows", "solved", "first epoch (median)", f"groups of {SEEDS} seeds, all solved"]
    return f"circle 2-4-2-1, {EPOCHS} epochs, the Playground's rule in plain tensors\n\n{markdown(header, rows)}"


def first_solved(seeds: int, reshuffled: bool) -> torch.Tensor:
    """(S,) the first epoch with all test rows right and half the squared error below SOLVED; -1: never."""
    generator = torch.Generator().manual_seed(0)
    X_SND, y_SN = _rows(seeds)
    train, test = slice(None, ROWS), slice(ROWS, None)
    weights = [torch.rand(seeds, after, before, generator=generator) - 0.5 for before, after in _pairs()]
    biases = [torch.full((seeds, after, 1), 0.1) for _, after in _pairs()]
    first = torch.full((seeds,), -1.0)
    order_SN = torch.arange(ROWS).expand(seeds, ROWS)
    for epoch in range(1, EPOCHS + 1):
        if reshuffled:
            order_SN = torch.rand(seeds, ROWS, generator=generator).argsort(1)
        for start in range(0, ROWS, BATCH):
            rows_SB = order_SN[:, start : start + BATCH]
            X_SBD = X_SND[:, train].gather(1, rows_SB[:, :, None].expand(-1, -1, 2))
            _descend(weights, biases, X_SBD.transpose(1, 2), y_SN[:, train].gather(1, rows_SB)[:, None])
        outputs_SN = _forward(weights, biases, X_SND[:, test].transpose(1, 2))[-1][:, 0]
        loss_S = 0.5 * (outputs_SN - y_SN[:, test]).square().mean(1)
        right_S = ((outputs_SN >= 0) == (y_SN[:, test] > 0)).all(1)
        first[(loss_S < SOLVED) & right_S & (first < 0)] = epoch
    return first


def _pairs() -> list[tuple[int, int]]:
    return list(pairwise(UNITS))


def _rows(seeds: int) -> tuple[torch.Tensor, torch.Tensor]:
    X, y = [], []
    for seed in range(seeds):
        generator = np.random.default_rng(seed)
        points, labels = circle(2 * ROWS, 0, generator)
        shuffled = generator.permutation(2 * ROWS)
        X.append(points[shuffled])
        y.append(2 * labels[shuffled] - 1)
    return torch.tensor(np.array(X), dtype=torch.float32), torch.tensor(np.array(y), dtype=torch.float32)


def _forward(weights: list[torch.Tensor], biases: list[torch.Tensor], inputs_SDB: torch.Tensor) -> list[torch.Tensor]:
    values = [inputs_SDB]
    for weight_SKJ, bias_SK1 in zip(weights, biases, strict=True):
        values.append((weight_SKJ @ values[-1] + bias_SK1).tanh())
    return values


def _descend(weights: list[torch.Tensor], biases: list[torch.Tensor], inputs: torch.Tensor, y: torch.Tensor) -> None:
    # Back-propagation by hand: d is the derivative of half the squared error by a layer's weighted sums.
    values = _forward(weights, biases, inputs)
    d_SKB = (values[-1] - y) * (1 - values[-1] ** 2)
    for layer in reversed(range(len(weights))):
        weight_step = d_SKB @ values[layer].transpose(1, 2) / BATCH
        bias_step = d_SKB.mean(2, keepdim=True)
        if layer:
            d_SKB = (weights[layer].transpose(1, 2) @ d_SKB) * (1 - values[layer] ** 2)
        weights[layer] -= RATE * weight_step
        biases[layer] -= RATE * bias_step
