"""Sentences about the rows and columns of a network's data, which report and model card share."""

from __future__ import annotations

from typing import Any

from dlcore.datasets.preparation import PreparedNumber
from dlcore.export.facts import Facts
from dlcore.export.words import Words, show_value


def describe_split(facts: Facts, words: Words) -> str:
    """How many rows each part has."""
    data = facts.judged.data
    name = words(f"report.{facts.watched}")
    text = words(
        "report.data.split", train=f"{len(data.train.y):,}", watched=f"{len(data.watched.y):,}", name=name.lower()
    )
    final = data.final
    return text if final is None else f"{text} {words('report.data.final', final=f'{len(final.y):,}')}"


def describe_values(column: Any, words: Words) -> str:
    """The range of a number, or the names of categories."""
    if column.values:
        return ", ".join(map(show_value, column.values[:12])) + (" …" if len(column.values) > 12 else "")
    return words(
        "report.column.range", low=show_value(column.low), high=show_value(column.high), mean=show_value(column.middle)
    )


def describe_treatment(facts: Facts, index: int, words: Words) -> str:
    """What the preparation makes of a column."""
    described = getattr(facts.experiment.dataset, "columns", None)
    if described is None:
        prepared = facts.judged.data.scaling.columns[index]
        standard = isinstance(prepared, PreparedNumber) and (prepared.shift, prepared.divisor) != (0, 1)
        return words("report.column.standard") if standard else "–"
    column = described[index]
    steps = [getattr(column, name, "none") for name in ("impute", "scale")] + ["one_hot"] * (column.kind == "category")
    return ", ".join(words(f"report.column.{step}") for step in steps if step != "none") or "–"
