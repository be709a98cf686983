"""What is remarkable about a question to a table, cheaply found: columns that tell too much or nothing, classes that are rare."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from dlcore.datasets.upload.arrow import compute as pc
from dlcore.datasets.upload.bounds import LONGEST_TEXT, MOST_CATEGORIES
from dlcore.datasets.upload.cells import Finding, finding
from dlcore.datasets.upload.column import Column
from dlcore.datasets.upload.question import Question
from dlcore.datasets.upload.relations import (
    AT_MOST,
    TELLS,
    find_groups,
    pearson,
    share_told_by_cut,
    share_told_of_classes,
    share_told_of_values,
)

RARE = 10  # A class with fewer rows has almost none left in each part of a split.
MOST_SHARE = 0.95  # Share of one class in the rows, above which any column seems to tell the target.
MANY_MISSING = 0.5


def find_hints(columns: list[Column], question: Question) -> list[Finding]:
    """Findings about the columns and the question; evidence stands in their values."""
    found = [*question.findings]
    found += [{**reason.to_dict(), "severity": "warning"} for reason in question.reasons]
    for column in question.inputs:
        found += _describe_text(column) if question.reads_text else _describe_input(column)
    if not question.reasons:
        found += [] if question.reads_text else _find_leaks(question)
        found += _find_rare_classes(question)
    constant = [column.name for column in columns if column.distinct == 1 and column is not question.target]
    if constant:
        found.append(finding("found_constant", names=_list_names(constant), count=len(constant)))
    empty = [column.name for column in columns if column.distinct == 0 and column is not question.target]
    if empty:
        found.append(finding("found_empty_columns", names=_list_names(empty), count=len(empty)))
    for kind in ("text", "id"):
        left_out = [
            c.name for c in columns if c.kind == kind and c.distinct and c not in (question.target, *question.inputs)
        ]
        if left_out:
            found.append(finding(f"found_{kind}_left_out", names=_list_names(left_out), count=len(left_out)))
    return [*(each for column in columns for each in column.findings), *found]


def _describe_input(column: Column) -> list[Finding]:
    found: list[Finding] = []
    rows = int((~column.missing).sum())
    if column.kind == "id" or (column.kind == "category" and rows and column.distinct > 0.9 * rows):
        found.append(finding("found_id_input", "warning", column=column.name, distinct=column.distinct, rows=rows))
    elif column.kind in ("category", "text") and column.distinct > MOST_CATEGORIES:
        found.append(finding("found_many_categories", column=column.name, came=column.distinct, limit=MOST_CATEGORIES))
    if column.missing.mean() > MANY_MISSING:
        found.append(finding("found_many_missing", column=column.name, share=f"{100 * column.missing.mean():.0f}%"))
    return found


def _describe_text(column: Column) -> list[Finding]:
    found = [finding("found_read_as_text", column=column.name)]
    lengths = pc.utf8_length(pc.cast(column.cells.drop_null(), pa.string())).to_numpy(zero_copy_only=False)
    if long := int((lengths > LONGEST_TEXT).sum()):
        found.append(finding("found_long_texts", "warning", column=column.name, cells=long, limit=LONGEST_TEXT))
    if (empty := float(column.missing.mean())) > 0:
        severity = "warning" if empty > MANY_MISSING else "notice"
        found.append(finding("found_empty_texts", severity, column=column.name, share=f"{100 * empty:.0f}%"))
    return found


def _find_leaks(question: Question) -> list[Finding]:
    """Inputs each of which alone tells the target: known only afterwards, or the target under another name."""
    if question.classes and question.rows.max() > MOST_SHARE * question.rows.sum():
        return []
    rows = np.flatnonzero(question.known)
    if len(rows) > AT_MOST:
        rows = np.sort(np.random.default_rng(0).choice(rows, AT_MOST, replace=False))
    found = []
    for column in question.inputs:
        told = _measure_told(column, question, rows)
        if told >= TELLS:
            found.append(
                finding(
                    "found_leak", "warning", column=column.name, target=question.target.name, share=f"{100 * told:.1f}%"
                )
            )
    return found


def _measure_told(column: Column, question: Question, rows: np.ndarray) -> float:
    """How much of the target this column alone tells: a share of rows, or of the variance."""
    numbers, y = column.numbers, question.y[rows]
    if numbers is None:
        groups = column.coded.codes[rows]
        if groups.max(initial=0) >= len(rows) / 5:
            return 0.0  # With nearly as many groups as rows, any target could be told.
        return share_told_of_classes(groups, y) if question.classes else share_told_of_values(groups, y)
    if question.task == "regression":
        return max(share_told_of_values(find_groups(numbers[rows]), y), _measure_told_by_line(numbers[rows], y))
    cut = share_told_by_cut(numbers[rows], y) if len(question.classes) == 2 else 0.0
    return max(cut, share_told_of_classes(find_groups(numbers[rows]), y))


def _measure_told_by_line(x: np.ndarray, y: np.ndarray) -> float:
    """The share of the target's variance that a straight line explains: all of it if the column is the target in other units."""
    r = pearson(np.stack([x, y], axis=1))[0, 1]
    return float(r**2) if np.isfinite(r) else 0.0


def _find_rare_classes(question: Question) -> list[Finding]:
    return [
        finding("found_rare_class", "warning", name=name, rows=int(rows), column=question.target.name)
        for name, rows in zip(question.classes, question.rows, strict=True)
        if rows < RARE
    ]


def _list_names(names: list[str]) -> str:
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown}, …"
