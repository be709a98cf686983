"""Points that a person has drawn: the recipe holds them, and which of them are for training."""

from __future__ import annotations

from functools import cached_property
from math import cos, pi, sin
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

from dlcore.component import validate
from dlcore.datasets.base import DatasetComponent, Table
from dlcore.datasets.toy import ToyDataset
from dlcore.objectives import Classes, objective_of_classes
from dlcore.problems import Problem

if TYPE_CHECKING:
    from dlcore.datasets.split import Data, Split

EDGE = 6.0  # the plane that is drawn on reaches from -EDGE to EDGE
MOST_CLASSES = 6
MOST_POINTS = 2000  # in all
DECIMALS = 3

Coordinate = Annotated[float, Field(ge=-EDGE, le=EDGE)]
Point = tuple[Coordinate, Coordinate, Annotated[int, Field(ge=0, lt=MOST_CLASSES)]]
Points = Annotated[tuple[Point, ...], Field(json_schema_extra={"maxItems": MOST_POINTS})]


def _draw_two_arms(count: int, start: float) -> tuple[Point, ...]:
    """Two arms of a slow spiral in turn, half a turn apart: `count` points, each a little further out than the last."""
    points = []
    for index in range(count):
        along = (index // 2 + start) / (count // 2)
        radius, angle = 1 + 4 * along, 1.25 * pi * along + pi * (index % 2)
        points.append((round(radius * cos(angle), DECIMALS), round(radius * sin(angle), DECIMALS), index % 2))
    return tuple(points)


class Drawn(DatasetComponent):
    """Points drawn by hand on the plane, each with its class, some to learn from and some to test with (as Karpathy, ConvNetJS, 2014)."""

    kind: Literal["drawn"] = "drawn"
    title: ClassVar[str] = "Drawn"
    inputs: ClassVar[int] = 2
    own_split: ClassVar[bool] = True
    train: Points = Field(
        default=_draw_two_arms(40, 0.0), description="Points to learn from: x1, x2 and class of each."
    )
    test: Points = Field(default=_draw_two_arms(20, 0.25), description="Points to test with: x1, x2 and class of each.")
    validation: Points = Field(
        default=(),
        description="Points to watch while it learns, so that the test points judge in the end only; none: the test points.",
    )

    @field_validator("train", "test", "validation", mode="after")
    @classmethod
    def _rounds(cls, points: tuple[Point, ...]) -> tuple[Point, ...]:
        return tuple(_round_point(*point) for point in points)

    @model_validator(mode="after")
    def _enough_of_each(self) -> Drawn:
        if self.rows > MOST_POINTS:
            raise Problem("drawn_too_many", came=self.rows, limit=MOST_POINTS)
        if len(self.train) < 2:
            raise Problem("drawn_few_train", came=len(self.train))
        if not self.test:
            raise Problem("drawn_no_test")
        learned = {label for _, _, label in self.train}
        for label in range(self.num_classes):
            if label not in learned:
                raise Problem("drawn_class_empty", label=label)
        return self

    @classmethod
    def of(cls, data: Data) -> Drawn:
        """Rows of classes on the plane as drawn points, in the same order; points beyond the edge are moved onto it. Raises Problem."""
        parts = {"train": data.train, "test": data.watched}
        if data.final is not None:
            parts |= {"test": data.final, "validation": data.watched}
        return validate(cls, {name: round_points(part) for name, part in parts.items()})

    @property
    def points(self) -> tuple[Point, ...]:
        """All points, the training points first, the test points last."""
        return self.train + self.validation + self.test

    @cached_property
    def objective(self) -> Classes:  # type: ignore[override]
        return objective_of_classes(max(2, 1 + max((label for _, _, label in self.points), default=0)))

    @property
    def rows(self) -> int:
        return len(self.train) + len(self.test) + len(self.validation)

    def test_rows(self, fraction: float) -> int:
        return len(self.test)

    def validation_rows(self, fraction: float) -> int:
        return len(self.validation)

    def sample(self, generator: np.random.Generator) -> Table:
        points = np.array(self.points, dtype=np.float64)
        names = tuple(str(index) for index in range(self.num_classes))
        return Table(points[:, :2].copy(), points[:, 2].astype(np.int64), ("x1", "x2"), names)


def can_be_drawn_on(dataset: DatasetComponent) -> bool:
    """Whether people may draw on the rows: points of classes on the plane, generated or drawn. Rows of a table are never changed."""
    return isinstance(dataset, (Drawn, ToyDataset)) and dataset.surface == "plane" and dataset.objective.has_classes


def drawing_limits(dataset: DatasetComponent) -> dict[str, Any] | None:
    """What the page must know to let somebody draw on the rows; None if they cannot be drawn on."""
    if not can_be_drawn_on(dataset) or dataset.num_classes > MOST_CLASSES:
        return None
    return {"points": MOST_POINTS, "classes": MOST_CLASSES, "edge": EDGE, "decimals": DECIMALS}


def round_points(split: Split) -> list[Point]:
    """Rows of any classes on the plane as points that can be drawn."""
    points = np.clip(split.raw, -EDGE, EDGE).tolist()
    return [_round_point(x1, x2, label) for (x1, x2), label in zip(points, split.y.tolist(), strict=True)]


def _round_point(x1: float, x2: float, label: int) -> Point:
    # + 0.0 turns -0.0, to which -0.0004 is rounded, into 0.0.
    return round(x1, DECIMALS) + 0.0, round(x2, DECIMALS) + 0.0, label
