"""Links: what stands between the sums of the output units and what they mean, by their names in the field.

What is called so here is the inverse of a generalized linear model's link function (McCullagh and Nelder, 1989, chapter 2). K output
units, N rows or points.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    Curve = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Link:
    """`read`: sums (K, N) as the loss reads them; `picture`: the same around 0, so that a picture has a colour for each side."""

    name: str
    read: Curve
    picture: Curve


def _as_it_is(sums_KN: torch.Tensor) -> torch.Tensor:
    return sums_KN


def _tanh(sums_KN: torch.Tensor) -> torch.Tensor:
    return sums_KN.tanh()


def _sigmoid(sums_KN: torch.Tensor) -> torch.Tensor:
    return sums_KN.sigmoid()


def _signed_sigmoid(sums_KN: torch.Tensor) -> torch.Tensor:
    return 2 * sums_KN.sigmoid() - 1


def _softmax(sums_KN: torch.Tensor) -> torch.Tensor:
    return sums_KN.softmax(0)


def _signed_softmax(sums_KN: torch.Tensor) -> torch.Tensor:
    return 2 * sums_KN.softmax(0) - 1


LINEAR = Link("linear", _as_it_is, _as_it_is)
TANH = Link("tanh", _tanh, _tanh)
# Probabilities as 2p - 1: one half lies in the middle of the colours.
SIGMOID = Link("sigmoid", _sigmoid, _signed_sigmoid)
SOFTMAX = Link("softmax", _softmax, _signed_softmax)
