"""Judging a trained network: every number here is made from a checkpoint alone, in a desk (dlcore.desks.desks).

A judged network has two or three parts: the rows it learned from, those that were watched meanwhile, and, in a three-way split,
those that nobody has looked at. N rows, D inputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import torch
from torch import nn

from dlcore.checkpoint import ROWS_AT_ONCE, open_checkpoint
from dlcore.datasets.split import Data, Split
from dlcore.experiment import Experiment
from dlcore.network import build_model
from dlcore.problems import Problem
from dlcore.rows import RowsKey, prepare


@dataclass(frozen=True)
class Part:
    """The rows of one split, and the network's predictions for them, computed when first asked for."""

    split: Split
    experiment: Experiment
    data: Data
    model: nn.Sequential

    @property
    def predicted(self) -> np.ndarray:
        """(N, classes) probabilities, or (N,) values in the data's units; float64."""
        return self._judgement[0]

    @property
    def answers(self) -> np.ndarray:
        """(N,) the classes or values that the predictions come to."""
        return self.experiment.objective.answers(self.predicted)

    @property
    def losses(self) -> np.ndarray:
        """(N,) the loss of each row as the recipe defines it; float64."""
        return self._judgement[1]

    @cached_property
    def _judgement(self) -> tuple[np.ndarray, np.ndarray]:
        predicted, losses = judge(self.experiment, self.model, self.split.X, self.split.target)
        predicted = self.experiment.objective.in_units(predicted, self.data.scaling)
        if not (np.isfinite(predicted).all() and np.isfinite(losses).all()):
            raise Problem("predictions_not_finite")
        return predicted, losses


@dataclass(frozen=True)
class Judged:
    """A trained network and the rows of its recipe."""

    experiment: Experiment
    data: Data
    model: nn.Sequential
    weights: dict[str, np.ndarray]
    train: Part
    watched: Part  # what early stopping and the canvas look at: "test", or "validation" in a three-way split
    final: Part | None  # the test rows of a three-way split


def open_judged(payload: bytes) -> Judged:
    """The network of a checkpoint with its rows; the last ones are cached. Raises Problem, too, where it answers at each step."""
    judged = _open(payload)
    if judged.experiment.objective.answers_each_step:
        raise Problem("judged_by_row")
    judged.experiment.dataset.check_readable()  # A cached one may have been opened for somebody else.
    return judged


@lru_cache(maxsize=2)
def _open(payload: bytes) -> Judged:
    checkpoint = open_checkpoint(payload)
    experiment = checkpoint.experiment
    data = _prepare(RowsKey(experiment))
    model = build_model(experiment)
    model.load_state_dict({name: torch.from_numpy(np.array(weight)) for name, weight in checkpoint.weights.items()})
    model.eval()

    def part(split: Split) -> Part:
        return Part(split, experiment, data, model)

    final = None if data.final is None else part(data.final)
    return Judged(experiment, data, model, checkpoint.weights, part(data.train), part(data.watched), final)


@lru_cache(maxsize=2)
def _prepare(key: RowsKey) -> Data:
    """The rows, once for all networks that have the same ones."""
    return prepare(key.experiment)


def name_parts(judged: Judged) -> dict[str, Part]:
    """The parts by the names that people know: train, test; or train, validation, test."""
    two = {"train": judged.train, judged.experiment.watched: judged.watched}
    return two if judged.final is None else {**two, "test": judged.final}


def watched_name(judged: Judged) -> str:
    """test or validation: the part that may be looked at as often as one likes."""
    return judged.experiment.watched


def is_sealed(judged: Judged) -> bool:
    """Whether the test rows are scored only when somebody says so."""
    return judged.final is not None and judged.experiment.sealed


def name_open_parts(judged: Judged, unseal: bool = False) -> dict[str, Part]:
    """The parts that may be scored: all of them, except a sealed test that nobody has opened."""
    shut = is_sealed(judged) and not unseal
    return {name: part for name, part in name_parts(judged).items() if name != "test" or not shut}


def choose_part(judged: Judged, arguments: dict[str, Any]) -> Part:
    """The part that "split" names. Raises Problem for one that is not there, and for a sealed one without "unseal"."""
    name, parts = arguments.get("split", "test"), name_parts(judged)
    if name not in parts:
        raise Problem("no_split", expected=", ".join(parts), came=str(name))
    if name == "test" and is_sealed(judged) and arguments.get("unseal") is not True:
        raise Problem("test_sealed")
    return parts[name]


def judge(
    experiment: Experiment, model: nn.Sequential, X_ND: np.ndarray, target_N: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The prediction for each row, as the loss reads the outputs, and the loss of each row; float64, in bounded memory."""
    coding = experiment.coding
    predictions, losses = [], []
    with torch.no_grad():
        for start in range(0, len(X_ND), ROWS_AT_ONCE):
            piece = slice(start, start + ROWS_AT_ONCE)
            outputs_BK = model(torch.from_numpy(X_ND[piece]))
            targets = coding.encode(torch.from_numpy(target_N[piece]))
            predictions.append(coding.predict(outputs_BK).double().numpy())
            losses.append(coding.losses(outputs_BK, targets).double().numpy())
    return np.concatenate(predictions), np.concatenate(losses)
