"""Leakage: a column that alone knows the target was most likely made from it (Kaufman et al., Leakage in data mining, 2012).  N rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from dlcore.evaluation import Judged
from dlcore.evaluation.findings import Finding, finding, skill
from dlcore.randomness import derived_seed

LEAKING = 0.98  # a column leaks if it alone removes this share of the baseline's errors
MOST_ROWS = 2000
FOLDS = 5
DEEPEST = 5  # 32 leaves: enough for the categories of a column, too few to learn rows by heart


def find_leaks(judged: Judged, progress: Callable[[float], None]) -> list[Finding]:
    """Columns from which alone a shallow tree predicts the target, cross-validated on training rows. An only column is not suspected."""
    raw_NC, y_N = _draw_sample(judged)
    classes, columns = bool(judged.data.class_names), raw_NC.shape[1]
    if columns < 2 or len(y_N) < 4 * FOLDS or np.ptp(y_N) == 0:
        return []
    tree: Any = (DecisionTreeClassifier if classes else DecisionTreeRegressor)(
        max_depth=DEEPEST, min_samples_leaf=2, random_state=0
    )
    folds = (StratifiedKFold if classes else KFold)(FOLDS, shuffle=True, random_state=0)
    baseline = float(np.bincount(y_N).max() / len(y_N)) if classes else 0.0
    found = []
    for column, name in enumerate(judged.data.raw_names):
        progress(column / columns)
        values_N1 = _scale(raw_NC[:, column])[:, None]
        # A column that does not even fit the rows that the tree has seen is skipped: most columns cost only one fit.
        if skill(tree.fit(values_N1, y_N).score(values_N1, y_N), baseline) < LEAKING:
            continue
        alone = float(cross_val_score(tree, values_N1, y_N, cv=folds).mean())
        if skill(alone, baseline) >= LEAKING:
            values = {"column": name, "alone": alone, "baseline": baseline, "folds": FOLDS}
            found.append(finding("leak", "warning", values, **values, depth=DEEPEST, rows=len(y_N)))
    return found


def _draw_sample(judged: Judged) -> tuple[np.ndarray, np.ndarray]:
    """Some training rows, of classes that stand in every fold."""
    raw_NC, y_N = judged.train.split.raw, judged.train.split.y
    generator = np.random.default_rng(derived_seed(judged.experiment.seed, "leak"))
    rows = np.sort(generator.permutation(len(y_N))[:MOST_ROWS])
    if judged.data.class_names:
        rows = rows[np.bincount(y_N[rows])[y_N[rows]] >= FOLDS]
    return raw_NC[rows], y_N[rows]


def _scale(values_N: np.ndarray) -> np.ndarray:
    """From -1 to 1 around their median: a tree computes in float32, in which 1e300 is infinite and 1e9 + 1 is 1e9."""
    if np.isnan(values_N).all():
        return values_N
    shrunk_N = _shrink(values_N)  # First, as the difference of two finite numbers may be infinite.
    return _shrink(shrunk_N - np.nanmedian(shrunk_N))


def _shrink(values_N: np.ndarray) -> np.ndarray:
    largest = np.nanmax(np.abs(values_N))
    return values_N / largest if largest > 0 else values_N
