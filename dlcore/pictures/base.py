"""What a kind of picture is: which recipes it suits, where the network is asked, what of its answers is drawn, how that is laid out.

A unit has a picture (its tile), the output has one (the large map). D inputs, K units of a layer, P points, M numbers of a unit's picture.
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

MOST_POINTS = 2000  # of a split that travel
PLANE = (-6.0, 6.0)

Interval = tuple[float, float]
#: What is made of a layer's answers (K, P); it leaves them as they are.
Bend = Callable[[torch.Tensor], torch.Tensor]


class Scene(Protocol):
    """Whose network is drawn: a trainer, or a recipe with its rows."""

    @property
    def experiment(self) -> Experiment: ...

    @property
    def data(self) -> Data: ...


class UnitPicture(Protocol):
    """A kind of picture of a unit. The browser's half is `ui/canvas/kinds/<kind>.js`."""

    kind: ClassVar[str]
    inputs_DP: torch.Tensor  # where the network is asked; the output's own, if one forward pass is to serve both
    shape: tuple[int, ...]  # of one unit's picture, M numbers in all
    #: Whether the compiled kernels can paint it: every second point of a square grid, which is the output's.
    painted: ClassVar[bool]

    @classmethod
    def suits(cls, scene: Scene, output: OutputPicture) -> bool:
        """Whether units of this network can be drawn so, beside this output."""
        ...

    def __init__(self, scene: Scene, output: OutputPicture) -> None: ...

    @property
    def layout(self) -> dict[str, Any]:
        """What the browser must know of it, as JSON: `kind` and what is the same for every unit and every frame."""
        ...

    def drawn(self, answers_KP: torch.Tensor, bend: Bend) -> torch.Tensor:
        """(K, M) what is drawn of answers at `inputs_DP`, as `bend` reads them."""
        ...


class OutputPicture(Protocol):
    """A kind of picture of what the network says: where its points lie among the inputs, and where rows fall on it."""

    kind: ClassVar[str]
    inputs_DP: torch.Tensor
    shape: tuple[int, ...]  # P points in all

    @classmethod
    def suits(cls, scene: Scene) -> bool:
        """Whether this network's output can be drawn so."""
        ...

    def __init__(self, scene: Scene, side: int) -> None: ...

    @property
    def layout(self) -> dict[str, Any]:
        """What the browser must know of it, as JSON: `kind`, ranges, names of the axes."""
        ...

    def points(self, raw: np.ndarray, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        """(N, 2) places of rows."""
        ...

    def numbers(self, values_P: np.ndarray, value_range: Interval) -> dict[str, np.ndarray]:
        """The arrays that show a predicted number at each point."""
        ...


def ranges_of(scene: Scene) -> list[Interval]:
    """From where to where each of the one or two columns is drawn: all rows of a table; toy data have a common scale."""
    experiment, data = scene.experiment, scene.data
    if not isinstance(experiment.dataset, TableData):
        return [PLANE] * experiment.dataset.num_columns
    rows = np.concatenate([data.scaling.filled(split.raw) for split in (data.train, data.watched)])
    return [padded(column) for column in rows.T]


def padded(values: np.ndarray) -> Interval:
    """The range of these values, and a tenth more on either side."""
    low, high = float(values.min()), float(values.max())
    margin = 0.1 * (high - low) or 1.0
    return low - margin, high + margin


def target_name(experiment: Experiment) -> str:
    """What the target is called on an axis."""
    return experiment.dataset.target if isinstance(experiment.dataset, TableData) else "y"


def as_inputs(inputs_PD: np.ndarray) -> torch.Tensor:
    """(D, P) as the network takes them."""
    return torch.from_numpy(inputs_PD.astype(np.float32)).T.contiguous()
