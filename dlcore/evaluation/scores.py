"""The job "evaluate": how good a network is on one part of its rows, or on some of them.  N rows, C classes."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from sklearn import metrics

from dlcore.datasets.columns import UNKNOWN
from dlcore.evaluation import Judged, Part, choose_part, open_judged
from dlcore.evaluation.curves import calibration, score_counts, threshold_curves
from dlcore.evaluation.intervals import score_interval
from dlcore.evaluation.subset import category_names, choose_rows, other_name
from dlcore.jobs import Answer, Progress

MOST_RESIDUALS = 2000
RESIDUAL_BINS = 40


def evaluate(arguments: dict[str, Any], payload: bytes, progress: Progress) -> Answer:
    """Scores and curves of the part "split", of the rows of "subset" only if there is one. Raises Problem."""
    judged = open_judged(payload)
    part = choose_part(judged, arguments)
    rows = choose_rows(judged, part, arguments.get("subset"))
    y_N, predicted = part.split.y[rows], part.predicted[rows]
    if judged.experiment.objective.has_classes:
        found = score_classes(y_N, predicted, judged.data.class_names)
    else:
        found = score_numbers(y_N, predicted, rows)
    facts = {
        "task": judged.experiment.dataset.task,
        "scored_by": list(judged.experiment.objective.scores),
        "split": arguments.get("split", "test"),
        "rows": len(rows),
        "loss": float(part.losses[rows].mean()),
        "columns": describe_columns(judged, part),
    }
    return facts | found, b""


def score_classes(y_N: np.ndarray, probabilities_NC: np.ndarray, names: tuple[str, ...]) -> dict[str, Any]:
    """The usual scores and curves of a classifier (Fawcett, 2006). A class that nobody predicts has precision 0."""
    labels = range(len(names))
    predicted_N = probabilities_NC.argmax(1)
    per_class: Any = metrics.precision_recall_fscore_support(
        y_N, predicted_N, labels=labels, zero_division=cast("Any", 0)
    )
    precision_C, recall_C, f1_C, rows_C = per_class
    known = np.isin(labels, np.union1d(y_N, predicted_N))  # Classes that neither occur nor are predicted do not count.
    shown = labels if len(names) > 2 else (1,)
    curves = [threshold_curves(y_N == label, probabilities_NC[:, label]) for label in shown]
    kinds = [(label, y_N == label, probabilities_NC[:, label]) for label in shown]
    return {
        "class_names": list(names),
        "accuracy": float((predicted_N == y_N).mean()),
        "interval": score_interval("accuracy", y_N, predicted_N),
        "balanced_accuracy": float(recall_C[rows_C > 0].mean()),
        "per_class": [
            {"name": name, "precision": float(precision), "recall": float(recall), "f1": float(f1), "rows": int(rows)}
            for name, precision, recall, f1, rows in zip(names, *per_class, strict=True)
        ],
        "macro": {
            key: float(values[known].mean())
            for key, values in zip(("precision", "recall", "f1"), (precision_C, recall_C, f1_C), strict=True)
        },
        "confusion": metrics.confusion_matrix(y_N, predicted_N, labels=labels).tolist(),
        "roc": [{"class": label, **roc} for label, (roc, _) in zip(shown, curves, strict=True)],
        "pr": [{"class": label, **pr} for label, (_, pr) in zip(shown, curves, strict=True)],
        "calibration": [{"class": label, **calibration(positive, p)} for label, positive, p in kinds],
        "scores": [{"class": label, **score_counts(positive, p)} for label, positive, p in kinds],
    }


def score_numbers(y_N: np.ndarray, predicted_N: np.ndarray, rows: np.ndarray) -> dict[str, Any]:
    """R², mean absolute error, root of the mean squared error, and the residuals y - p of rows spread over all."""
    residual_N = y_N - predicted_N
    varied = bool(np.ptp(y_N) > 0)
    counts, edges = np.histogram(residual_N, RESIDUAL_BINS)
    shown = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), MOST_RESIDUALS)).round().astype(int))
    return {
        "r2": float(metrics.r2_score(y_N, predicted_N)) if varied else None,
        "interval": score_interval("r2", y_N, predicted_N) if varied else None,
        "mae": float(metrics.mean_absolute_error(y_N, predicted_N)),
        "rmse": float(metrics.root_mean_squared_error(y_N, predicted_N)),
        "residuals": {
            "predicted": predicted_N[shown].tolist(),
            "true": y_N[shown].tolist(),
            "residual": residual_N[shown].tolist(),
            "row": rows[shown].tolist(),
        },
        "histogram": {"edges": edges.tolist(), "counts": counts.tolist()},
    }


def describe_columns(judged: Judged, part: Part) -> list[dict[str, Any]]:
    """What a subset may be chosen by: each raw column with its range or its values; nothing for pictures."""
    if judged.experiment.dataset.picture is not None:
        return []
    found: list[dict[str, Any]] = []
    for index, name in enumerate(judged.data.raw_names):
        values_N = part.split.raw[:, index]
        known = values_N[np.isfinite(values_N)]
        if values := category_names(judged, index):
            others = [other_name(judged, index)] if (values_N == UNKNOWN).any() else []
            found.append({"name": name, "values": [*values, *others]})
        elif len(known):
            found.append({"name": name, "low": float(known.min()), "high": float(known.max())})
    return found
