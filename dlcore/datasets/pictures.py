"""Pictures that were uploaded or fetched: of one size, each of one class.  N rows, D pixels."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from dlcore.datasets import store
from dlcore.datasets.base import Table
from dlcore.datasets.columns import Digest, Name
from dlcore.datasets.pixels import BRIGHTEST, PixelData
from dlcore.datasets.table import MOST_CLASSES
from dlcore.datasets.tabular import Digits
from dlcore.problems import Problem

DIGITS = Digits().picture
DIGIT_NAMES = tuple(str(digit) for digit in range(Digits.objective.num_classes))
MOST_PIXELS = 10_000_000  # of all pictures together that are used


class ImageData(PixelData):
    """Pictures in classes, each pixel divided by 255. By itself: scikit-learn's 8x8 digits (Alpaydin and Kaynak, 1998)."""

    kind: Literal["images"] = "images"
    title: ClassVar[str] = "Your pictures"
    ordered: ClassVar[bool] = False
    digest: Digest = Field(
        default="", description="Under which the pictures are kept on this server; empty: the digits."
    )
    name: Name = Field(default=Digits.title, description="What the pictures are called.")
    height: int = Field(default=DIGITS.height, ge=1, le=64, description="Rows of pixels.")
    width: int = Field(default=DIGITS.width, ge=1, le=64, description="Pixels in a row.")
    classes: tuple[Name, ...] = Field(
        default=DIGIT_NAMES, min_length=2, max_length=MOST_CLASSES, description="What they may show."
    )
    available: int = Field(default=Digits.size, ge=4, le=1_000_000, description="How many pictures there are.")
    samples: int = Field(default=5000, ge=20, le=10_000, description="How many of them are used, drawn by the seed.")
    channels: Literal[1, 3] = Field(default=1, description="Numbers of a pixel: 1 = grey; 3 = red, green and blue.")

    @model_validator(mode="after")
    def _fits_together(self) -> ImageData:
        for one in self.classes:
            if self.classes.count(one) > 1:
                raise Problem("table_name_twice", came=one)
        most = MOST_PIXELS // self.inputs
        if self.rows > most:
            raise Problem("pictures_too_many", came=self.rows, height=self.height, width=self.width, limit=most)
        return self

    @property
    def rows(self) -> int:  # type: ignore[override]
        return min(self.samples, self.available)

    @property
    def question(self) -> tuple[Any, ...]:
        return self.digest, self.classes

    def check_readable(self) -> None:
        if self.digest:
            store.check(self.digest, self.name)

    def row_facts(self) -> dict[str, Any]:
        beside = (
            "name",
            "samples",
            *["channels"] * (self.channels == 1),
        )  # Grey pictures are what they were before colours.
        facts = {name: value for name, value in self.to_dict().items() if name not in beside}
        return {**facts, "rows": self.rows}

    def sample(self, generator: np.random.Generator) -> Table:
        stored = store.get_table(self.digest, self.name) if self.digest else _digits()
        facts = stored.facts
        # Without "channels" are pictures of before there were any in colour.
        described = (facts["rows"], facts.get("channels", 1), facts["height"], facts["width"], tuple(facts["classes"]))
        if described != (self.available, self.channels, self.height, self.width, self.classes):
            raise Problem("table_differs", name=self.name, column=f"{facts['height']} x {facts['width']}")
        chosen = np.sort(generator.permutation(self.available)[: self.rows])
        X = stored.arrays["X"][chosen].astype(np.float64)
        return Table(X, stored.arrays["y"][chosen].astype(np.int64), self.column_names, self.classes)


def _digits() -> store.Stored:
    """The digits in the form in which the store returns images: their 17 shades of grey spread over 0 to 255."""
    table = Digits().sample(np.random.default_rng(0))  # Always all digits: the generator is not used.
    facts = {"rows": len(table.y), "height": DIGITS.height, "width": DIGITS.width, "classes": list(table.class_names)}
    X = np.round(table.X / DIGITS.brightest * BRIGHTEST).astype(np.uint8)
    return store.Stored(facts, {"X": X, "y": table.y})
