"""Kinds of pictures: which recipes each suits, at which inputs the network is evaluated, what is drawn of its answers, and the layout.

Each unit has a picture (its tile), and so has the output (the large map). D inputs, K units of a layer, P points, M numbers in a unit's
picture.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
import torch

from dlcore.datasets.split import Data
from dlcore.datasets.table import TableData

if TYPE_CHECKING:
    from dlcore.experiment import Experiment

MOST_POINTS = 2000  # points of a split that are sent to the browser
PLANE = (-6.0, 6.0)

Interval = tuple[float, float]
#: A function of a layer's answers (K, P) that gives the numbers to draw, and does not change its argument.
Bend = Callable[[torch.Tensor], torch.Tensor]


class Drawable(Protocol):
    """What a picture of a network is made of: a trainer, or a recipe with its rows."""

    @property
    def experiment(self) -> Experiment: ...

    @property
    def data(self) -> Data: ...


class UnitPicture(Protocol):
    """A kind of picture of a unit, which the browser draws by `ui/canvas/kinds/<kind>.js`."""

    kind: ClassVar[str]
    inputs_DP: torch.Tensor  # where the network is evaluated; the output's own tensor if one forward pass serves both
    shape: tuple[int, ...]  # of one unit's picture, M numbers in all
    #: Whether the compiled kernels can compute it: its points are every second one of the output's square grid.
    painted: ClassVar[bool]
    #: Whether a browser can compute it: its points are some of the output's, evenly spread.
    painted_by_client: ClassVar[bool]

    @classmethod
    def suits(cls, drawable: Drawable, output: OutputPicture) -> bool:
        """Whether this kind of picture suits the units of this network, beside this output picture."""
        ...

    def __init__(self, drawable: Drawable, output: OutputPicture) -> None: ...

    @property
    def layout(self) -> dict[str, Any]:
        """What the browser needs to draw it, as JSON: `kind` and what is the same for every unit and frame."""
        ...

    def draw(self, answers_KP: torch.Tensor, bend: Bend) -> torch.Tensor:
        """(K, M) numbers to draw, of the answers at `inputs_DP` after `bend`."""
        ...


class OutputPicture(Protocol):
    """A kind of picture of the network's output: the inputs of its points, and where rows of the data lie on it."""

    kind: ClassVar[str]
    inputs_DP: torch.Tensor
    shape: tuple[int, ...]  # P points in all

    @property
    def plane_D3(self) -> torch.Tensor | None:
        """Of a plane through the space of inputs, which are these times (1, u, v); else None."""
        ...

    @property
    def plane_factors(self) -> tuple[np.ndarray, np.ndarray] | None:
        """(3, C) and (3, R) whose products are 1, u and v at the points of that plane."""
        ...

    @classmethod
    def suits(cls, drawable: Drawable) -> bool:
        """Whether this kind of picture suits the output of this network."""
        ...

    def __init__(self, drawable: Drawable, side: int) -> None: ...

    @property
    def layout(self) -> dict[str, Any]:
        """What the browser needs to draw it, as JSON: `kind`, ranges, names of the axes."""
        ...

    def points(self, raw: np.ndarray, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        """(N, 2) coordinates of rows on the picture."""
        ...

    def numbers(self, values_P: np.ndarray, value_range: Interval) -> dict[str, np.ndarray]:
        """The arrays that show a predicted number at each point."""
        ...


def ranges_of(drawable: Drawable) -> list[Interval]:
    """The range in which each of the one or two columns is drawn: that of all rows of a table; a common one for toy data."""
    experiment, data = drawable.experiment, drawable.data
    if not isinstance(experiment.dataset, TableData):
        return [PLANE] * experiment.dataset.num_columns
    rows = np.concatenate([data.scaling.fill_missing(split.raw) for split in (data.train, data.watched)])
    return [pad(column) for column in rows.T]


def pad(values: np.ndarray) -> Interval:
    """The range of these values, widened by a tenth on either side."""
    low, high = float(values.min()), float(values.max())
    margin = 0.1 * (high - low) or 1.0
    return low - margin, high + margin


def target_name(experiment: Experiment) -> str:
    """The name of the target on an axis."""
    return experiment.dataset.target if isinstance(experiment.dataset, TableData) else "y"


def as_inputs(inputs_PD: np.ndarray) -> torch.Tensor:
    """The points as a (D, P) tensor."""
    return torch.from_numpy(inputs_PD.astype(np.float32)).T.contiguous()
