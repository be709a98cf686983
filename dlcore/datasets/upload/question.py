"""The question that is put to a table: which column is predicted, as classes or as a number, and from which others."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from dlcore.datasets.upload.bounds import LEAST_ROWS, MOST_CLASSES
from dlcore.datasets.upload.cells import Finding, finding
from dlcore.datasets.upload.column import Column
from dlcore.problems import Problem

Task = Literal["classification", "regression"]
TASKS = ("classification", "regression")
#: {points: names}: the more points the name of a column has, the more likely it is the target. In small letters, without signs.
NAMED = {
    3.0: {
        "target", "label", "labels", "class", "classes", "y", "output", "outcome", "response", "survived", "species", "variety",
        "diagnosis", "medv", "saleprice", "medhouseval", "medianhousevalue", "churn", "churned", "exited", "标签", "类别", "目标", "分类",
    },
    2.0: {"quality", "mpg", "房价"},
    1.0: {"price", "prices", "salary", "score", "grade", "default", "income", "result", "status", "type", "rating", "价格", "结果"},
}  # fmt: skip
LAST = 1.5  # Points for being the last column.
MOSTLY = 0.5  # Share of its rows that a target must have.
INPUT_KINDS = ("number", "category", "date")
FEW = 10  # Different whole numbers up to which a target is classes.
LEAST_OF_CLASS = 2  # One row cannot be both learned from and tested on.


@dataclass(frozen=True)
class Question:
    """Target, task and inputs; `y` is (N,) class index (-1 none) or value (NaN none); `reasons` say why it cannot be asked."""

    target: Column
    task: Task
    inputs: tuple[Column, ...]
    y: np.ndarray
    classes: tuple[str, ...]  # empty for regression
    rows: np.ndarray  # of each class
    reasons: tuple[Problem, ...]
    findings: tuple[Finding, ...]

    @property
    def reads_text(self) -> bool:
        """Whether the only input is a column of texts, which is read token by token."""
        return len(self.inputs) == 1 and self.inputs[0].kind == "text" and self.inputs[0].distinct > 0

    @property
    def known(self) -> np.ndarray:
        """Which rows have a target."""
        return (
            self.y >= 0
            if self.classes
            else np.isfinite(self.y)
            if self.task == "regression"
            else np.zeros(len(self.y), bool)
        )


def find_question(columns: list[Column], options: dict[str, Any]) -> Question:
    """The question in the options; what they do not give is proposed. Raises Problem for columns that are not there."""
    by_name = {column.name: column for column in columns}
    target = _find_column(by_name, options["target"]) if options.get("target") is not None else _propose_target(columns)
    task = options.get("task") or _propose_task(target)
    if task not in TASKS:
        raise Problem("upload_option", name="task", expected=", ".join(TASKS), came=str(task))
    wanted = options.get("inputs")
    if wanted is None:
        others = [column for column in columns if column is not target]
        inputs = [column for column in others if _is_of_use(column)] or _find_text(others)
    else:
        inputs = [_find_column(by_name, name) for name in dict.fromkeys(wanted)]
        if target in inputs:
            raise Problem("upload_target_as_input", column=target.name)
    return _make_question(target, task, tuple(inputs))


def _make_question(target: Column, task: Task, inputs: tuple[Column, ...]) -> Question:
    reasons: list[Problem] = []
    findings: list[Finding] = []
    if task == "regression":
        y = target.numbers if target.numbers is not None else np.full(target.rows, np.nan)
        if target.numbers is None:
            reasons.append(Problem("upload_target_not_numbers", column=target.name))
        classes, rows = (), np.zeros(0, int)
        unknown = np.isnan(y)
    else:
        y, classes, rows, reasons, findings = _find_classes(target)
        unknown = target.missing
    known = int(target.rows - unknown.sum())
    if not known:
        reasons = [Problem("upload_target_empty", column=target.name)]
    elif known < LEAST_ROWS:
        reasons.append(Problem("upload_too_few_targets", column=target.name, came=known, least=LEAST_ROWS))
    elif task == "regression" and not reasons and np.ptp(y[~unknown]) == 0:
        reasons.append(Problem("upload_target_constant", column=target.name))
    if known and unknown.any():
        findings.append(finding("found_no_target", rows=int(unknown.sum()), of=target.rows, column=target.name))
    found = Question(target, task, inputs, y, classes, rows, tuple(reasons), tuple(findings))
    if found.reads_text and task == "regression":
        return replace(
            found, reasons=(*reasons, Problem("upload_text_needs_classes", column=inputs[0].name, target=target.name))
        )
    return found


def _find_classes(target: Column) -> tuple[np.ndarray, tuple[str, ...], np.ndarray, list[Problem], list[Finding]]:
    """Classes with at least two rows each; rows of a class that stands alone are left out."""
    reasons: list[Problem] = []
    findings: list[Finding] = []
    if target.distinct > MOST_CLASSES:
        enough = [index for index, count in enumerate(target.coded.counts) if count >= LEAST_OF_CLASS]
        if len(enough) > MOST_CLASSES or target.distinct > 2 * MOST_CLASSES or not enough:
            reasons.append(
                Problem("upload_too_many_classes", column=target.name, came=target.distinct, limit=MOST_CLASSES)
            )
            shown = sorted(target.coded.most_frequent(MOST_CLASSES))
            return *_keep_only(target, shown), reasons, findings
    counts = target.coded.counts
    kept = [index for index, count in enumerate(counts) if count >= LEAST_OF_CLASS]
    alone = len(counts) - len(kept)
    if len(kept) < 2:
        key = "upload_one_class" if len(counts) == 1 else "upload_no_two_classes"
        reasons.append(Problem(key, column=target.name, value=target.coded.values[0] if len(counts) else ""))
    elif alone:
        names = ", ".join(target.coded.values[index] for index, count in enumerate(counts) if count < LEAST_OF_CLASS)
        findings.append(finding("found_classes_alone", "warning", names=names, count=alone))
    return *_keep_only(target, kept), reasons, findings


def _keep_only(target: Column, kept: list[int]) -> tuple[np.ndarray, tuple[str, ...], np.ndarray]:
    new = np.full(len(target.coded.values) + 1, -1)
    new[kept] = np.arange(len(kept))
    return new[target.coded.codes], tuple(target.coded.values[index] for index in kept), target.coded.counts[kept]


def _propose_target(columns: list[Column]) -> Column:
    """Of the columns that can be a target, the one that gets the most points for its name and position; of equals the last."""
    able = [column for column in columns if column.kind in ("number", "category") and column.distinct > 1]
    good = [column for column in able if column.missing.mean() <= MOSTLY and not _is_of_many_classes(column)]

    def speaks(column: Column) -> float:
        name = re.sub(r"[\W_]", "", column.name.lower())
        named = next((weight for weight, names in NAMED.items() if name in names), 0.0)
        return named + LAST * (column is good[-1])

    ordered = sorted(good, key=speaks)[::-1]
    asked = (column for column in ordered if not _make_question(column, _propose_task(column), ()).reasons)
    return next(asked, None) or (ordered or able[::-1] or columns[::-1])[0]


def _is_of_many_classes(column: Column) -> bool:
    return column.kind == "category" and column.distinct > MOST_CLASSES


def _propose_task(target: Column) -> Task:
    if target.kind == "date":
        return "regression"
    if target.numbers is None or target.kind == "id":
        return "classification"
    few = target.distinct <= FEW and target.is_whole and target.distinct <= len(target.numbers) / 2
    return "classification" if few or target.distinct == 2 else "regression"


def _is_of_use(column: Column) -> bool:
    return column.kind in INPUT_KINDS and column.distinct > 1


def _find_text(columns: list[Column]) -> list[Column]:
    """The column of texts of which the most are different, where nothing else can be an input."""
    texts = [column for column in columns if column.kind == "text" and column.distinct > 1]
    return sorted(texts, key=lambda column: -column.distinct)[:1]


def _find_column(columns: dict[str, Column], name: str) -> Column:
    if name not in columns:
        raise Problem("upload_no_column", column=str(name))
    return columns[name]
