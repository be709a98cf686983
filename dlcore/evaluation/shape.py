"""What the shape of a learning or capacity curve means: bias or variance (Geman et al., 1992; Ng, Machine Learning Yearning, 2018).

Scores are compared as skill, the share of the baseline's errors that is gone, so that the same rule holds for accuracy and R².
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dlcore.evaluation import Judged, Part
from dlcore.evaluation.findings import Finding, finding, skill
from dlcore.evaluation.intervals import measure_of
from dlcore.metrics import Measure

HIGH_BIAS = 0.2  # share of the baseline's errors that is left even on the rows that were learned from
HIGH_VARIANCE = 0.1  # skill that is lost between these and the watched rows
STILL_RISING = 0.02  # skill that the last doubling of the rows has brought

Points = list[dict[str, Any]]


def judge_learning(judged: Judged, points: Points) -> list[Finding]:
    """Bias and variance at the largest size, and whether more rows would still help."""
    known = [(point, *_means(point)) for point in points if _is_scored(point)]
    if not known:
        return []
    baseline = constant_score(judged, judged.watched)
    point, train, watched = known[-1]
    train_skill, watched_skill = skill(train, baseline), skill(watched, baseline)
    error = _standard_error(judged, point) / (1 - baseline) if baseline < 1 else 0.0
    left, gap = 1 - train_skill, train_skill - watched_skill
    biased, varying = left > HIGH_BIAS, gap > max(HIGH_VARIANCE, 2 * error)
    key = {(True, True): "bias_and_variance", (True, False): "high_bias", (False, True): "high_variance"}.get(
        (biased, varying), "balanced"
    )
    scores = {"train": train, "watched": watched, "baseline": baseline}
    shares = {"left": left, "gap": gap, "most_left": HIGH_BIAS, "most_gap": HIGH_VARIANCE}
    values = scores | {name: f"{share:.0%}" for name, share in shares.items()}
    found = [finding(key, "warning" if biased or varying else "fine", values, **scores, **shares)]
    if len(known) > 1:
        fewer, _, before = known[-2]
        rise = watched_skill - skill(before, baseline)
        more = rise > max(STILL_RISING, error)
        rows = {"rows": point["x"], "fewer": fewer["x"], "before": before, "watched": watched}
        found.append(finding("more_rows_help" if more else "more_rows_idle", "notice", rows, rise=rise, **rows))
    return found


def judge_capacity(judged: Judged, points: Points) -> list[Finding]:
    """The smallest network within one standard error of the best one (Breiman et al., CART, 1984), beside the recipe's own."""
    known = {point["x"]: (point, *_means(point)) for point in points if _is_scored(point)}
    own = sum(judged.experiment.hidden_units.values())
    if own not in known or len(known) < 2:
        return []
    best = max(known, key=lambda units: known[units][2])
    good_enough = known[best][2] - _standard_error(judged, known[best][0])
    enough = min(units for units in known if known[units][2] >= good_enough)
    if enough < own:
        key = "capacity_smaller"
    else:
        key = "capacity_larger" if enough > own else "capacity_right"
    values = {
        "own": own, "own_score": known[own][2], "own_train": known[own][1],
        "enough": enough, "enough_score": known[enough][2], "best": best, "best_score": known[best][2],
    }  # fmt: skip
    return [finding(key, "fine" if key == "capacity_right" else "notice", values, **values)]


def constant_score(judged: Judged, part: Part) -> float:
    """The score of always predicting the most frequent training class, on these rows; for numbers 0, the R² of the mean.

    Where classes are weighted: the balanced accuracy of always predicting the same class.
    """
    return score_of_constant(measure_of(judged.experiment), judged.train.split.y, part.split.y)


def score_of_constant(measure: Measure, train_N: np.ndarray, y_N: np.ndarray) -> float:
    """The same of the true values of the training rows, and of the rows that are scored."""
    if measure == "r2":
        return 0.0
    if measure == "balanced_accuracy":
        return 1 / len(np.unique(y_N))
    return float((y_N == np.bincount(train_N).argmax()).mean())


def _is_scored(point: dict[str, Any]) -> bool:
    return any(value is not None for value in point["train"]) and any(value is not None for value in point["test"])


def _means(point: dict[str, Any]) -> tuple[float, float]:
    train, watched = (float(np.mean([one for one in point[name] if one is not None])) for name in ("train", "test"))
    return train, watched


def _standard_error(judged: Judged, point: dict[str, Any]) -> float:
    """Standard error of the mean watched score: from the spread of the seeds or from the number of rows, whichever is larger.

    An accuracy p of n rows has sqrt(p (1 - p) / n), an R² about (1 - R²) sqrt(2 / n): the mean square of n normal errors. A balanced
    accuracy is the mean of K accuracies of n_k rows, and as sure as one of K^2 / sum(1 / n_k) rows.
    """
    scores, rows = [one for one in point["test"] if one is not None], float(len(judged.watched.split.y))
    if measure_of(judged.experiment) == "balanced_accuracy":
        _, rows_K = np.unique(judged.watched.split.y, return_counts=True)
        rows = len(rows_K) ** 2 / float((1 / rows_K).sum())
    mean = float(np.mean(scores))
    of_rows = np.sqrt(mean * (1 - mean) / rows) if judged.data.class_names else (1 - mean) * np.sqrt(2 / rows)
    of_seeds = np.std(scores, ddof=1) / np.sqrt(len(scores)) if len(scores) > 1 else 0.0
    return float(max(of_rows, of_seeds))
