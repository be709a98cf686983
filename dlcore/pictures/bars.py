"""Bars: a unit's mean activation over the rows of each class, or of each fifth of the targets; suits inputs of any number and kind.

D inputs, K units, N rows, G groups.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import torch

from dlcore.pictures.base import MOST_POINTS, Bend, Drawable, OutputPicture


class UnitBars:
    """A unit as bars: its mean activation over groups of the training rows."""

    kind: ClassVar = "bars"
    painted: ClassVar = False
    painted_by_client: ClassVar = False

    @classmethod
    def suits(cls, drawable: Drawable, output: OutputPicture) -> bool:
        return True

    def __init__(self, drawable: Drawable, output: OutputPicture) -> None:
        self.inputs_DP = torch.from_numpy(drawable.data.train.X[:MOST_POINTS]).T.contiguous()
        self._means_NG, self.names = _groups(drawable)
        self.shape = (len(self.names),)

    @property
    def layout(self) -> dict[str, Any]:
        return {"kind": self.kind, "groups": self.names}

    def draw(self, answers_KP: torch.Tensor, bend: Bend) -> torch.Tensor:
        return bend(answers_KP) @ self._means_NG


def _groups(drawable: Drawable) -> tuple[torch.Tensor, list[str]]:
    """(N, G) matrix: a unit's values on the rows times it are its means over the classes or target quintiles; and the groups' names."""
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
    member = np.eye(len(names), dtype=np.float32)[group]
    return torch.from_numpy(member / np.maximum(member.sum(axis=0), 1)), names
