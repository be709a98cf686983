"""What becomes of a raw row before the network sees it: missing cells filled, categories as 0 and 1, numbers scaled, tokens as ids.

Everything learned for it is learned from the training rows. N rows, C raw columns, D inputs of the network.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from dlcore.datasets.tokens import FIRST, UNKNOWN, Unit, learn_vocabulary, split_tokens

ROWS_AT_ONCE = 4096  # As many rows as stay in the processor's cache between two columns.


@dataclass(frozen=True)
class PreparedNumber:
    """A column of numbers: what is missing becomes `fill`, then (x - shift) / divisor * factor + offset.

    A standard scaler has a shift and a divisor, a min-max scaler a factor and an offset (as scikit-learn computes them,
    in this order, so that not one bit differs); the other two keep their defaults, which change nothing.
    """

    fill: float | None = None  # None where nothing is ever missing.
    shift: float = 0.0
    divisor: float = 1.0
    factor: float = 1.0
    offset: float = 0.0

    @property
    def width(self) -> int:
        return 1

    def fill_missing(self, values: np.ndarray) -> np.ndarray:
        """(N,) with missing values replaced by `fill`."""
        return values if self.fill is None else np.where(np.isnan(values), self.fill, values)

    def transform(self, values: np.ndarray) -> np.ndarray:
        """(N,) raw to (N,) as the network sees it."""
        values = self.fill_missing(values)
        if (self.shift, self.divisor) != (0, 1):
            values = (values - self.shift) / self.divisor
        if (self.factor, self.offset) != (1, 0):
            values = values * self.factor + self.offset
        return values


@dataclass(frozen=True)
class PreparedCategory:
    """A column of K categories, coded 0 to K - 1: one input each, 1 where it is that one (one-hot).

    All inputs are 0 for a category that no training row has, for any other code, and for a missing cell without `fill`.
    """

    seen: tuple[bool, ...]  # (K,) whether a training row has it
    fill: int | None = None  # the code that replaces a missing one

    @property
    def width(self) -> int:
        return len(self.seen)

    def fill_missing(self, codes: np.ndarray) -> np.ndarray:
        """(N,) codes with missing ones replaced by `fill`; without a `fill` they stay NaN."""
        return codes if self.fill is None else np.where(np.isnan(codes), self.fill, codes)

    def transform(self, codes: np.ndarray) -> np.ndarray:
        """(N,) codes to (N, K)."""
        return (self.fill_missing(codes)[:, None] == self._known).astype(np.float64)

    @cached_property
    def _known(self) -> np.ndarray:
        """(K,) codes, NaN (which equals nothing) for those that were not seen."""
        return np.where(self.seen, np.arange(len(self.seen)), np.nan)


@dataclass(frozen=True)
class PreparedText:
    """A column of texts, coded by their places in `texts`: `length` inputs, the ids of a text's last tokens.

    Ids from 2 on are those of the vocabulary, 1 is any other token; a shorter text has 0 (padding) before it.
    """

    vocabulary: tuple[str, ...]
    unit: Unit
    length: int
    #: What the codes of raw rows stand for. It is no part of what was learned: rows of a new file bring their own.
    texts: tuple[str, ...] = field(default=(), compare=False, repr=False)

    @property
    def width(self) -> int:
        return self.length

    def fill_missing(self, codes: np.ndarray) -> np.ndarray:
        """(N,) codes as they are: a text is never missing, it may be empty."""
        return codes

    def transform(self, codes: np.ndarray) -> np.ndarray:
        """(N,) codes to (N, length) ids."""
        ids = np.zeros((len(codes), self.length))
        for row, code in zip(ids, codes.astype(np.int64).tolist(), strict=True):
            if found := [self._ids.get(token, UNKNOWN) for token in self.split(code)]:
                row[-len(found) :] = found
        return ids

    def split(self, code: int) -> list[str]:
        """The tokens of a text that the network sees: the last ones."""
        return split_tokens(self.texts[code], self.unit)[-self.length :]

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {token: number for number, token in enumerate(self.vocabulary, FIRST)}


Prepared = PreparedNumber | PreparedCategory | PreparedText


@dataclass(frozen=True)
class Preparation:
    """The one way from raw rows to what a network sees and learns, and back."""

    columns: tuple[Prepared, ...]  # (C,)
    features: tuple[str, ...] = ()  # made of the two columns of a plane
    target_mean: float = 0.0
    target_deviation: float = 1.0

    def inputs(self, raw: np.ndarray) -> np.ndarray:
        """(N, C) in the data's own units to (N, D) float32."""
        inputs = np.empty((len(raw), self.num_inputs), np.float32)
        with np.errstate(over="ignore"):  # What is too large for float32 becomes infinite; the caller checks for that.
            for start in range(0, len(raw), ROWS_AT_ONCE):
                inputs[start : start + ROWS_AT_ONCE] = self._transform(raw[start : start + ROWS_AT_ONCE])
        return inputs

    @property
    def num_inputs(self) -> int:
        """D, the number of the network's inputs."""
        return len(self.features) or sum(column.width for column in self.columns)

    def fill_missing(self, raw: np.ndarray) -> np.ndarray:
        """(N, C) raw rows with missing cells filled, in the data's own units."""
        return np.stack([column.fill_missing(raw[:, index]) for index, column in enumerate(self.columns)], axis=1)

    @property
    def text(self) -> PreparedText | None:
        """The column of texts, where rows are texts: they have no other column."""
        return next((column for column in self.columns if isinstance(column, PreparedText)), None)

    def targets(self, y: np.ndarray) -> np.ndarray:
        """Raw numbers (N,) to what the network learns, float32."""
        return ((y - self.target_mean) / self.target_deviation).astype(np.float32)

    def unscale_targets(self, y: np.ndarray) -> np.ndarray:
        """The network's outputs (scaled numbers) in the data's own units."""
        return y * self.target_deviation + self.target_mean

    def _transform(self, raw: np.ndarray) -> np.ndarray:
        parts = [column.transform(raw[:, index]) for index, column in enumerate(self.columns)]
        return with_features(np.column_stack(parts), self.features)


