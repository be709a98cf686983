"""Sets of pictures that everybody knows. A part of each comes with the program; all of it is fetched where that is allowed (whole.py).

N pictures, D pixels, K classes.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from dlcore.component import kind_of
from dlcore.datasets import whole
from dlcore.datasets.base import Table
from dlcore.datasets.pixels import PixelData
from dlcore.problems import Problem

BUNDLED = Path(__file__).parent / "bundled"
MOST = 70_000  # pictures of each of these sets, all together


class KnownPictures(PixelData):
    """28x28 grey pictures in ten classes, of which `bundled` come with the program."""

    bundled: ClassVar[int]
    channels: ClassVar[Literal[1, 3]] = 1  # type: ignore[override]
    height: ClassVar[int] = 28  # type: ignore[override]
    width: ClassVar[int] = 28  # type: ignore[override]
    classes: ClassVar[tuple[str, ...]]  # type: ignore[override]
    samples: int = Field(
        default=2000,
        ge=20,
        le=MOST,
        description="How many of the pictures are used, drawn by the seed, as many of each class.",
    )

    @property
    def rows(self) -> int:  # type: ignore[override]
        return self.samples

    def check_readable(self) -> None:
        if self.samples > self.bundled and not whole.is_here(kind_of(type(self))):
            raise Problem("pictures_not_here", name=self.title, came=self.samples, limit=self.bundled, all=MOST)

    def fetch(self) -> None:
        if self.samples > self.bundled:
            whole.fetch(kind_of(type(self)), self.title)

    def sample(self, generator: np.random.Generator) -> Table:
        self.check_readable()
        X, y = whole.read(kind_of(type(self))) if self.samples > self.bundled else _read_bundled(kind_of(type(self)))
        chosen = draw_in_turn(y, self.samples, generator)
        return Table(X[chosen].astype(np.float64), y[chosen].astype(np.int64), self.column_names, self.classes)


def draw_in_turn(y: np.ndarray, count: int, generator: np.random.Generator) -> np.ndarray:
    """Sorted indices of `count` rows of y (N,), drawn class by class in turn as long as there are any: whoever asks for more gets the same
    rows and further ones."""
    turn = np.empty(len(y), np.int64)
    for label in np.unique(y):
        rows = np.flatnonzero(y == label)
        turn[rows] = generator.permutation(len(rows))
    return np.sort(np.lexsort((y, turn))[:count])


@lru_cache(maxsize=2)  # Read once a process: the arrays are never written to.
def _read_bundled(kind: str) -> tuple[np.ndarray, np.ndarray]:
    with np.load(BUNDLED / kind / "rows.npz", allow_pickle=False) as arrays:
        X, y = arrays["X"], arrays["y"]
    X.flags.writeable = y.flags.writeable = False
    return X, y


class Mnist(KnownPictures):
    """Handwritten digits of 28x28 pixels, 10 classes: 5,000 of MNIST's 70,000 (LeCun et al., 1998)."""

    kind: Literal["mnist"] = "mnist"
    title: ClassVar[str] = "MNIST"
    bundled: ClassVar[int] = 5000
    offered: ClassVar[dict[str, int]] = {"samples": bundled}
    classes: ClassVar[tuple[str, ...]] = tuple("0123456789")


class FashionMnist(KnownPictures):
    """Clothes of 28x28 pixels, 10 classes: 3,000 of Fashion-MNIST's 70,000 (Xiao et al., 2017)."""

    kind: Literal["fashion_mnist"] = "fashion_mnist"
    title: ClassVar[str] = "Fashion-MNIST"
    bundled: ClassVar[int] = 3000
    offered: ClassVar[dict[str, int]] = {"samples": bundled}
    classes: ClassVar[tuple[str, ...]] = (
        "T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    )  # fmt: skip


Images = Mnist | FashionMnist
