"""The numbers of a run: one row an epoch, row 0 before the first step."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence

import numpy as np

MOST_BUCKETS = 200  # of a thinned history, each as wide as a pixel or two of a curve

Names = Callable[[tuple[str, ...]], tuple[str, ...]]


def columns_of(scores: tuple[str, ...]) -> tuple[str, ...]:
    """The columns for these scores: each of the training rows ("train"), then of the watched rows ("test", even for validation rows)."""
    return ("epoch", "step", *(f"{part}_{name}" for name in scores for part in ("train", "test")))


class History:
    """Rows of numbers, named by `columns`: epoch, step and others. Rows are added, and never changed."""

    def __init__(self, columns: tuple[str, ...], rows: np.ndarray | None = None) -> None:
        self.columns = columns
        # Rows that are given are not copied: the first one that is added makes a copy of all.
        self._rows = np.empty((64, len(self.columns))) if rows is None else rows
        self._length = 0 if rows is None else len(rows)

    def __len__(self) -> int:
        return self._length

    def append(self, row: Sequence[float] | np.ndarray) -> None:
        """Add one row in the order of `columns`."""
        if self._length == len(self._rows):
            self._rows = np.concatenate([self._rows, np.empty((max(64, self._length), len(self.columns)))])
        self._rows[self._length] = row
        self._length += 1

    def extend(self, rows: np.ndarray) -> None:
        """Add many rows at once: (n, columns)."""
        more = self._length + len(rows) - len(self._rows)
        if more > 0:
            self._rows = np.concatenate([self._rows, np.empty((max(64, more, self._length), len(self.columns)))])
        self._rows[self._length : self._length + len(rows)] = rows
        self._length += len(rows)

    def rows(self, start: int = 0) -> np.ndarray:
        """A copy of the rows from `start` on: (n, columns) float64."""
        return self._rows[start : self._length].copy()

    def view_rows(self) -> np.ndarray:
        """The rows so far, without a copy: they are never changed, and later ones are not among them."""
        seen = self._rows[: self._length]
        seen.flags.writeable = False
        return seen

    def stride(self) -> int:
        """Rows in each bucket of the thinned history: a power of two, so that later buckets are made of earlier ones."""
        return 1 << max(0, -(-self._length // MOST_BUCKETS) - 1).bit_length()

    def thinned(self, start: int) -> np.ndarray:
        """The numbers of the rows that a curve needs, from the bucket of row `start` on.

        Those with the lowest and the highest value of each column in each bucket of `stride` rows, its first and its last among them, as
        the epoch only grows. Rows that were thinned can be thinned again: the result is the same.
        """
        stride = self.stride()
        start = start // stride * stride
        rows = self._rows[start : self._length]
        if stride == 1 or not len(rows):
            return np.arange(start, self._length)
        missing = np.full((-len(rows) % stride, rows.shape[1]), np.nan)
        buckets = np.concatenate([rows, missing]).reshape(-1, stride, rows.shape[1])
        lowest = np.where(np.isnan(buckets), np.inf, buckets).argmin(1)
        highest = np.where(np.isnan(buckets), -np.inf, buckets).argmax(1)
        places = np.concatenate([lowest, highest], axis=1) + np.arange(0, len(rows), stride)[:, None]
        return start + np.unique(places)

    def column(self, name: str) -> np.ndarray:
        """A copy of one column: (n,)."""
        return self._rows[: self._length, self.columns.index(name)].copy()

    def to_csv(self, names: Names | None = None, most: int | None = None) -> str:
        """CSV with a header; epoch and step as whole numbers, the rest with full precision. At most so many rows, evenly spread.

        `names` gives the columns as people call them (see Recipe.history_names).
        """
        rows = self.rows()
        if most is not None and len(rows) > most:
            rows = rows[np.linspace(0, len(rows) - 1, most).round().astype(int)]
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns if names is None else names(self.columns))
        for epoch, step, *values in rows:
            writer.writerow([int(epoch), int(step), *map(repr, map(float, values))])
        return text.getvalue()
