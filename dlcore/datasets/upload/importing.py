"""A table that was looked at becomes rows in the store and a part of a recipe."""

from __future__ import annotations

from typing import Any

import numpy as np

from dlcore.datasets import store
from dlcore.datasets.upload.bounds import MOST_CATEGORIES
from dlcore.datasets.upload.column import Column
from dlcore.datasets.upload.importing_texts import import_texts
from dlcore.datasets.upload.profile import propose_treatment
from dlcore.datasets.upload.question import Question
from dlcore.problems import Problem

FORM = "table 1"

Part = dict[str, Any]


def import_columns(name: str, question: Question, reading: Part, public: bool) -> tuple[Part, int]:
    """The recipe's part "table" or "text", and how many rows without a target were left out. Raises Problem."""
    if question.reasons:
        raise question.reasons[0]
    if question.reads_text:
        return import_texts(name, question, reading, public)
    inputs = [column for column in question.inputs if column.distinct]
    if not inputs:
        raise Problem("upload_no_inputs")
    rows = np.flatnonzero(question.known)
    facts: list[Part] = []
    arrays: dict[str, np.ndarray] = {}
    parts: list[Part] = []
    for index, column in enumerate(inputs):
        fact, arrays[f"c{index}"], part = _import_input(column, rows)
        facts.append(fact)
        parts.append(part)
    arrays[f"c{len(inputs)}"] = question.y[rows].astype(np.int32 if question.classes else np.float64)
    facts.append(_import_target(question))
    digest = store.put_table({"form": FORM, "name": name, "rows": len(rows), "columns": facts}, arrays, public)
    part = {
        "kind": "table",
        "digest": digest,
        "name": name,
        "rows": len(rows),
        "target": question.target.name,
        "classes": list(question.classes),
        "columns": parts,
        "reading": reading,
    }
    return part, len(question.y) - len(rows)


def _import_input(column: Column, rows: np.ndarray) -> tuple[Part, np.ndarray, Part]:
    """An input column: its facts and its array for the store, and its part of the recipe."""
    treatment = propose_treatment(column)
    if column.numbers is not None:  # An id that is chosen as an input is read as a number.
        kind = "date" if column.kind == "date" else "number"
        treatment = treatment or {"impute": "median", "scale": "standard"}
        return (
            {"name": column.name, "kind": kind},
            column.numbers[rows],
            {"name": column.name, "kind": kind, **treatment},
        )
    coded = column.coded
    fact = {"name": column.name, "kind": "category", "values": list(coded.values)}
    kept = sorted(coded.most_frequent(MOST_CATEGORIES))
    part = {
        "name": column.name,
        "kind": "category",
        "values": [coded.values[index] for index in kept],
        **(treatment or {"impute": "none"}),
    }
    return fact, coded.codes[rows].astype(np.int32), part


def _import_target(question: Question) -> Part:
    if question.classes:
        return {"name": question.target.name, "kind": "category", "values": list(question.classes)}
    return {"name": question.target.name, "kind": "date" if question.target.kind == "date" else "number"}
