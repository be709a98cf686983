"""How columns go together: Pearson's r, the correlation ratio, and which column alone tells the target.  N rows, P columns."""

from __future__ import annotations

import numpy as np

BINS = 20  # Groups into which a number is cut to see what it alone tells of the target.
ENOUGH = 50  # With fewer known rows, a column is never said to tell the target.
TELLS = 0.995  # Share of rows, or of the variance, above which one column tells too much.
AT_MOST = 20_000  # Rows that are looked at.


def pearson(X: np.ndarray) -> np.ndarray:
    """Correlations of the columns of X (N, P) over the rows that have both; NaN where a column is constant (Pearson, 1895)."""
    known = ~np.isnan(X)
    scale = np.nanmax(np.abs(X), axis=0, initial=0)
    scaled = X / np.where(scale > 0, scale, 1)
    # Centred first: the sums below would lose the digits that matter.
    means = np.where(known, scaled, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    centred = np.where(known, scaled - means, 0.0)
    products = centred.T @ centred
    if known.all():
        rows, sums = len(X), np.zeros_like(products)
        squares = np.repeat(np.diag(products)[:, None], len(products), axis=1)
    else:
        mask = known.astype(np.float64)
        rows = mask.T @ mask
        sums = centred.T @ mask  # Of column i over the rows where j is known.
        squares = (centred**2).T @ mask
    with np.errstate(all="ignore"):
        covariance = products - sums * sums.T / rows
        variance = squares - sums**2 / rows
        varies = variance > 1e-20 * np.diag(squares)[:, None]
        r = np.where(varies & varies.T, covariance / (np.sqrt(variance) * np.sqrt(variance.T)), np.nan)
    return np.clip(r, -1, 1)


def correlation_ratio(values: np.ndarray, classes: np.ndarray) -> float:
    """eta: the root of the share of the variance that lies between the classes; NaN for a constant (Pearson, 1905)."""
    known = ~np.isnan(values) & (classes >= 0)
    x, y = values[known], classes[known]
    if not len(x):
        return np.nan
    x = x / (np.abs(x).max() or 1)
    x = x - x.mean()
    rows = np.bincount(y)
    means = np.bincount(y, weights=x) / np.maximum(rows, 1)
    whole = (x**2).sum()
    return float(np.sqrt(min(1.0, (rows * means**2).sum() / whole))) if whole > 1e-14 * len(x) else np.nan


def share_told_of_classes(groups: np.ndarray, classes: np.ndarray) -> float:
    """The share of rows that are right when each group is given its most frequent class: 1 when the groups tell the class."""
    known = (groups >= 0) & (classes >= 0)
    if known.sum() < ENOUGH:
        return 0.0
    table = np.zeros((groups[known].max() + 1, classes[known].max() + 1))
    np.add.at(table, (groups[known], classes[known]), 1)
    return float(table.max(axis=1).sum() / known.sum())


def share_told_by_cut(values: np.ndarray, classes: np.ndarray) -> float:
    """The share of rows that are right when one cut through a number tells two classes apart: the best decision stump."""
    known = ~np.isnan(values) & (classes >= 0)
    if known.sum() < ENOUGH:
        return 0.0
    order = np.argsort(values[known], kind="stable")
    x, y = values[known][order], classes[known][order]
    cuts = np.flatnonzero(np.diff(x) > 0)
    if not len(cuts):
        return 0.0
    ones = np.cumsum(y)[cuts]
    right = (cuts + 1 - ones) + (y.sum() - ones)  # Zeros before the cut and ones after it.
    return float(max(right.max(), len(y) - right.min()) / len(y))


def share_told_of_values(groups: np.ndarray, values: np.ndarray) -> float:
    """The share of the variance of a number that lies between the groups."""
    known = (groups >= 0) & ~np.isnan(values)
    return 0.0 if known.sum() < ENOUGH else correlation_ratio(values[known], groups[known]) ** 2


def find_groups(values: np.ndarray) -> np.ndarray:
    """The index of each number's group among `BINS` groups of about equal size, cut at its quantiles; -1 where it is missing."""
    known = ~np.isnan(values)
    edges = np.unique(np.quantile(values[known], np.linspace(0, 1, BINS + 1)[1:-1])) if known.any() else np.empty(0)
    return np.where(known, np.searchsorted(edges, values, side="right"), -1)
