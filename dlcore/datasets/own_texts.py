"""A table's column of texts that somebody has brought: the recipe names it, its classes, and how the texts are split.

The texts stand in the store (dlcore/datasets/store.py) under the table's digest, each different one once. N rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from dlcore.datasets import store
from dlcore.datasets.base import Table
from dlcore.datasets.columns import Digest, Name
from dlcore.datasets.reading import Reading
from dlcore.datasets.table import MOST_CLASSES, MOST_NUMBERS, MOST_ROWS, recode
from dlcore.datasets.texts import Novelists, TextDataset
from dlcore.objectives import Classes, objective_of_classes
from dlcore.problems import Problem

USUAL = Novelists(samples=400)
FORM = "text 1"


class TextData(TextDataset):
    """Texts in classes that somebody has brought. By itself: 400 sentences of Jane Austen (1811-1817) and Herman Melville (1851)."""

    kind: Literal["text"] = "text"
    title: ClassVar[str] = "Your texts"
    group: ClassVar[str] = ""
    ordered: ClassVar[bool] = False
    digest: Digest = Field(
        default="", description="Under which the texts are kept on this server; empty: the novelists."
    )
    name: Name = Field(default=USUAL.title, description="What the table is called.")
    rows: int = Field(default=USUAL.rows, ge=4, le=MOST_ROWS, description="Number of texts.")  # type: ignore[override]
    text: Name = Field(default=USUAL.column, description="The column that holds the texts.")
    target: Name = Field(default="author", description="The column that is to be predicted.")
    classes: tuple[Name, ...] = Field(  # type: ignore[override]
        default=USUAL.classes, min_length=2, max_length=MOST_CLASSES, description="Classes of the target."
    )
    reading: Reading | None = Field(
        default=None, description="How the file was read, for others of its form; none: it is found out."
    )

    @model_validator(mode="after")
    def _fits_together(self) -> TextData:
        if self.target == self.text:
            raise Problem("table_target_seen", came=self.target)
        for one in self.classes:
            if self.classes.count(one) > 1:
                raise Problem("table_name_twice", came=one)
        if self.rows * self.length > MOST_NUMBERS:
            raise Problem("table_too_wide", rows=self.rows, inputs=self.length, limit=MOST_NUMBERS // self.rows)
        return self

    @model_serializer(mode="wrap")
    def _without_nothing(self, as_usual: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out `reading` if it is None."""
        found = as_usual(self)
        if self.reading is None:
            found.pop("reading", None)
        return found

    @property
    def objective(self) -> Classes:  # type: ignore[override]
        return objective_of_classes(len(self.classes))

    @property
    def column(self) -> str:
        return self.text

    @property
    def question(self) -> tuple[Any, ...]:
        return self.name, self.text, self.target, self.classes

    def check_readable(self) -> None:
        if self.digest:
            store.check(self.digest, self.name)

    def row_facts(self) -> dict[str, Any]:
        return {name: value for name, value in super().row_facts().items() if name not in ("name", "reading")}

    def texts(self) -> tuple[str, ...]:
        self.check_readable()  # What is in memory may have been unpacked for somebody else.
        return _unpack(self.digest, self.name) if self.digest else USUAL.texts()

    def sample(self, generator: np.random.Generator) -> Table:
        if not self.digest:
            table = USUAL.sample(np.random.default_rng(0))  # Always all of them: the generator is not used.
            codes, described, found = table.X[:, 0], {"values": table.class_names}, table.y
            known = (len(table.y), USUAL.column, self.target)
        else:
            stored = store.get_table(self.digest, self.name)
            if stored.facts.get("form") != FORM:  # The digest is that of other data.
                raise Problem("table_differs", name=self.name, column=self.text)
            codes, described, found = stored.arrays["codes"], stored.facts["target"], stored.arrays["y"]
            known = (stored.facts["rows"], stored.facts["text"], described["name"])
        if known != (self.rows, self.text, self.target):
            raise Problem("table_differs", name=self.name, column=self.text)
        y = recode(described, found, self.classes)
        if not (y >= 0).all():  # A row has a class that the recipe does not list.
            raise Problem("table_differs", name=self.name, column=self.target)
        return Table(np.array(codes, dtype=np.float64)[:, None], y.astype(np.int64), self.column_names, self.classes)


def pack(texts: Sequence[str]) -> dict[str, np.ndarray]:
    """Texts as arrays for the store: their bytes one after another, and where each ends."""
    pieces = [text.encode() for text in texts]
    ends = np.cumsum([len(piece) for piece in pieces], dtype=np.int64)
    return {"bytes": np.frombuffer(b"".join(pieces), np.uint8), "ends": ends}


@lru_cache(maxsize=2)
def _unpack(digest: str, name: str) -> tuple[str, ...]:
    arrays = store.get_table(digest, name).arrays
    whole, ends = arrays["bytes"].tobytes(), arrays["ends"].tolist()
    return tuple(whole[start:end].decode() for start, end in zip([0, *ends[:-1]], ends, strict=True))
