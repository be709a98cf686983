"""Data sets. Each is a Component that says how many inputs, classes and rows it has, and whose verb `sample` makes the rows."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from dlcore.datasets import images, tabular, toy
from dlcore.datasets.base import DatasetComponent, Table
from dlcore.datasets.drawn import Drawn
from dlcore.datasets.own_texts import TextData
from dlcore.datasets.pictures import ImageData
from dlcore.datasets.sequences import Sequences
from dlcore.datasets.table import TableData
from dlcore.datasets.texts import Texts

Dataset = Annotated[
    toy.Toy | tabular.Tabular | images.Images | Drawn | TableData | ImageData | Texts | TextData | Sequences,
    Field(discriminator="kind"),
]
OwnData = TableData | ImageData | TextData  # what somebody has brought

__all__ = ["Dataset", "DatasetComponent", "OwnData", "Table"]
