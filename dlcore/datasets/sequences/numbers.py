"""Sequences of numbers: T steps of F numbers each, which stand one after another in a row.  N rows, T steps."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from dlcore.datasets.base import Grey, Surface, Table
from dlcore.datasets.fitting import Fitting
from dlcore.datasets.rules import Rows, RuleData
from dlcore.datasets.sequences.stacks import recurrent, to_compare
from dlcore.datasets.tabular import BundledTable, Digits
from dlcore.objectives import Numbers, ObjectiveComponent


def adding(samples: int, length: int, generator: np.random.Generator) -> Rows:
    numbers, marks = generator.uniform(0, 1, (samples, length)), np.zeros((samples, length))
    half, rows = length // 2, np.arange(samples)
    marks[rows, generator.integers(half, size=samples)] = 1  # one in the first half, one in the second
    marks[rows, generator.integers(half, length, size=samples)] = 1
    return np.stack([numbers, marks], axis=2).reshape(samples, -1), (numbers * marks).sum(axis=1)


def noisy_sine(samples: int, length: int, noise: float, generator: np.random.Generator) -> Rows:
    period = generator.uniform(8, 32, (samples, 1))
    phase = generator.uniform(0, 2 * np.pi, (samples, 1))
    values = np.sin(2 * np.pi * np.arange(length + 1) / period + phase)
    values += noise * generator.standard_normal(values.shape)
    return values[:, :-1], values[:, -1]


class NumberSequences(RuleData):
    """Rows of T steps of numbers made by a rule, of which a number is to be said."""

    group: ClassVar[str] = "sequences"
    tried: ClassVar[Fitting | None] = Fitting(layers=recurrent("lstm", tokens=False))
    objective: ClassVar[ObjectiveComponent] = Numbers()
    names: ClassVar[tuple[str, ...]]  # of the numbers of a step
    length: int
    samples: int = Field(default=1000, ge=20, le=5000, description="Number of sequences, training and test together.")

    def stacks(self, train_rows: int) -> dict[str, Fitting]:
        return to_compare(tokens=False)

    @property
    def rows(self) -> int:
        return self.samples

    @property
    def shape(self) -> tuple[int, ...]:
        return self.length, len(self.names)

    @property
    def inputs(self) -> int:  # type: ignore[override]
        return math.prod(self.shape)

    @property
    def surface(self) -> Surface:
        return "space"

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(f"{name} {step}" for step in range(1, self.length + 1) for name in self.names)

    def rule_arguments(self) -> dict[str, Any]:
        return {"samples": self.samples, "length": self.length}

    def sample(self, generator: np.random.Generator) -> Table:
        X, y = self.make(generator)
        return Table(X, y, self.column_names, ())


class AddingData(NumberSequences):
    """The sum of the two numbers that are marked; always saying 1 has an MSE of 1/6 (Hochreiter and Schmidhuber, 1997)."""

    kind: Literal["adding"] = "adding"
    title: ClassVar[str] = "Adding"
    rule = staticmethod(adding)
    names: ClassVar[tuple[str, ...]] = ("number", "mark")
    length: int = Field(default=10, ge=4, le=64, description="Number of steps; two of them are marked.")


class NoisySineData(NumberSequences):
    """The next value of a sine of any period from 8 to 32 steps, seen with noise (Yule, 1927)."""

    kind: Literal["noisy_sine"] = "noisy_sine"
    title: ClassVar[str] = "Noisy sine"
    rule = staticmethod(noisy_sine)
    names: ClassVar[tuple[str, ...]] = ("step",)
    length: int = Field(default=16, ge=4, le=64, description="Number of steps that are seen before the one to be said.")
    noise: float = Field(
        default=0.1, ge=0, le=1, description="Standard deviation of the noise; the sine reaches from -1 to 1."
    )

    def rule_arguments(self) -> dict[str, Any]:
        return {**super().rule_arguments(), "noise": self.noise}


class DigitRows(BundledTable):
    """1,797 handwritten digits read line by line: 8 steps of 8 pixels, 10 classes (Alpaydin and Kaynak, 1998)."""

    kind: Literal["digit_rows"] = "digit_rows"
    title: ClassVar[str] = "Digits line by line"
    group: ClassVar[str] = "sequences"
    loader: ClassVar[str] = Digits.loader
    size: ClassVar[int] = Digits.size
    inputs: ClassVar[int] = Digits.inputs
    objective: ClassVar[ObjectiveComponent] = Digits.objective
    tried: ClassVar[Fitting | None] = Fitting(layers=recurrent("lstm", tokens=False, units=32))

    def stacks(self, train_rows: int) -> dict[str, Fitting]:
        return to_compare(tokens=False, units=32)

    @property
    def shape(self) -> tuple[int, ...]:
        return 8, 8

    @property
    def picture(self) -> Grey:
        return Grey(height=8, width=8, brightest=16)
