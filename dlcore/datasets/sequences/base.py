"""What all sequences of tokens have in common.  N rows, T steps.

Tokens are ids: 0 is padding, on the left of a row that is shorter than T; 1 is a token that is not known; the symbols begin with 2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np
from pydantic import Field

from dlcore.datasets.base import Surface, Table
from dlcore.datasets.fitting import Fitting
from dlcore.datasets.rules import RuleData
from dlcore.datasets.sequences.stacks import recurrent, to_compare

PADDING, UNKNOWN, FIRST = 0, 1, 2  # ids; the first of a symbol
LETTERS = "abcdefghijklmnopqrstuvwxyz"


class TokenData(RuleData):
    """Rows of T tokens made by a rule, no two of them the same: what is watched has never been learned from.

    Where there are fewer different rows than `samples` asks for, there are only so many.
    """

    group: ClassVar[str] = "sequences"
    tried: ClassVar[Fitting | None] = Fitting(layers=recurrent("lstm", tokens=True))
    length: int
    samples: int = Field(
        default=1000, ge=20, le=5000, description="Number of sequences, training and test together, no two the same."
    )

    @property
    def symbol_names(self) -> tuple[str, ...]:
        """How each symbol is written."""
        raise NotImplementedError

    def token_name(self, token: int) -> str:
        return ("", "?", *self.symbol_names)[token]

    @property
    def possible(self) -> int:
        """How many different rows there can be in all."""
        raise NotImplementedError

    @property
    def rows(self) -> int:
        return min(self.samples, self.possible)

    @property
    def inputs(self) -> int:  # type: ignore[override]
        return self.length

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.length,)

    @property
    def vocabulary(self) -> int:
        return FIRST + len(self.symbol_names)

    def stacks(self, train_rows: int) -> dict[str, Fitting]:
        return to_compare(tokens=True)

    @property
    def surface(self) -> Surface:
        return "space"

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(f"step {step}" for step in range(1, self.length + 1))

    @property
    def class_names(self) -> tuple[str, ...]:
        """What the classes are called; () where no class is asked for."""
        return ()

    def sample(self, generator: np.random.Generator) -> Table:
        X, y = self.make(generator)
        return Table(X, y, self.column_names, self.class_names)


def distinct(count: int, draw: Callable[[int], np.ndarray]) -> np.ndarray:
    """(count, T): different rows, the first that `draw(n)` gives; it is asked for more until they are enough."""
    rows = draw(count)
    while True:
        _, first = np.unique(rows, axis=0, return_index=True)
        rows = rows[np.sort(first)]
        if len(rows) >= count:
            return rows[:count]
        rows = np.concatenate([rows, draw(count)])
