"""Sequences of symbols that are to be said again: an answer at each step.  N rows, T steps."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from dlcore.datasets.fitting import Fitting
from dlcore.datasets.rules import Rows
from dlcore.datasets.sequences.base import FIRST, LETTERS, TokenData, distinct
from dlcore.datasets.sequences.stacks import attention_block, recurrent, to_compare
from dlcore.objectives import TokenAnswers, objective_of_tokens


def copy(samples: int, length: int, symbols: int, delay: int, generator: np.random.Generator) -> Rows:
    # Rows differ in what is asked for; the last symbols are heard, but never said again.
    asked = distinct(samples, lambda count: generator.integers(symbols, size=(count, length - delay)))
    rest = generator.integers(symbols, size=(samples, delay))
    X, y = np.column_stack([asked, rest]) + 2, np.zeros((samples, length), np.int64)
    y[:, delay:] = asked + 2
    return X.astype(np.float64), y


def reverse(samples: int, length: int, symbols: int, generator: np.random.Generator) -> Rows:
    X = distinct(samples, lambda count: generator.integers(symbols, size=(count, length))) + 2
    return X.astype(np.float64), X[:, ::-1].copy()


class AnsweredSequences(TokenData):
    """Sequences for each step of which a symbol is asked, or 0: nothing."""

    samples: int = Field(
        default=2000, ge=20, le=5000, description="Number of sequences, training and test together, no two the same."
    )
    symbols: int = Field(default=8, ge=2, le=10, description="How many different symbols there are.")

    @property
    def objective(self) -> TokenAnswers:  # type: ignore[override]
        return objective_of_tokens(FIRST + self.symbols)

    @property
    def symbol_names(self) -> tuple[str, ...]:
        return tuple(LETTERS[: self.symbols])

    def stacks(self, train_rows: int) -> dict[str, Fitting]:
        return to_compare(tokens=True, units=32, each_step=True, batch_size=32)


class CopyData(AnsweredSequences):
    """Each symbol is to be said again some steps later: the network holds several at once (Hochreiter and Schmidhuber, 1997)."""

    kind: Literal["copy"] = "copy"
    title: ClassVar[str] = "Copy"
    rule = staticmethod(copy)
    tried: ClassVar[Fitting | None] = Fitting(layers=recurrent("lstm", True, 32, "all"), batch_size=32)
    length: int = Field(default=16, ge=10, le=64, description="Number of symbols in a sequence.")
    delay: int = Field(default=4, ge=0, le=8, description="After how many steps a symbol is to be said.")

    @property
    def possible(self) -> int:
        return self.symbols ** (self.length - self.delay)

    def rule_arguments(self) -> dict[str, Any]:
        return {"samples": self.rows, "length": self.length, "symbols": self.symbols, "delay": self.delay}


class ReverseData(AnsweredSequences):
    """The sequence from its end: the first answer waits for the last symbol, unless steps look at each other (Graves et al., 2014)."""

    kind: Literal["reverse"] = "reverse"
    title: ClassVar[str] = "Reverse"
    rule = staticmethod(reverse)
    tried: ClassVar[Fitting | None] = Fitting(layers=attention_block(True, 32, 32, each_step=True), batch_size=32)
    length: int = Field(default=16, ge=4, le=64, description="Number of symbols in a sequence.")

    @property
    def possible(self) -> int:
        return self.symbols**self.length

    def rule_arguments(self) -> dict[str, Any]:
        return {"samples": self.rows, "length": self.length, "symbols": self.symbols}
