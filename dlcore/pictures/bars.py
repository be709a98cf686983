"""Bars: a unit's mean activation over the rows of each class, or of each fifth of the targets; suits inputs of any number and kind.

D inputs, K units, N rows, G groups.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import torch

from dlcore.pictures.base import MOST_POINTS, Bend, Drawable, OutputPicture
from dlcore.pictures.cost import affordable, multiply_adds

BUDGET = 20_000_000  # multiply-adds for the answers to all of them
LEAST_OF_GROUP = 4


class UnitBars:
    """A unit as bars: its mean activation over groups of the training rows."""

    kind: ClassVar = "bars"
    painted: ClassVar = False
    painted_by_client: ClassVar = False

    @classmethod
    def suits(cls, drawable: Drawable, output: OutputPicture) -> bool:
        return True

    def __init__(self, drawable: Drawable, output: OutputPicture) -> None:
        rows, self._means_NG, self.names = _groups(drawable)
        self.inputs_DP = torch.from_numpy(drawable.data.train.X[rows]).T.contiguous()
        self.shape = (len(self.names),)
        self._rows = len(rows)

    @property
    def layout(self) -> dict[str, Any]:
        return {"kind": self.kind, "groups": self.names, "rows": self._rows}

    def draw(self, answers_KP: torch.Tensor, bend: Bend) -> torch.Tensor:
        return bend(answers_KP) @ self._means_NG


def _groups(drawable: Drawable) -> tuple[np.ndarray, torch.Tensor, list[str]]:
    """The numbers of the rows that are asked, (N, G) matrix, and the groups' names.

    A unit's values on the rows times the matrix are its means over the classes or target quintiles. Of a network for which all rows are too
    dear there are fewer of them, about as many of each group.
    """
    y = drawable.data.train.y[:MOST_POINTS]
    if drawable.experiment.objective.answers_each_step:
        # By the token that is asked for last.
        tokens, group = np.unique(y[:, -1], return_inverse=True)
        names = [drawable.experiment.dataset.token_name(token) for token in tokens.tolist()]
    elif drawable.experiment.objective.has_classes:
        group, names = y, list(drawable.data.class_names)
    else:
        edges = np.quantile(y, [0.2, 0.4, 0.6, 0.8])
        group = np.searchsorted(edges, y, side="right")
        bounds = [float(y.min()), *map(float, edges), float(y.max())]
        names = [f"{low:.3g} – {high:.3g}" for low, high in pairwise(bounds)]
    cost = multiply_adds(drawable.experiment.plan())
    rows = _some_of_each(group, affordable(cost, BUDGET, LEAST_OF_GROUP * len(names), len(y)))
    member = np.eye(len(names), dtype=np.float32)[group[rows]]
    return rows, torch.from_numpy(member / np.maximum(member.sum(axis=0), 1)), names


def _some_of_each(group: np.ndarray, most: int) -> np.ndarray:
    """The numbers of about so many rows, in order: as many of each group as there are, or the same number."""
    if most >= len(group):
        return np.arange(len(group))
    order = np.argsort(group, kind="stable")
    place = np.empty(len(group), int)  # of each row among those of its group
    starts = np.searchsorted(group[order], group[order])
    place[order] = np.arange(len(group)) - starts
    return np.sort(np.lexsort((np.arange(len(group)), place))[:most])
