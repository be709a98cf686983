"""The job "guards": how one may be fooling oneself, each suspicion with the numbers that speak for it.  N rows, C raw columns.

Everything is found in the training and the watched rows; of a sealed test nothing is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

import numpy as np

from dlcore.datasets.preparation import ROWS_AT_ONCE
from dlcore.datasets.table import TableData
from dlcore.datasets.tabular import BundledTable
from dlcore.evaluation import Judged, name_open_parts, open_judged, watched_name
from dlcore.evaluation.findings import Finding, finding
from dlcore.evaluation.gap import find_gap
from dlcore.evaluation.intervals import measure_of, score, score_interval
from dlcore.evaluation.leak import find_leaks
from dlcore.evaluation.shape import constant_score
from dlcore.evaluation.subset import column_kind
from dlcore.jobs import Answer, Progress

RARE = 5  # rows of a class in a split: fewer say little about it
OVERLOOKED = 0.5  # a small class is overlooked if the network finds less than this share of its watched rows
SMALL = 0.5  # a class is small if it has less than this part of an even share of the training rows
MOST_SHOWN = 10
DISTINCT = 0.99  # whole numbers may be an id if this share of them are different
DENSE = 0.5  # and if this share of all whole numbers from the least to the most occur
FEWEST_FOR_ID = 20


def guards(arguments: dict[str, Any], payload: bytes, progress: Progress) -> Answer:
    """All findings, warnings first."""
    judged = open_judged(payload)
    found = [
        *find_overfitting(judged),
        *find_no_skill(judged),
        *find_rare_classes(judged),
        *find_overlooked_class(judged),
    ]
    progress(0.1, {"findings": found})
    found += find_duplicates(judged)
    # Generated points and pixels have no ids or leaks.
    if isinstance(judged.experiment.dataset, TableData | BundledTable):
        found += find_ids(judged)
        progress(0.3, {"findings": found})
        found += find_leaks(judged, lambda share: progress(0.3 + 0.7 * share, {"findings": found}))
    return {"findings": sorted(found, key=lambda one: one["severity"] != "warning")}, b""


def find_overfitting(judged: Judged) -> list[Finding]:
    """The network is far better on the rows it learned from than on the watched ones, and the interval of the gap is above 0."""
    found = find_gap(judged, judged.watched)
    if found["kind"] != "overfits":
        return []
    low, high = found["interval"]
    values = {"train": found["train"], "watched": found["score"], "gap": found["gap"], "low": low, "high": high}
    return [finding("overfitting", "warning", values, **values, split=watched_name(judged))]


def find_no_skill(judged: Judged) -> list[Finding]:
    """The network is not surely better on the watched rows than a constant answer."""
    measure, pair = measure_of(judged.experiment), (judged.watched.split.y, judged.watched.answers)
    watched, likely = score(measure, *pair), score_interval(measure, *pair)
    baseline = constant_score(judged, judged.watched)
    if watched is None or likely is None or likely[0] > baseline:
        return []
    values = {"watched": watched, "low": likely[0], "high": likely[1], "baseline": baseline}
    return [finding("no_skill_balanced" if measure == "balanced_accuracy" else "no_skill", "warning", values, **values)]


def find_rare_classes(judged: Judged) -> list[Finding]:
    """Classes of which a split has so few rows that their scores are chance."""
    found = []
    for name, part in name_open_parts(judged).items():
        rows_C = np.bincount(part.split.y, minlength=len(judged.data.class_names)) if judged.data.class_names else []
        rare = {judged.data.class_names[label]: int(rows) for label, rows in enumerate(rows_C) if rows < RARE}
        if rare:
            values = {"classes": _list_names(list(rare)), "fewest": min(rare.values()), "limit": RARE}
            found.append(finding(f"rare_classes_{name}", "warning", values, rows=rare, split=name))
    return found


def find_overlooked_class(judged: Judged) -> list[Finding]:
    """The class of few training rows of which the network finds least, if it is less than half while it knows the most frequent one."""
    names = judged.data.class_names
    if not names or judged.experiment.class_weights != "none":
        return []
    shares_C = np.bincount(judged.train.split.y, minlength=len(names)) / len(judged.train.split.y)
    y_N, right_N = judged.watched.split.y, judged.watched.answers == judged.watched.split.y
    recalls = {label: float(right_N[y_N == label].mean()) for label in np.unique(y_N) if (y_N == label).sum() >= RARE}
    small = [label for label in recalls if shares_C[label] < SMALL / len(names)]
    worst = min(small, key=recalls.__getitem__, default=None)
    if worst is None or recalls[worst] >= OVERLOOKED or recalls.get(shares_C.argmax(), 0.0) < OVERLOOKED:
        return []
    values = {"class_name": names[worst], "found": f"{recalls[worst]:.1%}", "share": f"{shares_C[worst]:.1%}"}
    evidence = {"class_name": names[worst], "found": recalls[worst], "share": float(shares_C[worst])}
    return [finding("overlooked_class", "warning", values, **evidence, split=watched_name(judged))]


def find_duplicates(judged: Judged) -> list[Finding]:
    """Rows of another split whose inputs stand, equal in every raw cell, among the training rows too."""
    first_rows = {row: index for index, row in reversed(list(enumerate(_make_keys(judged.train.split.raw))))}
    found = []
    for name, part in name_open_parts(judged).items():
        if name == "train":
            continue
        twins = [(row, first_rows[key]) for row, key in enumerate(_make_keys(part.split.raw)) if key in first_rows]
        if not twins:
            continue
        same = sum(bool(part.split.y[row] == judged.train.split.y[twin]) for row, twin in twins)
        share = len(twins) / len(part.split.y)
        values = {"count": len(twins), "rows": len(part.split.y), "share": f"{share:.1%}", "same": same}
        severity = "warning" if share >= 0.01 else "notice"
        found.append(
            finding(f"duplicates_{name}", severity, values, count=len(twins), share=share, same_target=same, split=name,
                    examples=[{name: row, "train": twin} for row, twin in twins[:MOST_SHOWN]])
        )  # fmt: skip
    return found


def find_ids(judged: Judged) -> list[Finding]:
    """Columns of whole numbers, nearly all different, that rise row by row or leave few gaps: they number the rows."""
    found = []
    train, parts = judged.train.split.raw, name_open_parts(judged).values()
    for column, name in enumerate(judged.data.raw_names):
        values_N = np.concatenate([part.split.raw[:, column] for part in parts])
        known = values_N[np.isfinite(values_N)]
        if column_kind(judged, column) != "number" or len(known) < FEWEST_FOR_ID or (known != np.round(known)).any():
            continue
        distinct = len(np.unique(known)) / len(known)
        dense = len(known) / (np.ptp(known) + 1)
        rising = bool((np.diff(train[:, column]) > 0).all())
        if distinct >= DISTINCT and (dense >= DENSE or rising):
            values = {
                "column": name,
                "distinct": f"{distinct:.1%}",
                "low": f"{known.min():.0f}",
                "high": f"{known.max():.0f}",
            }
            found.append(
                finding(
                    "id_as_input", "warning", values, column=name, distinct=distinct, dense=float(dense), rising=rising
                )
            )
    return found


def _make_keys(raw_NC: np.ndarray) -> Iterator[bytes]:
    """A key for each row, 16 bytes however wide it is: equal where all cells are, missing ones among them."""
    for start in range(0, len(raw_NC), ROWS_AT_ONCE):
        piece = raw_NC[start : start + ROWS_AT_ONCE]
        tidy = np.where(np.isnan(piece), np.nan, piece + 0.0)  # All NaN get the same bytes, and -0.0 those of 0.0.
        yield from (blake2b(row.tobytes(), digest_size=16).digest() for row in tidy)


def _list_names(names: list[str]) -> str:
    return ", ".join(names[:MOST_SHOWN]) + (", …" if len(names) > MOST_SHOWN else "")
