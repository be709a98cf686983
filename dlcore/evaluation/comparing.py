"""Two models judged on the same rows: the difference of their scores, how sure it is, and what it comes to.

The rows are the same, so they are compared in pairs: a row on which both are right or both wrong says nothing about which is better
(McNemar, 1947; Dietterich, 1998). Of accuracies the interval is the adjusted Wald interval for paired shares (Bonett and Price, 2012),
which Fagerland, Lydersen and Laake (2014) recommend; of R² the middle 95% over resamples of the rows, each of which scores both models
(bootstrap, Efron and Tibshirani, 1993). N rows, K classes.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from dlcore.evaluation.intervals import Z, interval, resample_r2_gains
from dlcore.metrics import Measure

MARGIN = 0.05  # of the score: models nearer to each other than this are as good as each other

Kind = Literal["better", "worse", "alike", "undecided"]


def compare(measure: Measure, y_N: np.ndarray, ours_N: np.ndarray, theirs_N: np.ndarray) -> dict[str, Any]:
    """{"difference", "interval", "kind"}: our score minus theirs; None where there is no score.

    better, worse: the 95% interval of the difference is above, or below, 0. alike: it holds 0 and ends nearer to it than MARGIN.
    undecided: these rows cannot tell.
    """
    difference, likely = _find_difference(measure, y_N, ours_N, theirs_N)
    return {"difference": difference, "interval": likely, "kind": _judge(likely)}


def _judge(likely: list[float] | None) -> Kind:
    if likely is None:
        return "undecided"
    low, high = likely
    if low > 0:
        return "better"
    if high < 0:
        return "worse"
    return "alike" if low > -MARGIN and high < MARGIN else "undecided"


def _find_difference(
    measure: Measure, y_N: np.ndarray, ours_N: np.ndarray, theirs_N: np.ndarray
) -> tuple[float | None, list[float] | None]:
    if measure == "r2":
        spread = float(((y_N - y_N.mean()) ** 2).sum())
        if not spread:
            return None, None
        gain = float(((y_N - theirs_N) ** 2 - (y_N - ours_N) ** 2).sum())
        return gain / spread, interval(resample_r2_gains(y_N, ours_N, theirs_N))
    right_2N = np.stack([ours_N == y_N, theirs_N == y_N])
    groups = [np.ones(len(y_N), bool)]
    if measure == "balanced_accuracy":
        groups = [y_N == label for label in np.unique(y_N)]
    return _average([paired_difference(*right_2N[:, group]) for group in groups])


def _average(found: list[tuple[float, float, float]]) -> tuple[float, list[float]]:
    """The mean difference of the groups, and its interval: groups are rows of their own, so their variances add up."""
    observed, centres, variances = np.array(found).T
    centre, half = float(centres.mean()), Z * float(variances.sum()) ** 0.5 / len(found)
    return float(observed.mean()), [max(-1.0, centre - half), min(1.0, centre + half)]


def paired_difference(ours_N: np.ndarray, theirs_N: np.ndarray) -> tuple[float, float, float]:
    """Of two models' right rows: the difference of their shares; then, with one row more on each side, its centre and variance.

    With w rows that only ours has right, l that only theirs has, and N + 2 rows in all, the shares are (w + 1) / (N + 2) and
    (l + 1) / (N + 2); the variance of their difference is (their sum - its square) / (N + 2).
    """
    wins, losses, rows = int((ours_N & ~theirs_N).sum()), int((theirs_N & ~ours_N).sum()), len(ours_N)
    centre = (wins - losses) / (rows + 2)
    variance = ((wins + losses + 2) / (rows + 2) - centre**2) / (rows + 2)
    return (wins - losses) / rows, centre, variance
