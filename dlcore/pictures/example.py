"""The example: one row of the data on its way through a network that reads pictures or sequences, seen in every channel and at every step.

Viewers choose it; the first training row is the usual one. K units of a layer, M numbers of one unit's picture, T steps.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from dlcore.datasets.split import Split
from dlcore.experiment import Experiment
from dlcore.layers import LIST, PICTURE, Shape, Tokens, unit_axis
from dlcore.pictures.base import Drawable
from dlcore.pictures.cost import affordable, multiply_adds
from dlcore.pictures.image import UnitImage
from dlcore.pictures.sequence import UnitSequence
from dlcore.stages import Network

if TYPE_CHECKING:
    from dlcore.learning.snapshot import Snapshot

KINDS: tuple[type[UnitImage] | type[UnitSequence], ...] = (UnitImage, UnitSequence)
MOST_NUMBERS = 48_000  # of all pictures of a frame; beyond it every second pixel or step is left out
WEAKEST = 0.25  # of its layer's largest value: a unit that answers less is drawn as pale as it is beside the others
MOST_EXAMPLES, LEAST_EXAMPLES = 60, 12  # rows of a split among which a viewer chooses
SHOWN_BUDGET = 28_000_000  # multiply-adds that predictions for all of them may take
MOST_THUMBNAIL, MOST_THUMBNAILS = 4096, 400_000  # numbers of one, and of all

TOKENS = "tokens"  # the kind of the inputs' picture where they are ids
Arrays = dict[str, np.ndarray]


def reads_shape(experiment: Experiment) -> bool:
    """Whether this network reads its rows as pictures, as sequences or as tokens."""
    return experiment.unflattens or experiment.dataset.vocabulary > 0


class Examples:
    """The rows of a network that reads a shape: among which a viewer chooses, and the pictures of the one that is chosen."""

    def __init__(self, drawable: Drawable, network: Network, most_units: int, most_inputs: int) -> None:
        self._experiment, self._data = drawable.experiment, drawable.data
        self._network, self._most_units = network, most_units
        self._shape = self._experiment.row_shape
        self._inputs = min(most_inputs, self.channels)
        shapes = {stage.address: stage.plan.output_shape for stage in network.with_units}
        every = 1
        while self._numbers(shapes, every) > MOST_NUMBERS:
            every += 1
        #: {address: its units' picture} of the stages whose values are no list.
        self.units = {
            address: kind(shape, every) for address, shape in shapes.items() for kind in KINDS if kind.suits(shape)
        }
        self._input_picture = None if isinstance(self._shape, Tokens) else _kind_of(self._shape)(self._shape, 1)
        cost = multiply_adds(self._experiment.plan())
        splits = {"train": self._data.train, "test": self._data.watched}
        most = affordable(2 * cost, SHOWN_BUDGET, LEAST_EXAMPLES, MOST_EXAMPLES)
        most = affordable(min(MOST_THUMBNAIL, int(np.prod(self._shape))), MOST_THUMBNAILS // 2, LEAST_EXAMPLES, most)
        #: {split: numbers of the rows}: spread over all of them, as the rows of a data set may be sorted by class.
        self.rows = {name: _spread(len(split.y), most) for name, split in splits.items()}

    def _numbers(self, shapes: dict[str, Shape], every: int) -> int:
        found = 0
        for shape in shapes.values():
            if len(shape) > LIST:
                units = shape[unit_axis(shape)]
                found += min(units, self._most_units) * int(np.prod(_kind_of(shape)(shape, every).shape))
        return found

    @property
    def channels(self) -> int:
        """How many pictures the row itself has: one a channel or feature; one of tokens."""
        return 1 if isinstance(self._shape, Tokens) else self._shape[unit_axis(self._shape)]

    @property
    def inputs_layout(self) -> dict[str, Any]:
        """The inputs as the browser draws them: one for each channel or feature."""
        if self._input_picture is None:
            names, told = [TOKENS], {"kind": TOKENS, "rows": 1, "columns": self._shape[0]}
        else:
            told = {**self._input_picture.layout, "grey": self._experiment.dataset.picture is not None}
            pictures = len(self._shape) == PICTURE
            named = {(True, 1): ["grey"], (True, 3): ["red", "green", "blue"]}
            names = named.get((pictures, self.channels), [f"{number}" for number in range(1, self.channels + 1)])
        return {
            "names": names[: self._inputs], "labels": names[: self._inputs],
            "units": self.channels, "shown": self._inputs, "map": told, "shape": list(self._shape),
        }  # fmt: skip

    @property
    def _token_names(self) -> list[str]:
        """How each token is written, by its id; [] where rows are no tokens. Padding is nothing, an unknown token a question mark."""
        if not self._experiment.dataset.vocabulary:
            return []
        text = self._data.scaling.text
        if text is not None:
            return ["", "?", *text.vocabulary]
        dataset = self._experiment.dataset
        return ["", "?", *(dataset.token_name(token) for token in range(2, dataset.vocabulary))]

    @property
    def layout(self) -> dict[str, Any]:
        """What the browser needs to draw the rows among which a viewer chooses."""
        shape = self._thumbnails(self._data.train, np.arange(1)).shape[1:]
        return {
            "shape": list(shape),
            "tokens": self._token_names,
            "grey": self._experiment.dataset.picture is not None,
            "steps": self._experiment.objective.answers_each_step,
            "counts": {name: len(rows) for name, rows in self.rows.items()},
        }

    @property
    def constant_arrays(self) -> Arrays:
        """The rows among which a viewer chooses: what they look like, their numbers and targets."""
        found: Arrays = {}
        for name, split in (("train", self._data.train), ("test", self._data.watched)):
            rows = self.rows[name]
            found[f"examples/{name}"] = self._thumbnails(split, rows)
            found[f"examples/{name}_rows"] = rows.astype(np.int32)
            found[f"examples/{name}_target"] = self._experiment.objective.drawn(split.y)[rows].astype(np.float32)
        return found

    def split(self, name: str) -> Split:
        """The rows of this split."""
        return self._data.train if name == "train" else self._data.watched

    def has(self, split: str, row: int) -> bool:
        """Whether there is such a row."""
        return 0 <= row < len(self.split(split).y)

    @torch.no_grad()
    def find(self, snapshot: Snapshot, split: str, row: int) -> tuple[Arrays, torch.Tensor]:
        """`maps/<address>` and `scales/<address>` of every stage whose values are no list, `maps/inputs`; and the plain sums (1, ...)."""
        X_1D = torch.from_numpy(self.split(split).X[row : row + 1])
        found: Arrays = {"maps/inputs": self._row_itself(split, row)}
        last = torch.empty(0)
        for stage, values in self._network.with_tensors(snapshot.weights).forward(X_1D, snapshot.silenced):
            if (picture := self.units.get(stage.address)) is not None:
                drawn_KM = picture.draw(values[0])
                if stage is self._network.stages[-1]:
                    drawn_KM = self._experiment.coding.link.picture(drawn_KM)
                maps, scales = quantize(drawn_KM[: self._most_units])
                found[f"maps/{stage.address}"] = maps.reshape(-1, *_seen(picture.shape))
                found[f"scales/{stage.address}"] = scales
            last = values
        return found, last

    def blank(self) -> Arrays:
        """The same arrays without anything in them, where no row may be shown."""
        found: Arrays = {
            "maps/inputs": np.full((self._inputs, int(np.prod(self._shape)) // self.channels), 128, np.uint8)
        }
        for stage in self._network.with_units:
            if (picture := self.units.get(stage.address)) is not None:
                units = min(stage.plan.units, self._most_units)
                found[f"maps/{stage.address}"] = np.full((units, *_seen(picture.shape)), 128, np.uint8)
                found[f"scales/{stage.address}"] = np.ones(units, np.float32)
        return found

    def _row_itself(self, split: str, row: int) -> np.ndarray:
        """(channels, M) bytes."""
        return self._bytes(self.split(split), np.arange(row, row + 1))[0][: self._inputs]

    def _thumbnails(self, split: Split, rows: np.ndarray) -> np.ndarray:
        """(N, channels, H, W), (N, features, T) or (N, 1, T) bytes, ids of tokens as 16 bits."""
        found = self._bytes(split, rows)
        every = 1
        while found[0, ..., ::every].size > MOST_THUMBNAIL and found.ndim < 4:
            every += 1
        while found.ndim == 4 and found[0, :, ::every, ::every].size > MOST_THUMBNAIL:
            every += 1
        return np.ascontiguousarray(found[..., ::every, ::every] if found.ndim == 4 else found[..., ::every])

    def _bytes(self, split: Split, rows: np.ndarray) -> np.ndarray:
        """Rows as they are drawn: pixels from 0 to 255, values about 128, or ids of tokens."""
        if isinstance(self._shape, Tokens):
            return split.X[rows].astype(np.uint16)[:, None]
        grey = self._experiment.dataset.picture
        if grey is not None:
            return (
                (split.raw[rows] * (255 / grey.brightest))
                .round()
                .clip(0, 255)
                .astype(np.uint8)
                .reshape(-1, *self._shape)
            )
        values = split.X[rows].reshape(-1, *self._shape)
        if len(self._shape) != PICTURE:
            values = values.swapaxes(1, 2)
        return (
            (values * (127 / self._largest.reshape(-1, *[1] * (values.ndim - 2))) + 128.5).clip(1, 255).astype(np.uint8)
        )

    @cached_property
    def _largest(self) -> np.ndarray:
        """(channels,): the size of the largest number of each channel or feature in the training rows."""
        values = np.abs(self._data.train.X).reshape(-1, *self._shape)
        axes = tuple(axis for axis in range(values.ndim) if axis != 1 + unit_axis(self._shape))
        return np.maximum(values.max(axis=axes), 1e-6)

    @property
    def input_scales(self) -> np.ndarray:
        """(channels,): what a byte of 255 stands for."""
        if isinstance(self._shape, Tokens):
            return np.ones(1, np.float32)
        grey = self._experiment.dataset.picture
        if grey is not None:
            return np.full(self._inputs, grey.brightest, np.float32)
        return self._largest[: self._inputs].astype(np.float32)


def quantize(values_KM: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Bytes about 128 and the units' scales: a unit's own largest value, or a share of its layer's if it answers less."""
    own = values_KM.abs().amax(1).nan_to_num(posinf=0.0)
    scales = own.clamp(min=max(1e-6, WEAKEST * own.max().item()))
    bytes_ = (values_KM * (127 / scales)[:, None]).nan_to_num().clamp(-127, 127).add(128.5).to(torch.uint8).numpy()
    return bytes_, scales.numpy().astype(np.float32)


def _kind_of(shape: Shape) -> type[UnitImage] | type[UnitSequence]:
    return next(kind for kind in KINDS if kind.suits(shape))


def _seen(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A unit's picture as rows and columns."""
    return shape if len(shape) > 1 else (1, *shape)


def _spread(rows: int, most: int) -> np.ndarray:
    """Numbers of at most so many rows, evenly spread."""
    count = min(rows, most)
    return np.arange(count) * rows // max(1, count)
