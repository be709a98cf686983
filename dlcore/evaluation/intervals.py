"""A score, accuracy, balanced accuracy or R², and how sure it is: its 95% interval.

Of an accuracy Wilson's score interval (Wilson, 1927; Brown, Cai and DasGupta, 2001), which is honest about few rows and about rows that
are all right, where resamples never differ. Of other scores the middle 95% of what they would be on rows drawn again with replacement
(Efron and Tibshirani, An introduction to the bootstrap, 1993, chapter 13, percentile intervals).

N rows, R resamples, S sums of a row's numbers, K classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dlcore.metrics import Measure

if TYPE_CHECKING:
    from dlcore.experiment import Experiment

RESAMPLES = 1000
SEED = 0  # The same rows give the same interval.
Z = 1.959963984540054  # The middle 95% of a normal distribution lies within so many standard deviations.
DRAWN_AT_ONCE = 1 << 15  # rows, of one resample or several: their counts stay in the cache


def measure_of(experiment: Experiment) -> Measure:
    """What a network of this recipe is scored by."""
    return experiment.objective.score(experiment.class_weights)


def score(measure: Measure, y_N: np.ndarray, said_N: np.ndarray) -> float | None:
    """Accuracy of predicted classes or R² of predicted values; None for the R² of targets that are all equal."""
    if measure == "accuracy":
        return float((said_N == y_N).mean())
    if measure == "balanced_accuracy":
        return balanced_accuracy(y_N, said_N)
    spread = float(((y_N - y_N.mean()) ** 2).sum())
    return 1 - float(((y_N - said_N) ** 2).sum()) / spread if spread > 0 else None


def score_interval(measure: Measure, y_N: np.ndarray, said_N: np.ndarray) -> list[float] | None:
    """The 95% interval of the score of these rows; None where there is no score."""
    if measure == "accuracy":
        return wilson_interval(int((said_N == y_N).sum()), len(y_N))
    return interval(resample_scores(measure, y_N, said_N))


def name_method(measure: Measure) -> str:
    """How the interval of this score was found: "wilson" or "bootstrap"."""
    return "wilson" if measure == "accuracy" else "bootstrap"


def wilson_interval(hits: int, rows: int) -> list[float]:
    """The shares p at which hits / rows is within z standard deviations sqrt(p (1 - p) / rows) of p (Wilson, 1927)."""
    share, more = hits / rows, Z**2 / rows
    centre = (share + more / 2) / (1 + more)
    half = Z / (1 + more) * (share * (1 - share) / rows + more / (4 * rows)) ** 0.5
    return [max(0.0, centre - half), min(1.0, centre + half)]


def resample_scores(measure: Measure, y_N: np.ndarray, said_N: np.ndarray, seed: int = SEED) -> np.ndarray:
    """(R,) scores of resamples of the rows; NaN where there is none. Two sets of rows need two seeds, or they are drawn alike."""
    if measure == "accuracy":
        return accuracies(said_N == y_N, seed)
    return (balanced_accuracies if measure == "balanced_accuracy" else r2_scores)(y_N, said_N, seed)


def accuracies(correct_N: np.ndarray, seed: int = SEED) -> np.ndarray:
    """(R,) accuracies of resamples. The hits among N rows drawn with replacement are binomial, so nobody has to draw the rows."""
    rows = len(correct_N)
    return np.random.default_rng(seed).binomial(rows, correct_N.mean(), RESAMPLES) / rows


def balanced_accuracy(y_N: np.ndarray, said_N: np.ndarray) -> float:
    """The mean over the classes of the share of their rows that is right; a class without rows does not count (Brodersen et al., 2010)."""
    return float(np.mean([(said_N[y_N == label] == label).mean() for label in np.unique(y_N)]))


def balanced_accuracies(y_N: np.ndarray, said_N: np.ndarray, seed: int = SEED) -> np.ndarray:
    """(R,) balanced accuracies of resamples, in which every class keeps its number of rows."""
    correct = [said_N[y_N == label] == label for label in np.unique(y_N)]
    generator = np.random.default_rng(seed)
    hits_KR = [generator.binomial(len(one), one.mean(), RESAMPLES) / len(one) for one in correct]
    return np.mean(hits_KR, axis=0)


def r2_scores(true_N: np.ndarray, predicted_N: np.ndarray, seed: int = SEED) -> np.ndarray:
    """(R,) R² of resamples; NaN where all targets of a resample are equal."""
    errors_R, spread_R = _resample_errors(true_N, ((true_N - predicted_N) ** 2)[None], seed)
    return 1 - errors_R / spread_R


def resample_r2_gains(y_N: np.ndarray, ours_N: np.ndarray, theirs_N: np.ndarray, seed: int = SEED) -> np.ndarray:
    """(R,) R² of one model minus that of another, both on the same resamples; NaN where all targets of a resample are equal."""
    errors_2N = np.stack([(y_N - one) ** 2 for one in (ours_N, theirs_N)])
    ours_R, theirs_R, spread_R = _resample_errors(y_N, errors_2N, seed)
    return (theirs_R - ours_R) / spread_R


def interval(scores_R: np.ndarray) -> list[float] | None:
    """The middle 95% of these scores, or None where there is no score."""
    found = scores_R[np.isfinite(scores_R)]
    return [float(end) for end in np.percentile(found, [2.5, 97.5])] if len(found) else None


def _resample_errors(y_N: np.ndarray, errors_MN: np.ndarray, seed: int) -> list[np.ndarray]:
    """(R,) arrays over resamples: the sum of each of M models' squared errors; last, that of the targets about their mean, NaN for none."""
    centred = y_N - y_N.mean()  # R² stays, and squares of large numbers do not cancel each other.
    *errors_MR, total_R, squares_R = _resample_sums(np.stack([*errors_MN, centred, centred**2], axis=1), seed).T
    spread_R = squares_R - total_R**2 / len(y_N)
    spread_R[spread_R <= 1e-12 * squares_R] = np.nan
    return [*errors_MR, spread_R]


def _resample_sums(numbers_NS: np.ndarray, seed: int) -> np.ndarray:
    """(R, S) column sums over resamples of the rows: how often each row is drawn, times its numbers."""
    rows, generator = len(numbers_NS), np.random.default_rng(seed)
    together = max(1, DRAWN_AT_ONCE // rows)
    pieces = []
    for start in range(0, RESAMPLES, together):
        resamples = min(together, RESAMPLES - start)
        drawn = generator.integers(0, rows, (resamples, rows)) + rows * np.arange(resamples)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=resamples * rows).reshape(resamples, rows)
        pieces.append(counts @ numbers_NS)
    return np.concatenate(pieces)
