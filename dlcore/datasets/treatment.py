"""What is done to the columns of a table, learned from its training rows by scikit-learn's own transformers.

One pipeline a column, as `ColumnTransformer` would hold them: SimpleImputer, then StandardScaler, MinMaxScaler or
OneHotEncoder. What they have learned is taken from them as plain numbers, so that a checkpoint can carry it and nobody
needs scikit-learn to predict. N rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dlcore.datasets.columns import UNKNOWN, CategoryColumn, Column, NumberColumn
from dlcore.datasets.preparation import PreparedCategory, PreparedNumber
from dlcore.libraries import room_for_libraries
from dlcore.problems import Problem


def prepare_columns(columns: tuple[Column, ...], X: np.ndarray) -> tuple[PreparedNumber | PreparedCategory, ...]:
    """Each column's preparation, learned from the training rows X (N, C), NaN where missing. Raises Problem for numbers too large."""
    return tuple(
        _prepare_category(column, values) if isinstance(column, CategoryColumn) else _prepare_number(column, values)
        for column, values in zip(columns, X.T, strict=True)
    )


def prepare_target(name: str, y: np.ndarray) -> tuple[float, float]:
    """Mean and deviation of the training rows' target y (N,). Raises Problem for numbers too large to scale."""
    mean, deviation = _measure_scale(y)
    if not _is_small_enough(y, PreparedNumber(shift=mean, divisor=deviation)):
        raise Problem("table_out_of_scale", column=name)
    return mean, deviation


def _prepare_number(column: NumberColumn, values: np.ndarray) -> PreparedNumber:
    with room_for_libraries():
        from sklearn.impute import SimpleImputer
        from sklearn.preprocessing import MinMaxScaler

    with np.errstate(over="ignore", invalid="ignore"):
        # A column without a single training value becomes 0. It is not dropped, since the network has an input for it.
        imputer = SimpleImputer(strategy=column.impute, keep_empty_features=True)
        full = imputer.fit_transform(values[:, None])
        fill = _read_first(imputer.statistics_)
        prepared = PreparedNumber(0.0 if np.isnan(fill) else fill)
        if column.scale == "standard":
            mean, deviation = _measure_scale(full[:, 0])
            prepared = PreparedNumber(prepared.fill, shift=mean, divisor=deviation)
        elif column.scale == "minmax":
            scaler = MinMaxScaler().fit(full)
            prepared = PreparedNumber(prepared.fill, factor=_read_first(scaler.scale_), offset=_read_first(scaler.min_))
        if not _is_small_enough(full[:, 0], prepared):
            raise Problem("table_out_of_scale", column=column.name)
    return prepared


def _measure_scale(values: np.ndarray) -> tuple[float, float]:
    with room_for_libraries():
        from sklearn.preprocessing import StandardScaler

    with np.errstate(over="ignore", invalid="ignore"):
        scaler = StandardScaler().fit(values[:, None])
    return _read_first(scaler.mean_), _read_first(scaler.scale_)


def _read_first(learned: Any) -> float:
    """The number learned for the only column."""
    return float(learned[0])


def _is_small_enough(values: np.ndarray, prepared: PreparedNumber) -> bool:
    """Whether the learned numbers and all training rows as the network sees them are finite."""
    learned = (prepared.fill or 0.0, prepared.shift, prepared.divisor, prepared.factor, prepared.offset)
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(learned).all() and np.isfinite(prepared.transform(values).astype(np.float32)).all())


def _prepare_category(column: CategoryColumn, codes: np.ndarray) -> PreparedCategory:
    with room_for_libraries():
        from sklearn.impute import SimpleImputer
        from sklearn.preprocessing import OneHotEncoder

    present = codes[~np.isnan(codes)].astype(np.int64)
    if not present.size:
        return PreparedCategory((False,) * len(column.values))
    # Names, not codes: of equally frequent categories scikit-learn takes the first in the alphabet.
    names = np.array([*column.values, column.other], dtype=object)[present][:, None]
    known = set(OneHotEncoder().fit(names).categories_[0])
    seen = tuple(value in known for value in column.values)
    if column.impute == "none":
        return PreparedCategory(seen)
    imputer: Any = SimpleImputer(strategy="most_frequent").fit(names)
    most = imputer.statistics_[0]
    return PreparedCategory(seen, column.values.index(most) if most in column.values else int(UNKNOWN))
