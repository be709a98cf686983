"""A real series: births a day.  N rows, T days."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from dlcore.datasets.base import DatasetComponent, Surface, Table
from dlcore.datasets.fitting import Fitting
from dlcore.datasets.preparation import Preparation, PreparedNumber
from dlcore.datasets.sequences.stacks import recurrent, to_compare
from dlcore.objectives import Numbers, ObjectiveComponent

BUNDLED = Path(__file__).parents[1] / "bundled" / "births" / "births.json"
DAYS = 3652  # from 1 January 1994 to 31 December 2003
WEEK = 7


@cache
def daily_births() -> np.ndarray:
    """(DAYS,) births on each day, in the order of the calendar."""
    births = np.array(json.loads(BUNDLED.read_text())["births"], np.float64)
    births.setflags(write=False)  # It is shared.
    return births


def say_as_last_week(raw_NT: np.ndarray) -> np.ndarray:
    """(N,) what somebody says who only looks at the same day of the week before: a network is worth its trouble if it is better."""
    return raw_NT[:, -WEEK]


class Births(DatasetComponent):
    """Births on the next day, from those of the days before: United States, 1994-2003 (National Center for Health Statistics, 2003)."""

    kind: Literal["births"] = "births"
    title: ClassVar[str] = "Births a day"
    group: ClassVar[str] = "sequences"
    objective: ClassVar[ObjectiveComponent] = Numbers()
    split_in_time: ClassVar[bool] = True
    daily: ClassVar[bool] = True
    tried: ClassVar[Fitting | None] = Fitting(layers=recurrent("lstm", tokens=False), batch_size=32)
    length: int = Field(default=14, ge=7, le=56, description="Number of days that are seen before the one to be said.")

    def stacks(self, train_rows: int) -> dict[str, Fitting]:
        return to_compare(tokens=False, batch_size=32)

    @property
    def rows(self) -> int:
        return DAYS - self.length

    @property
    def inputs(self) -> int:  # type: ignore[override]
        return self.length

    @property
    def shape(self) -> tuple[int, ...]:
        return self.length, 1

    @property
    def surface(self) -> Surface:
        return "space"

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(f"{days} days before" if days > 1 else "1 day before" for days in range(self.length, 0, -1))

    def sample(self, generator: np.random.Generator) -> Table:
        windows = np.lib.stride_tricks.sliding_window_view(daily_births(), self.length + 1)
        return Table(windows[:, :-1].copy(), windows[:, -1].copy(), self.column_names, ())

    def prepare(self, X: np.ndarray, y: np.ndarray) -> Preparation:
        """One mean and deviation for every day and for the target: a number of births means the same in each place."""
        mean, deviation = float(X.mean()), float(X.std())
        column = PreparedNumber(shift=mean, divisor=deviation)
        return Preparation((column,) * X.shape[1], target_mean=mean, target_deviation=deviation)
