"""What a threshold on one class's probability would do: ROC, precision and recall, calibration, counts.  N rows, T thresholds."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn import metrics
from sklearn.calibration import calibration_curve

MOST_POINTS = 500  # of a drawn curve
SCORE_BINS = 1000
CALIBRATION_BINS = 10
DECIMALS = 6


def threshold_curves(positive_N: np.ndarray, scores_N: np.ndarray) -> tuple[dict[str, Any], dict[str, Any]]:
    """ROC (Fawcett, 2006), precision against recall (Davis and Goadrich, 2006), from the highest threshold down, and their areas.

    The first point is the one at which nothing is called positive. Without rows of both kinds there is no curve.
    """
    if not 0 < positive_N.sum() < len(positive_N):
        nothing: dict[str, Any] = {"thresholds": []}
        return {"auc": None, "fpr": [], "tpr": [], **nothing}, {"ap": None, "precision": [], "recall": [], **nothing}
    _, fps_T, _, tps_T, thresholds_T = metrics.confusion_matrix_at_thresholds(positive_N, scores_N)
    fpr, recall = (np.concatenate([[0.0], counts / counts[-1]]) for counts in (fps_T, tps_T))
    precision = np.concatenate([[1.0], tps_T / (tps_T + fps_T)])
    # Average precision is a sum of steps, not of trapezoids: there is no threshold between two points.
    average_precision = float(np.sum(np.diff(recall) * precision[1:]))
    shown = _choose_indices(len(fpr))
    thresholds = [None, *_round(thresholds_T[shown[1:] - 1])]
    roc = {"auc": float(metrics.auc(fpr, recall)), "fpr": _round(fpr[shown]), "tpr": _round(recall[shown])}
    pr = {"ap": average_precision, "precision": _round(precision[shown]), "recall": _round(recall[shown])}
    return {**roc, "thresholds": thresholds}, {**pr, "thresholds": thresholds}


def calibration(positive_N: np.ndarray, scores_N: np.ndarray) -> dict[str, list[float]]:
    """How often rows are positive that are said to be so with probability p, in ten equal bins of p (Niculescu-Mizil and Caruana, 2005)."""
    scores_N = _clip_at_1(scores_N)
    share, mean_predicted = calibration_curve(positive_N, scores_N, n_bins=CALIBRATION_BINS)
    inner_edges = np.linspace(0, 1, CALIBRATION_BINS + 1)[1:-1]
    rows = np.bincount(np.searchsorted(inner_edges, scores_N))
    return {"mean_predicted": _round(mean_predicted), "share": _round(share), "rows": rows[rows > 0].tolist()}


def score_counts(positive_N: np.ndarray, scores_N: np.ndarray) -> dict[str, list[float]]:
    """Rows of either kind in a thousand bins of the probability, so that a threshold can move without the rows."""
    scores_N = _clip_at_1(scores_N)
    positive, edges = np.histogram(scores_N[positive_N], SCORE_BINS, (0, 1))
    negative, _ = np.histogram(scores_N[~positive_N], SCORE_BINS, (0, 1))
    return {"edges": _round(edges), "positive": positive.tolist(), "negative": negative.tolist()}


def _clip_at_1(scores_N: np.ndarray) -> np.ndarray:
    return scores_N.clip(0, 1)  # float32 probabilities may be 1 + 1e-7.


def _choose_indices(points: int) -> np.ndarray:
    """At most MOST_POINTS indices of so many points, evenly spread, the first and the last among them."""
    return np.unique(np.linspace(0, points - 1, min(points, MOST_POINTS)).round().astype(int))


def _round(values: np.ndarray) -> list[float]:
    return values.round(DECIMALS).tolist()