def with_features(X: np.ndarray, features: tuple[str, ...]) -> np.ndarray:
    """(N, 2) to (N, features): x1, x2, their squares, product and sines; X itself if no feature is named."""
    if not features:
        return X
    x1, x2 = X[:, 0], X[:, 1]
    columns = {
        "x1": x1,
        "x2": x2,
        "x1_squared": x1**2,
        "x2_squared": x2**2,
        "x1_x2": x1 * x2,
        "sin_x1": np.sin(x1),
        "sin_x2": np.sin(x2),
    }
    return np.stack([columns[name] for name in features], axis=1)


def make_scaling(shift: Iterable[float], divisor: Iterable[float]) -> tuple[PreparedNumber, ...]:
    """Columns of numbers as (x - shift) / divisor each."""
    return tuple(PreparedNumber(shift=float(a), divisor=float(b)) for a, b in zip(shift, divisor, strict=True))


def standardize(X: np.ndarray, y: np.ndarray | None) -> Preparation:
    """The preparation that gives these rows X (N, C), and a target of numbers y (N,), mean 0 and deviation 1; constants become 0."""
    deviation = X.std(axis=0)
    deviation[deviation == 0] = 1.0
    columns = make_scaling(X.mean(axis=0), deviation)
    if y is None:
        return Preparation(columns)
    return Preparation(columns, target_mean=float(y.mean()), target_deviation=float(y.std()) or 1.0)


def learn_text(texts: tuple[str, ...], codes: np.ndarray, unit: Unit, length: int, size: int) -> Preparation:
    """The preparation of texts, learned from those of the training rows, codes (N,); `size` counts padding and the unknown token too."""
    train = (split_tokens(texts[code], unit)[-length:] for code in codes.astype(np.int64).tolist())
    return Preparation((PreparedText(learn_vocabulary(train, size - FIRST), unit, length, texts),))
