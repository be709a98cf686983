"""Layers on which a network can begin to read the rows of a data set."""

from __future__ import annotations

from typing import Any

from dlcore.component import kinds
from dlcore.datasets import Dataset


def layers_on(kind: str) -> dict[str, Any]:
    """{"layers": ...} where the numbers of a row are ids of tokens, with which nothing can be calculated; {} where dense layers will do."""
    dataset: Any = kinds(Dataset)[kind]()
    return {"layers": dataset.fitting(10).parts()["layers"]} if dataset.vocabulary else {}
